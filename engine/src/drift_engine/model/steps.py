"""The writer of steps: what a library does with a row before, between and after its trees.

A `Program` gives a register for every number that it computes. A `StepsModel` says which of them
are raw scores and which the answer; `drift_engine.model.writer.encode` makes a file of it.
"""

from __future__ import annotations

from drift_contracts.records import Record

from drift_engine.forest import _columns
from drift_engine.model import _layout, _steps
from drift_engine.model._errors import BadModel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Literal

    from drift_engine.model.trees import Decision, Model, Task

    Arithmetic = Literal["add", "subtract", "multiply", "divide"]
    Side = Literal["left", "right"]
    Dot = Literal["in-order", "nearest"]
    Link = Literal[
        "identity",
        "sigmoid",
        "softmax",
        "softmax-pairwise",
        "exp",
        "fast-exp",
        "fast-softmax",
    ]

__all__ = ["Program", "StepsModel"]


class Program:
    """Steps over the registers of a row; each method adds one and returns what it writes.

    >>> program = Program(2)
    >>> program.arithmetic("add", [0, 1], [1.0, 2.0])
    [2, 3]
    """

    def __init__(
        self,
        features: int,
    ) -> None:
        #: Numbers in a row, which are the first registers.
        self.features = features
        #: All registers so far.
        self.registers = features
        self.steps: list[_steps.Step] = []
        #: The first register that each step writes.
        self.firsts: list[int] = []
        self.constants: list[float] = []
        self.members: list[Model] = []
        #: Of hashes, each step's with its codes behind.
        self.keys: list[int] = []
        self._places: dict[tuple[str, ...], int] = {}

    def constant(
        self,
        number: float,
    ) -> int:
        """Return the register of a constant."""
        return self._add("constant", [], (self._hold([number]),), 1)[0]

    def copy(
        self,
        sources: Sequence[int],
    ) -> list[int]:
        """Return registers that hold what others do, one behind the other."""
        return self._add("copy", sources, (), len(sources))

    def arithmetic(
        self,
        name: Arithmetic,
        sources: Sequence[int],
        numbers: Iterable[float],
    ) -> list[int]:
        """Return each source combined with a number of its own.

        Args:
            name: of the operation.
            sources: registers.
            numbers: as many.
        """
        return self._with_numbers(name, sources, numbers, 1)

    def of_two(
        self,
        name: Arithmetic,
        first: Sequence[int],
        second: Sequence[int],
    ) -> list[int]:
        """Return each register of the first sources combined with one of the second.

        Args:
            name: of the operation.
            first: registers.
            second: as many.
        """
        return self._add(f"{name}-two", [*first, *second], (), len(first))

    def function(
        self,
        name: str,
        sources: Sequence[int],
    ) -> list[int]:
        """Return a function of each source.

        Args:
            name: one of `_steps.FUNCTIONS`.
            sources: registers.

        Raises:
            BadModel: there is no such function.
        """
        if name not in _steps.FUNCTIONS:
            raise BadModel(f"model: function: expected {', '.join(_steps.FUNCTIONS)}")
        operands = (_steps.FUNCTIONS.index(name),)
        return self._add("function", sources, operands, len(sources))

    def is_number(
        self,
        sources: Sequence[int],
        numbers: Iterable[float],
    ) -> list[int]:
        """Return 1 for each source that is its number, else 0.

        Args:
            sources: registers.
            numbers: as many; NaN asks whether the source is missing.
        """
        return self._with_numbers("is", sources, numbers, 1)

    def replace(
        self,
        sources: Sequence[int],
        pairs: Iterable[tuple[float, float]],
    ) -> list[int]:
        """Return each source, or another number where it is a certain one.

        Args:
            sources: registers.
            pairs: as many of that number, NaN for a missing value, and the other.
        """
        return self._with_numbers("replace", sources, _flat(pairs), 2)

    def clip(
        self,
        sources: Sequence[int],
        pairs: Iterable[tuple[float, float]],
    ) -> list[int]:
        """Return each source within its bounds; what is missing stays so.

        Args:
            sources: registers.
            pairs: as many of the lowest and the highest number.
        """
        return self._with_numbers("clip", sources, _flat(pairs), 2)

    def rank(
        self,
        source: int,
        edges: Sequence[float],
        side: Side,
    ) -> int:
        """Return how many edges are below the source, as numpy's `searchsorted`.

        Args:
            source: a register; a missing value is below all.
            edges: ascending.
            side: "right" counts an edge that is equal, "left" does not.
        """
        operands = (self._hold(edges), len(edges), int(side == "right"))
        return self._add("rank", [source], operands, 1)[0]

    def find(
        self,
        source: int,
        numbers: Sequence[float],
    ) -> int:
        """Return the code of a number: its place, or their count; what is missing stays so.

        Args:
            source: a register.
            numbers: ascending.
        """
        return self._add("find", [source], (self._hold(numbers), len(numbers)), 1)[0]

    def lookup(
        self,
        source: int,
        numbers: Sequence[float],
    ) -> int:
        """Return the number of a code.

        Args:
            source: a register of codes.
            numbers: of each code, of any other code, and of a missing one.
        """
        operands = (self._hold(numbers), len(numbers) - _layout.MORE_ROWS)
        return self._add("lookup", [source], operands, 1)[0]

    def find_hash(
        self,
        sources: Sequence[int],
        codes: Mapping[int, int],
    ) -> int:
        """Return the code of what whole numbers hash to together, -1 where that is not listed.

        Args:
            sources: registers of numbers of 32 bits with a sign, in the order of the hash.
            codes: of each hash, which has 64 bits.
        """
        keys = sorted(codes)
        listed = [codes[key] for key in keys]
        bits = 0 if listed == list(range(len(keys))) else max(1, max(listed).bit_length())
        operands = (len(self.keys), len(keys), bits)
        packed = _columns.pack(bits, listed)
        self.keys += keys
        self.keys += _columns.to_array("Q", packed + bytes(-len(packed) % 8))
        return self._add("find-hash", sources, operands, 1)[0]

    def one_hot(
        self,
        source: int,
        width: int,
    ) -> list[int]:
        """Return so many registers, all 0 but the one whose place the source is.

        Args:
            source: a register.
            width: how many.
        """
        return self._add("one-hot", [source], (width,), width)

    def interpolate(
        self,
        source: int,
        xs: Sequence[float],
        ys: Sequence[float],
    ) -> int:
        """Return what numpy's `interp` gives.

        Args:
            source: a register.
            xs: ascending.
            ys: as many.
        """
        return self._add("interpolate", [source], (self._hold([*xs, *ys]), len(xs)), 1)[0]

    def where(
        self,
        condition: int,
        chosen: int,
        other: int,
    ) -> int:
        """Return one of two registers.

        Args:
            condition: a register.
            chosen: the register whose number is taken where the condition is not 0.
            other: the one that is taken where it is.
        """
        return self._add("where", [condition, chosen, other], (), 1)[0]

    def dot(
        self,
        sources: Sequence[int],
        rows: Sequence[Sequence[float]],
        last: Sequence[float],
        order: Dot,
    ) -> list[int]:
        """Return sums of products.

        Args:
            sources: registers.
            rows: of factors, one for each source; a sum for each row.
            last: what is added to each sum at the end.
            order: "in-order" adds one after the other, "nearest" gives the nearest float64.
        """
        numbers: list[float] = []
        for factors, more in zip(rows, last, strict=True):
            numbers += (*factors, more)
        operands = (self._hold(numbers), len(rows), _steps.DOTS.index(order))
        return self._add("dot", sources, operands, len(rows))

    def dots(
        self,
        order: Dot,
    ) -> list[tuple[tuple[int, ...], list[list[float]]]]:
        """Return the sums of products of an order: sources, and rows of factors and addend."""
        found = []
        for step in self.steps:
            if step.name != "dot" or step.operands[2] != _steps.DOTS.index(order):
                continue
            first, sums, _ = step.operands
            width = len(step.sources) + 1
            starts = range(first, first + sums * width, width)
            found.append((step.sources, [self.constants[at : at + width] for at in starts]))
        return found

    def sum(
        self,
        sources: Sequence[int],
        *,
        pairwise: bool = False,
    ) -> int:
        """Return a sum, one after the other or in the order of numpy's."""
        return self._add("sum", sources, (int(pairwise),), 1)[0]

    def link(
        self,
        name: Link,
        sources: Sequence[int],
        outputs: int,
        factor: float = 1.0,
    ) -> list[int]:
        """Return probabilities, or another answer, of raw scores.

        Args:
            name: of the link.
            sources: registers of raw scores.
            outputs: how many numbers; two of one raw score for a sigmoid of two classes.
            factor: of a sigmoid's raw score.
        """
        operands = (_steps.LINKS.index(name), outputs, self._hold([factor]))
        return self._add("link", sources, operands, outputs)

    def member(
        self,
        model: Model,
        sources: Sequence[int],
    ) -> tuple[list[int], list[int]]:
        """Return raw scores and answer of a model of trees.

        Args:
            model: whose rows the sources are.
            sources: registers.
        """
        self.members.append(model)
        raws = len(model.start)
        written = self._add("member", sources, (len(self.members) - 1,), raws + model.outputs)
        return written[:raws], written[raws:]

    def refuse(
        self,
        sources: Sequence[int],
        *,
        missing: bool,
        single: bool = False,
    ) -> None:
        """Refuse rows with infinite numbers.

        Args:
            sources: registers that are looked at.
            missing: whether missing values are refused as well.
            single: whether numbers are that no float32 holds.
        """
        if sources:
            rule = _steps.NO_MISSING * missing | _steps.SINGLE * single
            self._add("finite", sources, (rule,), 0)

    def _with_numbers(
        self,
        name: str,
        sources: Sequence[int],
        numbers: Iterable[float],
        each: int,
    ) -> list[int]:
        listed = list(numbers)
        if len(listed) != each * len(sources):
            raise BadModel(f"model: {name}: expected {each} numbers for each source")
        return self._add(name, sources, (self._hold(listed),), len(sources))

    def _hold(
        self,
        numbers: Iterable[float],
    ) -> int:
        """Return the place of some constants; equal tables stand in the file once."""
        listed = [float(number) for number in numbers]
        # By their texts, as NaN is not equal to itself, and zero is to minus zero.
        key = tuple(map(repr, listed))
        if key not in self._places:
            self._places[key] = len(self.constants)
            self.constants += listed
        return self._places[key]

    def _add(
        self,
        name: str,
        sources: Sequence[int],
        operands: tuple[int, ...],
        written: int,
    ) -> list[int]:
        if not sources and name != "constant":
            return []
        self.steps.append(_steps.Step(name, tuple(sources), operands))
        first = self.registers
        self.firsts.append(first)
        self.registers += written
        return list(range(first, self.registers))


class StepsModel(Record):
    """A model of steps: a program, and where its raw scores and its answer are."""

    program: Program
    task: Task
    #: Registers of the raw scores, before any link.
    raws: Sequence[int]
    #: Registers of the answer: probabilities of all classes, or targets.
    scores: Sequence[int]
    #: See `drift_engine.model.writer.Model`.
    decision: Decision = "argmax"
    threshold: float = 0.5

    @property
    def outputs(self) -> int:
        """Return how many numbers an answer has."""
        return len(self.scores)

    @property
    def features(self) -> int:
        """Return how many numbers a row has."""
        return self.program.features


def to_file(
    model: StepsModel,
    encode: Callable[[Model], bytes],
) -> bytes:
    """Return the bytes of a model of steps.

    Args:
        model: to be written.
        encode: makes the bytes of each member.

    Raises:
        BadModel: the reader would refuse it.
    """
    program = model.program
    raw_first, score_first = _in_row(program, model.raws), _in_row(program, model.scores)
    shape = _layout.StepsShape(
        task=_layout.TASKS.index(model.task),
        decision=_layout.DECISIONS.index(model.decision),
        features=program.features,
        registers=program.registers,
        raws=len(model.raws),
        raw_first=raw_first,
        outputs=len(model.scores),
        score_first=score_first,
        members=len(program.members),
        threshold=float(model.threshold),
    )
    words: list[int] = []
    for step in program.steps:
        words += step.words
    data = _steps.join(
        shape,
        _columns.to_bytes("I", words),
        _columns.to_bytes("d", program.constants),
        [encode(member) for member in program.members],
        _columns.to_bytes("Q", program.keys),
    )
    # The reader has the last word: what it would refuse when serving is refused here.
    _steps.split(memoryview(data))
    return data


def _in_row(
    program: Program,
    registers: Sequence[int],
) -> int:
    """Return the first of registers that stand one behind the other, copied where they do not."""
    first = registers[0] if registers else 0
    if list(registers) == list(range(first, first + len(registers))):
        return first
    return program.copy(registers)[0]


def _flat(pairs: Iterable[tuple[float, float]]) -> list[float]:
    """Return both numbers of all pairs, one behind the other."""
    numbers: list[float] = []
    for pair in pairs:
        numbers += pair
    return numbers
