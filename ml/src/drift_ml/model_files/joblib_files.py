"""joblib's files: pickles with arrays between the opcodes, whole or compressed."""

from __future__ import annotations

import bz2
import gzip
import importlib.util
import lzma
import mmap
import tempfile
import zlib
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.converters.estimators import library_and_class

from .errors import Broken
from .pickles import Stream, read_pickle
from .records import array_of, count_of, to_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, BinaryIO

    from drift_ml.converters.estimators import Lifeless

    from .records import Records

#: First bytes of a compressed file, by what packed it.
MAGIC = {
    b"\x1f\x8b": "gzip",
    b"BZ": "bz2",
    b"\xfd7zXZ": "xz",
    b"\x5d\x00\x00": "lzma",
    b"\x04\x22\x4d\x18": "lz4",
    b"\x78": "zlib",
}
#: A packed file may become so many times as large, and so large in any case.
MOST_TIMES = 40
ALWAYS = 64 << 20
#: Bytes that are unpacked at once.
STEP = 1 << 20


def compression_of(start: bytes) -> str:
    """Return what a file was packed by, by its first bytes; "" where it is not packed."""
    for magic, name in MAGIC.items():
        if start.startswith(magic):
            return name
    return ""


def most_unpacked(size: int) -> int:
    """Return how many bytes may come of so many packed ones; beyond, it is taken for a bomb."""
    return max(
        ALWAYS,
        MOST_TIMES * size,
    )


def unpack(
    file: BinaryIO,
    size: int,
    name: str,
) -> memoryview:
    """Return the content of a compressed file.

    It lies in a temporary file, so that it needs no memory of the process's own.

    Args:
        file: Packed, at its start.
        size: Of the packed file, in bytes.
        name: What it was packed by.

    Raises:
        Broken: it is damaged, or becomes too large.
    """
    most = most_unpacked(size)
    with tempfile.TemporaryFile() as target:
        total = 0
        for part in _parts(file, name):
            total += len(part)
            if total > most:
                raise Broken(f"it unpacks to more than {most} bytes, as a bomb does")
            target.write(part)
        target.flush()
        if not total:
            raise Broken("it unpacks to nothing")
        return memoryview(mmap.mmap(target.fileno(), 0, access=mmap.ACCESS_READ))


def _parts(file: BinaryIO, name: str) -> Iterator[bytes]:
    """Yield what a packed file holds, a step at a time."""
    if name == "zlib":
        yield from _zlib_parts(file)
        return
    opener = _openers()[name]
    try:
        with opener(file) as packed:
            while part := packed.read(STEP):
                yield part
    except (OSError, EOFError, lzma.LZMAError, zlib.error, RuntimeError):
        raise Broken(f"its {name} is damaged") from None


def _openers() -> dict[str, Callable[[BinaryIO], Any]]:
    return {
        "gzip": lambda file: gzip.GzipFile(fileobj=file),
        "bz2": bz2.BZ2File,
        "xz": lzma.LZMAFile,
        "lzma": lzma.LZMAFile,
        "lz4": _open_lz4,
    }


def _open_lz4(file: BinaryIO) -> Any:
    """Return a reader of lz4. Raises Broken where its library is absent."""
    if importlib.util.find_spec("lz4") is None:
        raise Broken("it is packed by lz4, whose library is not installed here (pip install lz4)")
    frame = importlib.import_module("lz4.frame")
    return frame.LZ4FrameFile(file)


def _zlib_parts(file: BinaryIO) -> Iterator[bytes]:
    machine = zlib.decompressobj()
    try:
        while packed := file.read(STEP):
            # Never more at once, whatever few bytes may unpack to.
            yield machine.decompress(packed, STEP)
            while machine.unconsumed_tail:
                yield machine.decompress(machine.unconsumed_tail, STEP)
    except zlib.error:
        raise Broken("its zlib is damaged") from None
    if not machine.eof:
        raise Broken("its zlib is damaged")


def read_joblib(content: memoryview, records: Records) -> Any:
    """Return what a pickle describes, with the arrays that joblib writes into it.

    Args:
        content: Unpacked.
        records: Makes the file's classes.

    Raises:
        Broken: it is no pickle, or would harm its reader.
    """

    def in_stream(record: Lifeless, stream: Stream) -> Any:
        """Return the array that follows its description."""
        library, kind = library_and_class(record)
        if library != "joblib":
            return record
        if kind != "NumpyArrayWrapper":
            raise Broken("it keeps its arrays in files of their own, as joblib before 0.10 did")
        return _array(vars(record), stream, records)

    return read_pickle(Stream(content), records, in_stream)


def _array(
    members: dict[str, Any],
    stream: Stream,
    records: Records,
) -> Any:
    dtype, order = members.get("dtype"), members.get("order")
    shape = to_shape(members.get("shape"))
    if not isinstance(dtype, np.dtype):
        raise Broken("the type of an array is not known")
    if dtype.hasobject:
        # A pickle of its own, by numpy and not by joblib.
        array = read_pickle(stream, records)
        if not isinstance(array, np.ndarray):
            raise Broken("an array of objects is none")
        return array
    if members.get("numpy_array_alignment_bytes") is not None:
        (padding,) = stream.take(1)
        stream.take(padding)
    content = stream.take(count_of(shape) * dtype.itemsize)
    return array_of(content, dtype, shape, str(order))
