"""What the writer makes of trees, and which bytes the readers refuse."""

from __future__ import annotations

import importlib
import struct
import sys
from sys import float_info
from types import SimpleNamespace

import drift_engine
import numpy as np
import pytest
from drift_engine.forest import BadForest, Forest, ForestError, _columns, _layout
from drift_engine.forest.writer import Tree, encode, trees_of
from hypothesis import given, settings
from hypothesis import strategies as st

STUMP = Tree([1, -1, -1], [2, -1, -1], [1, -2, -2], [0.5, -2.0, -2.0], [15.0, 10.0, 20.0])
LEAF = Tree([-1], [-1], [-2], [-2.0], [7.0])
HEADER = {
    "magic": (0, "8s"),
    "version": (8, "H"),
    "kind": (10, "B"),
    "aggregation": (11, "B"),
    "outputs": (12, "H"),
    "flags": (14, "B"),
    "split code bits": (15, "B"),
    "leaf code bits": (16, "B"),
    "leaf value bits": (17, "B"),
    "leaf row bits": (18, "B"),
    "reserved": (19, "B"),
    "features": (20, "I"),
    "trees": (24, "I"),
    "distinct splits": (28, "I"),
    "leaf values": (32, "I"),
    "splits": (36, "I"),
    "length": (40, "Q"),
    "lowest numerator": (48, "q"),
    "threshold bytes": (56, "Q"),
    "room": (64, "16s"),
}


def changed(tree: Tree, **columns) -> Tree:
    names = ("children_left", "children_right", "feature", "threshold", "value", "missing_go_to_left", "rows")
    return Tree(**{name: getattr(tree, name) for name in names} | columns)


def field(data: bytes, name: str) -> object:
    offset, code = HEADER[name]
    return struct.unpack_from("<" + code, data, offset)[0]


def with_header(data: bytes, **fields) -> bytes:
    copy = bytearray(data)
    for name, value in fields.items():
        offset, code = HEADER[name.replace("_", " ")]
        struct.pack_into("<" + code, copy, offset, value)
    return bytes(copy)


@pytest.fixture
def stump() -> bytes:
    return encode([STUMP, LEAF], features=2)


def test_stump_bytes(stump):
    """The file of a stump has the bytes that the format's document states."""
    assert stump[:8] == b"\x89FOREST\n"
    assert struct.unpack_from("<HBBHBBBBBBIIIIIQqQ16x", stump, 8) == (
        *(2, 1, 1, 1, 0, 0, 0, 4, 0, 0),
        *(2, 2, 1, 3, 1, 136, 7, 1),
    )
    body = struct.pack("<II", 1, 0)  # splits of each tree
    body += struct.pack("<IIIIII", 0, 0, 0, 1, 0xBF00_0000, 0)  # one threshold of feature 1, which is 0.5
    body += bytes([0b1]) + bytes(7)  # its gap
    body += bytes([0b1101_0011, 0b0000]) + bytes(6)  # 10, 20, 7 as 7 + 3, 7 + 13, 7 + 0 by one row
    body += bytes([0b0001]) + bytes(7)  # a split, two leaves; a leaf
    assert stump[80:] == body


def test_leaves_as_ratios(engine):
    """Leaves that are whole numbers by their rows take a few bits."""
    tree = changed(STUMP, value=[0.0, 1_000_003 / 7, -22 / 3], rows=[10.0, 7.0, 3.0])
    data = encode([tree], features=2)
    assert (field(data, "leaf value bits"), field(data, "leaf row bits")) == (20, 3)
    assert field(data, "lowest numerator") == -22
    forest = Forest.from_bytes(data, engine=engine)
    assert forest.predict_many([(0.0, 0.0), (0.0, 1.0)]) == [1_000_003 / 7, -22 / 3]


NO_RATIOS = {
    "a fraction": changed(STUMP, value=[0.0, 10.5, 20.0]),
    "the next number to a ratio": changed(STUMP, value=[0.0, float(np.nextafter(22 / 3, 9)), 20.0], rows=[9, 3, 6]),
    "rows with a weight": changed(STUMP, value=[0.0, 10.0, 20.0], rows=[3.0, 1.5, 1.5]),
    "no rows": changed(STUMP, value=[0.0, 10.0, 20.0], rows=[1.0, 0.0, 1.0]),
    "more rows than fit": changed(STUMP, value=[0.0, 10.0, 20.0], rows=[1.0, 2.0**33, 1.0]),
    "rows that are no number": changed(STUMP, value=[0.0, 10.0, 20.0], rows=[1.0, float("nan"), 1.0]),
    "a numerator too large": changed(STUMP, value=[0.0, 2.0**53, 20.0]),
    "numerators too far apart": changed(STUMP, value=[0.0, 2.0**52, -(2.0**52)]),
    "more bits than a float64": changed(STUMP, value=[0.0, 2.0**40, 1.0], rows=[1, 1, 2**30]),
}


@pytest.mark.parametrize("tree", NO_RATIOS.values(), ids=NO_RATIOS)
def test_leaves_without_ratio(tree, engine):
    """A single leaf that is no such ratio keeps all leaves as plain numbers."""
    data = encode([tree], features=2)
    assert (field(data, "leaf value bits"), field(data, "leaf row bits")) == (64, 0)
    assert Forest.from_bytes(data, engine=engine).predict_many([(0.0, 0.0), (0.0, 1.0)]) == tree.value[1:]


@pytest.mark.no_cover
@settings(max_examples=200, deadline=None)
@given(
    ratios=st.lists(st.tuples(st.integers(-(2**51), 2**51), st.integers(1, 2**11)), min_size=1, max_size=12),
    repeats=st.integers(1, 3),
)
def test_any_ratios(ratios, repeats, engines):
    """Any ratios come back to the last bit."""
    leaves = [Tree([-1], [-1], [0], [0.0], [numerator / rows], rows=[rows]) for numerator, rows in ratios] * repeats
    data = encode(leaves, features=1)
    expected = 0.0
    for leaf in leaves:
        expected += leaf.value[0]
    assert {Forest.from_bytes(data, engine=engine).predict((0.0,)) for engine in engines} == {expected / len(leaves)}


@pytest.mark.no_cover
@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.lists(
            st.floats(width=32, allow_nan=False)
            | st.sampled_from([0.0, 2.0**-149, -(2.0**-149), float("inf"), -float("inf")]),
            max_size=30,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_threshold_gaps(columns):
    """Any ascending single-precision numbers come back from their gaps."""
    columns = [sorted(number + 0.0 for number in column) for column in columns]
    packed = [_columns.to_gaps(column) for column in columns]
    table = []
    for column, gaps in zip(columns, packed, strict=True):
        table += [len(column), gaps.first, gaps.low_bits]
    bits = "".join(gaps.bits for gaps in packed)
    features, numbers = _columns.from_gaps(table, _columns.from_bits(bits))
    assert numbers.tolist() == [number for column in columns for number in column]
    assert features == [feature for feature, column in enumerate(columns) for _ in column]


@given(st.integers(0, 52).flatmap(lambda w: st.tuples(st.just(w), st.lists(st.integers(0, 2**w - 1), max_size=40))))
def test_bit_columns(packed):
    """Numbers of any width come back from their bits."""
    width, numbers = packed
    column = _columns.pack(width, numbers)
    assert len(column) == (width * len(numbers) + 7) // 8
    assert _columns.unpack(width, column, len(numbers)) == numbers


def test_equal_trees(fitted):
    """Equal trees give equal bytes, in arrays and in lists."""
    estimator, _ = fitted("random", 2, 100, 3, n_estimators=5)
    arrays = trees_of(estimator)
    lists = [
        Tree(
            *(
                list(map(float, tree.__dict__[name]))
                if name in ("threshold", "value")
                else [int(item) for item in tree.__dict__[name]]
                for name in ("children_left", "children_right", "feature", "threshold", "value")
            )
        )
        for tree in arrays
    ]
    assert encode(arrays, features=3) == encode(lists, features=3) == encode(iter(arrays), features=3)


def test_node_order():
    """The order of nodes in the arrays does not matter."""
    turned = Tree([-1, -1, 1], [-1, -1, 0], [0, 0, 1], [0.0, 0.0, 0.5], [20.0, 10.0, 0.0])
    order = [2, 0, 1]
    columns = [[getattr(turned, name)[node] for node in order] for name in ("feature", "threshold", "value")]
    moved = Tree([2, -1, -1], [1, -1, -1], *columns)
    assert encode([moved], features=2) == encode([STUMP], features=2)


def test_coded_leaves(engine):
    """Many equal leaves are coded, and distinct ones are not."""
    same = encode([changed(LEAF, value=[7.5])] * 100, features=1)
    distinct = encode([changed(LEAF, value=[number + 0.5]) for number in range(100)], features=1)
    assert (field(same, "leaf code bits"), field(distinct, "leaf code bits")) == (1, 0)
    assert Forest.from_bytes(same, engine=engine).predict((0.0,)) == 7.5
    assert Forest.from_bytes(distinct, engine=engine).predict((0.0,)) == 50.0


def complete_tree(depth: int, values: list[float]) -> Tree:
    """Every node of a binary heap; thresholds all different."""
    splits = 2**depth - 1
    nodes = range(2 * splits + 1)
    left = [2 * node + 1 if node < splits else -1 for node in nodes]
    right = [2 * node + 2 if node < splits else -1 for node in nodes]
    thresholds = np.arange(len(nodes)) * 7919 % 131_071
    return Tree(left, right, [0] * len(nodes), thresholds, [0.0] * splits + values)


@pytest.mark.no_cover
@pytest.mark.slow
def test_code_bits(engines):
    """Codes take as many bits as their tables need."""
    leaves = [number % 70_000 + 0.5 for number in range(2**17)]
    tree = complete_tree(17, leaves)
    data = encode([tree] * 2, features=1)
    assert (field(data, "split code bits"), field(data, "leaf code bits")) == (17, 17)
    forests = [Forest.from_bytes(data, engine=engine) for engine in engines]
    for value in (-1.0, 3.0, 65_536.5, 1e9):
        node = 0
        while tree.children_left[node] != -1:
            node = tree.children_left[node] if value <= tree.threshold[node] else tree.children_right[node]
        assert [forest.predict((value,)) for forest in forests] == [tree.value[node]] * len(forests)


def test_forest_facts(stump, engine):
    """A forest states its engine and how many features, trees and nodes it has."""
    forest = Forest.from_bytes(stump, engine=engine)
    assert (forest.engine, forest.features, forest.trees, forest.nodes) == (engine, 2, 2, 4)


def test_file_as_bytes(stump, engine, tmp_path):
    """A forest from a file answers as one from its bytes."""
    path = tmp_path / "forest.bin"
    path.write_bytes(stump)
    assert Forest.open(path, engine=engine).predict((0.0, 0.6)) == 13.5
    assert Forest.open(str(path)).predict((0.0, 0.6)) == 13.5


def test_bytes_copied(stump, engine):
    """Answers do not change with the buffer that a forest was read from."""
    data = bytearray(stump)
    forest = Forest.from_bytes(data, engine=engine)
    data[:] = bytes(len(data))
    assert forest.predict((0.0, 0.6)) == 13.5


@pytest.fixture
def imported_with(monkeypatch):
    """imported_with(kernel): the package as it is imported with another kernel, or with None."""

    def fresh(kernel):
        monkeypatch.setattr(drift_engine, "forest", drift_engine.forest)  # put back after the test
        monkeypatch.setitem(sys.modules, "drift_engine.forest._kernel", kernel)
        for name in ("drift_engine.forest", "drift_engine.forest._forest"):
            monkeypatch.delitem(sys.modules, name)
        return importlib.import_module("drift_engine.forest")

    return fresh


def test_engine_choice(stump, engines):
    """The compiled engine is used where it was built."""
    assert Forest.from_bytes(stump).engine == ("c" if "c" in engines else "python")


def test_kernel_arguments(stump, imported_with):
    """The compiled engine is called with the numbers and columns of the file."""
    calls = []
    forest = imported_with(SimpleNamespace(Engine=lambda *words: calls.append(words)))
    forest.Forest.from_bytes(stump)
    (words,) = calls
    assert words[:12] == (2, False, 2, 1, 1, 1, 3, 4, 0, 7, 0, 0)
    assert [len(column) for column in words[12:]] == [8, 24, 1, 0, 2, 0, 1, 0, 0]


def test_without_kernel(stump, imported_with):
    """A machine without the compiled engine answers with the Python one, and refuses the other."""
    forest = imported_with(None)
    assert forest.ENGINES == ("python",)
    assert forest.Forest.from_bytes(stump).engine == "python"
    with pytest.raises(ForestError, match="c was not built"):
        forest.Forest.from_bytes(stump, engine="c")


BAD_TREES = {
    "no trees": ([], 1, "trees: expected 1 or more"),
    "no features": ([LEAF], 0, "features: expected 1 to 65535"),
    "too many features": ([LEAF], 65_536, "features: expected 1 to 65535"),
    "no nodes": ([Tree([], [], [], [], [])], 1, "tree 0: expected arrays of one length"),
    "arrays of two lengths": ([changed(STUMP, value=[1.0])], 2, "tree 0: expected arrays of one length"),
    "a child too far": ([LEAF, changed(STUMP, children_left=[3, -1, -1])], 2, "tree 1, node 0: expected"),
    "a child before the first": ([changed(STUMP, children_left=[-2, -1, -1])], 2, "node 0: expected child"),
    "one child": ([changed(STUMP, children_right=[-1, -1, -1])], 2, "0 to 2, or -1 twice"),
    "a loop": ([changed(STUMP, children_left=[0, -1, -1])], 2, "tree 0: expected each of its 3 nodes once"),
    "a shared child": ([changed(STUMP, children_left=[2, -1, -1])], 2, "expected each of its 3 nodes once"),
    "a node that nothing leads to": (
        [Tree([-1, -1], [-1, -1], [0, 0], [0.0, 0.0], [1.0, 2.0])], 1, "expected each of its 2 nodes once",
    ),
    "a feature too many": ([STUMP], 1, "tree 0, node 0: expected a feature 0 to 0"),
    "a negative feature": ([changed(STUMP, feature=[-1, 0, 0])], 1, "node 0: expected a feature 0 to 0"),
    "a threshold that is NaN": ([changed(STUMP, threshold=[float("nan"), 0, 0])], 2, "that are not NaN"),
    "an infinite leaf": ([changed(LEAF, value=[float("inf")])], 1, "expected finite values"),
    "leaves too large": ([changed(LEAF, value=[1e308])], 1, "leaf values: too large to be summed"),
    "missing direction in one tree only": (
        [STUMP, changed(STUMP, missing_go_to_left=[1, 0, 0])], 2, "expected for every tree or for none",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("trees", "features", "message"), BAD_TREES.values(), ids=BAD_TREES)
def test_no_forest_arrays(trees, features, message):
    """Arrays that make no forest are refused with their place."""
    with pytest.raises(BadForest) as caught:
        encode(trees, features=features)
    assert message in str(caught.value)


def test_tree_too_large(monkeypatch):
    """A tree with more nodes than the format can number is refused."""
    monkeypatch.setattr(_layout, "NODE_BITS", 2)
    with pytest.raises(BadForest, match="tree 0: too many nodes"):
        encode([STUMP], features=2)


def test_too_many_leaf_codes(monkeypatch):
    """Leaves are not coded where their values outnumber what a node can hold."""
    trees = [changed(LEAF, value=[7.5]), changed(LEAF, value=[8.5])] * 50
    assert field(encode(trees, features=1), "leaf code bits") == 1
    monkeypatch.setattr(_layout, "MAX_CODED_LEAF_VALUES", 1)
    assert field(encode(trees, features=1), "leaf code bits") == 0


@pytest.mark.parametrize("attributes", [{"classes_": [0, 1]}, {"n_outputs_": 2}], ids=["classifier", "outputs"])
def test_single_output_only(attributes):
    """Only fitted regressors of a single output are written."""
    with pytest.raises(BadForest, match="regressor with one output"):
        trees_of(type("Estimator", (), attributes)())


LIES = {
    "magic": ({"magic": b"\x89FOREST\r"}, "magic"),
    "the version before": ({"version": 1}, "version: expected 2, got 1: train the model again"),
    "a later version": ({"version": 3}, "version: expected 2"),
    "another kind": ({"kind": 2}, "kind: expected 1 (regressor)"),
    "another aggregation": ({"aggregation": 2}, "aggregation: expected 1 (mean)"),
    "two outputs": ({"outputs": 2}, "outputs: expected 1 per leaf"),
    "unknown flags": ({"flags": 2}, "flags"),
    "bits of codes": ({"split code bits": 33}, "split code bits: expected up to 32"),
    "bits of leaf codes": ({"leaf code bits": 23}, "leaf code bits: expected up to 22"),
    "bits of numerators": ({"leaf value bits": 53}, "leaf value bits: expected up to 52, or 64 without row bits"),
    "more bits than a float64": ({"leaf value bits": 65}, "leaf value bits: expected up to 52, or 64"),
    "bits of floats": ({"leaf value bits": 64, "leaf row bits": 1}, "or 64 without row bits"),
    "bits of rows": ({"leaf row bits": 33}, "leaf row bits: expected up to 32"),
    "a large numerator": ({"lowest numerator": 2**52 + 1}, "lowest numerator: expected up to 2**52"),
    "a low numerator": ({"lowest numerator": -(2**63)}, "lowest numerator: expected up to 2**52"),
    "reserved": ({"reserved": 1}, "reserved bytes: expected zeros"),
    "room": ({"room": bytes(15) + b"\1"}, "reserved bytes: expected zeros"),
    "no features": ({"features": 0}, "features: expected 1 to 65535"),
    "many features": ({"features": 2**32 - 1}, "features: expected 1 to 65535"),
    "three features": ({"features": 3}, "its counts make 152 bytes, its header says 136, got 136"),
    "no trees": ({"trees": 0}, "trees: expected 1 or more"),
    "many trees": ({"trees": 2**32 - 1}, "leaves: expected fewer than 2**32"),
    "many splits": ({"splits": 2**32 - 3}, "leaf values: expected one per leaf"),
    "many leaf values": ({"leaf values": 2**32 - 1}, "leaf values: expected one per leaf"),
    "many coded values": ({"leaf values": 2**32 - 1, "leaf code bits": 2}, "leaf values: expected up to 4194304"),
    "many distinct splits": ({"distinct splits": 2**32 - 1}, "distinct splits: expected a gap for each"),
    "many threshold bytes": ({"threshold bytes": 2**64 - 1}, "its counts make"),
    "another length": ({"length": 137}, "its header says 137, got 136"),
    "a huge length": ({"length": 2**64 - 1}, "its header says 18446744073709551615"),
    "distinct splits": ({"distinct splits": 2}, "split table: expected a sum"),
}


@pytest.mark.parametrize(("fields", "message"), LIES.values(), ids=LIES)
def test_wrong_header(fields, message, stump, engine):
    """A header with a wrong field is refused by its name."""
    with pytest.raises(BadForest) as caught:
        Forest.from_bytes(with_header(stump, **fields), engine=engine)
    assert message in str(caught.value)


def with_body(data: bytes, offset: int, code: str, value: float) -> bytes:
    copy = bytearray(data)
    struct.pack_into("<" + code, copy, offset, value)
    return bytes(copy)


BROKEN = {
    "tree sizes": (80, "I", 2, "tree sizes: expected their sum to be the number of splits"),
    "splits per feature": (88, "I", 1, "split table: expected a sum"),
    "a threshold below minus infinity": (104, "I", 0x7FFFFE, "thresholds: expected ascending numbers, not NaN"),
    "a threshold above infinity": (104, "I", 0xFF80_0001, "thresholds: expected ascending numbers, not NaN"),
    "a low part too long": (108, "I", 32, "thresholds: expected low bits up to 31"),
    "no end of a gap": (112, "B", 0, "thresholds: expected the gaps of every distinct split"),
    "a gap out of the column": (108, "I", 9, "thresholds: expected the gaps of every distinct split"),
    "a gap too many": (112, "B", 0b11, "behind the last gap"),
    "padding": (119, "B", 1, "padding: expected zeros"),
    "a bit behind the values": (121, "B", 0b10000, "bits: expected zeros after the last one"),
    "a bit behind the last": (128, "B", 0b10001, "bits: expected zeros after the last one"),
    "bits of no tree": (128, "B", 0b0010, "structure: expected the bits of whole trees"),
    "a split too many": (128, "B", 0b0011, "structure: expected the bits of whole trees"),
    "no split": (128, "B", 0b0000, "structure: expected the bits of whole trees"),
}


@pytest.mark.parametrize(("offset", "code", "value", "message"), BROKEN.values(), ids=BROKEN)
def test_wrong_columns(offset, code, value, message, stump, engine):
    """Columns that make no forest are refused by their name."""
    with pytest.raises(BadForest) as caught:
        Forest.from_bytes(with_body(stump, offset, code, value), engine=engine)
    assert message in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e308], ids=["NaN", "infinity", "too large"])
def test_unsummable_leaf(value, engine):
    """A leaf that cannot be summed is refused."""
    data = encode([changed(STUMP, value=[0.0, 10.5, 20.0])], features=2)
    place = data.index(struct.pack("<d", 10.5))
    with pytest.raises(BadForest, match=r"leaf values: .* finite numbers"):
        Forest.from_bytes(with_body(data, place, "d", value), engine=engine)


def test_long_threshold_column(stump, engine):
    """A column of thresholds that is longer than its gaps is refused."""
    data = with_header(stump, threshold_bytes=9, length=144)
    with pytest.raises(BadForest, match=r"thresholds: .* last gap"):
        Forest.from_bytes(data[:120] + bytes(8) + data[120:], engine=engine)


def test_large_codes(engine):
    """Codes beyond their table are refused."""
    trees = [changed(STUMP, threshold=[float(number), 0, 0], value=[0.0, 0.1, 0.3]) for number in range(3)] * 3
    data = encode(trees, features=2)
    with pytest.raises(BadForest, match=r"split codes: .* below 3"):
        Forest.from_bytes(data[:-16] + b"\3" + data[-15:], engine=engine)
    data = encode([changed(LEAF, value=[0.1])] * 100, features=1)
    with pytest.raises(BadForest, match=r"leaf codes: .* below 1"):
        Forest.from_bytes(data[:-16] + b"\1" + data[-15:], engine=engine)


def test_read_tree_too_large(stump, engine, monkeypatch):
    """A file with a tree of more nodes than the format can number is refused."""
    monkeypatch.setattr(_layout, "NODE_BITS", 2)
    with pytest.raises(BadForest, match=r"tree sizes: .* fewer splits"):
        Forest.from_bytes(stump, engine=engine)


@pytest.mark.parametrize("length", range(0, 136, 9))
def test_short_file(length, stump, engine, tmp_path):
    """A file that was cut short is refused."""
    path = tmp_path / "forest.bin"
    path.write_bytes(stump[:length])
    with pytest.raises(BadForest):
        Forest.open(path, engine=engine)


def test_sum_of_many_leaves():
    """A leaf whose sum over all trees would be infinite is refused by the writer."""
    leaf = changed(LEAF, value=[float_info.max / 150])
    with pytest.raises(BadForest, match="too large to be summed"):
        encode([leaf] * 100, features=1)


def test_largest_leaf(engine):
    """The largest leaf that the writer takes is read."""
    largest = float_info.max / 2
    data = encode([changed(LEAF, value=[largest])], features=1)
    assert Forest.from_bytes(data, engine=engine).predict((0.0,)) == largest


def test_no_code_of_a_leaf():
    """A forest of leaves has no bits for codes of splits."""
    assert field(encode([LEAF], features=1), "split code bits") == 0


def test_close_thresholds(engine):
    """Thresholds that are neighbours as float32 take a few bits each."""
    trees = [changed(STUMP, threshold=[1.0 + step / 2**23, 0.0, 0.0]) for step in range(200)]
    data = encode(trees, features=2)
    assert field(data, "threshold bytes") < field(data, "distinct splits")
    assert Forest.from_bytes(data, engine=engine).trees == 200
