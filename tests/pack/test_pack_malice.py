"""Files that would run something, or take all memory, do neither."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import struct
import subprocess
import sys
import zipfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import joblib
import numpy as np
import pytest
from drift_engine.onnx import RuntimeAbsent
from drift_ml.converters import ConversionError
from drift_ml.handover import Handover, pack
from drift_ml.model_files import FileRefused, pickles, read_model

from tests.support.handover import DATA, write_features
from tests.support.onnx_bytes import field, graph, model, node, tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Events of the interpreter that a file must not cause.
HARMFUL = (
    "import",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "subprocess.Popen",
    "exec",
    "compile",
    "pickle.find_class",
)
_watched: list[list[str]] = []


def _hook(event, _arguments):
    for events in _watched:
        if event in HARMFUL:
            events.append(event)


sys.addaudithook(_hook)


@contextmanager
def watched() -> Iterator[list[str]]:
    """Yield the harmful events while a block runs."""
    events: list[str] = []
    _watched.append(events)
    try:
        yield events
    finally:
        _watched.remove(events)


class Harm:
    """Runs a command where it is unpickled."""

    def __reduce__(self):
        """Return a call of the shell."""
        return os.system, ("touch harmed",)


def _refused(path):
    """Return the refusal of a file that causes no harmful event."""
    # What reading itself imports is there already.
    with watched() as events, pytest.raises(FileRefused) as refused:
        read_model(path)
    assert events == []
    return refused.value


@pytest.fixture(autouse=True)
def warm(tmp_path):
    """Read a file of each form, so that no import of the reader's own is seen."""
    for name in ("zlib", "gzip", "bz2", "xz", "lzma"):
        joblib.dump({"a": np.zeros(3)}, tmp_path / name, compress=(name, 3))
        with pytest.raises(FileRefused):
            read_model(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "warm.skops", "w") as archive:
        archive.writestr("schema.json", "{}")
    with pytest.raises(FileRefused):
        read_model(tmp_path / "warm.skops")


@pytest.mark.parametrize("protocol", range(6))
def test_harmful_pickle(tmp_path, monkeypatch, protocol):
    """A call of the shell is kept as a name, in every protocol."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"model": Harm()}, protocol=protocol))
    _refused(path)
    path.write_bytes(pickle.dumps(Harm(), protocol=protocol))
    with watched() as events:
        estimator = read_model(path).estimator
    assert events == []
    assert type(estimator).__name__ == "system"
    assert not (tmp_path / "harmed").exists()


def test_harmful_joblib(tmp_path, monkeypatch):
    """Nothing of a joblib file runs, not even in an array of objects."""
    monkeypatch.chdir(tmp_path)
    objects = np.array([Harm(), None], dtype=object)
    for place, compress in enumerate((0, 3)):
        path = tmp_path / f"{place}.joblib"
        joblib.dump({"a": objects, "b": Harm()}, path, compress=compress)
        _refused(path)
    assert not (tmp_path / "harmed").exists()


def test_harmful_module(tmp_path):
    """A module that a file names is not imported."""
    (tmp_path / "harmful_module.py").write_text("raise SystemExit(3)")
    sys.path.insert(0, str(tmp_path))
    try:
        path = tmp_path / "model.pkl"
        path.write_bytes(b"\x80\x04charmful_module\nModel\n)R.")
        with watched() as events:
            assert type(read_model(path).estimator).__module__ == "harmful_module"
    finally:
        sys.path.remove(str(tmp_path))
    assert events == []
    assert "harmful_module" not in sys.modules


def test_harmful_skops(tmp_path):
    """A type of skops that is no model's is a name."""
    node = {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode"}
    attributes = {"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode", "content": {"a": node}}
    names = [{"__class__": "str", "__module__": "builtins", "__loader__": "TypeNode"}]
    attributes["key_types"] = {
        "__class__": "list",
        "__module__": "builtins",
        "__loader__": "ListNode",
        "content": names,
    }
    schema = {"__class__": "Popen", "__module__": "subprocess", "__loader__": "ObjectNode", "content": attributes}
    path = tmp_path / "model.skops"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))
    with watched() as events:
        estimator = read_model(path).estimator
    assert events == []
    assert estimator.a.__module__ == "os"


def test_harmful_mlflow(tmp_path):
    """The loader that a folder names is not imported, and no file outside of it is read."""
    (tmp_path / "MLmodel").write_text("flavors:\n  python_function:\n    loader_module: harmful_module\n")
    _refused(tmp_path)
    (tmp_path / "MLmodel").write_text("flavors:\n  sklearn:\n    pickled_model: ../../etc/passwd\n")
    assert "not in its folder" in _refused(tmp_path).reason


def _npz(objects):
    """Return an archive of numpy with an array of objects, which is a pickle."""
    file = io.BytesIO()
    np.savez(file, a=objects)
    return file.getvalue()


OBJECTS = np.array([Harm()], dtype=object)
PLACES = {"__class__": "system", "__module__": "os", "file": "../../../etc/passwd"}
#: Files of every other form, with what a careless reader would import, call or open.
HARMFUL_FILES = {
    "m.ubj": b"{i\x09__class__Si\x09os.system" + b"i\x07learner{i\x06moduleSi\x0eharmful_module}}",
    "m.json": json.dumps({"learner": PLACES, "version": [3, 2, 0]}).encode(),
    "c.json": json.dumps({"model_info": PLACES, "oblivious_trees": [PLACES]}).encode(),
    "m.txt": b"tree\nversion=v4\nobjective=harmful_module:system('touch harmed')\nfeature_names=__import__('os')\n",
    "m.npz": _npz(OBJECTS),
    "m.npy": b"\x93NUMPY\x01\x00v\x00{'descr': __import__('os').system('touch harmed'), 'shape': ()}\n",
    "MLmodel": b"flavors: !!python/object/apply:os.system ['touch harmed']\n",
    "external.onnx": model(graph([], [], [], [tensor("w", 1, [1], b"", field(13, field(2, "/etc/passwd")))])),
    "library.onnx": model(graph([node("Run", [], ["y"], domain="harmful_module")], [], [])),
}


@pytest.mark.parametrize("name", HARMFUL_FILES)
def test_harmful_file(tmp_path, monkeypatch, houses, name):
    """A file of each other form runs nothing, imports nothing and opens no other file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "harmful_module.py").write_text("raise SystemExit(3)")
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / name).write_bytes(HARMFUL_FILES[name])
    path = folder if name == "MLmodel" else folder / name
    handover = Handover(path, houses.file, target="price", out=tmp_path / "out")
    # What packing itself imports is there after a first call.
    for _ in range(2):
        with watched() as events, pytest.raises((ConversionError, RuntimeAbsent)):
            pack(handover)
    assert events == []
    assert not (tmp_path / "harmed").exists()
    assert not (tmp_path / "out").exists()


NO_MODULES = """
import sys
imported = set()
sys.addaudithook(lambda event, words: event == "import" and imported.add(words[0].partition(".")[0]))
from drift_ml.handover.commands import main
try:
    main()
finally:
    print(sorted(imported & {"sklearn", "joblib", "scipy", "skops"}))
"""


def test_no_named_module(tmp_path):
    """To pack a model no module is imported that its file names."""
    older = DATA / "scikit-learn-1.5.2"
    options = ["--model", older / "forest.joblib", "--data", older / "rows.csv", "--answers", "forest"]
    target = {"name": "late", "kind": "classification", "classes": ["0", "1"]}
    features = write_features(tmp_path / "f.json", ("x0", "x1", "x2", "x3"), target)
    words = [sys.executable, "-c", NO_MODULES, *options, "--features", features, "--out", tmp_path / "out"]
    done = subprocess.run([*map(str, words)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", ["zlib", "gzip", "bz2", "lzma", "xz"])
def test_packed_bomb(tmp_path, monkeypatch, name):
    """A file that unpacks to much more than a model's is refused on the way."""
    monkeypatch.setattr("drift_ml.model_files.joblib_files.ALWAYS", 1 << 20)
    formats = {"lzma": lzma.FORMAT_ALONE, "xz": lzma.FORMAT_XZ}
    zeros = bytes(8 << 20)
    packers = {
        "zlib": zlib.compress,
        "gzip": gzip.compress,
        "bz2": bz2.compress,
        "lzma": lambda content: lzma.compress(content, formats["lzma"]),
        "xz": lambda content: lzma.compress(content, formats["xz"]),
    }
    path = tmp_path / "bomb.joblib"
    path.write_bytes(packers[name](zeros))
    assert "bomb" in _refused(path).reason


def test_zip_bomb(tmp_path, monkeypatch):
    """An archive that unpacks to much more than a model's is refused before."""
    monkeypatch.setattr("drift_ml.model_files.joblib_files.ALWAYS", 1 << 20)
    path = tmp_path / "bomb.skops"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", "{}")
        archive.writestr("1.npy", bytes(8 << 20))
    assert "bomb" in _refused(path).reason


@pytest.mark.parametrize(
    "content",
    [
        # A tuple of itself twice, 60 times, as a key: its hash would take for ever.
        b"\x80\x04)" + b"2\x86" * 60 + b"}\x94h\x002s.",
        b"\x80\x04})" + b"2\x86" * 60 + b"Ns.",
        # Memory at a place far out, which is one entry here.
        b"\x80\x04" + b"Nr\xff\xff\xff\xff.",
        # Lengths that nothing has.
        b"\x80\x04\x8e" + b"\xff" * 8 + b".",
        b"\x80\x04\x96" + struct.pack("<Q", 1 << 62) + b".",
        b"\x80\x04\x8b" + struct.pack("<i", 1 << 30) + b".",
        b"I" + b"9" * 100_000 + b"\n.",
        # 5,000 levels.
        b"\x80\x04" + b"]" * 5_000 + b"a" * 4_999 + b".",
    ],
)
def test_pickle_bomb(tmp_path, content):
    """A pickle that would take all memory or time is refused."""
    path = tmp_path / "bomb.pkl"
    path.write_bytes(content)
    _refused(path)


def test_many_objects(tmp_path, monkeypatch):
    """A pickle of more objects than a model of its size has is refused on the way, within seconds."""
    # The bound is reached after 3 us an object; a lower one shows the same in no time.
    assert pickles.MOST_OPCODES <= 5_000_000
    monkeypatch.setattr(pickles, "MOST_OPCODES", 20_000)
    path = tmp_path / "bomb.pkl"
    path.write_bytes(b"\x80\x04" + b"]" * 40_000 + b".")
    assert "more objects" in _refused(path).reason
    path.write_bytes(b"\x80\x04" + b"]" * 20_000 + b".")
    assert "holds a list" in _refused(path).reason


def test_huge_array(tmp_path):
    """An array that says that it is larger than its bytes is refused."""
    content = pickle.dumps(np.zeros(7), protocol=2)
    # 7 becomes 2,000,000,007 where the shape stands.
    huge = content.replace(b"K\x07\x85", b"J\x07\x94\x35\x77\x85")
    assert huge != content
    path = tmp_path / "array.pkl"
    path.write_bytes(huge)
    assert "bytes than its shape" in _refused(path).reason


def test_objects_as_bytes(tmp_path):
    """An array of objects is never made of bytes, which would be addresses."""
    content = pickle.dumps(np.array([1.0, 2.0]), protocol=2).replace(b"f8", b"O8")
    path = tmp_path / "array.pkl"
    path.write_bytes(content)
    assert "objects than its shape" in _refused(path).reason
