"""How unusual one row is against the baseline: z per feature, their mean magnitude, a word for it."""

from __future__ import annotations

from math import inf, isnan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    Row = Sequence[float]

MODERATE = 1.0
HIGH = 2.0
CHANGED_CONSTANT = 10.0
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

    A feature has a z where the baseline has a mean for it and the row a value: categories and nulls have none. A
    feature that was constant (standard deviation 0) has 0 at its constant and plus or minus 10 anywhere else. No |z|
    is let beyond 1e9. The score is the mean |z| of those that have one, 0 if none has.
    """

    __slots__ = ("_changes", "_every", "_means", "_names", "_stds", "_template", "_threshold", "_where")

    def __init__(self, names: Iterable[str], features: Mapping[str, Mapping[str, Any]], threshold: float) -> None:
        known = [(i, name, features[name]) for i, name in enumerate(names) if features[name].get("mean") is not None]
        self._where = tuple(i for i, _, _ in known)
        self._every = len(known) == len(features)
        self._names = tuple(name for _, name, _ in known)
        self._means = tuple(float(facts["mean"]) for _, _, facts in known)
        self._stds = tuple(float(facts.get("std") or 0.0) or inf for _, _, facts in known)
        self._changes = tuple(k for k, std in enumerate(self._stds) if std == inf)
        self._template = _template(self._names)
        self._threshold = threshold

    def __call__(self, row: Row) -> tuple[float, str]:
        """The score of a row, and the JSON of `drift` in responses and events.

        >>> DriftJudge(["age"], {"age": {"mean": 24.0, "std": 14.0}}, 2.0)((10.0,))
        (1.0, '{"z":{"age":-1.0},"drifted":[],"severity":"moderate"}')
        """
        values = row if self._every else [row[i] for i in self._where]
        z = [(value - mean) / std for value, mean, std in zip(values, self._means, self._stds, strict=True)]
        if self._changes:
            self._mark_changes(values, z)
        sizes = list(map(abs, z))
        total = sum(sizes)
        if not total < GREATEST or not sizes:
            return self._unusual(z)
        score = total / len(z)
        drifted = _drifted(self._names, sizes, self._threshold) if max(sizes) > self._threshold else ""
        return score, self._template % (*map(repr, z), drifted, severity(score))

    def _mark_changes(self, values: Row, z: list[float]) -> None:
        for k in self._changes:
            if values[k] > self._means[k]:
                z[k] = CHANGED_CONSTANT
            elif values[k] < self._means[k]:
                z[k] = -CHANGED_CONSTANT

    def _unusual(self, z: Sequence[float]) -> tuple[float, str]:
        """The same with some z missing (NaN), or with some beyond the greatest."""
        present = [(name, one) for name, one in zip(self._names, z, strict=True) if not isnan(one)]
        names = [name for name, _ in present]
        kept = [max(-GREATEST, min(GREATEST, one)) for _, one in present]
        sizes = list(map(abs, kept))
        score = sum(sizes) / len(sizes) if sizes else 0.0
        return score, _template(names) % (*map(repr, kept), _drifted(names, sizes, self._threshold), severity(score))


def _drifted(names: Sequence[str], sizes: Sequence[float], threshold: float) -> str:
    return ",".join(f'"{name}"' for name, size in zip(names, sizes, strict=True) if size > threshold)


def _template(names: Sequence[str]) -> str:
    each = ",".join(f'"{name}":%s' for name in names)
    return f'{{"z":{{{each}}},"drifted":[%s],"severity":"%s"}}'
