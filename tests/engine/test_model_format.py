"""What the writer makes of models, which of them it refuses, and which bytes the readers refuse."""

from __future__ import annotations

import importlib
import math
import struct
import sys
from types import SimpleNamespace

import drift_engine
import numpy as np
import pytest
from drift_engine.model import ENGINES, BadModel, BadRow, PackedModel
from drift_engine.model.writer import Column, Model, Tree, encode

LEAF = Tree([0], [0.0], [-1], [-1], [7.0])
STUMP = Tree([1, 0, 0], [0.5, 0.0, 0.0], [1, -1, -1], [2, -1, -1], [0.0, 10.0, 20.0])
DIRECTORY = 24
SHAPE = DIRECTORY + 15 * 16
#: Behind the shape of 92 bytes, which is padded, and the raw score of one output.
INPUTS = SHAPE + 96 + 8


def model(**changed) -> Model:
    """Return a model of a stump and a leaf, or another."""
    facts = {
        "features": 2,
        "task": "regression",
        "outputs": 1,
        "columns": [Column(0), Column(1)],
        "trees": [STUMP, LEAF],
        "start": [0.5],
    }
    return Model(**facts | changed)


def changed(tree: Tree, **columns) -> Tree:
    """Return a tree with other arrays."""
    names = ("column", "threshold", "left", "right", "value", "missing_left", "categories", "output")
    return Tree(**{name: getattr(tree, name) for name in names} | columns)


def read(packed: Model, engine: str | None = None) -> PackedModel:
    """Return a model that was written and read."""
    return PackedModel.from_bytes(encode(packed), engine=engine)


def test_figures(engine):
    """A model says what it is made of."""
    packed = read(model(), engine)
    assert (packed.engine, packed.features, packed.task, packed.outputs, packed.raws) == (engine, 2, "regression", 1, 1)
    assert (packed.trees, packed.nodes, packed.threshold) == (2, 4, 0.5)
    assert packed.predict((0.0, 0.5)) == 17.5
    assert packed.predict_many([(0.0, 0.5), (0.0, 0.6)]) == [17.5, 27.5]


def test_equal_models():
    """Equal models give equal bytes, whatever kind of array they are held in."""
    arrays = [np.array(getattr(STUMP, name)) for name in ("column", "threshold", "left", "right", "value")]
    assert encode(model(trees=[Tree(*arrays), LEAF])) == encode(model())


def test_vectors_of_numpy(engine):
    """The numbers of leaves may be a matrix."""
    tree = changed(STUMP, value=np.array([[0.0, 0.0], [0.25, 0.75], [1.0, 0.0]]))
    packed = read(model(task="classification", outputs=2, trees=[tree], start=[0.0, 0.0]), engine)
    assert packed.scores((0.0, 0.0)) == (0.25, 0.75)
    assert packed.predict((0.0, 0.0)) == 0.75


def test_equal_thresholds_once():
    """A threshold that many splits have stands in the file once."""
    once, many = (len(encode(model(trees=[STUMP] * count))) for count in (1, 65))
    assert many - once < 60


def test_probability_of_more_classes(engine):
    """The number of more than two classes is the largest probability."""
    tree = changed(LEAF, value=[[0.2, 0.5, 0.3]])
    packed = read(model(task="classification", outputs=3, trees=[tree], start=[0.0] * 3), engine)
    assert packed.predict((0.0, 0.0)) == 0.5
    assert packed.decide((0.0, 0.0)) == ((0.2, 0.5, 0.3), 1)


@pytest.mark.parametrize(
    ("decision", "expected"),
    [("argmax", 0), ("above", 0), ("at-least", 1), ("raw-above", 0), ("raw-at-least", 1)],
)
def test_label_of_a_tie(decision, expected, engine):
    """Libraries name different classes where both are as probable."""
    tied = model(
        task="classification",
        outputs=2,
        trees=[changed(LEAF, value=[0.0])],
        start=[0.0],
        link="sigmoid",
        decision=decision,
    )
    packed = read(tied, engine)
    assert packed.decide((0.0, 0.0)) == ((0.5, 0.5), expected)
    assert packed.label((0.5, 0.5)) == expected
    assert packed.label((0.25, 0.75)) == 1


def test_label_of_raw_scores(engine):
    """Raw scores tell classes apart where rounding made probabilities equal."""
    near = model(
        task="classification",
        outputs=2,
        trees=[changed(LEAF, value=[-1e-17])],
        start=[0.0],
        link="sigmoid",
        decision="raw-at-least",
    )
    assert read(near, engine).decide((0.0, 0.0)) == ((0.5, 0.5), 0)


BAD_MODELS = {
    "too many classes": ({"outputs": 1001}, "outputs: expected at most 1,000"),
    "no trees": ({"trees": []}, "trees: expected 1 or more"),
    "no features": ({"features": 0}, "features: expected 1 to 65535"),
    "a feature too far": ({"columns": [Column(0), Column(2)]}, "features 0 to 1"),
    "no nodes": ({"trees": [LEAF, Tree([], [], [], [], [])]}, "tree 1: expected arrays of one length"),
    "no nodes at first": ({"trees": [Tree([], [], [], [], [])]}, "tree 0: expected arrays of one length"),
    "arrays of two lengths": ({"trees": [changed(STUMP, value=[1.0])]}, "tree 0: expected arrays of one length"),
    "a child too far": ({"trees": [changed(STUMP, left=[3, -1, -1])]}, "children of node 0"),
    "a cycle": ({"trees": [changed(STUMP, left=[0, -1, -1])]}, "each of its 3 nodes once"),
    "an input too far": ({"trees": [changed(STUMP, column=[2, 0, 0])]}, "an input 0 to 1"),
    "a threshold that is NaN": ({"trees": [changed(STUMP, threshold=[math.nan, 0, 0])]}, "not NaN"),
    "a leaf that is NaN": ({"trees": [changed(LEAF, value=[math.nan])]}, "finite numbers at node 0"),
    "a leaf that is no float32": ({"trees": [changed(LEAF, value=[0.1])], "sum": "f32"}, "float32 numbers at node 0"),
    "a leaf of two numbers": ({"trees": [LEAF, changed(LEAF, value=[[1.0, 2.0]])]}, "1 numbers at node 0"),
    "an output too far": ({"trees": [changed(LEAF, output=1)]}, "an output 0 to 0"),
    "a set of an input of numbers": ({"trees": [changed(STUMP, categories=[{0}, None, None])]}, "codes of the input"),
    "a threshold of a category": ({"columns": [Column(0), Column(1, categories=2)]}, "a set of categories at node 0"),
    "a code too far": (
        {"columns": [Column(0), Column(1, categories=2)], "trees": [changed(STUMP, categories=[{3}, None, None])]},
        "codes of the input at node 0",
    ),
    "no start": ({"start": []}, "an output 0 to -1"),
    "a start that is no float32": ({"start": [0.1], "trees": [LEAF], "sum": "f32"}, "start: expected finite numbers"),
    "a start that is infinite": ({"start": [math.inf]}, "start: expected finite numbers"),
    "two raw scores": ({"start": [0.0, 0.0]}, "raw scores: expected as many as outputs"),
    "a divisor under one": ({"divisor": 0.5}, "divisor: expected a number from 1 on"),
    "parameters of none": ({"parameters": (1.0,)}, "parameters: expected at most 0"),
    "a link of no name": ({"link": "cauchit"}, "link: expected identity, sigmoid"),
    "a denominator of nothing": ({"link": "isolation", "parameters": (0.0,)}, "a denominator above 0"),
    "a short lookup": ({"columns": [Column(0), Column(1, lookup=[1.0, 2.0])]}, "lookup: expected the numbers"),
    "one class": ({"task": "classification"}, "outputs: expected 2 or more classes"),
    "a decision of numbers": ({"decision": "above"}, "decision: expected one of all classes"),
    "tiny numbers and no direction": (
        {"columns": [Column(0), Column(1, zero="missing", missing="zero")]},
        "tiny numbers to be missing only where",
    ),
    "a category that is zero where missing": (
        {"columns": [Column(0, categories=1, missing="zero"), Column(1)]},
        "sets",
    ),
    "a raw decision of two scores": (
        {
            "task": "classification",
            "outputs": 2,
            "start": [0.0, 0.0],
            "trees": [LEAF],
            "decision": "raw-above",
        },
        "one raw score",
    ),
}


@pytest.mark.parametrize("name", BAD_MODELS)
def test_bad_model(name):
    """A model that cannot be written is refused where it is made."""
    facts, message = BAD_MODELS[name]
    with pytest.raises(BadModel, match=message):
        encode(model(**facts))


def test_too_many_nodes(monkeypatch):
    """A tree that has no room in the nodes of the compiled engine is refused by writer and reader."""
    data = encode(model())
    monkeypatch.setattr("drift_engine.model._layout.NODE_BITS", 4)
    with pytest.raises(BadModel, match="fewer nodes in a tree"):
        encode(model())
    with pytest.raises(BadModel, match="fewer nodes in a tree"):
        PackedModel.from_bytes(data, engine="python")


def test_large_file(monkeypatch):
    """A model that is larger than a file may be is refused by writer and reader."""
    data = encode(model())
    monkeypatch.setattr("drift_engine.model._layout.LARGEST_FILE", len(data) - 1)
    with pytest.raises(BadModel, match="512 MB"):
        encode(model())
    with pytest.raises(BadModel, match="512 MB"):
        PackedModel.from_bytes(data)


def patched(data: bytes, place: int, code: str, value: object) -> bytes:
    """Return a file with another number in one place."""
    copy = bytearray(data)
    struct.pack_into("<" + code, copy, place, value)
    return bytes(copy)


BAD_FILES = {
    "magic": (0, "8s", b"\x89FOREST\n", "magic"),
    "version": (8, "H", 3, "version: expected 1 or 2, got 3: pack the model again"),
    "reserved": (12, "I", 1, "reserved bytes"),
    "length": (16, "Q", 1, "length"),
    "sections": (10, "H", 65535, "directory: expected 65535 entries"),
    "a kind twice": (DIRECTORY + 16, "H", 1, "kinds that ascend"),
    "a section that is longer": (DIRECTORY + 8, "Q", 1 << 40, "sections that end with the file"),
    "a known section that is not required": (DIRECTORY + 2, "H", 0, "known sections to be required"),
    "an unknown section that is required": (DIRECTORY + 14 * 16, "H", 16, "no required section of kind 16"),
    "a task of no name": (SHAPE, "B", 2, "task: expected 0 to 1"),
    "scalars of another width": (SHAPE + 6, "B", 60, "scalar bits"),
    "no trees": (SHAPE + 20, "I", 0, "trees: expected 1 or more"),
    "more trees": (SHAPE + 20, "I", 3, "leaf values: expected one per leaf"),
    "more distinct scalars": (SHAPE + 40, "I", 2, "leaf values"),
    "more inputs than the limit": (SHAPE + 16, "I", (1 << 20) + 1, "inputs: expected at most 1048576"),
    "columns of another number": (SHAPE + 16, "I", 3, "inputs: expected a row for each"),
    "a flag without meaning": (INPUTS + 4, "I", 1 << 9, "inputs: expected flags that are described"),
    "a lowest numerator too far": (SHAPE + 52, "q", 1 << 60, "lowest numerator"),
    "an infinite threshold": (SHAPE + 84, "d", math.inf, "parameters: expected finite numbers"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file(name):
    """A file that says something else is refused by the field's name."""
    place, code, value, message = BAD_FILES[name]
    with pytest.raises(BadModel, match=message):
        PackedModel.from_bytes(patched(encode(model()), place, code, value))


def test_too_few_scalars(engine):
    """Vectors without codes need a scalar for each of their numbers."""
    tree = changed(LEAF, value=[[0.75, 0.25]])
    data = encode(model(task="classification", outputs=2, trees=[tree], start=[0.0, 0.0]))
    vector_code_bits, scalars = data[SHAPE + 10], struct.unpack_from("<I", data, SHAPE + 40)
    assert (vector_code_bits, scalars) == (0, (2,))
    with pytest.raises(BadModel, match="scalars: expected one per number"):
        PackedModel.from_bytes(patched(data, SHAPE + 40, "I", 1), engine=engine)


def test_sections_of_later_releases(engine):
    """A section that answers do not depend on is skipped, whatever is in it."""
    data = encode(model())
    later = struct.pack("<HHIQ", 99, 0, 0, 3) + data[SHAPE:] + b"abc" + bytes(5)
    longer = data[:SHAPE] + later
    longer = patched(patched(longer, 10, "H", 16), 16, "Q", len(longer))
    assert PackedModel.from_bytes(longer, engine=engine).predict((0.0, 0.0)) == 17.5


def test_missing_section():
    """A file that lacks a section is refused."""
    data = encode(model())
    # Tree outputs have no bytes here: the last entry of the directory goes.
    shorter = data[: SHAPE - 16] + data[SHAPE:]
    shorter = patched(patched(shorter, 10, "H", 14), 16, "Q", len(shorter))
    with pytest.raises(BadModel, match="the sections 1 to 15"):
        PackedModel.from_bytes(shorter)


BAD_ROWS = {
    "no row": (7, "a sequence of numbers"),
    "another length": ((1.0,), "expected 2 numbers, got 1"),
    "text": ((1.0, "a"), "position 1: expected a number"),
    "a number that is no float": ((10**400, 0.0), "position 0: expected a number"),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_bad_row(name, engine):
    """A row that is none is refused, with its place."""
    row, message = BAD_ROWS[name]
    packed = read(model(), engine)
    for call in (packed.predict, packed.raw, packed.decide, lambda row: packed.scores_many([(0.0, 0.0), row])):
        with pytest.raises(BadRow, match=message):
            call(row)


def test_numbers_of_other_types(engine):
    """A row may hold whole numbers, booleans and numbers of other libraries."""
    packed = read(model(), engine)
    assert packed.predict([True, 0]) == packed.predict(np.array([1.0, 0.5])) == 17.5
    assert packed.predict((np.float32(0.0), 1)) == 27.5


def test_errors_of_a_row(engine):
    """An error in making a row is its caller's."""

    class Broken:
        def __float__(self):
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        read(model(), engine).predict((0.0, Broken()))


@pytest.mark.parametrize(("link", "start"), [("exp", 800.0), ("exp32", 100.0), ("square", 1e200)])
def test_answer_beyond_numbers(link, start, engine):
    """A row whose answer is no finite number is refused."""
    packed = read(model(link=link, start=[start]), engine)
    with pytest.raises(BadRow, match="answer is a finite number"):
        packed.predict((0.0, 0.0))
    with pytest.raises(BadRow, match="answer is a finite number"):
        packed.scores_many([(0.0, 0.0)])


def exps(link: str, engine: str, numbers: list[float]) -> list[float]:
    """Return a link of numbers, through models of a leaf that holds nothing."""
    tree = changed(LEAF, value=[0.0])
    return [read(model(trees=[tree], link=link, start=[number]), engine).predict((0.0, 0.0)) for number in numbers]


def test_exp(engine):
    """The exp that is carried is within an ulp of the machine's, which may be the same."""
    numbers = [*np.linspace(-745, 709, 41), 1e-20, 0.0, -1e-300, -800.0, -600.25]
    for number, power in zip(numbers, exps("exp", engine, numbers), strict=True):
        expected = math.exp(number)
        assert abs(power - expected) <= math.ulp(expected)


def test_exp_single(engine):
    """The exp of float32 is rounded from a better one."""
    numbers = [float(np.float32(number)) for number in (*np.linspace(-103, 88, 31), 0.0, -110.0)]
    for number, power in zip(numbers, exps("exp32", engine, numbers), strict=True):
        assert abs(power - np.exp(number)) <= np.spacing(np.float32(np.exp(number)))


def test_isolation(engine):
    """Depths become scikit-learn's score."""
    packed = read(model(link="isolation", parameters=(4.0, -0.5), trees=[LEAF], start=[0.0]), engine)
    assert packed.predict((0.0, 0.0)) == -math.pow(2, -7 / 4) + 0.5
    deep = read(model(link="isolation", parameters=(1e-3,), trees=[LEAF], start=[0.0]), engine)
    assert deep.predict((0.0, 0.0)) == 0.0
    with pytest.raises(BadRow):
        read(model(link="isolation", parameters=(1e-3,), trees=[LEAF], start=[-9.0]), engine).predict((0.0, 0.0))


@pytest.mark.parametrize("classes", [3, 8, 10, 130, 700, 1000])
def test_softmax_in_numpys_order(classes, engine):
    """The sum of a softmax is numpy's, for rows of any length."""
    raw = np.random.default_rng(classes).normal(size=classes) * 3
    tree = changed(LEAF, value=[raw.tolist()])
    start = [0.0] * classes
    facts = {"task": "classification", "outputs": classes, "trees": [tree], "start": start}
    scores = read(model(**facts, link="softmax-pairwise"), engine).scores((0.0, 0.0))
    powers = np.array([math.exp(number) for number in raw - raw.max()])
    np.testing.assert_allclose(scores, powers / powers.sum(), rtol=1e-15)
    if engine == "c":
        assert scores == read(model(**facts, link="softmax-pairwise"), "python").scores((0.0, 0.0))


def test_halves_of_a_wide_sum(engine):
    """The sum of a wide softmax is halved at the place where numpy halves it."""
    # A power of 2 ** -53.5 is lost where it is added to 1 alone: the halves decide how many are.
    raw = np.full(130, -53.5 * math.log(2))
    raw[62] = 0.0
    tree = changed(LEAF, value=[raw.tolist()])
    facts = {"task": "classification", "outputs": 130, "trees": [tree], "start": [0.0] * 130}
    scores = read(model(**facts, link="softmax-pairwise"), engine).scores((0.0, 0.0))
    assert scores[62] == 1 / np.exp(raw).sum()


def test_leaves_of_many_rows():
    """Means of whole numbers are written as such, others as float64, and each is given back."""
    means = [sum(range(rows, 2 * rows)) / rows for rows in range(1, 900)]
    trees = [changed(LEAF, value=[mean]) for mean in means]
    ratios = encode(model(trees=trees))
    odd = encode(model(trees=[*trees, changed(LEAF, value=[math.pi])]))
    huge = encode(model(trees=[*trees, changed(LEAF, value=[1e300])]))
    assert len(ratios) < 0.7 * len(odd)
    for data, expected in ((ratios, 0.5), (odd, 0.5), (huge, 0.5)):
        total = expected
        for mean in means:
            total += mean
        packed = PackedModel.from_bytes(data)
        last = {len(odd): math.pi, len(huge): 1e300}.get(len(data), 0.0)
        assert packed.trees >= len(means)
        assert packed.predict((0.0, 0.0)) in (total, total + math.pi, total + 1e300, total + last)


def test_ratio_among_odd_numbers():
    """One number that is no ratio, past those that are looked at first, makes all of them floats."""
    values = [float(number) / 3 for number in range(200)]
    values[1] = math.pi
    trees = [changed(LEAF, value=[value]) for value in values]
    total = 0.5
    for value in values:
        total += value
    assert read(model(trees=trees)).predict((0.0, 0.0)) == total


def test_wide_ratios():
    """Whole numbers of more bits than a numerator has are float64."""
    values = [2.0**50 + 0.25, 0.5]
    trees = [changed(LEAF, value=[value]) for value in values]
    total = 0.5
    for value in values:
        total += value
    assert read(model(trees=trees)).predict((0.0, 0.0)) == total


def test_bytes_copied(engine):
    """Answers do not change with the buffer that a model was read from."""
    data = bytearray(encode(model()))
    packed = PackedModel.from_bytes(data, engine=engine)
    data[:] = bytes(len(data))
    assert packed.predict((0.0, 0.6)) == 27.5


@pytest.fixture
def imported_with(monkeypatch):
    """imported_with(kernel): the package as it is imported with another kernel, or with None."""

    def fresh(kernel):
        monkeypatch.setattr(drift_engine, "model", drift_engine.model)  # put back after the test
        monkeypatch.setitem(sys.modules, "drift_engine.model._kernel", kernel)
        for name in ("drift_engine.model", "drift_engine.model._model"):
            monkeypatch.delitem(sys.modules, name)
        return importlib.import_module("drift_engine.model")

    return fresh


def test_engine_choice():
    """The compiled engine is used where it was built."""
    assert read(model()).engine == ENGINES[0]


def test_kernel_arguments(imported_with):
    """The compiled engine is called with the numbers and columns of the file."""
    calls = []
    kernel = SimpleNamespace(Engine=lambda *words: calls.append(words), Steps=None)
    package = imported_with(kernel)
    package.PackedModel.from_bytes(encode(model()))
    (words,) = calls
    assert words[12:18] == (2, 2, 2, 1, 1, 1)
    assert len(words) == 27 + 14


def test_without_kernel(imported_with):
    """A machine without the compiled engine answers with the Python one, and refuses the other."""
    package = imported_with(None)
    assert package.ENGINES == ("python",)
    assert package.PackedModel.from_bytes(encode(model())).engine == "python"
    with pytest.raises(BadModel, match="c was not built"):
        package.PackedModel.from_bytes(encode(model()), engine="c")


MORE_BAD_MODELS = {
    "a node with one child": (changed(STUMP, left=[-1, -1, -1]), "children of node 0"),
    "an input far beyond": (changed(STUMP, column=[3, 0, 0]), "an input 0 to 1"),
}


@pytest.mark.parametrize("name", MORE_BAD_MODELS)
def test_bad_tree(name):
    """A tree that no walk or input fits is refused."""
    tree, message = MORE_BAD_MODELS[name]
    with pytest.raises(BadModel, match=message):
        encode(model(trees=[tree]))


def test_largest_file(monkeypatch):
    """A model that is exactly as large as a file may be is written."""
    data = encode(model())
    monkeypatch.setattr("drift_engine.model._layout.LARGEST_FILE", len(data))
    assert encode(model()) == data


def test_section_of_kind_zero():
    """Kinds of sections begin at one."""
    with pytest.raises(BadModel, match="kinds that ascend"):
        PackedModel.from_bytes(patched(encode(model()), DIRECTORY, "H", 0), engine="python")


def test_threshold_of_minus_zero():
    """Minus zero as a threshold is zero."""
    negative, zero = (model(trees=[changed(STUMP, threshold=[number, 0, 0])]) for number in (-0.0, 0.0))
    assert encode(negative) == encode(zero)


def test_ratios_take_less_room():
    """Leaves that are means of few rows take less room than others."""
    means = [changed(STUMP, value=[0.0, number / 3, number / 7]) for number in range(1, 90)]
    others = [changed(STUMP, value=[0.0, math.sin(number), math.cos(number)]) for number in range(1, 90)]
    assert len(encode(model(trees=means))) < len(encode(model(trees=others))) / 2


def test_leaf_that_cannot_be_summed(engine):
    """A leaf is small enough for the sum of all trees and the start."""
    large = sys.float_info.max / 3
    with pytest.raises(BadModel, match="can be summed"):
        read(model(trees=[changed(LEAF, value=[large])]), engine)


def test_many_independent_classes(engine):
    """Each of many classes with a sigmoid of its own has one probability."""
    facts = {"task": "classification", "outputs": 300, "trees": [LEAF], "start": [0.0] * 300}
    assert len(read(model(link="sigmoid32", **facts), engine).scores((0.0, 0.0))) == 300


def test_less_likely_second_class(engine):
    """Of two classes the prediction is the probability of the second, also where it is the smaller."""
    tree = changed(LEAF, value=[[0.75, 0.25]])
    packed = read(model(task="classification", outputs=2, trees=[tree], start=[0.0, 0.0]), engine)
    assert packed.predict((0.0, 0.0)) == 0.25
