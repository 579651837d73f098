"""From training columns to a baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drift_ml.baseline._bins import bin_limit, cut, normal_scores
from drift_ml.baseline._errors import BaselineError
from drift_ml.baseline._joint import joint_channels
from drift_ml.baseline._model import Baseline
from drift_ml.baseline._moments import correlation, summarise
from drift_ml.baseline._parts import PREDICTION, Bins, Channel
from drift_ml.columns import as_codes, as_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt
    from drift_contracts import Feature, FeatureSet

    Floats = npt.NDArray[np.float64]


def fit_baseline(
    feature_set: FeatureSet,
    columns: Mapping[str, npt.ArrayLike],
    *,
    target: npt.ArrayLike | None = None,
    predictions: npt.ArrayLike | None = None,
    errors: npt.ArrayLike | None = None,
) -> Baseline:
    """Return the baseline of training rows; it does not depend on their order.

    Args:
        feature_set: the model's features.
        columns: per feature a vector of shape (rows,): numbers (a boolean as false/true or 0/1) with NaN or None for
            missing, or for a category its strings with None for missing, or its indices (an index past the last is a
            new category).
        target: shape (rows,).
        predictions: of the held-out rows, shape (held_out,).
        errors: of the held-out rows, shape (held_out,).

    Raises:
        BaselineError: where a column is absent, or holds what its feature cannot be.
    """
    table = {feature.name: _column(feature, columns) for feature in feature_set.features}
    rows = _rows(table)
    numeric = {feature.name: table[feature.name] for feature in feature_set.features if feature.type != "category"}
    matrix = correlation(list(numeric.values()))
    predicted = None if predictions is None else _vector("predictions", predictions)
    own = [channel for feature in feature_set.features for channel in _own(feature, table[feature.name])]
    channels = own + ([] if predicted is None else _ordered(PREDICTION, predicted))
    for feature in feature_set.features:
        channels += _indicators(feature, table[feature.name], own)
    channels += joint_channels(own, numeric, matrix)
    known = None if target is None else _vector("target", target)
    wrong = None if errors is None else _vector("errors", errors)
    return Baseline(
        model=feature_set.name,
        rows=rows,
        features={feature.name: summarise(feature.type, table[feature.name]) for feature in feature_set.features},
        target=None if known is None else summarise("number", known, _bins(known)),
        prediction=None if predicted is None else summarise("number", predicted),
        error=None if wrong is None else summarise("number", wrong, _bins(wrong)),
        correlation_names=tuple(numeric),
        correlation=matrix,
        channels=tuple(channels),
    )


def _column(feature: Feature, columns: Mapping[str, npt.ArrayLike]) -> Floats:
    if feature.name == PREDICTION:
        raise BaselineError(f"no feature may be named {PREDICTION!r}: the predictions' channel has that name")
    if feature.name not in columns:
        raise BaselineError(f"expected a column {feature.name!r}; there is {', '.join(columns) or 'none'}")
    if feature.type == "category":
        return as_codes(feature.categories, columns[feature.name])
    column = _vector(feature.name, columns[feature.name])
    if feature.type == "boolean" and not np.isin(column[~np.isnan(column)], (0.0, 1.0)).all():
        raise BaselineError(f"column {feature.name!r}: expected booleans, or 0 and 1")
    return column


def _vector(name: str, column: npt.ArrayLike) -> Floats:
    try:
        vector = as_numbers(column)
    except (TypeError, ValueError) as error:
        raise BaselineError(f"column {name!r}: expected a vector of numbers") from error
    if np.isinf(vector).any():
        raise BaselineError(f"column {name!r}: expected finite numbers; {int(np.isinf(vector).sum())} are not")
    return vector + 0.0  # minus zero becomes zero, so that equal values give equal text


def _rows(table: Mapping[str, Floats]) -> int:
    lengths = {len(column) for column in table.values()}
    if len(lengths) != 1 or lengths == {0}:
        counted = ", ".join(f"{name} {len(column)}" for name, column in table.items())
        raise BaselineError(f"expected columns of one length, at least one row; there are {counted}")
    return lengths.pop()


def _own(feature: Feature, column: Floats) -> list[Channel]:
    """The channel of the feature's values; none for a column without a value."""
    present = column[~np.isnan(column)].astype(np.float64)
    if feature.type in ("number", "integer"):
        return _ordered(feature.name, present)
    categories = (False, True) if feature.type == "boolean" else tuple(feature.categories)
    codes = present.astype(np.intp)
    counts = np.bincount(codes[codes < len(categories)], minlength=len(categories)).tolist()
    if not sum(counts):
        return []
    scores = normal_scores(counts) if feature.type == "boolean" else ()
    return [
        Channel(
            feature.name,
            "categories",
            (feature.name,),
            tuple(counts),
            categories=categories,
            scores=scores,
        )
    ]


def _ordered(name: str, column: Floats) -> list[Channel]:
    present = column[~np.isnan(column)]
    if not len(present):
        return []
    distinct, counted = np.unique(present, return_counts=True)
    limit = bin_limit(len(present))
    edges, counts = cut(distinct, counted, limit)
    few = len(distinct) <= limit
    return [
        Channel(
            name,
            "values" if few else "quantiles",
            (name,),
            tuple(counts),
            edges=() if few else tuple(edges),
            values=tuple(distinct.tolist()) if few else (),
            scores=normal_scores(counts),
        )
    ]


def _bins(column: Floats) -> Bins | None:
    present = column[~np.isnan(column)]
    if not len(present):
        return None
    edges, counts = cut(*np.unique(present, return_counts=True), bin_limit(len(present)))
    return Bins(tuple(edges), tuple(counts))


def _indicators(feature: Feature, column: Floats, own: Sequence[Channel]) -> Iterator[Channel]:
    """Missing for every feature; out of range for numbers; new where the reference names what it knows."""
    present = column[~np.isnan(column)]
    yield _indicator("missing", feature.name, len(column), len(column) - len(present))
    if feature.type in ("number", "integer") and len(present):
        bounds, outside = _bounds(feature, present)
        yield _indicator("out_of_range", feature.name, len(present), outside, bounds)
    if feature.type == "category" and len(present):
        yield _indicator("new", feature.name, len(present), int((present == len(feature.categories)).sum()))
    for channel in own:
        if channel.of == (feature.name,) and channel.kind == "values":
            yield _indicator("new", feature.name, len(present), channel.counts.count(1))


def _indicator(kind: str, name: str, total: int, counted: int, bounds: tuple[float, float] | None = None) -> Channel:
    return Channel(f"{kind}:{name}", kind, (name,), (total - counted, counted), bounds=bounds)


def _bounds(feature: Feature, present: Floats) -> tuple[tuple[float, float], int]:
    """The usual bounds and how many are outside; or the data's own, and how many fresh rows would be."""
    if feature.usual is not None:
        low, high = map(float, feature.usual)
        return (low, high), int(((present < low) | (present > high)).sum())
    low, high = float(present.min()), float(present.max())
    ends = ((present == low).sum(), (present == high).sum())
    return (low, high), min(len(present), ends.count(1))
