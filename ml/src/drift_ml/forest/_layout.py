"""Where each part of a forest file is. The one place that knows; both engines and the writer read it here."""

from __future__ import annotations

import struct
import sys
from array import array

from drift_contracts.records import Record

from drift_ml.forest._errors import BadForest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MAGIC = b"\x89FOREST\n"
VERSION = 1
REGRESSOR = 1
MEAN = 1
MISSING = 1

MAX_FEATURES = 65_535
MAX_CODED_LEAF_VALUES = 1 << 22
NODE_BITS = 30

_HEADER = struct.Struct("<8sHBBHBBB3sIIIIIQ16s")


class Parts(Record):
    """The columns of a forest as bytes; counts follow from their lengths and the two code widths."""

    features: int
    missing_accepted: bool
    split_code_width: int
    leaf_code_width: int
    tree_sizes: bytes | memoryview
    feature_splits: bytes | memoryview
    thresholds: bytes | memoryview
    missing_left: bytes | memoryview
    leaf_values: bytes | memoryview
    structure: bytes | memoryview
    split_codes: bytes | memoryview
    leaf_codes: bytes | memoryview

    @property
    def trees(self) -> int:
        """How many trees."""
        return len(self.tree_sizes) // 4

    @property
    def splits(self) -> int:
        """How many splits, inner nodes of all trees together."""
        return len(self.split_codes) // self.split_code_width

    @property
    def columns(self) -> tuple[bytes | memoryview, ...]:
        """The columns in the order of the file."""
        return (
            *(self.tree_sizes, self.feature_splits, self.thresholds, self.missing_left, self.leaf_values),
            *(self.structure, self.split_codes, self.leaf_codes),
        )


def code_width(distinct: int) -> int:
    """Bytes of a code that can name `distinct` things: 2, 3 or 4."""
    return max(2, ((distinct - 1).bit_length() + 7) // 8)


def to_bytes(typecode: str, numbers: Iterable[float]) -> bytes:
    """Numbers as little-endian bytes of the array module's `typecode`."""
    column = array(typecode, numbers)
    if sys.byteorder == "big":  # pragma: no cover - no such machine at hand
        column.byteswap()
    return bytes(column.tobytes())


def to_array(typecode: str, column: bytes | memoryview) -> array[int]:
    """Little-endian bytes as numbers."""
    numbers = array(typecode)
    numbers.frombytes(column)
    if sys.byteorder == "big":  # pragma: no cover - no such machine at hand
        numbers.byteswap()
    return numbers


def codes(width: int, column: bytes | memoryview) -> list[int]:
    """A column of codes, each `width` bytes, the lowest first."""
    lowest, *others = (bytes(column[place::width]) for place in range(width))
    numbers = list(lowest)
    for place, others_bytes in enumerate(others, start=1):
        numbers = [number | byte << 8 * place for number, byte in zip(numbers, others_bytes, strict=True)]
    return numbers


def codes_to_bytes(width: int, numbers: Iterable[int]) -> bytes:
    """Codes as a column, each `width` bytes, the lowest first."""
    wide = to_bytes("I", numbers)
    column = bytearray(len(wide) // 4 * width)
    for place in range(width):
        column[place::width] = wide[place::4]
    return bytes(column)


def join(parts: Parts) -> bytes:
    """The file: header, then the columns, each padded with zeros to a multiple of 8 bytes."""
    body = b"".join(bytes(column) + bytes(-len(column) % 8) for column in parts.columns)
    header = _HEADER.pack(
        *(MAGIC, VERSION, REGRESSOR, MEAN, 1),
        *(MISSING * parts.missing_accepted, parts.split_code_width, parts.leaf_code_width, bytes(3)),
        *(parts.features, parts.trees, len(parts.thresholds) // 4, len(parts.leaf_values) // 8, parts.splits),
        *(_HEADER.size + len(body), bytes(16)),
    )
    return header + body


def split(data: memoryview) -> Parts:
    """The columns of a file, without copying; raises BadForest if header and length do not agree in all."""
    if len(data) < _HEADER.size:
        raise BadForest(f"forest: expected a header of {_HEADER.size} bytes, got {len(data)} bytes")
    magic, version, kind, aggregation, outputs, flags, *counts = _HEADER.unpack_from(data)
    (
        split_width,
        leaf_width,
        reserved,
        features,
        trees,
        distinct_splits,
        distinct_leaves,
        splits,
        length,
        room,
    ) = counts
    _expect(magic == MAGIC, "magic", "the first bytes of a forest file")
    _expect(version == VERSION, "version", str(VERSION))
    _expect(kind == REGRESSOR, "kind", f"{REGRESSOR} (regressor)")
    _expect(aggregation == MEAN, "aggregation", f"{MEAN} (mean)")
    _expect(outputs == 1, "outputs", "1 per leaf")
    _expect(flags in (0, MISSING), "flags", f"0, or {MISSING} (missing values accepted)")
    _expect(split_width in (2, 3, 4), "split code width", "2 to 4 bytes")
    _expect(leaf_width in (0, 2, 3), "leaf code width", "0, 2 or 3 bytes")
    _expect(not any(reserved) and not any(room), "reserved bytes", "zeros")
    _expect(1 <= features <= MAX_FEATURES, "features", f"1 to {MAX_FEATURES}")
    _expect(trees >= 1, "trees", "1 or more")
    leaves = splits + trees
    _expect(leaves < 1 << 32, "leaves", "fewer than 2**32")
    if leaf_width:
        _expect(distinct_leaves <= MAX_CODED_LEAF_VALUES, "leaf values", f"up to {MAX_CODED_LEAF_VALUES}")
    else:
        _expect(distinct_leaves == leaves, "leaf values", "one per leaf, as there are no leaf codes")
    sizes = (
        *(4 * trees, 4 * features, 4 * distinct_splits, (distinct_splits + 7) // 8 * flags),
        *(8 * distinct_leaves, (splits + leaves + 7) // 8, split_width * splits, leaf_width * leaves),
    )
    parts = Parts(features, bool(flags), split_width, leaf_width, *_cut(data, sizes, length))
    _check_sums(parts, distinct_splits)
    return parts


def _check_sums(parts: Parts, distinct_splits: int) -> None:
    """What columns say about each other, and that no bit is set behind the last one."""
    sizes = to_array("I", parts.tree_sizes)
    _expect(sum(sizes) == parts.splits, "tree sizes", "their sum to be the number of splits")
    _expect(
        fits(max(sizes), parts.features),
        "tree sizes",
        f"fewer splits in a tree for {parts.features} features",
    )
    in_table = sum(to_array("I", parts.feature_splits))
    _expect(in_table == distinct_splits, "splits per feature", "their sum to be the number of distinct splits")
    for column, count in (
        (parts.structure, 2 * parts.splits + parts.trees),
        (parts.missing_left, distinct_splits),
    ):
        _expect(not (count % 8 and column and column[-1] >> count % 8), "bits", "zeros after the last one")


def fits(splits: int, features: int) -> bool:
    """Whether the nodes of the compiled engine have room for a tree of so many splits."""
    return splits < MAX_CODED_LEAF_VALUES and splits.bit_length() + features.bit_length() <= NODE_BITS


def _cut(data: memoryview, sizes: tuple[int, ...], length: int) -> list[memoryview]:
    """Columns of these sizes, one after the other; everything else in the file must be zero padding."""
    total = _HEADER.size + sum(size + -size % 8 for size in sizes)
    if not total == length == len(data):
        raise BadForest(f"forest: its counts make {total} bytes, its header says {length}, got {len(data)}")
    columns, start = [], _HEADER.size
    for size in sizes:
        columns.append(data[start : start + size])
        _expect(not any(data[start + size : start + size + -size % 8]), "padding", "zeros")
        start += size + -size % 8
    return columns


def _expect(holds: bool, field: str, expected: str) -> None:
    if not holds:
        raise BadForest(f"forest: {field}: expected {expected}")
