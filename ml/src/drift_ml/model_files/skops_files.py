"""skops' files: a zip archive of a JSON document and of arrays. No type is asked for trust.

Source: skops 0.16, protocol 2; a node of another kind becomes a record without content.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING

import numpy as np

from .errors import Broken
from .fields import finish
from .joblib_files import most_unpacked
from .pickles import key
from .records import array_of, object_array, set_state, to_shape

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from .records import Records

    Node = dict[str, Any]

SCHEMA = "schema.json"
#: Files in an archive; each is an array.
MOST_ENTRIES = 100_000
#: Bytes of the document.
MOST_SCHEMA = 256 << 20
#: Nodes within nodes.
MOST_LEVELS = 100
#: Bytes of an array's header.
MOST_HEADER = 10_000


def is_skops(path: Path) -> bool:
    """Return whether a zip archive has skops' document."""
    with zipfile.ZipFile(path) as archive:
        return SCHEMA in archive.namelist()


def read_skops(path: Path, records: Records) -> Any:
    """Return what an archive of skops describes.

    Args:
        path: Of the archive.
        records: Makes the file's classes.

    Raises:
        Broken: it is no such archive, or would harm its reader.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_sizes(archive, path.stat().st_size)
            schema = json.loads(archive.read(SCHEMA))
            return _Reader(archive, records).value(schema, 0)
    except (KeyError, TypeError, ValueError, RecursionError, AttributeError):
        raise Broken("its document is none of skops") from None
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError):
        raise Broken("its archive is damaged") from None


def _check_sizes(archive: zipfile.ZipFile, size: int) -> None:
    """Raise Broken for an archive that would become too large; entries are never larger."""
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise Broken(f"its archive has more than {MOST_ENTRIES} entries")
    total = sum(entry.file_size for entry in entries)
    if total > most_unpacked(size) or archive.getinfo(SCHEMA).file_size > MOST_SCHEMA:
        raise Broken("its archive unpacks to more than a model of its size, as a bomb does")


class _Reader:
    """The nodes of a document, each read once."""

    def __init__(self, archive: zipfile.ZipFile, records: Records) -> None:
        self.archive = archive
        self.records = records
        self.memory: dict[int, Any] = {}

    def value(self, node: Node, level: int) -> Any:
        """Return what a node stands for."""
        if level > MOST_LEVELS:
            raise Broken("its document is nested too deeply")
        loader = node["__loader__"]
        identity = node.get("__id__")
        if not isinstance(identity, int):
            return self.made(loader, node, level + 1)
        if loader == "CachedNode" or identity in self.memory:
            return self.memory[identity]
        made = self.made(loader, node, level + 1)
        self.memory[identity] = made
        return made

    def made(
        self,
        loader: str,
        node: Node,
        level: int,
    ) -> Any:
        """Return what a node of a kind stands for."""
        if loader in _CONTAINERS:
            values = [self.value(part, level) for part in node["content"]]
            return _CONTAINERS[loader](values)
        maker = _MAKERS.get(loader)
        if maker is not None:
            return maker(self, node, level)
        return self.record(loader, node, level)

    def default_mapping(self, node: Node, level: int) -> Any:
        """Return a mapping whose factory of missing entries is not kept."""
        return self.value(node["content"]["main"], level)

    def dtype(self, node: Node, level: int) -> Any:
        """Return a type of numpy's, which is written as that of an empty array."""
        return self.array(node["content"], level).dtype

    def kind(self, node: Node, _level: int) -> Any:
        """Return a class or a function: a name, and no code."""
        return self.records.kind(node["__module__"], node["__class__"])

    def content(self, node: Node, _level: int) -> bytes:
        """Return bytes."""
        return self.archive.read(node["file"])

    def mapping(self, node: Node, level: int) -> dict[Any, Any]:
        """Return a mapping; JSON has its keys as texts, and their types beside."""
        kinds = self.value(node["key_types"], level)
        values: dict[Any, Any] = {}
        for kind, (name, part) in zip(kinds, node["content"].items(), strict=True):
            convert = _KEYS.get(kind, str)
            values[key(convert(name))] = self.value(part, level)
        return values

    def array(self, node: Node, level: int) -> Any:
        """Return an array, or one number where the node's class is a number's."""
        if node["type"] == "json":
            shape = to_shape(self.value(node["shape"], level))
            parts = [self.value(part, level) for part in node["content"]]
            return object_array(_flat(parts, len(shape)), shape)
        array = read_npy(self.archive.read(node["file"]))
        return array if node["__class__"] in ("ndarray", "memmap") else array[()]

    def record(
        self,
        loader: str,
        node: Node,
        level: int,
    ) -> Any:
        """Return an object without code."""
        made = self.records.record(node["__module__"], node["__class__"])
        content = node.get("content")
        if loader in ("ObjectNode", "TreeNode", "LossNode"):
            state = {} if content is None else self.value(content, level)
            if state:
                set_state(made, state)
        elif loader == "SparseMatrixNode":
            set_state(made, self.sparse(node["file"]))
        if loader == "TreeNode":
            finish(made)
        return made

    def sparse(self, name: str) -> dict[str, Any]:
        """Return the arrays of a sparse matrix, which are an archive in the archive."""
        content = self.archive.read(name)
        members: dict[str, Any] = {}
        with zipfile.ZipFile(io.BytesIO(content)) as inner:
            total = sum(entry.file_size for entry in inner.infolist())
            if total > most_unpacked(len(content)):
                raise Broken("a matrix unpacks to more than one of its size, as a bomb does")
            for entry in inner.namelist():
                members[entry.removesuffix(".npy")] = read_npy(inner.read(entry))
        return members


def _flat(values: list[Any], dimensions: int) -> list[Any]:
    """Return the entries of an array that is written as lists of lists."""
    for _ in range(dimensions - 1):
        values = [entry for part in values for entry in part]
    return values


def read_npy(content: bytes) -> Any:
    """Return the array in a file of numpy's own format. Raises Broken for objects."""
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    first = version == (1, 0)
    header = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
    shape, is_fortran, dtype = header(stream, max_header_size=MOST_HEADER)
    body = memoryview(content)[stream.tell() :]
    return array_of(body, dtype, to_shape(shape), "F" if is_fortran else "C")


_CONTAINERS: dict[str, Callable[[list[Any]], Any]] = {
    "ListNode": list,
    "TupleNode": tuple,
    "SetNode": lambda values: {key(value) for value in values},
}
_MAKERS: dict[str, Callable[[_Reader, Node, int], Any]] = {
    "JsonNode": lambda _reader, node, _level: json.loads(node["content"]),
    "DictNode": _Reader.mapping,
    "DefaultDictNode": _Reader.default_mapping,
    "NdArrayNode": _Reader.array,
    "DTypeNode": _Reader.dtype,
    "TypeNode": _Reader.kind,
    "FunctionNode": _Reader.kind,
    "BytesNode": _Reader.content,
    "BytearrayNode": _Reader.content,
}
_KEYS: dict[object, Callable[[str], Any]] = {
    int: int,
    float: float,
    bool: lambda name: name == "True",
    str: str,
}
