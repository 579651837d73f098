"""Where each part of a packed model is, read by both engines and the writer.

A file is a header (`_HEADER`), a directory with an entry for each section (`_ENTRY`), and then the
sections, each padded with zeros to a multiple of 8 bytes. The numbers of the first section
(`Shape`) and the table of inputs say how many bits every other section has: nothing in the file
points anywhere, so that there is no offset to forge. A section of an unknown kind is refused where
its flag says that answers depend on it, and skipped otherwise. docs/model-format.md describes it.
"""

from __future__ import annotations

import math
import struct

from drift_contracts.records import Record

from drift_engine.forest._columns import to_array
from drift_engine.model._errors import BadModel, TooLarge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MAGIC = b"\x89MODEL\r\n"
VERSION = 1
#: A model of steps, see _steps.py.
STEPS_VERSION = 2
#: Bytes; 512 MB.
LARGEST_FILE = 1 << 29
MAX_FEATURES = 65_535
MAX_OUTPUTS = 1000
MAX_COLUMNS = 1 << 20
#: Distinct numbers or vectors that leaves hold: what a node has room for.
MAX_VALUES = 1 << 31
#: Classes, of which some decisions are.
TWO = 2
CODE_BITS = 32
NODE_BITS = 32
NUMERATOR_BITS = 52
ROWS_BITS = 32

#: The kinds of scalars: float64, float32, or a whole number by another.
FLOAT64, FLOAT32, RATIO = range(3)

TASKS = ("regression", "classification")
SUMS = ("f64", "f32")
LINKS = (
    "identity",
    "sigmoid",
    "sigmoid32",
    "softmax",
    "softmax-pairwise",
    "softmax32",
    "exp",
    "exp32",
    "isolation",
    "square",
    "fast-exp",
    "fast-softmax",
)
DECISIONS = ("argmax", "above", "at-least", "raw-argmax", "raw-above", "raw-at-least")
SINGLE_MAX = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
DOUBLE_MAX = 1.7976931348623157e308

# Little-endian, without alignment: magic, version, sections, reserved, bytes of the file.
_HEADER = struct.Struct("<8sHHIQ")
# Kind, flags, reserved, bytes.
_ENTRY = struct.Struct("<HHIQ")
_REQUIRED = 1
# In the order of `Shape`.
_SHAPE = struct.Struct("<12B10Iq4d")
#: Kinds of sections: the shape, then the columns of `Parts` in their order.
_SHAPE_KIND = 1


class Shape(Record):
    """What a model is and how many of each part it has, in the order in which engines take it."""

    #: Indices into TASKS, SUMS, LINKS and DECISIONS.
    task: int
    sum: int
    link: int
    decision: int
    #: 1 where a leaf holds a number for each raw score, 0 where it holds one number.
    vector_leaves: int
    #: FLOAT64, FLOAT32 or RATIO.
    scalar_kind: int
    scalar_bits: int
    #: Bits of a ratio's divisor less one.
    rows_bits: int
    split_code_bits: int
    #: 0 where each leaf has its place among scalars or vectors.
    leaf_code_bits: int
    #: 0 where each number of a vector has its place among the scalars.
    vector_code_bits: int
    #: Bits of the place of the raw score that a tree adds to.
    output_bits: int
    features: int
    columns: int
    trees: int
    splits: int
    #: Numbers in an answer, and before the link.
    outputs: int
    raws: int
    distinct_splits: int
    scalars: int
    vectors: int
    #: Bytes of the gaps of float32 thresholds.
    singles_bytes: int
    lowest_numerator: int
    #: What sums are divided by, 0.0 for nothing.
    divisor: float
    #: Parameters of the link.
    first: float
    second: float
    threshold: float

    @property
    def leaves(self) -> int:
        """Return how many leaves there are, of all trees together."""
        # Each split of a tree adds one leaf to the one that it begins with.
        return self.splits + self.trees


class StepsShape(Record):
    """What a model of steps is, in the order in which engines take it."""

    #: Indices into TASKS and DECISIONS.
    task: int
    decision: int
    features: int
    registers: int
    raws: int
    #: Register of the first raw score.
    raw_first: int
    outputs: int
    #: Register of the first number of the answer.
    score_first: int
    members: int
    threshold: float


class Column(Record):
    """A row of the table of inputs: what trees see of a feature."""

    source: int
    single: bool
    #: Rows go left where the value is below the threshold, not where it is equal.
    strict: bool
    #: 0 keep, 1 tiny numbers are 0, 2 tiny numbers are missing.
    zero: int
    #: 0 each split says, 1 missing is 0, 2 missing is refused.
    missing: int
    finite: bool
    lookup: bool
    by_sets: bool
    thresholds: int
    #: Order number of the first float32 threshold, and low bits of the gaps.
    first_order: int
    low_bits: int
    categories: int
    sets: int

    @property
    def is_directional(self) -> bool:
        """Return whether each threshold says where missing values go."""
        return not self.by_sets and self.missing == DIRECTION

    @property
    def entries(self) -> int:
        """Return how many ranks the compiled engine has for it: sets by whole words."""
        return -(-self.sets // 32) * 32 if self.by_sets else 1 + self.is_directional

    @property
    def words(self) -> tuple[int, ...]:
        """Return the row as eight numbers of 32 bits."""
        flags = (
            self.single
            | self.strict << 1
            | self.zero << 2
            | self.missing << 4
            | self.finite << 6
            | self.lookup << 7
            | self.by_sets << 8
        )
        return (
            self.source,
            flags,
            self.thresholds,
            self.first_order,
            self.low_bits,
            self.categories,
            self.sets,
            0,
        )

    @classmethod
    def from_words(
        cls,
        words: Sequence[int],
    ) -> Column:
        """Return a row of the table, read from eight numbers of 32 bits."""
        source, flags, thresholds, first_order, low_bits, categories, sets, reserved = words
        expect(flags < FLAGS and not reserved, "inputs", "flags that are described, and zeros")
        return cls(
            source=source,
            single=bool(flags & 1),
            strict=bool(flags >> 1 & 1),
            zero=flags >> 2 & 3,
            missing=flags >> 4 & 3,
            finite=bool(flags >> 6 & 1),
            lookup=bool(flags >> 7 & 1),
            by_sets=bool(flags >> 8 & 1),
            thresholds=thresholds,
            first_order=first_order,
            low_bits=low_bits,
            categories=categories,
            sets=sets,
        )


FLAGS = 1 << 9
COLUMN_WORDS = 8
KEEP, TINY, MISSING = range(3)
DIRECTION, ZERO, REFUSE = range(3)
# Rows of a category's table behind the categories: any other code, and missing.
MORE_ROWS = 2


class Parts(Record):
    """A model as its shape and its columns of bytes, in the order of the file."""

    shape: Shape
    #: Raw scores that sums begin with, float64.
    start: bytes | memoryview
    #: The table of inputs, eight uint32 a row.
    columns: bytes | memoryview
    #: What categories are read as, float64.
    lookups: bytes | memoryview
    #: The gaps of all float32 thresholds.
    singles: bytes | memoryview
    #: All float64 thresholds.
    doubles: bytes | memoryview
    #: Two bits a threshold: a split sends missing values left, a split sends them right.
    directions: bytes | memoryview
    #: A bit per set and category: whether it goes left.
    sets: bytes | memoryview
    #: The numbers that leaves hold.
    scalars: bytes | memoryview
    #: Divisors of ratios, less one.
    scalar_rows: bytes | memoryview
    #: Which scalars each vector holds.
    vectors: bytes | memoryview
    #: A bit per node in preorder, 1 for a split.
    structure: bytes | memoryview
    #: Which distinct split each split is.
    split_codes: bytes | memoryview
    #: Which scalar or vector each leaf has.
    leaf_codes: bytes | memoryview
    #: Which raw score each tree adds to.
    tree_outputs: bytes | memoryview

    @property
    def sections(self) -> tuple[bytes | memoryview, ...]:
        """Return the columns of bytes in the order of the file."""
        return tuple(self.__dict__.values())[1:]

    @property
    def inputs(self) -> list[Column]:
        """Return the rows of the table of inputs. Raises BadModel for what is none."""
        words = to_array("I", self.columns)
        starts = range(0, len(words), COLUMN_WORDS)
        return [Column.from_words(words[start : start + COLUMN_WORDS]) for start in starts]


def section_bits(
    shape: Shape,
    inputs: Sequence[Column],
) -> tuple[int, ...]:
    """Return the bits of each section behind the shape, in the order of `Parts`.

    Args:
        shape: of the model.
        inputs: the rows of the table of inputs.
    """
    lookups = doubles = directions = sets = 0
    for column in inputs:
        lookups += (column.categories + MORE_ROWS) * column.lookup
        doubles += column.thresholds * (not column.single)
        directions += 2 * column.thresholds * column.is_directional
        sets += (column.categories + MORE_ROWS) * column.sets
    return (
        64 * shape.raws,
        32 * COLUMN_WORDS * len(inputs),
        64 * lookups,
        8 * shape.singles_bytes,
        64 * doubles,
        directions,
        sets,
        shape.scalars * shape.scalar_bits,
        shape.scalars * shape.rows_bits,
        shape.vectors * shape.raws * shape.vector_code_bits,
        shape.splits + shape.leaves,
        shape.splits * shape.split_code_bits,
        shape.leaves * shape.leaf_code_bits,
        shape.trees * shape.output_bits,
    )


def join(parts: Parts) -> bytes:
    """Return the file. Raises BadModel if it would be larger than LARGEST_FILE."""
    shape = _SHAPE.pack(*parts.shape.__dict__.values())
    return join_sections(VERSION, (shape, *parts.sections))


def join_sections(
    version: int,
    sections: Sequence[bytes | memoryview],
) -> bytes:
    """Return the file of sections, whose kinds count from 1 on.

    Args:
        version: of the layout.
        sections: all that this version has.

    Raises:
        TooLarge: the file would be larger than LARGEST_FILE.
    """
    directory = []
    body = []
    for kind, section in enumerate(sections, start=_SHAPE_KIND):
        directory.append(_ENTRY.pack(kind, _REQUIRED, 0, len(section)))
        body.append(bytes(section) + bytes(-len(section) % 8))
    behind = b"".join(directory + body)
    length = _HEADER.size + len(behind)
    if length > LARGEST_FILE:
        raise TooLarge(f"model: file: expected at most {LARGEST_FILE} bytes, 512 MB")
    return (
        _HEADER.pack(
            MAGIC,
            version,
            len(sections),
            0,
            length,
        )
        + behind
    )


def version_of(data: memoryview) -> int:
    """Return the version of a file's layout, 0 where the file is too short to say."""
    return int(_HEADER.unpack_from(data)[1]) if len(data) >= _HEADER.size else 0


def split(data: memoryview) -> Parts:
    """Return the columns of a file, without copying.

    Raises BadModel unless header, directory and lengths agree in everything.
    """
    sections = sections_of(data, VERSION, _KINDS)
    size = len(sections[0])
    expect(size == _SHAPE.size, "shape", f"{_SHAPE.size} bytes, got {size}")
    shape = Shape(*_SHAPE.unpack(sections[0]))
    check_shape(shape)
    expect(len(sections[2]) == 4 * COLUMN_WORDS * shape.columns, "inputs", "a row for each")
    parts = Parts(shape, *sections[1:])
    inputs = parts.inputs
    for column in inputs:
        check_column(column, shape)
    _check_lengths(parts, section_bits(shape, inputs))
    return parts


def sections_of(
    data: memoryview,
    expected_version: int,
    kinds: int,
    optional: int = 0,
) -> list[memoryview]:
    """Return the sections that this code knows, the shape first, without copying.

    Args:
        data: of the file.
        expected_version: of the layout.
        kinds: how many sections this version has.
        optional: how many of the last kinds a file need not have.

    Raises:
        BadModel: header, directory and lengths do not agree in everything.
    """
    expect(len(data) <= LARGEST_FILE, "file", f"at most {LARGEST_FILE} bytes, 512 MB")
    if len(data) < _HEADER.size:
        expected = f"expected a header of {_HEADER.size} bytes, got {len(data)} bytes"
        raise BadModel(f"model: {expected}")
    magic, version, count, reserved, length = _HEADER.unpack_from(data)
    expect(magic == MAGIC, "magic", "the first bytes of a packed model")
    newer = "pack the model again, or serve it with the release that packed it"
    newest = f"{VERSION} or {STEPS_VERSION}, got {version}: {newer}"
    expect(version == expected_version, "version", newest)
    expect(not reserved, "reserved bytes", "zeros")
    expect(length == len(data), "length", f"{length} bytes, as its header says, got {len(data)}")
    start = _HEADER.size + count * _ENTRY.size
    expect(start <= len(data), "directory", f"{count} entries")
    sections: list[memoryview] = []
    last = last_known = 0
    for kind, flags, empty, size in _ENTRY.iter_unpack(data[_HEADER.size : start]):
        expect(kind > last and not empty, "directory", "kinds that ascend, and zeros")
        end = start + size
        padded = end + -size % 8
        expect(padded <= len(data), "directory", "sections that end with the file")
        expect(not any(data[end:padded]), "padding", "zeros")
        if kind <= kinds:
            expect(flags == _REQUIRED, "directory", "known sections to be required")
            sections.append(data[start:end])
            last_known = kind
        else:
            expect(not flags, "directory", f"no required section of kind {kind}: {newer}")
        start, last = padded, kind
    expect(start == len(data), "directory", "sections that end with the file")
    # Kinds ascend, so that the last of them tells whether one before it is absent.
    is_whole = kinds - optional <= len(sections) == last_known
    expect(is_whole, "directory", f"the sections 1 to {kinds - optional}")
    return sections


def check_room(
    largest: int,
    inputs: Sequence[Column],
) -> None:
    """Raise BadModel unless the nodes of the compiled engine have room for every tree.

    Args:
        largest: splits of the largest tree.
        inputs: the rows of the table of inputs.
    """
    entries = sum(column.entries for column in inputs)
    bits = (2 * largest + 1).bit_length() + entries.bit_length()
    fits = "fewer nodes in a tree, or fewer inputs and sets"
    expect(bits <= NODE_BITS, "structure", fits)


_KINDS = 15


def check_shape(shape: Shape) -> None:
    """Raise BadModel unless each number of a shape is in its range."""
    _check_names(shape)
    expect(1 <= shape.features <= MAX_FEATURES, "features", f"1 to {MAX_FEATURES}")
    expect(shape.columns <= MAX_COLUMNS, "inputs", f"at most {MAX_COLUMNS}")
    expect(shape.trees >= 1, "trees", "1 or more")
    expect(shape.leaves < 1 << 32, "leaves", "fewer than 2**32")
    expect(1 <= shape.outputs <= MAX_OUTPUTS, "outputs", f"1 to {MAX_OUTPUTS}")
    is_sigmoid = LINKS[shape.link].startswith("sigmoid")
    of_one = is_sigmoid and (shape.raws, shape.outputs) == (1, 2)
    expect(shape.raws == shape.outputs or of_one, "raw scores", "as many as outputs")
    check_decision(shape)
    _check_leaves(shape)
    widths = (shape.split_code_bits, shape.leaf_code_bits, shape.vector_code_bits)
    expect(max(widths) <= CODE_BITS, "code bits", f"up to {CODE_BITS}")
    fits = shape.output_bits == (shape.raws - 1).bit_length() * (not shape.vector_leaves)
    expect(fits, "output bits", "as many as raw scores need, 0 with vectors")
    figures = (shape.divisor, shape.first, shape.second, shape.threshold)
    expect(all(map(math.isfinite, figures)), "parameters", "finite numbers")
    is_mean = shape.divisor >= 1 or not shape.divisor
    expect(is_mean, "divisor", "a number from 1 on, or 0 for none")
    is_isolation = LINKS[shape.link] == "isolation"
    expect(not is_isolation or shape.first > 0, "parameters", "a denominator above 0")


def _check_names(shape: Shape) -> None:
    indices = (
        (shape.task, TASKS, "task"),
        (shape.sum, SUMS, "sum"),
        (shape.link, LINKS, "link"),
        (shape.decision, DECISIONS, "decision"),
        (shape.vector_leaves, (0, 1), "vector leaves"),
        (shape.scalar_kind, (FLOAT64, FLOAT32, RATIO), "scalar kind"),
    )
    for index, names, field in indices:
        expect(index < len(names), field, f"0 to {len(names) - 1}")


def check_decision(shape: Shape | StepsShape) -> None:
    """Raise BadModel unless a decision is one of as many classes as there are."""
    is_classifier = TASKS[shape.task] == "classification"
    if is_classifier:
        expect(shape.outputs >= TWO, "outputs", "2 or more classes")
    decision = DECISIONS[shape.decision]
    of_any = decision == "argmax"
    if decision == "raw-argmax":
        of_any = shape.raws == shape.outputs
    of_two = is_classifier and shape.outputs == TWO
    expect(of_any or of_two, "decision", "one of all classes, or of two where there are two")
    # A raw score that is compared alone stands for the second class.
    is_alone = not decision.startswith("raw-a") or decision == "raw-argmax" or shape.raws == 1
    expect(is_alone, "decision", "one raw score where it is compared with 0")


def _check_leaves(shape: Shape) -> None:
    widths = {FLOAT64: (64, 0), FLOAT32: (32, 0)}
    if shape.scalar_kind == RATIO:
        is_exact = shape.scalar_bits <= NUMERATOR_BITS and shape.rows_bits <= ROWS_BITS
        expect(is_exact, "scalar bits", f"up to {NUMERATOR_BITS} by {ROWS_BITS}")
    else:
        is_float = (shape.scalar_bits, shape.rows_bits) == widths[shape.scalar_kind]
        expect(is_float, "scalar bits", "those of the kind, without row bits")
    is_whole = abs(shape.lowest_numerator) <= 1 << NUMERATOR_BITS
    expect(is_whole, "lowest numerator", f"up to 2**{NUMERATOR_BITS}")
    values = shape.vectors if shape.vector_leaves else shape.scalars
    expect(shape.scalars >= 1, "scalars", "1 or more")
    expect(values <= MAX_VALUES, "leaf values", f"at most {MAX_VALUES}")
    if shape.leaf_code_bits:
        expect(1 <= values <= shape.leaves, "leaf values", "1 to the number of leaves")
    else:
        expect(values == shape.leaves, "leaf values", "one per leaf, as there are no leaf codes")
    if not shape.vector_leaves:
        expect(not (shape.vectors or shape.vector_code_bits), "vectors", "none")
    elif not shape.vector_code_bits:
        in_order = shape.scalars == shape.vectors * shape.raws
        expect(in_order, "scalars", "one per number of a vector, as there are no vector codes")
    # A scalar of a ratio may have no bits: more of them than numbers that leaves hold are forged.
    most = shape.vectors * shape.raws if shape.vector_leaves else shape.leaves
    expect(shape.scalars <= most, "scalars", "at most one per number that leaves hold")


def check_column(
    column: Column,
    shape: Shape,
) -> None:
    """Raise BadModel unless a row of the table of inputs agrees with itself."""
    expect(column.source < shape.features, "inputs", f"features 0 to {shape.features - 1}")
    expect(column.zero <= MISSING and column.missing <= REFUSE, "inputs", "rules 0 to 2")
    is_plain = column.zero != MISSING or column.missing == DIRECTION
    expect(is_plain, "inputs", "tiny numbers to be missing only where splits say where these go")
    if column.by_sets:
        numeric = (column.single, column.strict, column.zero, column.finite, column.lookup)
        expect(not any((*numeric, column.thresholds)), "inputs", "sets, or numbers")
        expect(column.missing != ZERO, "inputs", "missing categories in sets, or refused")
    else:
        expect(not column.sets, "inputs", "sets, or numbers")
    has_table = column.by_sets or column.lookup
    expect((column.categories > 0) == has_table, "inputs", "categories where they are looked up")
    gaps = column.first_order or column.low_bits
    expect(not gaps or (column.single and column.thresholds > 0), "inputs", "gaps of float32")


def _check_lengths(
    parts: Parts,
    bits: tuple[int, ...],
) -> None:
    """Raise BadModel unless sections are as long as they must be and end with zero bits."""
    for number, (section, size) in enumerate(zip(parts.sections, bits, strict=True), start=2):
        length = (size + 7) // 8
        expect(len(section) == length, f"section {number}", f"{length} bytes, got {len(section)}")
        # Bits of the last byte that are used; where it is full, nothing comes after.
        used = size % 8
        expect(not (used and section[-1] >> used), "bits", "zeros after the last one")


def expect(
    holds: bool,
    field: str,
    expected: str,
) -> None:
    """Raise BadModel unless a condition holds."""
    if not holds:
        raise BadModel(f"model: {field}: expected {expected}")
