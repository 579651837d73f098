"""The pure-Python twin of the compiled engine's steps: the same files, answers and refusals."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from itertools import starmap

from drift_engine.forest._columns import to_array, to_bytes, unpack
from drift_engine.forest._errors import BadRow
from drift_engine.model import _python as trees
from drift_engine.model import _steps
from drift_engine.model._links import LINKS, LinkShape, exp, fma, pairwise_sum
from drift_engine.model._scalars import to_single

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from drift_engine.model._layout import StepsShape
    from drift_engine.model._steps import Step, StepsParts

    Answer = tuple[tuple[float, ...], tuple[float, ...]]
    #: A step: the registers so far, of which it reads some and to which it appends.
    Do = Callable[["Engine", list[float], Step], Iterable[float]]

NOT_FINITE = "row: expected one whose numbers stay finite in every step of the model"
NO_ANSWER = "row: expected one whose answer is a finite number"
#: CatBoost's; what is hashed is a whole number of 32 bits with a sign.
_HASH_FACTOR, _HASH_MASK, _HASH_RANGE = 0x4906BA494954CB65, (1 << 64) - 1, 1 << 31
_NO_CODE = -1.0


class Engine(trees.Answering):
    """Steps that run one after the other over a list of registers."""

    _shape: StepsShape

    def __init__(
        self,
        parts: StepsParts,
    ) -> None:
        self._shape = parts.shape
        self._steps = [(_DO[step.name], step) for step in parts.steps]
        self._members = [trees.Engine(member) for member in parts.members]
        #: Of all steps.
        self.constants: Sequence[float] = to_array("d", parts.constants)
        keys = to_array("Q", parts.keys)
        #: Keys and codes of each step that finds hashes, by its operands.
        self.hashes: dict[tuple[int, ...], tuple[Sequence[int], Sequence[int]]] = {}
        for step in parts.steps:
            if step.name == "find-hash":
                self.hashes[step.operands] = _hashes(keys, *step.operands)

    def answer(
        self,
        row: Iterable[float],
    ) -> Answer:
        """Return raw scores and answer of a row. Raises BadRow."""
        shape = self._shape
        registers = [*trees.numbers_of(row, shape.features)]
        for do, step in self._steps:
            registers += do(self, registers, step)
        raw = registers[shape.raw_first : shape.raw_first + shape.raws]
        scores = registers[shape.score_first : shape.score_first + shape.outputs]
        if not all(map(math.isfinite, (*raw, *scores))):
            raise BadRow(NO_ANSWER)
        return tuple(raw), tuple(scores)

    def raw(
        self,
        row: Iterable[float],
    ) -> tuple[float, ...]:
        """Return the raw scores; see `PackedModel.raw`."""
        return self.answer(row)[0]

    def member(
        self,
        registers: Sequence[float],
        step: Step,
    ) -> Iterable[float]:
        """Return the raw scores of a member, then its answer. Raises BadRow."""
        member = self._members[step.operands[0]]
        try:
            raw, scores = member.answer(_read(registers, step))
        except BadRow:
            # Its columns are registers, whose places mean nothing to whoever sent the row.
            raise BadRow(NOT_FINITE) from None
        return *raw, *scores

    def finite(
        self,
        registers: Sequence[float],
        step: Step,
    ) -> Iterable[float]:
        """Return nothing. Raises BadRow where a source is none that the library takes."""
        rule = step.operands[0]
        for source in step.sources:
            value = registers[source]
            if math.isnan(value):
                is_refused = bool(rule & _steps.NO_MISSING)
            else:
                is_refused = math.isinf(to_single(value) if rule & _steps.SINGLE else value)
            if not is_refused:
                continue
            if source < self._shape.features:
                raise BadRow(f"row: position {source}: expected a finite number")
            raise BadRow(NOT_FINITE)
        return ()


def _read(
    registers: Sequence[float],
    step: Step,
) -> list[float]:
    return [registers[source] for source in step.sources]


def _constants(
    engine: Engine,
    step: Step,
    count: int,
    start: int = 0,
) -> Sequence[float]:
    """Return some constants of a step, counted from its first one."""
    first = step.operands[0] + start
    return engine.constants[first : first + count]


def _divided(
    x: float,
    y: float,
) -> float:
    """Return x / y as IEEE 754 has it, where Python refuses zero."""
    if y:
        return x / y
    if x != x or y != y or not x:  # noqa: PLR0124 - NaN
        return math.nan
    return math.copysign(math.inf, x) * math.copysign(1.0, y)


def _each(of: Callable[[float, float], float]) -> Do:
    """Return a step that computes with each source and a constant of its own."""

    def do(
        engine: Engine,
        registers: list[float],
        step: Step,
    ) -> Iterable[float]:
        values = _read(registers, step)
        return map(of, values, _constants(engine, step, len(values)))

    return do


def _pairs(of: Callable[[float, float], float]) -> Do:
    """Return a step that computes with the first and the second half of its sources."""

    def do(
        _engine: Engine,
        registers: list[float],
        step: Step,
    ) -> Iterable[float]:
        values = _read(registers, step)
        half = len(values) // 2
        return map(of, values[:half], values[half:])

    return do


def _bounds(of: Callable[[float, float, float], float]) -> Do:
    """Return a step that computes with each source and two constants of its own."""

    def do(
        engine: Engine,
        registers: list[float],
        step: Step,
    ) -> Iterable[float]:
        values = _read(registers, step)
        pairs = _constants(engine, step, 2 * len(values))
        return starmap(of, zip(values, pairs[::2], pairs[1::2], strict=True))

    return do


def _is(
    value: float,
    other: float,
) -> float:
    is_same = value == other or (math.isnan(value) and math.isnan(other))
    return 1.0 if is_same else 0.0


def _replace(
    value: float,
    before: float,
    after: float,
) -> float:
    return after if _is(value, before) else value


def _clip(
    value: float,
    low: float,
    high: float,
) -> float:
    if value < low:
        return low
    return min(value, high)


def _whole(of: Callable[[float], int]) -> Callable[[float], float]:
    """Return a function to whole numbers that keeps what is none, and the sign of zeros."""

    def function(value: float) -> float:
        if not math.isfinite(value):
            return value
        return math.copysign(float(of(value)), value)

    return function


def _sign(value: float) -> float:
    if math.isnan(value):
        return value
    return float(value > 0) - float(value < 0)


def _square_root(value: float) -> float:
    return math.sqrt(value) if value >= 0 else math.nan


def _exp(value: float) -> float:
    return value if math.isnan(value) else exp(value)


_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "negative": lambda value: -value,
    "absolute": abs,
    "sign": _sign,
    "square": lambda value: value * value,
    "sqrt": _square_root,
    "reciprocal": lambda value: _divided(1.0, value),
    "floor": _whole(math.floor),
    "ceil": _whole(math.ceil),
    "trunc": _whole(math.trunc),
    "rint": _whole(round),
    "exp": _exp,
}


def _function(
    _engine: Engine,
    registers: list[float],
    step: Step,
) -> Iterable[float]:
    function = _FUNCTIONS[_steps.FUNCTIONS[step.operands[0]]]
    return map(function, _read(registers, step))


def _rank(
    engine: Engine,
    registers: list[float],
    step: Step,
) -> Iterable[float]:
    (value,) = _read(registers, step)
    _, size, counts_equal = step.operands
    bisect = bisect_right if counts_equal else bisect_left
    rank = 0 if math.isnan(value) else bisect(_constants(engine, step, size), value)
    return (float(rank),)


def _find(
    engine: Engine,
    registers: list[float],
    step: Step,
) -> Iterable[float]:
    """Return the place of the source in a table, or its size; what is missing stays so."""
    (value,) = _read(registers, step)
    size = step.operands[1]
    if math.isnan(value):
        return (value,)
    table = _constants(engine, step, size)
    place = bisect_left(table, value)
    is_there = place < size and table[place] == value
    return (float(place if is_there else size),)


def _lookup(
    engine: Engine,
    registers: list[float],
    step: Step,
) -> Iterable[float]:
    (value,) = _read(registers, step)
    size = step.operands[1]
    return (_constants(engine, step, size + 2)[trees.code_of(value, size)],)


def _one_hot(
    _engine: Engine,
    registers: list[float],
    step: Step,
) -> Iterable[float]:
    (value,) = _read(registers, step)
    return [float(value == place) for place in range(step.operands[0])]


def _interpolate(
    engine: Engine,
    registers: list[float],
    step: Step,
) -> Iterable[float]:
    """Return the number between two rows of a table, in the operations of numpy's `interp`."""
    (value,) = _read(registers, step)
    size = step.operands[1]
    xs, ys = _constants(engine, step, size), _constants(engine, step, size, size)
    if math.isnan(value):
        return (value,)
    below = bisect_right(xs, value) - 1
    if below < 0 or below == size - 1 or xs[below] == value:
        return (ys[max(below, 0)],)
    slope = _divided(ys[below + 1] - ys[below], xs[below + 1] - xs[below])
    result = slope * (value - xs[below]) + ys[below]
    if math.isnan(result):
        result = slope * (value - xs[below + 1]) + ys[below + 1]
        if math.isnan(result) and ys[below] == ys[below + 1]:
            result = ys[below]
    return (result,)


def _where(
    _engine: Engine,
    registers: list[float],
    step: Step,
) -> Iterable[float]:
    condition, chosen, second = _read(registers, step)
    return (chosen if condition != 0 else second,)


def _dot(
    engine: Engine,
    registers: list[float],
    step: Step,
) -> Iterable[float]:
    """Return sums of products, each with the constant that is added last."""
    values = _read(registers, step)
    _, rows, kind = step.operands
    add = _nearest if _steps.DOTS[kind] == "nearest" else _in_order
    width = len(values)
    sums = []
    for row in range(rows):
        factors = _constants(engine, step, width + 1, row * (width + 1))
        sums.append(add(values, factors) + factors[width])
    return sums


def _in_order(
    values: Sequence[float],
    factors: Sequence[float],
) -> float:
    total = 0.0
    for value, factor in zip(values, factors, strict=False):
        total += value * factor
    return total


def _nearest(
    values: Sequence[float],
    factors: Sequence[float],
) -> float:
    """Return a sum of products as if it was computed in twice the precision.

    Source: Ogita, Rump and Oishi 2005, algorithm 5.3 (Dot2).
    """
    total = remainder = 0.0
    for value, factor in zip(values, factors, strict=False):
        product = value * factor
        rounding = fma(value, factor, -product) if math.isfinite(product) else 0.0
        larger = total + product
        part = larger - total
        remainder += ((total - (larger - part)) + (product - part)) + rounding
        total = larger
    return total + remainder


def _sum(
    _engine: Engine,
    registers: list[float],
    step: Step,
) -> Iterable[float]:
    values = _read(registers, step)
    if _steps.SUMS[step.operands[0]] == "pairwise":
        return (pairwise_sum(values),)
    total = 0.0
    for value in values:
        total += value
    return (total,)


def _link(
    engine: Engine,
    registers: list[float],
    step: Step,
) -> Iterable[float]:
    values = tuple(_read(registers, step))
    if not all(map(math.isfinite, values)):
        raise BadRow(NO_ANSWER)
    link, outputs, first = step.operands
    shape = LinkShape(len(values), outputs, engine.constants[first])
    return LINKS[_steps.LINKS[link]](values, shape)


def _hashes(
    keys: Sequence[int],
    first: int,
    count: int,
    bits: int,
) -> tuple[Sequence[int], Sequence[int]]:
    """Return the keys of a step, and the code of each."""
    own = keys[first : first + count]
    if not bits:
        return own, range(count)
    words = keys[first + count : first + _steps.hash_words(count, bits)]
    return own, unpack(bits, to_bytes("Q", words), count)


def _find_hash(
    engine: Engine,
    registers: list[float],
    step: Step,
) -> Iterable[float]:
    """Return the code of what the sources hash to together, -1 where that was not seen."""
    total = 0
    for value in _read(registers, step):
        if not -_HASH_RANGE <= value < _HASH_RANGE:
            return (_NO_CODE,)
        total = _HASH_FACTOR * (total + _HASH_FACTOR * int(value)) & _HASH_MASK
    keys, codes = engine.hashes[step.operands]
    place = bisect_left(keys, total)
    is_there = place < len(keys) and keys[place] == total
    return (float(codes[place]) if is_there else _NO_CODE,)


def _constant(
    engine: Engine,
    _registers: list[float],
    step: Step,
) -> Iterable[float]:
    return _constants(engine, step, 1)


def _copy(
    _engine: Engine,
    registers: list[float],
    step: Step,
) -> Iterable[float]:
    return _read(registers, step)


_DO: dict[str, Do] = {
    "constant": _constant,
    "copy": _copy,
    "add": _each(lambda x, y: x + y),
    "subtract": _each(lambda x, y: x - y),
    "multiply": _each(lambda x, y: x * y),
    "divide": _each(_divided),
    "add-two": _pairs(lambda x, y: x + y),
    "subtract-two": _pairs(lambda x, y: x - y),
    "multiply-two": _pairs(lambda x, y: x * y),
    "divide-two": _pairs(_divided),
    "function": _function,
    "is": _each(_is),
    "replace": _bounds(_replace),
    "clip": _bounds(_clip),
    "rank": _rank,
    "find": _find,
    "lookup": _lookup,
    "one-hot": _one_hot,
    "interpolate": _interpolate,
    "where": _where,
    "dot": _dot,
    "sum": _sum,
    "link": _link,
    "member": Engine.member,
    "finite": Engine.finite,
    "find-hash": _find_hash,
}
