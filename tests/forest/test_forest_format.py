"""What the writer makes of trees, and which bytes the readers refuse."""

from __future__ import annotations

import importlib.util
import struct
import sys

import numpy as np
import pytest
from drift_ml.forest import BadForest, Forest, ForestError, Tree, _forest, _layout, encode, trees_of

STUMP = Tree([1, -1, -1], [2, -1, -1], [1, -2, -2], [0.5, -2.0, -2.0], [15.0, 10.0, 20.0])
LEAF = Tree([-1], [-1], [-2], [-2.0], [7.0])
HEADER = {
    "magic": (0, "8s"),
    "version": (8, "H"),
    "kind": (10, "B"),
    "aggregation": (11, "B"),
    "outputs": (12, "H"),
    "flags": (14, "B"),
    "split code width": (15, "B"),
    "leaf code width": (16, "B"),
    "reserved": (17, "3s"),
    "features": (20, "I"),
    "trees": (24, "I"),
    "distinct splits": (28, "I"),
    "leaf values": (32, "I"),
    "splits": (36, "I"),
    "length": (40, "Q"),
    "room": (48, "16s"),
}


def changed(tree: Tree, **columns) -> Tree:
    names = ("children_left", "children_right", "feature", "threshold", "value", "missing_go_to_left")
    return Tree(**{name: getattr(tree, name) for name in names} | columns)


def with_header(data: bytes, **fields) -> bytes:
    copy = bytearray(data)
    for name, value in fields.items():
        offset, code = HEADER[name.replace("_", " ")]
        struct.pack_into("<" + code, copy, offset, value)
    return bytes(copy)


@pytest.fixture
def stump() -> bytes:
    return encode([STUMP, LEAF], features=2)


def test_the_file_of_a_stump_is_what_the_document_says(stump):
    assert stump[:8] == b"\x89FOREST\n"
    assert struct.unpack_from("<HBBHBBB3xIIIIIQ", stump, 8) == (1, 1, 1, 1, 0, 2, 0, 2, 2, 1, 3, 1, 128)
    body = struct.pack("<II", 1, 0) + struct.pack("<II", 0, 1) + struct.pack("<f4x", 0.5)
    body += struct.pack("<ddd", 10.0, 20.0, 7.0) + bytes([0b0001]) + bytes(7) + struct.pack("<H6x", 0)
    assert stump[64:] == body


def test_equal_trees_give_equal_bytes_whatever_holds_them(fitted):
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


def test_the_order_of_nodes_in_the_arrays_does_not_matter():
    turned = Tree([-1, -1, 1], [-1, -1, 0], [0, 0, 1], [0.0, 0.0, 0.5], [20.0, 10.0, 0.0])
    order = [2, 0, 1]
    columns = [[getattr(turned, name)[node] for node in order] for name in ("feature", "threshold", "value")]
    moved = Tree([2, -1, -1], [1, -1, -1], *columns)
    assert encode([moved], features=2) == encode([STUMP], features=2)


def test_many_equal_leaves_are_coded_and_distinct_ones_are_not(engine):
    same = encode([LEAF] * 100, features=1)
    distinct = encode([changed(LEAF, value=[float(number)]) for number in range(100)], features=1)
    assert (same[16], distinct[16]) == (2, 0)
    assert Forest.from_bytes(same, engine=engine).predict((0.0,)) == 7.0
    assert Forest.from_bytes(distinct, engine=engine).predict((0.0,)) == 49.5


def complete_tree(depth: int, values: list[float]) -> Tree:
    """Every node of a binary heap; thresholds all different."""
    splits = 2**depth - 1
    nodes = range(2 * splits + 1)
    left = [2 * node + 1 if node < splits else -1 for node in nodes]
    right = [2 * node + 2 if node < splits else -1 for node in nodes]
    thresholds = np.arange(len(nodes)) * 7919 % 131_071
    return Tree(left, right, [0] * len(nodes), thresholds, [0.0] * splits + values)


@pytest.mark.slow
def test_more_than_65536_splits_and_leaves_get_codes_of_three_bytes(engine):
    leaves = [float(number % 70_000) for number in range(2**17)]
    tree = complete_tree(17, leaves)
    data = encode([tree] * 2, features=1)
    assert (data[15], data[16]) == (3, 3)
    forest = Forest.from_bytes(data, engine=engine)
    for value in (-1.0, 3.0, 65_536.5, 1e9):
        node = 0
        while tree.children_left[node] != -1:
            node = tree.children_left[node] if value <= tree.threshold[node] else tree.children_right[node]
        assert forest.predict((value,)) == tree.value[node]


def test_a_forest_says_what_it_is_made_of(stump, engine):
    forest = Forest.from_bytes(stump, engine=engine)
    assert (forest.engine, forest.features, forest.trees, forest.nodes) == (engine, 2, 2, 4)


def test_a_file_answers_as_its_bytes(stump, engine, tmp_path):
    path = tmp_path / "forest.bin"
    path.write_bytes(stump)
    assert Forest.open(path, engine=engine).predict((0.0, 0.6)) == 13.5
    assert Forest.open(str(path)).predict((0.0, 0.6)) == 13.5


def test_answers_do_not_change_with_the_bytes_they_were_read_from(stump, engine):
    data = bytearray(stump)
    forest = Forest.from_bytes(data, engine=engine)
    data[:] = bytes(len(data))
    assert forest.predict((0.0, 0.6)) == 13.5


def test_the_fastest_engine_is_taken_and_the_python_twin_where_it_was_not_built(stump, engines, monkeypatch):
    assert Forest.from_bytes(stump).engine == ("c" if "c" in engines else "python")
    monkeypatch.setattr(_forest, "_Compiled", None)
    assert Forest.from_bytes(stump).engine == "python"
    with pytest.raises(ForestError, match="c was not built on this machine"):
        Forest.from_bytes(stump, engine="c")


def test_the_compiled_engine_is_handed_the_numbers_and_the_columns_of_the_file(stump, monkeypatch):
    monkeypatch.setattr(_forest, "_Compiled", lambda *handed: handed)
    features, missing, split_width, leaf_width, *columns = Forest.from_bytes(stump)._answers
    assert (features, missing, split_width, leaf_width) == (2, False, 2, 0)
    assert [len(column) for column in columns] == [8, 8, 4, 0, 24, 1, 2, 0]


def test_a_machine_without_the_compiled_engine_imports_and_answers(stump, monkeypatch):
    monkeypatch.setitem(sys.modules, "drift_ml.forest._kernel", None)
    spec = importlib.util.spec_from_file_location("forest_without_kernel", _forest.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.Forest.from_bytes(stump).engine == "python"


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
def test_arrays_that_are_no_forest_are_refused_with_their_place(trees, features, message):
    with pytest.raises(BadForest) as caught:
        encode(trees, features=features)
    assert message in str(caught.value)


def test_a_tree_too_large_for_a_node_is_refused(monkeypatch):
    monkeypatch.setattr(_layout, "NODE_BITS", 2)
    with pytest.raises(BadForest, match="tree 0: too many nodes for 2 features"):
        encode([STUMP], features=2)


def test_leaves_are_not_coded_where_there_are_too_many_for_a_node(monkeypatch):
    trees = [LEAF, changed(LEAF, value=[8.0])] * 50
    assert encode(trees, features=1)[16] == 2
    monkeypatch.setattr(_layout, "MAX_CODED_LEAF_VALUES", 1)
    assert encode(trees, features=1)[16] == 0


@pytest.mark.parametrize("attributes", [{"classes_": [0, 1]}, {"n_outputs_": 2}], ids=["classifier", "outputs"])
def test_only_regressors_of_one_output_have_trees_to_write(attributes):
    with pytest.raises(BadForest, match="expected a fitted regressor with one output"):
        trees_of(type("Estimator", (), attributes)())


LIES = {
    "magic": ({"magic": b"\x89FOREST\r"}, "magic"),
    "a later version": ({"version": 2}, "version: expected 1"),
    "another kind": ({"kind": 2}, "kind: expected 1 (regressor)"),
    "another aggregation": ({"aggregation": 2}, "aggregation: expected 1 (mean)"),
    "two outputs": ({"outputs": 2}, "outputs: expected 1 per leaf"),
    "unknown flags": ({"flags": 2}, "flags"),
    "a width of codes": ({"split code width": 1}, "split code width: expected 2 to 4 bytes"),
    "a width of leaf codes": ({"leaf code width": 4}, "leaf code width: expected 0, 2 or 3 bytes"),
    "reserved": ({"reserved": b"\0\0\1"}, "reserved bytes: expected zeros"),
    "room": ({"room": bytes(15) + b"\1"}, "reserved bytes: expected zeros"),
    "no features": ({"features": 0}, "features: expected 1 to 65535"),
    "many features": ({"features": 2**32 - 1}, "features: expected 1 to 65535"),
    "three features": ({"features": 5}, "its counts make 144 bytes, its header says 128, got 128"),
    "no trees": ({"trees": 0}, "trees: expected 1 or more"),
    "many trees": ({"trees": 2**32 - 1}, "leaves: expected fewer than 2**32"),
    "many splits": ({"splits": 2**32 - 3}, "leaf values: expected one per leaf"),
    "many leaf values": ({"leaf values": 2**32 - 1}, "leaf values: expected one per leaf"),
    "many coded values": (
        {"leaf values": 2**32 - 1, "leaf code width": 2},
        "leaf values: expected up to 4194304",
    ),
    "many distinct splits": ({"distinct splits": 2**32 - 1}, "its counts make"),
    "another length": ({"length": 129}, "its header says 129, got 128"),
    "a huge length": ({"length": 2**64 - 1}, "its header says 18446744073709551615"),
    "distinct splits": ({"distinct splits": 2}, "splits per feature: expected their sum"),
}


@pytest.mark.parametrize(("fields", "message"), LIES.values(), ids=LIES)
def test_a_header_that_lies_is_refused_with_its_field(fields, message, stump, engine):
    with pytest.raises(BadForest) as caught:
        Forest.from_bytes(with_header(stump, **fields), engine=engine)
    assert message in str(caught.value)


def with_body(data: bytes, offset: int, code: str, value: float) -> bytes:
    copy = bytearray(data)
    struct.pack_into("<" + code, copy, offset, value)
    return bytes(copy)


BROKEN = {
    "tree sizes": (64, "I", 2, "tree sizes: expected their sum to be the number of splits"),
    "splits per feature": (72, "I", 1, "splits per feature: expected their sum"),
    "a threshold that is NaN": (80, "f", float("nan"), "thresholds: expected numbers, not NaN"),
    "padding": (87, "B", 1, "padding: expected zeros"),
    "a leaf that is NaN": (88, "d", float("nan"), "leaf values: expected finite numbers"),
    "a leaf too large": (88, "d", 1e308, "leaf values: expected finite numbers that can be summed"),
    "a bit behind the last": (112, "B", 0b10001, "bits: expected zeros after the last one"),
    "bits of no tree": (112, "B", 0b0010, "structure: expected the bits of whole trees"),
    "a split too many": (112, "B", 0b0011, "structure: expected the bits of whole trees"),
    "no split": (112, "B", 0b0000, "structure: expected the bits of whole trees"),
    "a code too large": (120, "H", 1, "split codes: expected codes below 1"),
}


@pytest.mark.parametrize(("offset", "code", "value", "message"), BROKEN.values(), ids=BROKEN)
def test_columns_that_make_no_forest_are_refused_with_their_name(offset, code, value, message, stump, engine):
    with pytest.raises(BadForest) as caught:
        Forest.from_bytes(with_body(stump, offset, code, value), engine=engine)
    assert message in str(caught.value)


def test_a_leaf_code_too_large_is_refused(engine):
    data = encode([LEAF] * 100, features=1)
    with pytest.raises(BadForest, match="leaf codes: expected codes below 1"):
        Forest.from_bytes(data[:-8] + b"\1" + data[-7:], engine=engine)


def test_a_tree_larger_than_a_node_can_say_is_refused(stump, engine, monkeypatch):
    monkeypatch.setattr(_layout, "NODE_BITS", 2)
    with pytest.raises(BadForest, match="tree sizes: expected fewer splits in a tree for 2 features"):
        Forest.from_bytes(stump, engine=engine)


@pytest.mark.parametrize("length", range(0, 128, 9))
def test_a_file_cut_short_is_refused(length, stump, engine, tmp_path):
    path = tmp_path / "forest.bin"
    path.write_bytes(stump[:length])
    with pytest.raises(BadForest):
        Forest.open(path, engine=engine)
