"""Where each part of a forest file is. The one place that knows; both engines and the writer read it here."""

from __future__ import annotations

import struct

from drift_contracts.records import Record

from drift_engine.forest._columns import to_array
from drift_engine.forest._errors import BadForest

MAGIC = b"\x89FOREST\n"
VERSION = 2
REGRESSOR = 1
MEAN = 1
MISSING = 1

MAX_FEATURES = 65_535
LEAF_CODE_BITS = 22
MAX_CODED_LEAF_VALUES = 1 << LEAF_CODE_BITS
SPLIT_CODE_BITS = 32
NODE_BITS = 30
FLOAT_BITS = 64
NUMERATOR_BITS = 52
ROWS_BITS = 32

_HEADER = struct.Struct("<8sHBBHBBBBBBIIIIIQqQ16s")


class Numbers(Record):
    """What the header says of the columns, in the order in which the compiled engine takes it.

    A leaf value is a float64 where `value_bits` is FLOAT_BITS. Else it is a ratio, the sum over a leaf's rows by how
    many they are: `lowest_numerator` + a number of `value_bits`, by 1 + a number of `rows_bits`.
    """

    features: int
    missing_accepted: bool
    trees: int
    splits: int
    distinct_splits: int
    threshold_bytes: int
    leaf_values: int
    value_bits: int
    rows_bits: int
    lowest_numerator: int
    split_code_bits: int
    leaf_code_bits: int

    @property
    def leaves(self) -> int:
        """How many leaves, of all trees together."""
        return self.splits + self.trees

    @property
    def column_bits(self) -> tuple[int, ...]:
        """Bits that each column holds, in the order of the file."""
        return (
            *(32 * self.trees, 3 * 32 * self.features, 8 * self.threshold_bytes),
            self.distinct_splits * self.missing_accepted,
            *(self.leaf_values * self.value_bits, self.leaf_values * self.rows_bits),
            self.splits + self.leaves,
            *(self.splits * self.split_code_bits, self.leaves * self.leaf_code_bits),
        )


class Parts(Record):
    """A forest as the numbers of its header and its columns, in the order of the file."""

    numbers: Numbers
    tree_sizes: bytes | memoryview
    split_table: bytes | memoryview
    thresholds: bytes | memoryview
    missing_left: bytes | memoryview
    leaf_values: bytes | memoryview
    leaf_rows: bytes | memoryview
    structure: bytes | memoryview
    split_codes: bytes | memoryview
    leaf_codes: bytes | memoryview

    @property
    def columns(self) -> tuple[bytes | memoryview, ...]:
        """The columns in the order of the file."""
        return (
            *(
                self.tree_sizes,
                self.split_table,
                self.thresholds,
                self.missing_left,
                self.leaf_values,
            ),
            *(self.leaf_rows, self.structure, self.split_codes, self.leaf_codes),
        )


def join(parts: Parts) -> bytes:
    """The file: header, then the columns, each padded with zeros to a multiple of 8 bytes."""
    body = b"".join(bytes(column) + bytes(-len(column) % 8) for column in parts.columns)
    told = parts.numbers
    header = _HEADER.pack(
        *(MAGIC, VERSION, REGRESSOR, MEAN, 1, MISSING * told.missing_accepted),
        *(told.split_code_bits, told.leaf_code_bits, told.value_bits, told.rows_bits, 0),
        *(told.features, told.trees, told.distinct_splits, told.leaf_values, told.splits),
        *(_HEADER.size + len(body), told.lowest_numerator, told.threshold_bytes, bytes(16)),
    )
    return header + body


def split(data: memoryview) -> Parts:
    """The columns of a file, without copying; raises BadForest if header and length do not agree in all."""
    if len(data) < _HEADER.size:
        raise BadForest(f"forest: expected a header of {_HEADER.size} bytes, got {len(data)} bytes")
    magic, version, kind, aggregation, outputs, flags, *counts = _HEADER.unpack_from(data)
    split_code_bits, leaf_code_bits, value_bits, rows_bits, reserved, features, trees, *counts = counts
    distinct_splits, leaf_values, splits, length, lowest_numerator, threshold_bytes, room = counts
    _expect(magic == MAGIC, "magic", "the first bytes of a forest file")
    _expect(version == VERSION, "version", f"{VERSION}, got {version}: train the model again")
    _expect(kind == REGRESSOR, "kind", f"{REGRESSOR} (regressor)")
    _expect(aggregation == MEAN, "aggregation", f"{MEAN} (mean)")
    _expect(outputs == 1, "outputs", "1 per leaf")
    _expect(flags in (0, MISSING), "flags", f"0, or {MISSING} (missing values accepted)")
    _expect(not reserved and not any(room), "reserved bytes", "zeros")
    numbers = Numbers(
        *(features, bool(flags), trees, splits, distinct_splits, threshold_bytes),
        *(leaf_values, value_bits, rows_bits, lowest_numerator, split_code_bits, leaf_code_bits),
    )
    _check_numbers(numbers)
    parts = Parts(numbers, *_cut(data, numbers.column_bits, length))
    _check_sums(parts)
    return parts


def _check_numbers(numbers: Numbers) -> None:
    """Each number of the header in its range."""
    _expect(1 <= numbers.features <= MAX_FEATURES, "features", f"1 to {MAX_FEATURES}")
    _expect(numbers.trees >= 1, "trees", "1 or more")
    _expect(numbers.leaves < 1 << 32, "leaves", "fewer than 2**32")
    _expect(numbers.split_code_bits <= SPLIT_CODE_BITS, "split code bits", f"up to {SPLIT_CODE_BITS}")
    _expect(
        numbers.value_bits <= NUMERATOR_BITS or (numbers.value_bits == FLOAT_BITS and not numbers.rows_bits),
        "leaf value bits",
        f"up to {NUMERATOR_BITS}, or {FLOAT_BITS} without row bits",
    )
    _expect(numbers.rows_bits <= ROWS_BITS, "leaf row bits", f"up to {ROWS_BITS}")
    _expect(
        abs(numbers.lowest_numerator) <= 1 << NUMERATOR_BITS,
        "lowest numerator",
        f"up to 2**{NUMERATOR_BITS}",
    )
    _expect(numbers.distinct_splits <= 8 * numbers.threshold_bytes, "distinct splits", "a gap for each")
    if numbers.leaf_code_bits:
        _expect(numbers.leaf_code_bits <= LEAF_CODE_BITS, "leaf code bits", f"up to {LEAF_CODE_BITS}")
        _expect(
            numbers.leaf_values <= MAX_CODED_LEAF_VALUES,
            "leaf values",
            f"up to {MAX_CODED_LEAF_VALUES}",
        )
    else:
        _expect(
            numbers.leaf_values == numbers.leaves,
            "leaf values",
            "one per leaf, as there are no leaf codes",
        )


def _check_sums(parts: Parts) -> None:
    """What columns say about each other, and that no bit is set behind the last one."""
    numbers = parts.numbers
    sizes = to_array("I", parts.tree_sizes)
    _expect(sum(sizes) == numbers.splits, "tree sizes", "their sum to be the number of splits")
    _expect(
        fits(max(sizes), numbers.features),
        "tree sizes",
        f"fewer splits in a tree for {numbers.features} features",
    )
    in_table = sum(to_array("I", parts.split_table)[::3])
    _expect(
        in_table == numbers.distinct_splits,
        "split table",
        "a sum that is the number of distinct splits",
    )
    for column, bits in zip(parts.columns, numbers.column_bits, strict=True):
        _expect(not (bits % 8 and column[-1] >> bits % 8), "bits", "zeros after the last one")


def fits(splits: int, features: int) -> bool:
    """Whether the nodes of the compiled engine have room for a tree of so many splits."""
    return splits < MAX_CODED_LEAF_VALUES and splits.bit_length() + features.bit_length() <= NODE_BITS


def _cut(data: memoryview, column_bits: tuple[int, ...], length: int) -> list[memoryview]:
    """Columns of so many bits, one after the other; everything else in the file must be zero padding."""
    sizes = [(bits + 7) // 8 for bits in column_bits]
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
