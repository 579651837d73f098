"""Score how unusual one row is against the baseline.

A z for each feature, the mean of their magnitudes, and a word for that.
"""

from __future__ import annotations

from math import isnan, nan

from drift_contracts.records import Record
from drift_contracts.severity import severity
from drift_engine.scale import FARTHEST, usable_std

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from drift_contracts.types import BaselineV1Summary

    Row = Sequence[float]

#: No z means more than nine digits say, and the shortest text of the very float takes twice as
#: long.
NUMBER = "%.9g"
#: Features of which each has its z in the answer; of more, the largest z are there.
MOST_LISTED, LARGEST = 90, 10


class _Scale(Record):
    """What a feature's z is measured with."""

    #: In the feature's unit; NaN for a feature that has no z.
    mean: float
    #: The sample standard deviation (n - 1), in the feature's unit.
    std: float


class DriftScorer:
    """Scores rows against the means and standard deviations of a baseline.

    A feature has a z where the baseline has a mean and a usable standard deviation, and the row a
    value: categories, features that were constant in training (a standard deviation under 1e-9 of
    the largest magnitude counts as 0), and nulls have none, which is null in the answer and not
    part of the score. |z| is limited to 100, as in windows. The score is the mean |z| of those that
    have one, 0 if none has.
    """

    __slots__ = (
        "_means",
        "_names",
        "_places",
        "_stds",
        "_template",
        "_template_of_texts",
        "_threshold",
    )

    def __init__(
        self,
        names: Sequence[str],
        features: Mapping[str, BaselineV1Summary],
        threshold: float,
    ) -> None:
        """Make a scorer of one model.

        Args:
            names: the features in the order of the row.
            features: the member of that name in baseline.v1.
            threshold: the |z| over which a feature counts as drifted.
        """
        every = [_scale(features[name]) for name in names]
        places = [place for place, scale in enumerate(every) if not isnan(scale.mean)]
        #: Of the features that have a z, in the row; None where all have one, as most models' do.
        self._places = None if len(places) == len(every) else places
        scales = [every[place] for place in places]
        self._names = tuple(names[place] for place in places)
        # Two tuples and not one of scales: they are walked for every request.
        self._means = tuple(scale.mean for scale in scales)
        self._stds = tuple(scale.std for scale in scales)
        self._template = _template(names, self._names, NUMBER)
        self._template_of_texts = _template(names, self._names, "%s")
        self._threshold = threshold

    def score(self, row: Row) -> tuple[float, str]:
        """Return the score of a row, and the JSON of `drift` in responses and events.

        Args:
            row: of floats, shape (features,); NaN for a null.

        Returns:
            The score, at least 0, and the text, in which z have nine significant digits.

        >>> DriftScorer(["age"], {"age": {"mean": 24.0, "std": 14.0}}, 2.0).score((3.0,))
        (1.5, '{"z":{"age":-1.5},"drifted":[],"severity":"moderate"}')
        """
        if self._places is not None:
            row = [row[place] for place in self._places]
        zs = [
            (value - mean) / std
            for value, mean, std in zip(row, self._means, self._stds, strict=True)
        ]
        if not zs:
            return self._limited(zs)
        sizes = [*map(abs, zs)]
        total, largest = sum(sizes), max(sizes)
        # A missing z makes the sum NaN, whatever max says of it; only NaN differs from itself.
        if largest > FARTHEST or total != total:  # noqa: PLR0124
            return self._limited(zs)
        score = total / len(sizes)
        drifted = ""
        if largest > self._threshold:
            drifted = self._drifted(sizes)
        return score, self._template % (*zs, drifted, severity(score))

    def _limited(self, zs: Sequence[float]) -> tuple[float, str]:
        """Return the same as `score` of z of which some are missing or very large."""
        limited = [_limit(z) for z in zs]
        sizes = [abs(z) for z in limited if not isnan(z)]
        score = 0.0
        if sizes:
            score = sum(sizes) / len(sizes)
        drifted = self._drifted([*map(abs, limited)])
        texts = map(_text, limited)
        return score, self._template_of_texts % (*texts, drifted, severity(score))

    def _drifted(self, sizes: Sequence[float]) -> str:
        names = zip(self._names, sizes, strict=True)
        return ",".join([f'"{name}"' for name, size in names if size > self._threshold])


class WideScorer(DriftScorer):
    """Scores the rows of so many features that their z would be most of the answer.

    The score counts every feature, and `drifted` names all that are over the threshold. `z` has the
    ten largest, the largest first.
    """

    __slots__ = ()

    def score(self, row: Row) -> tuple[float, str]:
        """Return the score of a row, and the JSON of `drift`; as `DriftScorer.score`."""
        zs = [
            _limit((value - mean) / std)
            for value, mean, std in zip(row, self._means, self._stds, strict=True)
        ]
        sizes = [abs(z) for z in zs if not isnan(z)]
        score = 0.0
        if sizes:
            score = sum(sizes) / len(sizes)
        bound = min(sorted(sizes)[-LARGEST:], default=0.0)
        # NaN is at least nothing
        large = [index for index, z in enumerate(zs) if abs(z) >= bound]
        large.sort(key=lambda index: -abs(zs[index]))
        texts = [f'"{self._names[index]}":{NUMBER % zs[index]}' for index in large[:LARGEST]]
        drifted = self._drifted([*map(abs, zs)])
        members = ",".join(texts)
        text = f'{{"z":{{{members}}},"drifted":[{drifted}],"severity":"{severity(score)}"}}'
        return score, text


def scorer_of(features: int) -> type[DriftScorer]:
    """Return what scores the rows of a model with so many features."""
    return DriftScorer if features <= MOST_LISTED else WideScorer


def _limit(z: float) -> float:
    # min and max of NaN are whatever comes first.
    if isnan(z):
        return z
    return max(-FARTHEST, min(z, FARTHEST))


def _text(z: float) -> str:
    if isnan(z):
        return "null"
    return NUMBER % z


def _scale(summary: BaselineV1Summary) -> _Scale:
    mean = summary.get("mean")
    std = usable_std(summary.get("std"), summary.get("min"), summary.get("max"))
    if mean is None or not std:
        return _Scale(nan, 1.0)
    return _Scale(mean, std)


def _template(names: Sequence[str], measured: Collection[str], z: str) -> str:
    """Return the JSON of `drift` with a place for each z, for the names and for the severity.

    Args:
        names: of all features.
        measured: of those that have a z; the others' is null.
        z: how a z is written.
    """
    listed = set(measured)
    members = ",".join([f'"{name}":{z if name in listed else "null"}' for name in names])
    return f'{{"z":{{{members}}},"drifted":[%s],"severity":"%s"}}'
