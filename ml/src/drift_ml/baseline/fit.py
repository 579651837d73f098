"""From training columns to a baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drift_ml.baseline._bins import (
    bin_limit,
    cut,
    normal_scores,
)
from drift_ml.baseline._errors import BaselineError
from drift_ml.baseline._joint import joint_channels
from drift_ml.baseline._model import Baseline
from drift_ml.baseline._moments import correlation, summarise
from drift_ml.baseline._parts import (
    PREDICTION,
    Bins,
    Channel,
)
from drift_ml.columns import as_codes, as_numbers

if TYPE_CHECKING:
    from collections.abc import (
        Iterator,
        Mapping,
        Sequence,
    )

    import numpy.typing as npt
    from drift_contracts import Feature, FeatureSet

    from drift_ml.baseline._parts import ChannelKind, Summary

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
        columns: per feature a vector of shape (rows,): numbers (a boolean as false/true or 0/1)
            with NaN or None for missing, or for a category its strings with None for missing, or
            its indices (an index past the last is a new category).
        target: shape (rows,).
        predictions: of the held-out rows, shape (held_out,).
        errors: of the held-out rows, shape (held_out,).

    Raises:
        BaselineError: where a column is absent, or holds what its feature cannot be.
    """
    features = feature_set.features
    table = {feature.name: _column(feature, columns) for feature in features}
    rows = _rows(table)
    numeric = {
        feature.name: table[feature.name] for feature in features if feature.type != "category"
    }
    matrix = correlation(list(numeric.values()))
    predicted = None if predictions is None else _vector("predictions", predictions)
    return Baseline(
        model=feature_set.name,
        rows=rows,
        features={
            feature.name: summarise(feature.type, table[feature.name]) for feature in features
        },
        target=_summary("target", target),
        prediction=None if predicted is None else summarise("number", predicted),
        error=_summary("errors", errors),
        correlation_names=tuple(numeric),
        correlation=matrix,
        channels=tuple(
            _channels(
                features,
                table,
                predicted,
                numeric,
                matrix,
            )
        ),
    )


def _channels(
    features: Sequence[Feature],
    table: Mapping[str, Floats],
    predicted: Floats | None,
    numeric: Mapping[str, Floats],
    matrix: Sequence[Sequence[float | None]],
) -> Iterator[Channel]:
    """Yield all channels: of values, of the prediction, indicators, of several features.

    The order is that of windows and of detectors' states.
    """
    of_values: list[Channel] = []
    for feature in features:
        of_values += _value_channels(feature, table[feature.name])
    yield from of_values
    if predicted is not None:
        yield from _ordered(PREDICTION, predicted)
    for feature in features:
        yield from _indicators(
            feature,
            table[feature.name],
            of_values,
        )
    yield from joint_channels(of_values, numeric, matrix)


def _column(
    feature: Feature,
    columns: Mapping[str, npt.ArrayLike],
) -> Floats:
    """Return a feature's column as numbers. Raises BaselineError."""
    name = feature.name
    if name == PREDICTION:
        raise BaselineError(
            f"no feature may be named {PREDICTION!r}: the predictions' channel has that name"
        )
    if name not in columns:
        there = ", ".join(columns) or "none"
        raise BaselineError(f"expected a column {name!r}; there is {there}")
    if feature.type == "category":
        return as_codes(feature.categories, columns[name])
    column = _vector(name, columns[name])
    if feature.type == "boolean":
        present = column[~np.isnan(column)]
        if not np.isin(present, (0.0, 1.0)).all():
            raise BaselineError(f"column {name!r}: expected booleans, or 0 and 1")
    return column


def _vector(
    name: str,
    column: npt.ArrayLike,
) -> Floats:
    try:
        vector = as_numbers(column)
    except (TypeError, ValueError) as error:
        raise BaselineError(f"column {name!r}: expected a vector of numbers") from error
    infinite = int(np.isinf(vector).sum())
    if infinite:
        raise BaselineError(f"column {name!r}: expected finite numbers; {infinite} are not")
    # Minus zero becomes zero, so that equal values give equal text.
    return vector + 0.0


def _rows(table: Mapping[str, Floats]) -> int:
    lengths = {len(column) for column in table.values()}
    if len(lengths) != 1 or lengths == {0}:
        counted = ", ".join(f"{name} {len(column)}" for name, column in table.items())
        raise BaselineError(
            f"expected columns of one length, at least one row; there are {counted}"
        )
    return lengths.pop()


def _summary(
    name: str,
    column: npt.ArrayLike | None,
) -> Summary | None:
    """Return the summary of a column without a channel, its histogram in it."""
    if column is None:
        return None
    vector = _vector(name, column)
    return summarise("number", vector, _histogram(vector))


def _value_channels(
    feature: Feature,
    column: Floats,
) -> list[Channel]:
    """Return the channel of the feature's values; none for a column without a value."""
    present = column[~np.isnan(column)].astype(np.float64)
    name = feature.name
    if feature.type in ("number", "integer"):
        return _ordered(name, present)
    is_boolean = feature.type == "boolean"
    categories = (False, True) if is_boolean else tuple(feature.categories)
    codes = present.astype(np.intp)
    of_categories = codes[codes < len(categories)]
    counts = np.bincount(of_categories, minlength=len(categories)).tolist()
    if not sum(counts):
        return []
    # Of categories only false and true have an order, and so a score.
    scores = normal_scores(counts) if is_boolean else ()
    channel = Channel(
        name=name,
        kind="categories",
        of=(name,),
        counts=tuple(counts),
        categories=categories,
        scores=scores,
    )
    return [channel]


def _ordered(
    name: str,
    column: Floats,
) -> list[Channel]:
    present = column[~np.isnan(column)]
    if not len(present):
        return []
    distinct, counted = np.unique(present, return_counts=True)
    limit = bin_limit(len(present))
    edges, counts = cut(distinct, counted, limit)
    scores = normal_scores(counts)
    if len(distinct) <= limit:
        values = tuple(distinct.tolist())
        channel = Channel(
            name,
            "values",
            (name,),
            tuple(counts),
            values=values,
            scores=scores,
        )
    else:
        cuts = tuple(edges)
        channel = Channel(
            name,
            "quantiles",
            (name,),
            tuple(counts),
            edges=cuts,
            scores=scores,
        )
    return [channel]


def _histogram(column: Floats) -> Bins | None:
    present = column[~np.isnan(column)]
    if not len(present):
        return None
    distinct, counted = np.unique(present, return_counts=True)
    edges, counts = cut(
        distinct,
        counted,
        bin_limit(len(present)),
    )
    return Bins(tuple(edges), tuple(counts))


def _indicators(
    feature: Feature,
    column: Floats,
    of_values: Sequence[Channel],
) -> Iterator[Channel]:
    """Yield whether values are missing, out of range, or new.

    Missing is counted for every feature, out of range for numbers, and new where the reference
    names what it knows.
    """
    name = feature.name
    present = column[~np.isnan(column)]
    total = len(present)
    yield _indicator(
        "missing",
        name,
        len(column),
        len(column) - total,
    )
    if feature.type in ("number", "integer") and total:
        bounds, outside = _bounds(feature, present)
        yield _indicator("out_of_range", name, total, outside, bounds)
    if feature.type == "category" and total:
        newcomers = int((present == len(feature.categories)).sum())
        yield _indicator("new", name, total, newcomers)
    for channel in of_values:
        if channel.of == (name,) and channel.kind == "values":
            # As many fresh values are expected to be new as values occurred once: Good 1953.
            yield _indicator(
                "new",
                name,
                total,
                channel.counts.count(1),
            )


def _indicator(
    kind: ChannelKind,
    name: str,
    total: int,
    counted: int,
    bounds: tuple[float, float] | None = None,
) -> Channel:
    counts = (total - counted, counted)
    return Channel(
        f"{kind}:{name}",
        kind,
        (name,),
        counts,
        bounds=bounds,
    )


def _bounds(
    feature: Feature,
    present: Floats,
) -> tuple[tuple[float, float], int]:
    """Return the usual bounds and how many are outside.

    Without usual bounds these are the data's, and how many of as many fresh rows would be outside.
    """
    if feature.usual is not None:
        low, high = map(float, feature.usual)
        return (low, high), int(((present < low) | (present > high)).sum())
    low, high = float(present.min()), float(present.max())
    ends = [int((present == low).sum()), int((present == high).sum())]
    return (low, high), min(len(present), ends.count(1))
