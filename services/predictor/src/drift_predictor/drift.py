"""How unusual one row is against the baseline: z per feature, their mean magnitude, a word for it."""

from __future__ import annotations

from math import isnan, nan

from drift_engine.scale import FARTHEST, usable_std

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    Row = Sequence[float]

MODERATE = 1.0
HIGH = 2.0
NUMBER = "%.9g"
"""No z means more than nine digits say, and the shortest text of the very float takes twice as long."""


def severity(score: float) -> str:
    """`normal` below 1, `moderate` from 1 to 2, `high` above.

    >>> severity(0.99), severity(1.0), severity(2.0), severity(2.01)
    ('normal', 'moderate', 'moderate', 'high')
    """
    if score < MODERATE:
        return "normal"
    return "moderate" if score <= HIGH else "high"


class DriftJudge:
    """Scores rows against the means and standard deviations of a baseline (sample, n - 1).

    names: the features in the order of the row. features: the member of that name in baseline.v1. threshold: the
    |z| over which a feature counts as drifted.

    A feature has a z where the baseline has a mean and a usable standard deviation, and the row a
    value: categories, features that were constant in training (a standard deviation under 1e-9 of
    the largest magnitude counts as 0), and nulls have none, which is null in the answer and not part
    of the score. |z| is held at 100, as in windows. The score is the mean |z| of those that have
    one, 0 if none has.
    """

    __slots__ = ("_means", "_names", "_stds", "_template", "_threshold", "_with_texts")

    def __init__(self, names: Sequence[str], features: Mapping[str, Mapping[str, Any]], threshold: float) -> None:
        moments = [_moments(features[name]) for name in names]
        self._names = tuple(names)
        self._means = tuple(mean for mean, _ in moments)
        self._stds = tuple(std for _, std in moments)
        self._template = _template(names, NUMBER)
        self._with_texts = _template(names, "%s")
        self._threshold = threshold

    def __call__(self, row: Row) -> tuple[float, str]:
        """The score of a row, and the JSON of `drift` in responses and events, z to nine significant digits.

        >>> DriftJudge(["age"], {"age": {"mean": 24.0, "std": 14.0}}, 2.0)((3.0,))
        (1.5, '{"z":{"age":-1.5},"drifted":[],"severity":"moderate"}')
        """
        zs = [(value - mean) / std for value, mean, std in zip(row, self._means, self._stds, strict=True)]
        sizes = [*map(abs, zs)]
        total, largest = sum(sizes), max(sizes)
        # A missing z makes the sum NaN, whatever max says of it; only NaN differs from itself.
        if largest > FARTHEST or total != total:  # noqa: PLR0124
            return self._limited(zs)
        score = total / len(sizes)
        drifted = self._drifted(sizes) if largest > self._threshold else ""
        return score, self._template % (*zs, drifted, severity(score))

    def _limited(self, zs: Sequence[float]) -> tuple[float, str]:
        """The same for a row in which a z is missing or very large."""
        near = [z if isnan(z) else max(-FARTHEST, min(z, FARTHEST)) for z in zs]
        measured = [abs(z) for z in near if not isnan(z)]
        score = sum(measured) / len(measured) if measured else 0.0
        texts = ["null" if isnan(z) else NUMBER % z for z in near]
        return score, self._with_texts % (*texts, self._drifted([*map(abs, near)]), severity(score))

    def _drifted(self, sizes: Sequence[float]) -> str:
        return ",".join(f'"{name}"' for name, size in zip(self._names, sizes, strict=True) if size > self._threshold)


def _moments(facts: Mapping[str, Any]) -> tuple[float, float]:
    """Return mean and standard deviation of a feature, NaN and 1 where it has no z."""
    mean = facts.get("mean")
    std = usable_std(facts.get("std"), facts.get("min"), facts.get("max"))
    return (nan, 1.0) if mean is None or not std else (mean, std)


def _template(names: Sequence[str], z: str) -> str:
    return '{"z":{' + ",".join(f'"{name}":{z}' for name in names) + '},"drifted":[%s],"severity":"%s"}'
