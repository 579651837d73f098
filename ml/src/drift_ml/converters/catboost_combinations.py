"""Statistics of CatBoost's combinations as steps: hash the parts, and look the hash up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from drift_engine.model.steps import StepsModel

from .catboost_statistics import CATEGORY, NUMBER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from drift_engine.model.steps import Program
    from drift_engine.model.writer import Model

    from .catboost_statistics import Statistic

NAN = math.nan


class Parts:
    """What combinations are hashed from, each computed once for all of them."""

    def __init__(
        self,
        program: Program,
        categories: Mapping[int, tuple[int, Sequence[int]]],
        numbers: Mapping[int, tuple[int, bool]],
    ) -> None:
        """Take what a row has.

        Args:
            program: That computes them.
            categories: By index the place in a row, and the hashes by code.
            numbers: By index the place in a row, and whether NaN is above all borders.
        """
        self._program = program
        self._categories = categories
        self._numbers = numbers
        self._registers: dict[tuple[object, ...], int] = {}

    def register(self, part: Any) -> int:
        """Return the register of a part: the hash of a category, or whether a condition holds."""
        kind = part["combination_element"]
        if kind == NUMBER:
            return self._above(int(part["float_feature_index"]), float(part["border"]))
        hashed = self._hashed(int(part["cat_feature_index"]))
        return hashed if kind == CATEGORY else self._equal(hashed, int(part["value"]))

    def _hashed(self, index: int) -> int:
        source, hashes = self._categories[index]
        # A text that is not listed has no hash that training has seen.
        table = [*map(float, hashes), NAN, NAN]
        return self._once(("hash", index), lambda: self._program.lookup(source, table))

    def _equal(self, hashed: int, value: int) -> int:
        key = ("equal", hashed, value)
        return self._once(key, lambda: self._program.is_number([hashed], [float(value)])[0])

    def _above(self, index: int, border: float) -> int:
        source, is_above = self._numbers[index]
        edge = last_below(border)
        if is_above:
            filled = [(NAN, math.inf)]
            number = source
            key = ("filled", index)
            source = self._once(key, lambda: self._program.replace([number], filled)[0])
        ranked = ("above", index, border)
        return self._once(ranked, lambda: self._program.rank(source, [edge], "left"))

    def _once(self, key: tuple[object, ...], make: Callable[[], int]) -> int:
        """Return the register of a part, which is computed where it is needed first."""
        if key not in self._registers:
            self._registers[key] = make()
        return self._registers[key]


def last_below(border: float) -> float:
    """Return the largest float64 that is not above a float32 border, once it is rounded to float32.

    >>> last_below(1.0)
    1.0000000596046448
    """
    single = np.float32(border)
    with np.errstate(over="ignore"):
        after = float(np.nextafter(single, np.float32(np.inf)))
        middle = float(single) + (after - float(single)) / 2
        # Of two neighbours that are equally near, the even one is taken.
        is_below = np.float32(middle) <= single
    return middle if is_below else float(np.nextafter(middle, -np.inf))


def add_statistics(
    program: Program,
    parts: Parts,
    statistics: Sequence[Statistic],
) -> list[int]:
    """Return the register of each statistic's value.

    Statistics of one combination share a hash and a look for it.

    Args:
        program: That computes them.
        parts: Of the combinations.
        statistics: In the order of the registers.
    """
    shared: dict[tuple[int, ...], list[int]] = {}
    for place, statistic in enumerate(statistics):
        sources = tuple(parts.register(part) for part in statistic.parts)
        shared.setdefault(sources, []).append(place)
    registers = dict.fromkeys(range(len(statistics)), 0)
    for sources, places in shared.items():
        together = [statistics[place] for place in places]
        counted, codes = _codes(together)
        code = program.find_hash(sources, codes)
        for which, place in enumerate(places):
            statistic = statistics[place]
            values = [statistic.value(counts[which]) for counts in counted]
            # What was not seen, and what is missing, which is refused before.
            values += [statistic.value(None)] * 2
            registers[place] = program.lookup(code, values)
    return list(registers.values())


def _codes(statistics: Sequence[Statistic]) -> tuple[list[Any], dict[int, int]]:
    """Return the different counts that statistics of one combination have, and a code by hash."""
    places: dict[Any, int] = {}
    codes: dict[int, int] = {}
    keys = sorted({key for statistic in statistics for key in statistic.counts})
    for key in keys:
        counts = tuple(statistic.counts.get(key) for statistic in statistics)
        codes[key] = places.setdefault(counts, len(places))
    return list(places), codes


def stepped(
    program: Program,
    sources: Sequence[int],
    member: Model,
    scaling: tuple[float, Sequence[float]] | None,
) -> StepsModel:
    """Return a model of trees with steps before it, and behind it where its scores are scaled.

    Args:
        program: With the steps before it.
        sources: Registers that the trees take.
        member: The trees.
        scaling: Scale and bias of its raw scores, None where they are plain sums.
    """
    model = member
    if scaling is not None:
        plain: dict[str, Any] = {"task": "regression", "link": "identity", "decision": "argmax"}
        member = _changed(model, outputs=len(model.start), **plain)
    raws, scores = program.member(member, sources)
    if scaling is not None:
        scale, biases = scaling
        scaled = program.arithmetic("multiply", raws, [scale] * len(raws))
        raws = program.arithmetic("add", scaled, biases)
        scores = program.link(model.link, raws, model.outputs)  # type: ignore[arg-type]
    return StepsModel(program, model.task, raws, scores, model.decision, model.threshold)


def _changed(model: Model, **changes: Any) -> Model:
    members: dict[str, Any] = {**vars(model), **changes}
    return type(model)(**members)
