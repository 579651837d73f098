"""A damaged file is refused, wherever the damage is; it never ends in a fault of ours."""

from __future__ import annotations

import io
import json
import lzma
import pickle
import sys
import zipfile
import zlib
from contextlib import suppress
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from drift_ml.converters.estimators import Lifeless
from drift_ml.model_files import FileRefused, read_model
from drift_ml.model_files.errors import Broken
from drift_ml.model_files.fields import finish
from drift_ml.model_files.numpy_values import Pending, from_buffer, scalar
from drift_ml.model_files.pickles import Stream, read_pickle
from drift_ml.model_files.records import Records, array_of, object_array, plain_dtype, structured_dtype, to_shape

from tests.support.handover import DATA


def read(content: bytes) -> object:
    """Return what a pickle describes."""
    return read_pickle(Stream(memoryview(content)), Records())


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x04N",
        b"\x80\x04\xff.",
        b"\x80\x04.",
        b"0.",
        b"2.",
        b"e.",
        b"h\x00.",
        b"Nq",
        b"I12",
        b"I" + b"1" * 5_000 + b"\n.",
        b"Iabc\n.",
        b"Labc\n.",
        b"Fabc\n.",
        b"Sabc\n.",
        b"S'a\\x'\n.",
        b"V\\uzzzz\n.",
        b"X\x01\x00\x00\x00\xff.",
        b"\x8a\xff" + bytes(10),
        b"\x8b" + (5_000).to_bytes(4, "little") + bytes(5_000) + b".",
        b"NN\x93.",
        b"c \n \n.",
        b"NNR.",
        b"cbuiltins\nint\n(S'a'\ntR.",
        b"cbuiltins\nint\n(NtR.",
        b"cbuiltins\nint\n(S'" + b"9" * 5_000 + b"'\ntR.",
        b"cbuiltins\nlist\n(NtR.",
        b"cnumpy\ndtype\n)R.",
        b"cnumpy\ndtype\n(NtR.",
        b"cnumpy\ndtype\n(S'z9'\ntR.",
        b"ccopyreg\n_reconstructor\n)R.",
        b"(o.",
        b"Na.",
        b"NNNs.",
        b"](NNu.",
        b"}(Nu.",
        b"N(N\x90.",
        b"(]\x91.",
        b"\x8f(]\x90.",
        b"cm\nC\n)R}NNsb.",
        b"cnumpy.core.multiarray\n_reconstruct\n)R\x85.",
        b"cnumpy.core.multiarray\n_reconstruct\n)RNb.",
        b"cnumpy.core.multiarray\n_reconstruct\n)R(Ntb.",
    ],
)
def test_pickle_damage(content):
    """An opcode that does not fit is refused."""
    with pytest.raises(Broken):
        read(content)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"N0K\x01.", 1),
        (b"(N1K\x01.", 1),
        (b"I01\n.", True),
        (b"L5L\n.", 5),
        (b"F1.5\n.", 1.5),
        (b"U\x01a.", "a"),
        (b"T\x01\x00\x00\x00a.", "a"),
        (b"\x8d\x01" + bytes(7) + b"a.", "a"),
        (b"(K\x01l.", [1]),
        (b"(K\x01K\x02d.", {1: 2}),
        (b"]K\x01a.", [1]),
        (b"Np0\n0g0\n.", None),
        (b"Nr\x00\x00\x00\x000j\x00\x00\x00\x00.", None),
        (b"\x95" + bytes(8) + b"N.", None),
        (b"cbuiltins\nobject\n)R.", None),
        (b"cbuiltins\ntuple\n(]tR.", ()),
        (b"cbuiltins\nset\n)R.", set()),
        (b"cbuiltins\nbytearray\n(S'a'\ntR.", b"a"),
        (b"}Nb.", {}),
        (b"S'a'\n.", "a"),
        (b"cnumpy\ndtype\n(S'f8'\ntR\x85.", (np.dtype("f8"),)),
    ],
)
def test_pickle_values(content, value):
    """Opcodes of old protocols are read as they were meant."""
    assert read(content) == value


@pytest.mark.parametrize(
    "content",
    [
        b"im\nC\n.",
        b"(im\nC\n.",
        b"(cm\nC\no.",
        b"cm\nC\n)\x81.",
        b"cm\nC\n)}\x92.",
        b"cm\nC\n)R(K\x01e.",
        b"cm\nC\n)RK\x01K\x02s.",
    ],
)
def test_pickle_objects(content):
    """An object is a record, however it is made."""
    if content.startswith(b"i"):
        content = b"(" + content
    record = read(content)
    assert isinstance(record, Lifeless)
    assert type(record).__name__ == "C"


def test_pickle_states():
    """A state is a mapping, a pair with slots, or kept as it is."""
    pair = read(b"cm\nC\n)R}S'a'\nK\x01s}S'b'\nK\x02s\x86b.")
    assert (pair.a, pair.b) == (1, 2)
    assert read(b"cm\nC\n)RN}S'b'\nK\x02s\x86b.").b == 2
    assert read(b"cm\nC\n)RK\x07b.").state == 7
    assert read(b"cm\nC\n(K\x01tR.").arguments == (1,)


def test_pickle_by_value():
    """A call of what a call returned is a record too, as of functions by value."""
    record = read(b"cm\nC\n)R(K\x01tR.")
    assert (type(record).__name__, record.arguments) == ("C", (1,))
    assert not hasattr(read(b"cm\nC\n)N\x92."), "named_arguments")


def test_long_line():
    """A line that is longer than what is looked at once is read whole."""
    assert len(read(b"V" + b"a" * 200_000 + b"\n.")) == 200_000


def test_array_damage():
    """Arrays whose parts do not fit are refused."""
    eight = np.dtype("f8")
    cases = [
        lambda: array_of(b"1234567", eight, (1,), "C"),
        lambda: array_of(b"", np.dtype(object), (0,), "C"),
        lambda: array_of(b"", np.dtype("V0"), (2_000_000,), "C"),
        lambda: object_array(None, (1,)),
        lambda: to_shape((-1,)),
        lambda: plain_dtype(None),
        lambda: structured_dtype(None, {}, 8),
        lambda: structured_dtype(("a",), {}, 8),
        lambda: structured_dtype(("a",), {"a": (np.dtype(object), 0)}, 8),
        lambda: structured_dtype(("a",), {"a": (eight, 4)}, 8),
        lambda: from_buffer(None, eight, (1,)),
        lambda: from_buffer("é☃", eight, (1,)),
        lambda: from_buffer(b"", None, (1,)),
        lambda: scalar(None),
        lambda: Pending("dtype", eight).filled((3, "x", None, None, None, -1, -1, 0)),
        lambda: Pending("dtype", eight).filled((3,)),
        lambda: Records().record("builtins", "int"),
        lambda: array_of(b"", eight, (0, 1 << 62, 1 << 62), "C"),
    ]
    for case in cases:
        with pytest.raises(Broken):
            case()
    assert from_buffer(bytes(8), "f8", 1).tolist() == [0.0]
    assert scalar(np.dtype(object), "a") == "a"
    assert array_of(b"", np.dtype("V0"), (2,), "C").shape == (2,)


def _tree(**members: object) -> Lifeless:
    tree = Records().record("sklearn.tree._tree", "Tree")
    vars(tree).update(members)
    return tree


def test_tree_damage():
    """A tree without the arrays of any version is refused."""
    nodes = np.zeros(
        1, [("left_child", "i8"), ("right_child", "i8"), ("feature", "i8"), ("threshold", "f8"), ("more", "i8")]
    )
    values = np.zeros((1, 1, 1))
    for members in (
        {},
        {"nodes": np.zeros(1), "values": values},
        {"nodes": nodes, "values": np.zeros((2, 1, 1))},
    ):
        with pytest.raises(Broken):
            finish(_tree(**members))
    tree = _tree(nodes=nodes, values=values)
    finish(tree)
    assert tree.node_count == 1
    assert not hasattr(tree, "missing_go_to_left")


def _refused(path) -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        read_model(path)
    return refused.value


def test_joblib_damage(tmp_path):
    """A joblib file whose arrays are none is refused, and so are those of joblib before 0.10."""
    path = tmp_path / "a.joblib"
    for text in (
        b"\x80\x04cjoblib.numpy_pickle\nNDArrayWrapper\n)R}b.",
        b"\x80\x04cjoblib.numpy_pickle\nNumpyArrayWrapper\n)R}S'shape'\n)sb.",
    ):
        path.write_bytes(text)
        _refused(path)
    wrapper = (
        b"\x80\x02cjoblib.numpy_pickle\nNumpyArrayWrapper\n)R}(S'shape'\n)"
        b"S'dtype'\ncnumpy\ndtype\n(S'O8'\ntR(K\x03S'|'\nNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tbub"
    )
    path.write_bytes(wrapper + b"N..")
    assert "objects is none" in _refused(path).reason
    # Without padding, as joblib before 1.1 wrote it.
    path.write_bytes(wrapper.replace(b"O8", b"f8") + bytes(8) + b".")
    assert "ndarray" in _refused(path).reason


def test_zlib_damage(tmp_path):
    """What zlib cannot unpack is refused, and so is what becomes nothing or no model."""
    path = tmp_path / "a.joblib"
    path.write_bytes(zlib.compress(bytes(3 << 20))[:-9])
    assert "zlib" in _refused(path).reason
    # Blocks of a kind that there is not.
    path.write_bytes(b"\x78\x9c\xff\xff\xff")
    assert "zlib" in _refused(path).reason
    # Few bytes that unpack to more than is read at once.
    path.write_bytes(zlib.compress(pickle.dumps(bytes(3 << 20))))
    assert "memoryview" in _refused(path).reason
    path.write_bytes(zlib.compress(b""))
    assert "nothing" in _refused(path).reason
    path.write_bytes(zlib.compress(pickle.dumps(np.random.default_rng(1).bytes(5 << 20))))
    assert "bytes" in _refused(path).reason or "memoryview" in _refused(path).reason


def test_lz4_file(tmp_path, monkeypatch):
    """A file of lz4 is read where its library is installed."""
    frame = ModuleType("lz4.frame")
    frame.LZ4FrameFile = lambda file: io.BytesIO(file.read()[4:])
    monkeypatch.setitem(sys.modules, "lz4", SimpleNamespace(__spec__=SimpleNamespace()))
    monkeypatch.setitem(sys.modules, "lz4.frame", frame)
    path = tmp_path / "a.joblib"
    path.write_bytes(b"\x04\x22\x4d\x18" + pickle.dumps([1]))
    assert "list" in _refused(path).reason


def test_unreadable_file(tmp_path):
    """A path that cannot be read is refused with the reason of the system."""
    assert "No such file" in _refused(tmp_path / "none").reason


def test_document_too_large(tmp_path, monkeypatch):
    """A document of more bytes than memory allows is refused."""
    monkeypatch.setattr("drift_ml.model_files.read.MOST_DOCUMENT", 10)
    (tmp_path / "a.txt").write_text("tree\nversion=v4\n")
    assert "larger" in _refused(tmp_path / "a.txt").reason


def _node(loader, content=None, **members):
    node = {"__class__": "C", "__module__": "m", "__loader__": loader, **members}
    return node if content is None else {**node, "content": content}


def _skops(tmp_path, attributes, files=()):
    """Return a file of an object with attributes."""
    kinds = _node("ListNode", [_node("TypeNode", __class__="str", __module__="builtins") for _ in attributes])
    path = tmp_path / "a.skops"
    with zipfile.ZipFile(path, "w") as archive:
        schema = _node("ObjectNode", _node("DictNode", attributes, key_types=kinds))
        archive.writestr("schema.json", json.dumps(schema))
        for name, content in files:
            archive.writestr(name, content)
    return path


def _npy(array, **options):
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def test_skops_nodes(tmp_path):
    """Nodes of every kind are read, one that is used twice once."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("data.npy", _npy(np.ones(2)))
    key_types = _node(
        "ListNode",
        [_node("TypeNode", __class__=name, __module__="builtins") for name in ("int", "float", "bool", "str")],
    )
    strings = _node("ListNode", [_node("JsonNode", json.dumps(value)) for value in ("a", "b")])
    attributes = {
        "many": _node(
            "DictNode",
            {
                "1": _node("JsonNode", "1"),
                "1.5": _node("JsonNode", "2"),
                "True": _node("JsonNode", "3"),
                "s": _node("JsonNode", "4"),
            },
            key_types=key_types,
        ),
        "default": _node("DefaultDictNode", {"main": _node("DictNode", {}, key_types=_node("ListNode", []))}),
        "texts": _node(
            "NdArrayNode",
            [strings, strings],
            type="json",
            shape=_node("TupleNode", [_node("JsonNode", "2"), _node("JsonNode", "2")]),
        ),
        "array": _node("NdArrayNode", type="numpy", file="1.npy", __class__="ndarray", __id__=1),
        "again": _node("CachedNode", __id__=1),
        "number": _node("NdArrayNode", type="numpy", file="2.npy", __class__="float64"),
        "dtype": _node("DTypeNode", _node("NdArrayNode", type="numpy", file="1.npy", __class__="ndarray")),
        "bytes": _node("BytesNode", file="1.bin"),
        "set": _node("SetNode", [_node("JsonNode", "1")]),
        "slice": _node("SliceNode", {"start": 1}),
        "sparse": _node("SparseMatrixNode", file="3.npz"),
        "empty": _node("ObjectNode"),
    }
    attributes["texts"]["content"] = [_node("JsonNode", '["a", "b"]'), _node("JsonNode", '["c", "d"]')]
    files = [
        ("1.npy", _npy(np.ones(3))),
        ("2.npy", _npy(np.float64(2.5))),
        ("1.bin", b"abc"),
        ("3.npz", inner.getvalue()),
    ]
    estimator = read_model(_skops(tmp_path, attributes, files)).estimator
    assert (estimator.many[1], estimator.many[1.5], estimator.many["s"]) == (3, 2, 4)
    assert estimator.array is estimator.again
    assert estimator.number == 2.5
    assert estimator.texts.tolist() == [["a", "b"], ["c", "d"]]
    assert (estimator.dtype, estimator.bytes, estimator.set) == (np.dtype("f8"), b"abc", {1})
    assert estimator.sparse.data.tolist() == [1.0, 1.0]


def test_skops_damage(tmp_path, monkeypatch):
    """An archive whose document or whose arrays are none is refused."""
    deep = _node("JsonNode", "1")
    for _ in range(150):
        deep = _node("ListNode", [deep])
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.npy", bytes(2 << 20))
    objects = _npy(np.array([None], object), allow_pickle=True)
    numbers = {"type": "numpy", "file": "1.npy", "__class__": "ndarray"}
    monkeypatch.setattr("drift_ml.model_files.joblib_files.ALWAYS", 1 << 20)
    for attributes, files in (
        ({"a": deep}, []),
        ({"a": _node("CachedNode", __id__=9)}, []),
        ({"a": _node("NdArrayNode", **numbers)}, [("1.npy", objects)]),
        ({"a": _node("NdArrayNode", **numbers)}, [("1.npy", b"no array")]),
        ({"a": _node("SparseMatrixNode", file="1.npz")}, [("1.npz", bomb.getvalue())]),
        ({"a": _node("SparseMatrixNode", file="1.npz")}, [("1.npz", b"PK")]),
    ):
        _refused(_skops(tmp_path, attributes, files))
    monkeypatch.setattr("drift_ml.model_files.skops_files.MOST_ENTRIES", 0)
    assert "entries" in _refused(DATA / "skops" / "forest.skops").reason


@pytest.mark.parametrize("seed", range(300))
def test_changed_bytes(tmp_path, seed):
    """Whatever bytes are changed, a file is read or refused."""
    random = np.random.default_rng(seed)
    names = ["forest.joblib", "histogram.joblib"]
    packed = (DATA / "scikit-learn-1.5.2" / names[seed % 2]).read_bytes()
    content = bytearray(lzma.decompress(packed))
    for place in random.integers(0, len(content), 1 + seed % 20).tolist():
        content[place] = int(random.integers(0, 256))
    path = tmp_path / "a.pkl"
    path.write_bytes(content)
    with suppress(FileRefused):
        read_model(path)
