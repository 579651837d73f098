"""ONNX Runtime answers rows as the engine has them, within bounds, or a file is refused."""

from __future__ import annotations

import math
import struct
import sys

import numpy as np
import onnxruntime
import pytest
from drift_engine.forest import BadRow
from drift_engine.onnx import BadOnnx, RuntimeAbsent, open_model, read_signature, runtime_version
from drift_engine.onnx._errors import BadAnswer

from tests.support import onnx_bytes as onnx
from tests.support.onnx_bytes import attribute, field, graph, model, node, sum_of_two, tensor, value

TWO = {"a": "number", "b": "number"}
CLASSES = {"kind": "classification", "classes": ["no", "yes"]}
THREE = {"kind": "classification", "classes": ["p", "q", "r"]}


def passing(inputs, outputs, *nodes, tensors=()):
    """Return a file of nodes between inputs and outputs, each (name, type, shape)."""
    return model(
        graph(nodes, [value(*entry) for entry in inputs], [value(*entry) for entry in outputs], tensors),
    )


def identity(kind=onnx.FLOAT, width=2, rows="N", outputs=2):
    """Return a file that answers with its own columns."""
    shape = [rows, width]
    return passing([("x", kind, shape)], [("y", kind, [rows, outputs])], node("Identity", ["x"], ["y"]))


def casting(source, width=1, rank=2):
    """Return a file of one input of a type, cast to numbers."""
    shape = ["N", width][:rank]
    cast = node("Cast", ["x"], ["y"], attribute("to", field(3, onnx.FLOAT), kind=2))
    return passing([("x", source, shape)], [("y", onnx.FLOAT, shape)], cast)


def labelled(labels, scores=("x",), kind=onnx.INT64):
    """Return a file of probabilities, its own columns, and labels as the index of the largest."""
    largest = node(
        "ArgMax",
        [*scores],
        ["label"],
        attribute("axis", field(3, 1), kind=2),
        attribute("keepdims", field(3, 0), kind=2),
    )
    outputs = [("label", kind, ["N"]), ("p", onnx.FLOAT, ["N", labels])]
    return passing([("x", onnx.FLOAT, ["N", labels])], outputs, largest, node("Identity", ["x"], ["p"]))


def test_answers(features):
    """Rows are answered one by one and together, with the same figures."""
    opened = open_model(sum_of_two(), features(TWO))
    assert (opened.engine, opened.features, opened.outputs, opened.task) == ("onnx", 2, 1, "regression")
    assert opened.predict([1.5, 2.0]) == 3.5
    assert opened.predict_many([[1.5, 2.0], (0.0, 0.5)]) == [3.5, 0.5]
    assert opened.scores_many([]) == []


def test_one_row_a_call(features):
    """A file of one row a call is called for each row."""
    opened = open_model(sum_of_two(rows=1), features(TWO))
    assert opened.scores_many([[1.0, 2.0], [3.0, 4.0]]) == [(3.0,), (7.0,)]
    with pytest.raises(BadOnnx, match="fixed number"):
        open_model(sum_of_two(rows=5), features(TWO))


def test_outputs(features):
    """Several outputs are the values of the target, in their order."""
    targets = [{"name": name, "unit": "none", "description": "A value."} for name in ("u", "v")]
    opened = open_model(identity(), features(TWO, outputs=targets))
    assert opened.scores([1.0, 2.0]) == (1.0, 2.0)


@pytest.mark.parametrize("row", [[1.0], [1.0, 2.0, 3.0], ["a", "b"], [None, 1.0]])
def test_bad_rows(features, row):
    """A row of another length or without numbers is refused."""
    with pytest.raises(BadRow):
        open_model(sum_of_two(), features(TWO)).scores([*row])


def test_missing_values(features):
    """A missing value reaches an input of floats; where there is no answer to it, the row is at fault."""
    opened = open_model(sum_of_two(), features(TWO))
    with pytest.raises(BadRow, match="missing"):
        opened.predict([math.nan, 1.0])
    with pytest.raises(BadAnswer, match="finite"):
        opened.predict([3e38, 3e38])


@pytest.mark.parametrize(
    ("kind", "source", "value", "expected"),
    [
        ("integer", onnx.INT64, 7.0, 7.0),
        ("integer", 6, 7.0, 7.0),
        ("boolean", onnx.BOOL, 1.0, 1.0),
        ("number", onnx.DOUBLE, 0.5, 0.5),
        (["10", "20"], onnx.STRING, 1.0, 20.0),
        (["10", "20"], onnx.INT64, 1.0, 1.0),
    ],
)
def test_types(features, kind, source, value, expected):
    """An input of each type is filled; a category is its text, or its place among numbers."""
    for rank in (1, 2):
        opened = open_model(casting(source, rank=rank), features({"a": kind}))
        assert opened.predict([value]) == expected
        if source != onnx.DOUBLE:
            with pytest.raises(BadRow):
                opened.predict([math.nan])


def test_newcomers(features):
    """A text that no category has stands for a new one."""
    compared = node("Equal", ["x", "other"], ["same"])
    cast = node("Cast", ["same"], ["y"], attribute("to", field(3, onnx.FLOAT), kind=2))
    other = field(1, 1) + field(2, onnx.STRING) + field(8, "other") + field(6, "(other))")
    text = passing([("x", onnx.STRING, ["N", 1])], [("y", onnx.FLOAT, ["N", 1])], compared, cast, tensors=[other])
    text = text.replace(field(2, 17), field(2, 19))
    opened = open_model(text, features({"a": ["red", "(other)"]}))
    assert opened.predict_many([[0.0], [1.0], [2.0]]) == [0.0, 0.0, 1.0]


def test_inputs_by_name(features):
    """One input for each feature is found by its name, in any order."""
    inputs = [("b", onnx.FLOAT, ["N", 1]), ("a", onnx.FLOAT, ["N", 1])]
    text = passing(inputs, [("y", onnx.FLOAT, ["N", 1])], node("Sub", ["a", "b"], ["y"]))
    assert read_signature(text).columns == ("b", "a")
    assert open_model(text, features(TWO)).predict([5.0, 2.0]) == 3.0
    with pytest.raises(BadOnnx, match="not the features"):
        open_model(text, features({"a": "number", "c": "number"}))


WRONG_INPUTS = {
    "other columns": (identity(width=3, outputs=3), TWO),
    "a type": (identity(kind=onnx.UINT8), TWO),
    "texts for numbers": (casting(onnx.STRING, width=1), {"a": "number"}),
    "three axes": (
        passing([("x", onnx.FLOAT, ["N", 2, 2])], [("y", onnx.FLOAT, ["N", 2, 2])], node("Identity", ["x"], ["y"])),
        TWO,
    ),
    "several columns of one": (
        passing(
            [("a", onnx.FLOAT, ["N", 2]), ("b", onnx.FLOAT, ["N", 1])],
            [("y", onnx.FLOAT, ["N", 2])],
            node("Sub", ["a", "b"], ["y"]),
        ),
        TWO,
    ),
}


@pytest.mark.parametrize("name", WRONG_INPUTS)
def test_wrong_inputs(features, name):
    """Inputs that are not the features are refused when the model is opened."""
    text, columns = WRONG_INPUTS[name]
    with pytest.raises(BadOnnx) as refused:
        open_model(text, features(columns))
    assert refused.value.way_out


def test_labels(features):
    """A label is the model's own, and else the class of the largest probability."""
    opened = open_model(labelled(2), features(TWO, **CLASSES))
    assert opened.decide([0.25, 0.75]) == ((0.25, 0.75), 1)
    assert opened.predict([0.25, 0.75]) == 0.75
    bare = open_model(identity(), features(TWO, **CLASSES))
    assert bare.decide_many([[0.75, 0.25]]) == [((0.75, 0.25), 0)]
    assert bare.label((0.2, 0.8)) == 1
    three = features({"a": "number", "b": "number", "c": "number"}, kind="classification", classes=["x", "y", "z"])
    assert open_model(identity(width=3, outputs=3), three).predict([0.2, 0.3, 0.5]) == 0.5


def test_one_probability(features):
    """A single probability is that of the last of two classes."""
    opened = open_model(identity(width=1, outputs=1), features({"a": "number"}, **CLASSES))
    assert opened.scores([0.25]) == (0.75, 0.25)


def test_numbers_as_classes(features):
    """Classes that are numbers are found by their text, in the order that the target lists."""
    target = {"kind": "classification", "classes": ["1", "0"]}
    assert open_model(labelled(2), features(TWO, **target)).decide([0.25, 0.75])[1] == 0


WRONG_OUTPUTS = {
    "one probability for three": (casting(onnx.INT64), {"a": "integer"}, THREE),
    "classes for a number": (labelled(2), TWO, {}),
    "two for three": (labelled(2), TWO, THREE),
    "labels alone": (identity(kind=onnx.INT64), {"a": "integer", "b": "integer"}, CLASSES),
    "no class": (labelled(2), TWO, {"kind": "classification", "classes": ["7", "8"]}),
}


@pytest.mark.parametrize("name", WRONG_OUTPUTS)
def test_wrong_outputs(features, name):
    """Outputs that are not the target's are refused when the model is opened."""
    text, columns, target = WRONG_OUTPUTS[name]
    with pytest.raises(BadOnnx) as refused:
        open_model(text, features(columns, **target))
    assert refused.value.way_out


def test_output_shape(features):
    """An output that has no row for each answer is refused."""
    reduced = node("ReduceMax", ["x"], ["y"], attribute("keepdims", field(3, 0), kind=2))
    text = passing([("x", onnx.FLOAT, ["N", 2])], [("y", onnx.FLOAT, [])], reduced)
    with pytest.raises(BadOnnx, match="no table"):
        open_model(text, features(TWO))


def test_runtime_refusals(features):
    """What the runtime does not load, or does not answer, is a refusal that shows no value."""
    with pytest.raises(BadOnnx, match="refuses it"):
        open_model(passing([], [], node("Nonsense", [], ["y"])), features(TWO))
    size = tensor("n", onnx.INT64, [1], struct.pack("<q", 1 << 31))
    nodes = node("ConstantOfShape", ["n"], ["big"]), node("Add", ["x", "big"], ["y"])
    huge = passing([("x", onnx.FLOAT, ["N", 2])], [("y", onnx.FLOAT, ["N", 2])], *nodes, tensors=[size])
    with pytest.raises(BadOnnx):
        open_model(huge, features(TWO))
    far = tensor("i", onnx.INT64, [1], struct.pack("<q", 7))
    gather = node("Gather", ["x", "i"], ["y"], attribute("axis", field(3, 1), kind=2))
    beyond = passing([("x", onnx.FLOAT, ["N", "M"])], [("y", onnx.FLOAT, ["N", 1])], gather, tensors=[far])
    with pytest.raises(BadOnnx, match="row of zeros"):
        open_model(beyond, features(TWO))
    table = tensor("t", onnx.FLOAT, [2], struct.pack("<2f", 1, 2))
    look_up = node("Gather", ["t", "x"], ["y"])
    one = passing([("x", onnx.INT64, ["N", 1])], [("y", onnx.FLOAT, ["N", 1])], look_up, tensors=[table])
    opened = open_model(one, features({"a": "integer"}))
    assert opened.predict([1.0]) == 2.0
    with pytest.raises(BadAnswer, match="ended in"):
        opened.predict([7.0])


def test_one_thread(features, monkeypatch):
    """A session runs in the thread that calls it, on the processor, from ONNX's own form."""
    sessions = []

    def session(content, sess_options, providers):
        """Open a session, and remember how."""
        sessions.append((sess_options, providers))
        return inference(content, sess_options=sess_options, providers=providers)

    inference = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    open_model(sum_of_two(), features(TWO))
    ((options, providers),) = sessions
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
    assert options.get_session_config_entry("session.load_model_format") == "ONNX"
    assert options.get_session_config_entry("session.use_env_allocators") == "1"
    assert providers == ["CPUExecutionProvider"]


def test_absent_runtime(features, monkeypatch):
    """Without its library the engine names the extra and the image that have it."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    for call in (lambda: open_model(sum_of_two(), features(TWO)), lambda: read_signature(sum_of_two())):
        with pytest.raises(RuntimeAbsent, match=r"drift-predictor\[onnx\].*ENGINE=onnx") as refused:
            call()
        assert refused.value.exit_code == 5
    monkeypatch.undo()
    assert runtime_version().count(".") == 2


def test_float32_answers(features):
    """An answer of 32 bits is the same number in 64."""
    opened = open_model(identity(width=1, outputs=1), features({"a": "number"}))
    assert opened.predict([0.1]) == float(np.float32(0.1))
