"""Warnings that a careful colleague would give before a model is trained on a table."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts.wording import listed
from drift_engine.scale import usable_std

from drift_ml.tables.row_digests import as_seen, hash_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy.typing as npt
    from drift_contracts import FeatureSet
    from drift_contracts.types import BundleManifestV2Warning

    from .fitting import Sides

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

DUPLICATES_FROM = 0.01
"""Share of rows from which duplicates on both sides of the split are reported."""

EQUAL_WITHIN = 1e-9
"""Of the target's largest magnitude: a feature so near to it everywhere is the target."""

ALONE_ABOVE = 0.999
"""R2 or AUC that one feature alone reaches only if it is the target in other words."""

MOST_ROWS = 20_000
"""Rows of each side that the models of one feature see: enough for three digits of R2."""

FEWEST_ROWS = 20
"""Learnt rows with a value that a model of one feature needs."""

FEWEST_HELD_OUT = 5
"""Held-out rows, and rows of either class, below which a perfect score is chance."""

TWO = 2


@dataclass(frozen=True)
class DataWarning:
    """Something about the training data to look at before the model is trusted."""

    #: A name that programs can rely on.
    kind: str
    #: The warning as a sentence.
    words: str
    #: Those that it is about, none if it is about the table.
    features: tuple[str, ...] = ()
    #: What was measured, by name.
    figures: Mapping[str, float | int] = field(default_factory=dict)

    def to_json(self) -> BundleManifestV2Warning:
        """Return the warning as bundle.manifest.v2 shows it; what is empty is left out."""
        document: BundleManifestV2Warning = {"kind": self.kind, "words": self.words}
        if self.features:
            document["features"] = list(self.features)
        if self.figures:
            document["figures"] = dict(self.figures)
        return document


def find_warnings(
    feature_set: FeatureSet,
    matrix: Floats,
    target: Floats,
    sides: Sides,
) -> list[DataWarning]:
    """Return what a careful colleague would say of training rows, in a fixed order.

    Args:
        feature_set: What the rows are.
        matrix: The encoded rows, shape (rows, features), NaN for missing.
        target: Shape (rows,); of a classifier places in its classes.
        sides: Of the split that training will use.
    """
    categories = {feature.name for feature in feature_set.features if feature.type == "category"}
    columns = dict(zip(feature_set.names, matrix.T, strict=True))
    warnings = [*_duplicates(matrix, target, sides)]
    for name, column in columns.items():
        warnings += _leak(name, column, target, sides, coded=name in categories)
    warnings += _constant(columns)
    if not feature_set.target.is_class:
        warnings += _two_values(target)
    return warnings


def _duplicates(
    matrix: Floats,
    target: Floats,
    sides: Sides,
) -> Iterator[DataWarning]:
    """Yield a warning where rows, their target included, are on both sides of the split."""
    hashes = hash_rows([*as_seen(matrix), target])
    learnt, held_out = hashes[sides.learnt], hashes[sides.held_out]
    again = int(np.isin(held_out, learnt).sum())
    rows = again + int(np.isin(learnt, held_out).sum())
    shares = (again / len(held_out), rows / len(hashes))
    if max(shares) < DUPLICATES_FROM:
        return
    yield DataWarning(
        "duplicates-across-split",
        f"{shares[0]:.1%} of the held-out rows ({again:,} of {len(held_out):,}) equal a learnt row,"
        " target included: the scores are better than they will be on new rows. Drop the duplicates"
        " and train again",
        figures={
            "held_out_rows": len(held_out),
            "equal_held_out_rows": again,
            "rows_on_both_sides": rows,
        },
    )


def _constant(columns: Mapping[str, Floats]) -> Iterator[DataWarning]:
    """Yield a warning about the columns that have one value, or none; the missing aside."""
    constant = []
    for name, column in columns.items():
        if not _varies(column[~np.isnan(column)]):
            constant.append(name)
    if not constant:
        return
    names = tuple(constant)
    have = "has" if len(names) == 1 else "have"
    yield DataWarning(
        "constant-column",
        f"{listed(names)} {have} one value only, or none: the model learns nothing from it, and"
        " there is no z. Find out why, or leave it out of the feature set",
        names,
        {"columns": len(names)},
    )


def _varies(values: Floats) -> bool:
    """Return whether values have a spread that counts; none have none."""
    if not len(values):
        return False
    low, high = float(values.min()), float(values.max())
    if low == high:
        return False
    # Divided first, so that squares of large numbers do not overflow.
    largest = max(abs(low), abs(high))
    spread = float(np.std(values / largest, ddof=1))
    return usable_std(spread, low / largest, high / largest) > 0


def _leak(
    name: str,
    column: Floats,
    target: Floats,
    sides: Sides,
    *,
    coded: bool,
) -> list[DataWarning]:
    """Return a warning where a feature is the target, or says as much as it.

    Args:
        name: Of the feature.
        column: Its values, shape (rows,), NaN for missing.
        target: Shape (rows,).
        sides: Of the split.
        coded: Whether the column holds places in a list of categories, which no number can equal.
    """
    present = ~np.isnan(column)
    if not coded and _is_target(column[present], target[present]):
        words = f"{name} equals the target"
        figures: dict[str, float | int] = {"equal_rows": int(present.sum())}
    else:
        score, value = _alone(column, target, sides)
        if not value > ALONE_ABOVE:
            return []
        words = f"{name} alone predicts the target with {score.upper()} {value:.4f}"
        figures = {score: round(value, 6)}
    ending = ". If it is not known before the target is, leave it out: the service will not have it"
    return [DataWarning("target-among-features", words + ending, (name,), figures)]


def _is_target(values: Floats, target: Floats) -> bool:
    """Return whether a feature equals the target in each of its rows, and there are enough."""
    if len(values) < FEWEST_ROWS:
        return False
    within = EQUAL_WITHIN * float(np.abs(target).max())
    with np.errstate(over="ignore"):
        return bool((np.abs(values - target) <= within).all())


def _alone(
    column: Floats,
    target: Floats,
    sides: Sides,
) -> tuple[str, float]:
    """Return the better of R2 and AUC, with its name, that one feature reaches on held-out rows.

    Rows where it is missing are left out. AUC is asked where the target has two values. The score
    is NaN where too few rows have a value.
    """
    learnt = _sampled(sides.learnt, column)
    held_out = _sampled(sides.held_out, column)
    if len(learnt) < FEWEST_ROWS or len(held_out) < FEWEST_HELD_OUT:
        return "r2", float("nan")
    x, y = column[learnt], target[learnt]
    fresh, actual = column[held_out], target[held_out]
    _, counts = np.unique(actual, return_counts=True)
    if len(actual) - counts.max() < FEWEST_HELD_OUT:
        # All but a few rows are alike: whoever guesses those few is lucky.
        return "r2", float("nan")
    best = ("r2", float("nan"))
    for model in MODELS:
        predicted = model(x, y, fresh)
        scores = {"r2": _r2(actual, predicted), "auc": _auc(actual, predicted)}
        for name, score in scores.items():
            # NaN is worse than any score, so that the first one replaces it.
            if not math.isnan(score) and not score <= best[1]:
                best = (name, score)
    return best


def _sampled(places: npt.NDArray[np.intp], column: Floats) -> npt.NDArray[np.intp]:
    """Return at most MOST_ROWS of the places that have a value; the split has shuffled them."""
    return places[~np.isnan(column[places])][:MOST_ROWS]


def _line(
    x: Floats,
    y: Floats,
    fresh: Floats,
) -> Floats:
    """Predict by the least-squares line, for a target in other units."""
    middle, height = x.mean(), y.mean()
    apart = x - middle
    squares = float(apart @ apart)
    slope = float(apart @ (y - height)) / squares if squares > 0 else 0.0
    predicted: Floats = height + slope * (fresh - middle)
    return predicted


def _curve(
    x: Floats,
    y: Floats,
    fresh: Floats,
) -> Floats:
    """Predict by straight lines between the mean targets of neighbours, for smooth curves."""
    distinct, place = np.unique(x, return_inverse=True)
    means = np.bincount(place, weights=y) / np.bincount(place)
    return np.interp(fresh, distinct, means)


def _steps(
    x: Floats,
    y: Floats,
    fresh: Floats,
) -> Floats:
    """Predict by a tree, for codes, categories and steps."""
    # Seconds that reading a file need not pay.
    from sklearn.tree import DecisionTreeRegressor  # noqa: PLC0415

    tree = DecisionTreeRegressor(min_samples_leaf=5, random_state=0).fit(x[:, None], y)
    predicted: Floats = tree.predict(fresh[:, None])
    return predicted


MODELS: tuple[Callable[[Floats, Floats, Floats], Floats], ...] = (_line, _curve, _steps)


def _r2(actual: Floats, predicted: Floats) -> float:
    """Return R2, NaN where the actual values do not vary."""
    total = float(((actual - actual.mean()) ** 2).sum())
    if not total > 0:
        return float("nan")
    return 1 - float(((actual - predicted) ** 2).sum()) / total


def _auc(actual: Floats, predicted: Floats) -> float:
    """Return the area under the ROC curve of predictions for a target of two values, else NaN.

    The share of pairs, one of either class, that are in the right order; ties count half (Mann and
    Whitney 1947).
    """
    low, high = float(actual.min()), float(actual.max())
    positive = actual == high
    ups = int(positive.sum())
    downs = len(actual) - ups
    if not bool((positive | (actual == low)).all()):
        return float("nan")
    _, place, counts = np.unique(predicted, return_inverse=True, return_counts=True)
    # Mean rank of each distinct prediction, so that ties share theirs.
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return (float(ranks[place[positive]].sum()) - ups * (ups + 1) / 2) / (ups * downs)


def _two_values(target: Floats) -> Iterator[DataWarning]:
    """Yield a warning where the target is two classes in truth."""
    distinct, counts = np.unique(target, return_counts=True)
    if len(distinct) != TWO:
        return
    yield DataWarning(
        "two-valued-target",
        "the target has two values and is trained as a number: predictions lie between the two, and"
        ' R2 and MAE say little of them. Make it a classifier by "kind": "classification" in the'
        " feature set, or predict a quantity",
        figures={"lower_rows": int(counts[0]), "upper_rows": int(counts[1])},
    )
