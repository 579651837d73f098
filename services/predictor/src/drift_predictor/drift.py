"""How unusual one row is against the baseline: z per feature, their mean magnitude, a word for it."""

from __future__ import annotations

from math import isnan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    Row = Sequence[float]

MODERATE = 1.0
HIGH = 2.0
GREATEST = 1e9


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

    __slots__ = ("_every", "_moments", "_names", "_template", "_threshold")

    def __init__(self, names: Sequence[str], features: Mapping[str, Mapping[str, Any]], threshold: float) -> None:
        self._names = tuple(names)
        self._moments = tuple(_mean_and_std(features[name]) for name in names)
        self._every = all(std for _, std in self._moments)
        self._template = '{"z":{' + ",".join(f'"{name}":%s' for name in names) + '},"drifted":[%s],"severity":"%s"}'
        self._threshold = threshold

    def __call__(self, row: Row) -> tuple[float, str]:
        """The score of a row, and the JSON of `drift` in responses and events.

        >>> DriftJudge(["age"], {"age": {"mean": 24.0, "std": 14.0}}, 2.0)((10.0,))
        (1.0, '{"z":{"age":-1.0},"drifted":[],"severity":"moderate"}')
        """
        if not self._every:
            return self._judge_some(row)
        z = [(value - mean) / std for value, (mean, std) in zip(row, self._moments, strict=True)]
        sizes = list(map(abs, z))
        total = sum(sizes)
        if not total < GREATEST:
            return self._judge_some(row)
        score = total / len(z)
        drifted = self._drifted(sizes) if max(sizes) > self._threshold else ""
        return score, self._template % (*map(repr, z), drifted, severity(score))

    def _judge_some(self, row: Row) -> tuple[float, str]:
        """The same where some have no z, or a z beyond the greatest."""
        z = [
            None if isnan(value) or not std else max(-GREATEST, min(GREATEST, (value - mean) / std))
            for value, (mean, std) in zip(row, self._moments, strict=True)
        ]
        sizes = [abs(one) for one in z if one is not None]
        score = sum(sizes) / len(sizes) if sizes else 0.0
        texts = ("null" if one is None else repr(one) for one in z)
        return score, self._template % (*texts, self._drifted([abs(one or 0.0) for one in z]), severity(score))

    def _drifted(self, sizes: Sequence[float]) -> str:
        return ",".join(f'"{name}"' for name, size in zip(self._names, sizes, strict=True) if size > self._threshold)


def _mean_and_std(facts: Mapping[str, Any]) -> tuple[float, float]:
    """Both, zeros for a feature that can have no z."""
    mean, std = facts.get("mean"), facts.get("std")
    return (0.0, 0.0) if mean is None or not std else (float(mean), float(std))
