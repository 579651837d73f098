"""How unusual one row is against the baseline: z per feature, their mean magnitude, a word for it."""

from __future__ import annotations

from math import isnan, nan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    Row = Sequence[float]

MODERATE = 1.0
HIGH = 2.0
GREATEST = 1e9
KEPT = 256


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

    A feature has a z where the baseline has a mean and a standard deviation above 0, and the row a value: categories,
    features that were constant in training, and nulls have none, which is null in the answer and not part of the
    score. No |z| is let beyond 1e9. The score is the mean |z| of those that have one, 0 if none has.
    """

    __slots__ = ("_names", "_scores", "_template", "_threshold")

    def __init__(self, names: Sequence[str], features: Mapping[str, Mapping[str, Any]], threshold: float) -> None:
        self._names = tuple(names)
        self._scores = tuple(_Scores(features[name]) for name in names)
        self._template = '{"z":{' + ",".join(f'"{name}":%s' for name in names) + '},"drifted":[%s],"severity":"%s"}'
        self._threshold = threshold

    def __call__(self, row: Row) -> tuple[float, str]:
        """The score of a row, and the JSON of `drift` in responses and events.

        >>> DriftJudge(["age"], {"age": {"mean": 24.0, "std": 14.0}}, 2.0)((10.0,))
        (1.0, '{"z":{"age":-1.0},"drifted":[],"severity":"moderate"}')
        """
        sizes: list[float] = []
        texts: list[str] = []
        for scores, value in zip(self._scores, row, strict=True):
            size, text = scores[value]
            sizes.append(size)
            texts.append(text)
        total, measured = sum(sizes), sizes
        if isnan(total):
            measured = [size for size in sizes if not isnan(size)]
            total = sum(measured)
        score = total / len(measured) if measured else 0.0
        drifted = self._drifted(sizes) if measured and max(measured) > self._threshold else ""
        return score, self._template % (*texts, drifted, severity(score))

    def _drifted(self, sizes: Sequence[float]) -> str:
        return ",".join(f'"{name}"' for name, size in zip(self._names, sizes, strict=True) if size > self._threshold)


class _Scores(dict[float, tuple[float, str]]):
    """|z| of a feature's values, NaN where there is none, and the JSON of z.

    Whole values come again, and the text of a float is dear: the first KEPT of them are kept.
    """

    __slots__ = ("_mean", "_std")

    def __init__(self, facts: Mapping[str, Any]) -> None:
        super().__init__()
        mean, std = facts.get("mean"), facts.get("std")
        moments: tuple[float, float] = (nan, 1.0) if mean is None or not std else (mean, std)
        self._mean, self._std = moments

    def __missing__(self, value: float) -> tuple[float, str]:
        z = (value - self._mean) / self._std
        if -GREATEST <= z <= GREATEST:
            scored = abs(z), repr(z)
        elif isnan(z):
            return z, "null"
        else:
            scored = GREATEST, repr(GREATEST if z > 0 else -GREATEST)
        if value.is_integer() and len(self) < KEPT:
            self[value] = scored
        return scored
