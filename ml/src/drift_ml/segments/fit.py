"""From training columns to the segments of a model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from drift_ml.baseline.fit import fit_baseline
from drift_ml.columns import as_codes, as_numbers
from drift_ml.segments._levels import OTHER, levels_of, values_of
from drift_ml.segments._model import FEWEST_ROWS, CutSegments, Segment, Segments

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    from drift_contracts import Feature, FeatureSet
    from drift_contracts.features import Cut

    from drift_ml.baseline import Baseline
    from drift_ml.segments._levels import Levels

    Columns = Mapping[str, npt.ArrayLike]
    #: Places of levels, shape (rows,).
    Places = npt.NDArray[np.intp]
    Floats = npt.NDArray[np.float64]


class _Answered(TypedDict, total=False):
    """The answers that a baseline is fitted with."""

    predictions: Floats
    labels: Floats
    scores: Floats


@dataclass(frozen=True)
class HeldOutAnswers:
    """What the model answers to rows that it was not fitted on, each vector of shape (rows,)."""

    #: Of these rows, by feature.
    columns: Columns
    #: A regressor's.
    predictions: npt.ArrayLike | None = None
    #: A classifier's: the classes or their places, and its probabilities, shape (rows, classes).
    labels: npt.ArrayLike | None = None
    scores: npt.ArrayLike | None = None

    def part(self, rows: npt.NDArray[np.bool_]) -> _Answered:
        """Return the answers to some of the rows, as `fit_baseline` takes them.

        Args:
            rows: Which, shape (rows,).
        """
        if not rows.any():
            return {}
        if self.labels is None or self.scores is None:
            return (
                {} if self.predictions is None else {"predictions": _some(self.predictions, rows)}
            )
        return {"labels": _some(self.labels, rows), "scores": _some(self.scores, rows)}


def _some(
    values: npt.ArrayLike,
    rows: npt.NDArray[np.bool_],
) -> Floats:
    return np.asarray(values, dtype=np.float64)[rows]


def fit_segments(
    feature_set: FeatureSet,
    columns: Columns,
    baseline: Baseline,
    answers: HeldOutAnswers | None = None,
) -> Segments | None:
    """Return the segments of training rows; None where the feature set names none.

    Each segment with enough rows has a baseline of its own, of its rows alone.

    Args:
        feature_set: The model's features, and which of them cut the traffic.
        columns: Per feature a vector of shape (rows,), as `fit_baseline` takes them.
        baseline: Of all rows.
        answers: Of the model to held-out rows; without them answers are not watched by segment.

    Raises:
        BaselineError: a column holds what its feature cannot be.
    """
    if not feature_set.segments:
        return None
    cuts = [_fit_cut(feature_set, columns, cut, answers) for cut in feature_set.segments]
    return Segments(baseline.digest, tuple(cuts))


def _fit_cut(
    feature_set: FeatureSet,
    columns: Columns,
    cut: Cut,
    answers: HeldOutAnswers | None,
) -> CutSegments:
    """Return the segments that one feature cuts the rows into."""
    feature = feature_set[cut.feature]
    levels = _levels(feature, cut, columns)
    places = level_places(levels, feature, columns)
    held_out = None if answers is None else level_places(levels, feature, answers.columns)
    segments = []
    for place, value in enumerate(levels.all_names):
        chosen = places == place
        rows = int(chosen.sum())
        fitted = None
        if rows >= FEWEST_ROWS:
            table = {name: np.asarray(columns[name])[chosen] for name in feature_set.names}
            answered: _Answered = {}
            if answers is not None and held_out is not None:
                answered = answers.part(held_out == place)
            fitted = fit_baseline(feature_set, table, **answered)
            if not cut.cuts and value != OTHER:
                fitted = _without_channels(fitted, feature.name)
        segments.append(Segment(feature.name, value, rows, rows / max(len(places), 1), fitted))
    return CutSegments(levels, tuple(segments))


def _without_channels(
    baseline: Baseline,
    feature: str,
) -> Baseline:
    """Return a baseline without the channels of one feature, which has one value in a segment."""
    # They could never change, and have a part of the weight; those of several features stay.
    channels = [channel for channel in baseline.channels if channel.of != (feature,)]
    return replace(baseline, channels=tuple(channels))


def _levels(
    feature: Feature,
    cut: Cut,
    columns: Columns,
) -> Levels:
    """Return the levels of a feature, by the frequencies of training."""
    if cut.cuts:
        return levels_of(feature.name, cuts=cut.cuts)
    values = values_of(feature)
    codes = _codes(feature, columns)
    counts = np.bincount(codes[codes < len(values)], minlength=len(values)).tolist()
    return levels_of(feature.name, rows=dict(zip(values, counts, strict=True)))


def level_places(
    levels: Levels,
    feature: Feature,
    columns: Columns,
) -> Places:
    """Return the place of each row's level, the number of names for `other`, shape (rows,).

    Args:
        levels: Of the feature.
        feature: That cuts.
        columns: By feature, each of shape (rows,).
    """
    others = len(levels.names)
    if levels.cuts:
        numbers = as_numbers(columns[feature.name])
        bins = np.searchsorted(np.array(levels.cuts), numbers, side="right")
        return np.where(np.isnan(numbers), others, bins)
    values = values_of(feature)
    by_value = {name: place for place, name in enumerate(levels.names)}
    table = np.array([by_value.get(value, others) for value in values] + [others])
    return table[_codes(feature, columns)]


def _codes(
    feature: Feature,
    columns: Columns,
) -> Places:
    """Return the place of each row's value, the number of values for any other, shape (rows,)."""
    values = values_of(feature)
    column = columns[feature.name]
    codes = as_numbers(column) if feature.type == "boolean" else as_codes(values, column)
    missing = np.isnan(codes)
    return np.where(missing, len(values), np.nan_to_num(codes)).astype(np.intp)
