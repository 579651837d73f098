"""Where each part of a forest file is, read by both engines and the writer.

A file is a header of 80 bytes (`_HEADER`) and then the columns of `Parts`, each padded with zeros
to a multiple of 8 bytes. A column holds as many bits as the numbers of the header make
(`Numbers.column_bits`): nothing in the file points anywhere, so that there is no offset to forge.
Every bit that no number accounts for must be zero; so one forest has one file, and a reader that
accepts it has seen all of it. The format is described in docs/forest-format.md.
"""

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

# Little-endian, without alignment: magic, version; kind and aggregation; outputs; flags, the four
# widths in bits and a reserved byte; features, trees, distinct splits, leaf values, splits; the
# length of the file; the lowest numerator; bytes of thresholds; 16 reserved bytes. The order is
# that of `join` and `_read_header`.
_HEADER = struct.Struct("<8sHBBHBBBBBBIIIIIQqQ16s")


class Numbers(Record):
    """What the header says of the columns, in the order in which the compiled engine takes it.

    A leaf value is a float64 where `value_bits` is FLOAT_BITS. Else it is a ratio, the sum over a
    leaf's rows by how many they are: `lowest_numerator` + a number of `value_bits`, by 1 + a
    number of `rows_bits`.
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
        """Return how many leaves there are, of all trees together."""
        # Each split of a tree adds one leaf to the one that it begins with.
        return self.splits + self.trees

    @property
    def column_bits(self) -> tuple[int, ...]:
        """Return the bits of each column, in the order of the file."""
        return (
            32 * self.trees,
            3 * 32 * self.features,
            8 * self.threshold_bytes,
            self.distinct_splits * self.missing_accepted,
            self.leaf_values * self.value_bits,
            self.leaf_values * self.rows_bits,
            self.splits + self.leaves,
            self.splits * self.split_code_bits,
            self.leaves * self.leaf_code_bits,
        )


class Parts(Record):
    """A forest as the numbers of its header and its columns, in the order of the file."""

    numbers: Numbers
    #: Splits of each tree, uint32.
    tree_sizes: bytes | memoryview
    #: Per feature the count of its thresholds, the first order number and low bits, uint32.
    split_table: bytes | memoryview
    #: The gaps of all thresholds.
    thresholds: bytes | memoryview
    #: A bit per distinct split: whether missing values go left.
    missing_left: bytes | memoryview
    #: Float64, or numerators.
    leaf_values: bytes | memoryview
    #: Rows of each ratio, less one.
    leaf_rows: bytes | memoryview
    #: A bit per node in preorder, 1 for a split.
    structure: bytes | memoryview
    #: Which distinct split each split is.
    split_codes: bytes | memoryview
    #: Which value each leaf has; empty where each has its place in the values.
    leaf_codes: bytes | memoryview

    @property
    def columns(self) -> tuple[bytes | memoryview, ...]:
        """Return the columns in the order of the file."""
        return (
            self.tree_sizes,
            self.split_table,
            self.thresholds,
            self.missing_left,
            self.leaf_values,
            self.leaf_rows,
            self.structure,
            self.split_codes,
            self.leaf_codes,
        )


def join(parts: Parts) -> bytes:
    """Return the file: header, then the columns, each padded with zeros to 8 bytes."""
    numbers = parts.numbers
    body = b"".join(bytes(column) + bytes(-len(column) % 8) for column in parts.columns)
    header = _HEADER.pack(
        MAGIC,
        VERSION,
        REGRESSOR,
        MEAN,
        1,  # output per leaf
        MISSING if numbers.missing_accepted else 0,
        numbers.split_code_bits,
        numbers.leaf_code_bits,
        numbers.value_bits,
        numbers.rows_bits,
        0,  # reserved
        numbers.features,
        numbers.trees,
        numbers.distinct_splits,
        numbers.leaf_values,
        numbers.splits,
        _HEADER.size + len(body),
        numbers.lowest_numerator,
        numbers.threshold_bytes,
        bytes(16),  # reserved
    )
    return header + body


def split(data: memoryview) -> Parts:
    """Return the columns of a file, without copying.

    Raises BadForest unless header and length agree in everything.
    """
    if len(data) < _HEADER.size:
        expected = f"expected a header of {_HEADER.size} bytes, got {len(data)} bytes"
        raise BadForest(f"forest: {expected}")
    numbers, length = _read_header(data)
    _check_numbers(numbers)
    parts = Parts(numbers, *_cut(data, numbers.column_bits, length))
    _check_sums(parts)
    return parts


def _read_header(data: memoryview) -> tuple[Numbers, int]:
    """Return the numbers and the length of the file. Raises BadForest for another format."""
    (
        magic,
        version,
        kind,
        aggregation,
        outputs,
        flags,
        split_code_bits,
        leaf_code_bits,
        value_bits,
        rows_bits,
        reserved,
        features,
        trees,
        distinct_splits,
        leaf_values,
        splits,
        length,
        lowest_numerator,
        threshold_bytes,
        room,
    ) = _HEADER.unpack_from(data)
    _expect(magic == MAGIC, "magic", "the first bytes of a forest file")
    _expect(version == VERSION, "version", f"{VERSION}, got {version}: train the model again")
    _expect(kind == REGRESSOR, "kind", f"{REGRESSOR} (regressor)")
    _expect(aggregation == MEAN, "aggregation", f"{MEAN} (mean)")
    _expect(outputs == 1, "outputs", "1 per leaf")
    _expect(flags in (0, MISSING), "flags", f"0, or {MISSING} (missing values accepted)")
    _expect(not reserved and not any(room), "reserved bytes", "zeros")
    numbers = Numbers(
        features=features,
        missing_accepted=bool(flags),
        trees=trees,
        splits=splits,
        distinct_splits=distinct_splits,
        threshold_bytes=threshold_bytes,
        leaf_values=leaf_values,
        value_bits=value_bits,
        rows_bits=rows_bits,
        lowest_numerator=lowest_numerator,
        split_code_bits=split_code_bits,
        leaf_code_bits=leaf_code_bits,
    )
    return numbers, length


def _check_numbers(numbers: Numbers) -> None:
    """Raise BadForest unless each number of the header is in its range."""
    _expect(1 <= numbers.features <= MAX_FEATURES, "features", f"1 to {MAX_FEATURES}")
    _expect(numbers.trees >= 1, "trees", "1 or more")
    _expect(numbers.leaves < 1 << 32, "leaves", "fewer than 2**32")
    has_codes = numbers.split_code_bits <= SPLIT_CODE_BITS
    _expect(has_codes, "split code bits", f"up to {SPLIT_CODE_BITS}")
    is_float = numbers.value_bits == FLOAT_BITS and not numbers.rows_bits
    _expect(
        numbers.value_bits <= NUMERATOR_BITS or is_float,
        "leaf value bits",
        f"up to {NUMERATOR_BITS}, or {FLOAT_BITS} without row bits",
    )
    _expect(numbers.rows_bits <= ROWS_BITS, "leaf row bits", f"up to {ROWS_BITS}")
    is_exact = abs(numbers.lowest_numerator) <= 1 << NUMERATOR_BITS
    _expect(is_exact, "lowest numerator", f"up to 2**{NUMERATOR_BITS}")
    # A gap is at least one bit.
    has_gaps = numbers.distinct_splits <= 8 * numbers.threshold_bytes
    _expect(has_gaps, "distinct splits", "a gap for each")
    _check_leaf_codes(numbers)


def _check_leaf_codes(numbers: Numbers) -> None:
    if numbers.leaf_code_bits:
        is_short = numbers.leaf_code_bits <= LEAF_CODE_BITS
        _expect(is_short, "leaf code bits", f"up to {LEAF_CODE_BITS}")
        is_coded = numbers.leaf_values <= MAX_CODED_LEAF_VALUES
        _expect(is_coded, "leaf values", f"up to {MAX_CODED_LEAF_VALUES}")
    else:
        is_complete = numbers.leaf_values == numbers.leaves
        _expect(is_complete, "leaf values", "one per leaf, as there are no leaf codes")


def _check_sums(parts: Parts) -> None:
    """Raise BadForest unless columns agree with each other and end with zero bits."""
    numbers = parts.numbers
    sizes = to_array("I", parts.tree_sizes)
    _expect(sum(sizes) == numbers.splits, "tree sizes", "their sum to be the number of splits")
    _expect(
        fits(max(sizes), numbers.features),
        "tree sizes",
        f"fewer splits in a tree for {numbers.features} features",
    )
    in_table = sum(to_array("I", parts.split_table)[::3])
    is_whole = in_table == numbers.distinct_splits
    _expect(is_whole, "split table", "a sum that is the number of distinct splits")
    for column, bits in zip(parts.columns, numbers.column_bits, strict=True):
        # Bits of the last byte that are used; where it is full, nothing comes after.
        used = bits % 8
        _expect(not (used and column[-1] >> used), "bits", "zeros after the last one")


def fits(splits: int, features: int) -> bool:
    """Return whether the nodes of the compiled engine have room for a tree.

    Args:
        splits: of the tree.
        features: of the forest.
    """
    node_bits = splits.bit_length() + features.bit_length()
    return splits < MAX_CODED_LEAF_VALUES and node_bits <= NODE_BITS


def _cut(
    data: memoryview,
    column_bits: tuple[int, ...],
    length: int,
) -> list[memoryview]:
    """Return the columns; everything else in the file must be zero padding.

    Args:
        data: the whole file.
        column_bits: of each column, one after the other.
        length: of the file, as its header says.

    Raises:
        BadForest: the lengths differ, or there is more than zeros between columns.
    """
    sizes = [(bits + 7) // 8 for bits in column_bits]
    total = _HEADER.size + sum(size + -size % 8 for size in sizes)
    if not total == length == len(data):
        lengths = f"its counts make {total} bytes, its header says {length}, got {len(data)}"
        raise BadForest(f"forest: {lengths}")
    columns, start = [], _HEADER.size
    for size in sizes:
        end = start + size
        columns.append(data[start:end])
        start = end + -size % 8
        _expect(not any(data[end:start]), "padding", "zeros")
    return columns


def _expect(
    holds: bool,
    field: str,
    expected: str,
) -> None:
    """Raise BadForest unless a condition holds."""
    if not holds:
        raise BadForest(f"forest: {field}: expected {expected}")
