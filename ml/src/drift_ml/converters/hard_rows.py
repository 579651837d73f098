"""Rows on which a wrong conversion shows: on thresholds, next to them, and at every edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from drift_engine.model.steps import StepsModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt
    from drift_contracts import Feature, FeatureSet
    from drift_contracts.json_types import JsonValue
    from drift_engine.model._steps import Step
    from drift_engine.model.steps import Program
    from drift_engine.model.writer import Model

    from .inputs import JsonRow

    Floats = npt.NDArray[np.float64]

#: The largest float32, beyond which a request's number is refused.
LARGEST = float(np.finfo(np.float32).max)
#: Numbers around which libraries do something of their own: zeros, and LightGBM's next to zero.
SPECIAL = (0.0, -0.0, 1e-35, -1e-35, float(np.float32(1e-35)), 1.1e-35, 5e-324, LARGEST, -LARGEST)
#: Of a category that no list holds; a request of an open feature may have any text.
NEWCOMER = "a category that nobody has seen"
#: Share of the features of a row that get a hard value.
REPLACED = 0.6


def hard_rows(
    model: Model | StepsModel,
    feature_set: FeatureSet,
    rows: Sequence[JsonRow],
    count: int,
    seed: int,
) -> list[JsonRow]:
    """Return rows with values at the thresholds of a model, one ulp to either side, and missing.

    Args:
        model: Whose thresholds they are; each is used before any is used again.
        feature_set: Of which every row is valid.
        rows: Where the other values come from.
        count: How many are made.
        seed: Of the choice.
    """
    random = np.random.default_rng(seed)
    thresholds = _all_thresholds(model)
    columns: dict[str, list[JsonValue]] = {}
    for place, feature in enumerate(feature_set.features):
        candidates = hard_values(feature, thresholds.get(place, np.zeros(0)))
        bases = [row[feature.name] for row in rows]
        columns[feature.name] = _mixed(candidates, bases, count, random)
    names = feature_set.names
    made = zip(*(columns[name] for name in names), strict=True)
    return [dict(zip(names, values, strict=True)) for values in made]


def _mixed(
    candidates: Sequence[JsonValue],
    bases: Sequence[JsonValue],
    count: int,
    random: np.random.Generator,
) -> list[JsonValue]:
    """Return values of which a share are candidates, in turn, and the rest are taken from rows."""
    order = random.permutation(len(candidates)).tolist()
    hard = random.random(count) < REPLACED
    chosen = random.integers(0, len(bases), count).tolist()
    values: list[JsonValue] = []
    used = 0
    for place, is_hard in zip(chosen, hard.tolist(), strict=True):
        if is_hard and candidates:
            values.append(candidates[order[used % len(order)]])
            used += 1
        else:
            values.append(bases[place])
    return values


def _thresholds(model: Model) -> dict[int, Floats]:
    """Return the distinct thresholds by place of the feature in a row."""
    found: dict[int, list[float]] = {}
    for tree in model.trees:
        nodes = zip(
            tree.column,
            tree.threshold,
            tree.left,
            strict=True,
        )
        for column, threshold, left in nodes:
            if left >= 0:
                source = model.columns[column].source
                found.setdefault(source, []).append(threshold)
    return {source: np.unique(values) for source, values in found.items()}


def _all_thresholds(model: Model | StepsModel) -> dict[int, Floats]:
    if isinstance(model, StepsModel):
        return thresholds_of_steps(model)
    return _thresholds(model)


def thresholds_of_steps(model: StepsModel) -> dict[int, Floats]:
    """Return the numbers at which steps and trees turn, by place of the feature in a row.

    A register that was scaled is traced back to the feature that it is made of.
    """
    program = model.program
    origins: dict[int, Origin] = {}
    for feature in range(program.features):
        origins[feature] = (feature, 1.0, 0.0)
    turns: dict[int, list[float]] = {}
    for register, step in zip(program.firsts, program.steps, strict=True):
        numbers = _numbers_of(program, step)
        _trace(origins, register, step, numbers)
        at = {}
        if step.name in TURNING:
            at = {step.sources[0]: numbers}
        elif step.name == "member":
            trees = _thresholds(program.members[step.operands[0]])
            at = {step.sources[source]: values.tolist() for source, values in trees.items()}
        for source, values in at.items():
            if source in origins:
                feature, factor, added = origins[source]
                turning = [(value - added) / factor for value in values]
                turns.setdefault(feature, []).extend(turning)
    return {feature: np.unique(values) for feature, values in turns.items()}


def _trace(
    origins: dict[int, Origin],
    register: int,
    step: Step,
    numbers: Sequence[float],
) -> None:
    """Write down what the registers of a step are made of, where it scales."""
    if step.name not in TRACED:
        return
    for place, source in enumerate(step.sources):
        number = numbers[place] if numbers else 0.0
        is_lost = step.name in ("multiply", "divide") and not number
        if source in origins and not is_lost:
            scale = TRACED[step.name]
            origins[register + place] = scale(origins[source], number)


def _numbers_of(program: Program, step: Step) -> Sequence[float]:
    """Return the constants of a step that scales, or of one that has a table."""
    is_read = step.name in TRACED or step.name in TURNING
    if not is_read or not step.operands:
        return ()
    size = step.operands[1] if step.name in TURNING else len(step.sources)
    first = step.operands[0]
    each = 2 if step.name in ("replace", "clip") else 1
    return program.constants[first : first + each * size : each]


Origin = tuple[int, float, float]
#: Steps that scale a number, as factor and addend of what it was made of.
TRACED: dict[str, Callable[[Origin, float], Origin]] = {
    "copy": lambda origin, _: origin,
    "replace": lambda origin, _: origin,
    "clip": lambda origin, _: origin,
    "add": lambda origin, x: (origin[0], origin[1], origin[2] + x),
    "subtract": lambda origin, x: (origin[0], origin[1], origin[2] - x),
    "multiply": lambda origin, x: (origin[0], origin[1] * x, origin[2] * x),
    "divide": lambda origin, x: (origin[0], origin[1] / x, origin[2] / x),
}
#: Steps whose tables are where they turn.
TURNING = ("rank", "find", "interpolate")


def hard_values(feature: Feature, thresholds: Floats) -> list[JsonValue]:
    """Return the values of a feature that its requests may hold and that are hard.

    Args:
        feature: Whose bounds they keep.
        thresholds: Of the model.
    """
    values: list[JsonValue] = []
    if feature.type == "category":
        values += feature.categories
        if feature.other:
            values.append(NEWCOMER)
    elif feature.type == "boolean":
        values += [True, False]
    elif feature.type == "integer":
        values += [int(value) for value in _allowed(feature, _whole(thresholds))]
    else:
        values += _allowed(feature, _beside(thresholds))
    if feature.nullable:
        # As often as one in eight, whatever the number of thresholds.
        values += [None] * max(1, len(values) // 8)
    return values


def _beside(thresholds: Floats) -> Floats:
    """Return numbers, and their neighbours in float64 and in float32."""
    bases = np.concatenate([thresholds, SPECIAL])
    bases = bases[np.abs(bases) <= LARGEST]
    single = bases.astype(np.float32)
    infinity = np.float32(np.inf)
    # The neighbour of the largest is infinity, which no bound allows.
    with np.errstate(over="ignore"):
        neighbours = (
            bases,
            np.nextafter(bases, -np.inf),
            np.nextafter(bases, np.inf),
            single,
            np.nextafter(single, -infinity),
            np.nextafter(single, infinity),
        )
    return np.concatenate([values.astype(np.float64) for values in neighbours])


def _whole(thresholds: Floats) -> Floats:
    """Return the whole numbers around thresholds."""
    finite = thresholds[np.isfinite(thresholds)]
    # Beyond this, a float64 holds no other whole numbers than a float32's neighbours.
    finite = finite[np.abs(finite) < 2.0**52]
    below = np.floor(np.concatenate([finite, [0.0]]))
    return np.concatenate([below - 1.0, below, below + 1.0, below + 2.0])


def _allowed(feature: Feature, values: Floats) -> list[float]:
    """Return the distinct values within a feature's bounds, and the bounds."""
    low, high = _bounds(feature)
    listed = {*values.tolist(), *_edges(feature)}
    return sorted(value for value in listed if low <= value <= high)


def _edges(feature: Feature) -> Iterator[float]:
    for bound in (feature.minimum, feature.maximum):
        if bound is not None:
            yield float(bound)


def _bounds(feature: Feature) -> tuple[float, float]:
    """Return the lowest and the highest value of a number, which requests may hold."""
    low = -LARGEST if feature.minimum is None else float(feature.minimum)
    high = LARGEST if feature.maximum is None else float(feature.maximum)
    if feature.exclusive_minimum is not None:
        low = max(low, float(np.nextafter(feature.exclusive_minimum, np.inf)))
    if feature.exclusive_maximum is not None:
        high = min(high, float(np.nextafter(feature.exclusive_maximum, -np.inf)))
    return low, high
