"""Where each part of a model of steps is: version 2 of the packed model's layout.

A model of steps is a typed program over one row of float64 registers. The first registers are the
row; every step reads registers before it and writes the next ones, so that there is no jump, no
loop and no address to forge: the words of the file say everything there is to check. A model of
trees is a member of it, a whole file of version 1, and takes part as one step.
docs/model-format.md describes it.
"""

from __future__ import annotations

import math
import struct
from itertools import pairwise

from drift_contracts.records import Record

from drift_engine.forest._columns import to_array
from drift_engine.model import _layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from drift_engine.model._layout import Parts, StepsShape

#: Registers of a row, and numbers that a row may touch in all its steps together.
MAX_REGISTERS = 1 << 20
MAX_WORK = 1 << 26
MAX_MEMBERS = 1000
#: Sources of a link or a sum, which the order of numpy's sums has room for.
MAX_SUMMED = 1000

# Task, decision, reserved; features, registers, raws, the first of them, outputs, the first of
# them, members; threshold.
_SHAPE = struct.Struct("<2BH7Id")
_KINDS = 6
#: The last kind is the keys of hashes, which most models have none of.
_OPTIONAL = 1
#: Bits of a code, and of a word of keys and codes.
_CODE_BITS, _KEY_BITS = 32, 64

#: Each step as its name and how many operands stand behind its sources.
OPERANDS = {
    "constant": 1,
    "copy": 0,
    "add": 1,
    "subtract": 1,
    "multiply": 1,
    "divide": 1,
    "add-two": 0,
    "subtract-two": 0,
    "multiply-two": 0,
    "divide-two": 0,
    "function": 1,
    "is": 1,
    "replace": 1,
    "clip": 1,
    "rank": 3,
    "find": 2,
    "lookup": 2,
    "one-hot": 1,
    "interpolate": 2,
    "where": 0,
    "dot": 3,
    "sum": 1,
    "link": 3,
    "member": 1,
    "finite": 1,
    "find-hash": 3,
}
STEPS = tuple(OPERANDS)
FUNCTIONS = (
    "negative",
    "absolute",
    "sign",
    "square",
    "sqrt",
    "reciprocal",
    "floor",
    "ceil",
    "trunc",
    "rint",
    "exp",
)
#: Links of numbers that are kept in float64; those of float32 are links of members.
LINKS = (
    "identity",
    "sigmoid",
    "softmax",
    "softmax-pairwise",
    "exp",
    "fast-exp",
    "fast-softmax",
)
#: Orders of a sum: one after the other, or numpy's.
SUMS = ("in-order", "pairwise")
#: A sum of products: one after the other, or the float64 nearest to the exact sum.
DOTS = ("in-order", "nearest")
#: What a row is refused for: missing values, numbers beyond float32; infinite ones always.
NO_MISSING, SINGLE = 1, 2
_FINITE_KINDS = 4


class Step(Record):
    """One step: which registers it reads, and its operands."""

    name: str
    sources: tuple[int, ...]
    operands: tuple[int, ...]

    @property
    def words(self) -> tuple[int, ...]:
        """Return the step as numbers of 32 bits."""
        return (STEPS.index(self.name), len(self.sources), *self.sources, *self.operands)


class StepsParts(Record):
    """A model of steps as its shape, its words, its constants and its members."""

    shape: StepsShape
    #: Of all steps, uint32.
    words: bytes | memoryview
    #: What steps compute with, float64.
    constants: bytes | memoryview
    members: tuple[Parts, ...]
    #: Of hashes, uint64, each step's with its codes behind.
    keys: bytes | memoryview = b""

    @property
    def steps(self) -> list[Step]:
        """Return the steps. Raises BadModel where the words are none."""
        return _steps(to_array("I", self.words))


def join(
    shape: StepsShape,
    words: bytes,
    constants: bytes,
    members: Sequence[bytes],
    keys: bytes = b"",
) -> bytes:
    """Return the file of a model of steps.

    Args:
        shape: of the model.
        words: of its steps.
        constants: that steps compute with.
        members: files of version 1.
        keys: of hashes, and their codes; without any the file has no section for them.

    Raises:
        BadModel: the file would be larger than 512 MB.
    """
    task, decision, *numbers = shape.__dict__.values()
    lengths = struct.pack(f"<{len(members)}Q", *map(len, members))
    # Files are whole multiples of 8 bytes, so that columns of members stay aligned.
    sections = (_SHAPE.pack(task, decision, 0, *numbers), words, constants, lengths)
    behind = (b"".join(members), keys) if keys else (b"".join(members),)
    return _layout.join_sections(_layout.STEPS_VERSION, (*sections, *behind))


def split(data: memoryview) -> StepsParts:
    """Return the parts of a file, without copying.

    Raises BadModel unless every step reads registers before it and constants that there are.
    """
    first, words, constants, lengths, members, *more = _layout.sections_of(
        data,
        _layout.STEPS_VERSION,
        _KINDS,
        _OPTIONAL,
    )
    _layout.expect(len(first) == _SHAPE.size, "shape", f"{_SHAPE.size} bytes, got {len(first)}")
    task, decision, reserved, *numbers = _SHAPE.unpack(first)
    _layout.expect(not reserved, "shape", "zeros where nothing is")
    shape = _layout.StepsShape(task, decision, *numbers)
    _layout.expect(len(words) % 4 == 0, "steps", "whole words")
    _layout.expect(len(constants) % 8 == 0, "constants", "whole numbers")
    keys = more[0] if more else b""
    _layout.expect(len(keys) % 8 == 0, "keys", "whole numbers")
    parts = StepsParts(shape, words, constants, _members(shape, lengths, members), keys)
    check(parts)
    return parts


def _members(
    shape: StepsShape,
    lengths: memoryview,
    files: memoryview,
) -> tuple[Parts, ...]:
    """Return the members of a model. Raises BadModel where one is no model of trees."""
    _layout.expect(shape.members <= MAX_MEMBERS, "members", f"at most {MAX_MEMBERS}")
    _layout.expect(len(lengths) == 8 * shape.members, "members", "a length of each")
    members = []
    start = 0
    for (length,) in struct.iter_unpack("<Q", lengths):
        _layout.expect(start + length <= len(files), "members", "files that end with their section")
        members.append(_layout.split(files[start : start + length]))
        start += length
    _layout.expect(start == len(files), "members", "files that end with their section")
    return tuple(members)


def _steps(words: Sequence[int]) -> list[Step]:
    """Return the steps of words. Raises BadModel."""
    steps = []
    place, end = 0, len(words)
    while place < end:
        _layout.expect(place + 2 <= end, "steps", "whole steps")
        number, count = words[place : place + 2]
        _layout.expect(number < len(STEPS), "steps", f"steps 0 to {len(STEPS) - 1}")
        name = STEPS[number]
        first = place + 2
        place = first + count + OPERANDS[name]
        _layout.expect(place <= end, "steps", "whole steps")
        sources = tuple(words[first : first + count])
        steps.append(Step(name, sources, tuple(words[first + count : place])))
    return steps


def check(parts: StepsParts) -> None:
    """Raise BadModel unless a model of steps agrees with itself."""
    shape = parts.shape
    _check_shape(shape)
    numbers = to_array("d", parts.constants), to_array("Q", parts.keys)
    checker = _Checker(shape, numbers, parts.members)
    for step in parts.steps:
        checker.add(step)
    _layout.expect(checker.free == shape.registers, "registers", f"{checker.free}")
    _layout.expect(checker.used == shape.members, "members", "a step for each")
    _layout.expect(checker.keys_used == 8 * len(parts.keys) // _KEY_BITS, "keys", "a step for each")


def hash_words(
    keys: int,
    bits: int,
) -> int:
    """Return how many words so many keys and their codes take.

    Args:
        keys: how many.
        bits: of the code of each.
    """
    return keys + -(-keys * bits // _KEY_BITS)


def _check_shape(shape: StepsShape) -> None:
    _layout.expect(shape.task < len(_layout.TASKS), "task", f"0 to {len(_layout.TASKS) - 1}")
    most = len(_layout.DECISIONS)
    _layout.expect(shape.decision < most, "decision", f"0 to {most - 1}")
    is_row = 1 <= shape.features <= _layout.MAX_FEATURES
    _layout.expect(is_row, "features", f"1 to {_layout.MAX_FEATURES}")
    has_room = shape.features <= shape.registers <= MAX_REGISTERS
    _layout.expect(has_room, "registers", f"those of the row, and at most {MAX_REGISTERS}")
    for first, count in (
        (shape.raw_first, shape.raws),
        (shape.score_first, shape.outputs),
    ):
        fits = 1 <= count <= _layout.MAX_OUTPUTS and first + count <= shape.registers
        _layout.expect(fits, "outputs", f"1 to {_layout.MAX_OUTPUTS}, in registers that there are")
    _layout.check_decision(shape)
    _layout.expect(math.isfinite(shape.threshold), "threshold", "a finite number")


class _Checker:
    """Steps one after the other, and how many registers are written so far."""

    def __init__(
        self,
        shape: StepsShape,
        numbers: tuple[Sequence[float], Sequence[int]],
        members: Sequence[Parts],
    ) -> None:
        self._members = members
        self._constants, self._keys = numbers
        #: Words of keys that had their step.
        self.keys_used = 0
        #: The next register that is written.
        self.free = shape.features
        #: Members that had their step.
        self.used = 0
        self._work = 0

    def add(
        self,
        step: Step,
    ) -> None:
        """Check a step. Raises BadModel."""
        sources = step.sources
        is_sourced = len(sources) == 0 if step.name == "constant" else len(sources) >= 1
        _layout.expect(is_sourced, step.name, "sources, or none for a constant")
        is_behind = all(source < self.free for source in sources)
        _layout.expect(is_behind, step.name, "registers that were written before")
        check, table = _CHECKS[step.name]
        written = check(self, step, len(sources), table)
        self.free += written
        self._work += len(sources) + written
        _layout.expect(self.free <= MAX_REGISTERS, "registers", f"at most {MAX_REGISTERS}")
        _layout.expect(self._work <= MAX_WORK, "steps", f"at most {MAX_WORK} numbers to touch")

    def each(
        self,
        step: Step,
        count: int,
        numbers: int,
    ) -> int:
        """Check a step with so many constants for each source, which writes one for each."""
        if numbers:
            self._has(step, count * numbers)
        return count

    def pairs(
        self,
        step: Step,
        count: int,
        _numbers: int,
    ) -> int:
        """Check a step over the first and the second half of its sources."""
        _layout.expect(count % 2 == 0, step.name, "pairs of sources")
        return count // 2

    def constant(
        self,
        step: Step,
        _count: int,
        _numbers: int,
    ) -> int:
        """Check a step that writes a constant."""
        self._has(step, 1)
        return 1

    def function(
        self,
        step: Step,
        count: int,
        _numbers: int,
    ) -> int:
        """Check a step that takes a function of each source."""
        _layout.expect(step.operands[0] < len(FUNCTIONS), step.name, "a function that there is")
        return count

    def table(
        self,
        step: Step,
        count: int,
        columns: int,
    ) -> int:
        """Check a step that looks one source up in a sorted table of so many columns."""
        size = step.operands[1]
        _layout.expect(count == 1, step.name, "one source")
        _layout.expect(columns == 1 or size >= 1, step.name, "a table of 1 or more rows")
        self._has(step, size * columns)
        first = step.operands[0]
        rows = self._constants[first : first + size]
        ascend = all(below <= above for below, above in pairwise(rows))
        is_number = all(row == row for row in rows)  # noqa: PLR0124 - NaN
        _layout.expect(ascend and is_number, step.name, "ascending numbers, not NaN")
        if step.name == "rank":
            _layout.expect(step.operands[2] <= 1, step.name, "a side")
        return 1

    def lookup(
        self,
        step: Step,
        count: int,
        _numbers: int,
    ) -> int:
        """Check a step that reads the number of a code."""
        _layout.expect(count == 1, step.name, "one source")
        self._has(step, step.operands[1] + _layout.MORE_ROWS)
        return 1

    def one_hot(
        self,
        step: Step,
        count: int,
        _numbers: int,
    ) -> int:
        """Check a step that writes a 1 in the place of its source."""
        width = step.operands[0]
        is_wide = 1 <= width <= MAX_REGISTERS
        _layout.expect(count == 1 and is_wide, step.name, "one source, and a width")
        return width

    def where(
        self,
        step: Step,
        count: int,
        _numbers: int,
    ) -> int:
        """Check a step that chooses the second or the third source by the first."""
        _layout.expect(count == 3, step.name, "three sources")  # noqa: PLR2004 - as it says
        return 1

    def dot(
        self,
        step: Step,
        count: int,
        _numbers: int,
    ) -> int:
        """Check a step that adds up products, one row of factors for each number it writes."""
        _, rows, kind = step.operands
        is_sum = 1 <= rows <= _layout.MAX_OUTPUTS and kind < len(DOTS)
        _layout.expect(is_sum, step.name, "1 to 1,000 sums of a kind that there is")
        self._has(step, rows * (count + 1))
        self._work += rows * count
        return rows

    def sum(
        self,
        step: Step,
        count: int,
        _numbers: int,
    ) -> int:
        """Check a step that adds its sources up."""
        is_sum = count <= MAX_SUMMED and step.operands[0] < len(SUMS)
        _layout.expect(is_sum, step.name, "1 to 1,000 sources and an order that there is")
        return 1

    def link(
        self,
        step: Step,
        count: int,
        _numbers: int,
    ) -> int:
        """Check a step that makes probabilities of raw scores."""
        link, outputs, first = step.operands
        _layout.expect(link < len(LINKS) and count <= MAX_SUMMED, step.name, "a link that there is")
        is_both = LINKS[link] == "sigmoid" and (count, outputs) == (1, _layout.TWO)
        _layout.expect(outputs == count or is_both, step.name, "a number for each raw score")
        _layout.expect(first < len(self._constants), step.name, "a constant that there is")
        _layout.expect(math.isfinite(self._constants[first]), step.name, "a finite factor")
        return outputs

    def member(
        self,
        step: Step,
        count: int,
        _numbers: int,
    ) -> int:
        """Check a step that asks a member, which gives its raw scores and its answer."""
        # Each once and in order, so that no file asks for more work than its trees are.
        is_next = step.operands[0] == self.used < len(self._members)
        _layout.expect(is_next, step.name, "each member once, in order")
        shape = self._members[self.used].shape
        _layout.expect(count == shape.features, step.name, f"{shape.features} sources")
        self.used += 1
        return shape.raws + shape.outputs

    def finite(
        self,
        step: Step,
        _count: int,
        _numbers: int,
    ) -> int:
        """Check a step that refuses rows."""
        _layout.expect(step.operands[0] < _FINITE_KINDS, step.name, "a rule that there is")
        return 0

    def find_hash(
        self,
        step: Step,
        _count: int,
        _numbers: int,
    ) -> int:
        """Check a step that looks for a hash, whose keys no other step has."""
        first, keys, bits = step.operands
        end = first + hash_words(keys, bits)
        is_next = first == self.keys_used and end <= len(self._keys) and bits <= _CODE_BITS
        _layout.expect(is_next, step.name, "keys that are next, and their codes")
        ascend = all(below < above for below, above in pairwise(self._keys[first : first + keys]))
        _layout.expect(ascend, step.name, "keys that ascend")
        self.keys_used = end
        return 1

    def _has(
        self,
        step: Step,
        count: int,
    ) -> None:
        """Raise BadModel unless there are so many constants from a step's first one on."""
        fits = step.operands[0] + count <= len(self._constants)
        _layout.expect(fits, step.name, "constants that there are")


#: How each step is checked, and how many constants or columns it has for each source or row.
_CHECKS: dict[str, tuple[Callable[[_Checker, Step, int, int], int], int]] = {
    "constant": (_Checker.constant, 0),
    "copy": (_Checker.each, 0),
    "add": (_Checker.each, 1),
    "subtract": (_Checker.each, 1),
    "multiply": (_Checker.each, 1),
    "divide": (_Checker.each, 1),
    "add-two": (_Checker.pairs, 0),
    "subtract-two": (_Checker.pairs, 0),
    "multiply-two": (_Checker.pairs, 0),
    "divide-two": (_Checker.pairs, 0),
    "function": (_Checker.function, 0),
    "is": (_Checker.each, 1),
    "replace": (_Checker.each, 2),
    "clip": (_Checker.each, 2),
    "rank": (_Checker.table, 1),
    "find": (_Checker.table, 1),
    "lookup": (_Checker.lookup, 0),
    "one-hot": (_Checker.one_hot, 0),
    "interpolate": (_Checker.table, 2),
    "where": (_Checker.where, 0),
    "dot": (_Checker.dot, 0),
    "sum": (_Checker.sum, 0),
    "link": (_Checker.link, 0),
    "member": (_Checker.member, 0),
    "finite": (_Checker.finite, 0),
    "find-hash": (_Checker.find_hash, 0),
}
