"""From training columns to a baseline."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.answers import undecided
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
    ANSWER_PREFIX,
    PREDICTION,
    Bins,
    Channel,
)
from drift_ml.columns import as_codes, as_numbers
from drift_ml.sketches import tie_rate

if TYPE_CHECKING:
    from collections.abc import (
        Iterator,
        Mapping,
        Sequence,
    )

    import numpy.typing as npt
    from drift_contracts import Feature, FeatureSet

    from drift_ml.baseline._parts import Answer, ChannelKind, Summary

    Floats = npt.NDArray[np.float64]

#: Numeric features, the first ones, of which each two have a correlation: their number squared.
MOST_CORRELATED = 90


@dataclass(frozen=True)
class _Answers:
    """Held-out answers as columns, each of shape (held_out,)."""

    #: A regressor's predictions, or the number that stands for a classifier's answer.
    score: Floats | None
    #: Places in the classes, and how undecided the model was; empty for a regressor.
    others: Mapping[Answer, Floats] = field(default_factory=dict)


def fit_baseline(  # noqa: PLR0913 - what was trained, each part by its name
    feature_set: FeatureSet,
    columns: Mapping[str, npt.ArrayLike],
    *,
    target: npt.ArrayLike | None = None,
    predictions: npt.ArrayLike | None = None,
    errors: npt.ArrayLike | None = None,
    labels: npt.ArrayLike | None = None,
    scores: npt.ArrayLike | None = None,
    important: Sequence[str] = (),
) -> Baseline:
    """Return the baseline of training rows; it does not depend on their order.

    A regressor's held-out answers are `predictions`, a classifier's are `labels` and `scores`.
    Calibration and importances, where there are any, are set by `dataclasses.replace`.

    Args:
        feature_set: the model's features.
        columns: per feature a vector of shape (rows,): numbers (a boolean as false/true or 0/1)
            with NaN or None for missing, or for a category its strings with None for missing, or
            its indices (an index past the last is a new category).
        target: shape (rows,); of a classifier the classes, or their places in the feature set.
        predictions: of the held-out rows, shape (held_out,), in the target's unit.
        errors: of the held-out rows, shape (held_out,), in the target's unit.
        labels: the classes that the model gives to the held-out rows, or their places, shape
            (held_out,).
        scores: their probabilities, in the order of the classes, shape (held_out, classes).
        important: names of features, the most important to the model first, where that is known:
            of many features the pairs of these are watched.

    Raises:
        BaselineError: where a column is absent, or holds what its feature cannot be; where labels
            and scores do not fit the classes of the feature set.
    """
    features = feature_set.features
    table = {feature.name: _column(feature, columns) for feature in features}
    rows = _rows(table)
    numeric = {
        feature.name: table[feature.name] for feature in features if feature.type != "category"
    }
    correlated = _correlated(tuple(numeric), important)
    numeric = {name: numeric[name] for name in [*correlated, *numeric]}
    matrix = correlation([numeric[name] for name in correlated])
    classes = feature_set.target.classes
    if scores is None and labels is None:
        predicted = None if predictions is None else _vector("predictions", predictions)
        answers = _Answers(predicted)
    else:
        answers = _classified(feature_set, labels, scores)
    others = answers.others
    baseline = Baseline(
        model=feature_set.name,
        rows=rows,
        features={
            feature.name: summarise(feature.type, table[feature.name]) for feature in features
        },
        target=_class_summary(classes, target) if classes else _summary("target", target),
        prediction=None if answers.score is None else summarise("number", answers.score),
        error=_summary("errors", errors),
        correlation_names=correlated,
        correlation=matrix,
        channels=tuple(
            _channels(
                features,
                table,
                _answer_channels(answers, classes, feature_set.names),
                numeric,
                matrix,
                important,
            )
        ),
        label=summarise("category", others["label"]) if others else None,
        margin=summarise("number", others["margin"]) if others else None,
        entropy=summarise("number", others["entropy"]) if others else None,
        classes=classes if others else (),
    )
    if baseline.to_json()["contract"] == "baseline.v1":
        # It needs no later release, and stays readable by all.
        return baseline
    return replace(baseline, tie_rate=tie_rate([*table.values()]))


def _correlated(numeric: Sequence[str], important: Sequence[str]) -> tuple[str, ...]:
    """Return the features that have a correlation with each other, in their order.

    The pairs of 2,000 columns are two million: the work for a feature must not grow with them.
    """
    first = [name for name in important if name in numeric]
    chosen = dict.fromkeys([*first, *numeric])
    most = set(list(chosen)[:MOST_CORRELATED])
    return tuple(name for name in numeric if name in most)


def _classified(
    feature_set: FeatureSet,
    labels: npt.ArrayLike | None,
    scores: npt.ArrayLike | None,
) -> _Answers:
    """Return a classifier's held-out answers. Raises BaselineError."""
    classes = feature_set.target.classes
    if labels is None or scores is None:
        raise BaselineError("a classifier: expected labels and scores of the held-out rows")
    if not classes:
        raise BaselineError("labels and scores: expected a feature set whose target has classes")
    table = np.asarray(scores, dtype=np.float64)
    codes = as_codes(classes, labels)
    if table.shape != (len(codes), len(classes)):
        raise BaselineError(
            f"scores: expected a row of {len(classes)} probabilities for each label"
        )
    # NaN is neither inside nor outside, so the question is whether all are inside.
    if not ((table >= 0) & (table <= 1)).all():
        raise BaselineError("scores: expected probabilities between 0 and 1")
    if not np.isin(codes, np.arange(len(classes))).all():
        raise BaselineError("labels: expected classes of the feature set")
    positive = feature_set.target.positive_class
    # The number that `prediction` is: of two classes the positive one's, of more the label's.
    places = codes.astype(np.intp) if positive is None else classes.index(positive)
    score = table[np.arange(len(table)), places] + 0.0
    doubt = undecided(table)
    others: dict[Answer, Floats] = {
        "label": codes,
        "margin": doubt.margins,
        "entropy": doubt.entropies,
    }
    return _Answers(score, others)


def _answer_channels(
    answers: _Answers,
    classes: Sequence[str],
    taken: Sequence[str],
) -> list[Channel]:
    """Return the channels of the answer, of which none has a feature's name.

    Args:
        answers: of the held-out rows.
        classes: in the model's order, none for a regressor.
        taken: the names of the features.
    """
    if answers.score is None:
        return []
    if not answers.others:
        return _ordered(PREDICTION, answers.score)
    channels = _label_channels(answers.others["label"], classes)
    channels += _ordered("score", answers.score)
    channels += _ordered("margin", answers.others["margin"])
    channels += _ordered("entropy", answers.others["entropy"])
    named = []
    for channel in channels:
        prefix = ANSWER_PREFIX if channel.name in taken else ""
        named.append(replace(channel, name=f"{prefix}{channel.name}", of=(PREDICTION,)))
    return named


def _label_channels(codes: Floats, classes: Sequence[str]) -> list[Channel]:
    """Return the channel of the label mix; none where no row was held out."""
    if not len(codes):
        return []
    counts = np.bincount(codes.astype(np.intp), minlength=len(classes)).tolist()
    return [
        Channel(
            name="label",
            kind="categories",
            of=(PREDICTION,),
            counts=tuple(counts),
            categories=tuple(classes),
        )
    ]


def _class_summary(
    classes: Sequence[str],
    target: npt.ArrayLike | None,
) -> Summary | None:
    """Return the summary of the true classes, which counts them. Raises BaselineError."""
    if target is None:
        return None
    codes = as_codes(classes, target)
    if (codes == len(classes)).any():
        raise BaselineError("target: expected classes of the feature set")
    return summarise("category", codes)


def _channels(
    features: Sequence[Feature],
    table: Mapping[str, Floats],
    answers: Sequence[Channel],
    numeric: Mapping[str, Floats],
    matrix: Sequence[Sequence[float | None]],
    important: Sequence[str],
) -> Iterator[Channel]:
    """Yield all channels: of values, of the answer, indicators, of several features.

    The order is that of windows and of detectors' states.
    """
    of_values: list[Channel] = []
    for feature in features:
        of_values += _value_channels(feature, table[feature.name])
    yield from of_values
    yield from answers
    for feature in features:
        yield from _indicators(
            feature,
            table[feature.name],
            of_values,
        )
    yield from joint_channels(of_values, numeric, matrix, important)


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
