"""Adversarial validation: can a classifier tell a window's rows from the training rows?

Where it cannot, no drift of any kind that trees can see is there, however many features it takes
part in; where it can, the features that it leans on name the drift. It reads raw rows, so it is for
reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it has no stubs

from drift_ml.columns import as_codes, as_numbers

from .errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import numpy.typing as npt
    from drift_contracts import FeatureSet

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

FOLDS = 5
#: Rows of either side that are used; more add time, not insight.
MOST_ROWS = 10_000
#: Levels of a category that the classifier tells apart; rarer ones share one more, which is its
#: limit.
MOST_LEVELS = 254
#: Rows of a leaf at least: the classifier must not learn its rows by heart, or it tells too little
#: apart.
LEAF = 20


@dataclass(frozen=True)
class Domain:
    """How well the two samples are told apart."""

    #: Probability that a window row is ranked above a training row by a classifier that has seen
    #: neither; 0.5 is chance.
    auc: float
    #: Of an AUC this high without drift.
    p: float
    #: Per feature, how much of the AUC is lost when its values are shuffled among the rows, largest
    #: first.
    giveaways: tuple[tuple[str, float], ...]
    #: Rows that were used.
    reference_rows: int
    window_rows: int


@dataclass(frozen=True)
class _Samples:
    """Both samples below each other."""

    #: Shape (rows, features), NaN for missing.
    rows: Floats
    #: Which rows are of the window, shape (rows,).
    new: Flags
    #: Which features are categories.
    categories: list[bool]


def tell_apart(
    feature_set: FeatureSet,
    reference: Mapping[str, npt.ArrayLike],
    window: Mapping[str, npt.ArrayLike],
    *,
    seed: int = 0,
    permutations: int = 20,
) -> Domain:
    """Return the cross-validated AUC of a classifier between two samples of rows.

    The five folds' AUCs are averaged. As folds share their training rows, that mean spreads more
    than independent folds would: its distribution without drift is taken from repetitions with the
    rows' origins shuffled, and p is Student's, one-sided. Source: Lopez-Paz & Oquab 2017
    (classifier two-sample test), Bengio & Grandvalet 2004 (why folds are not independent).

    Args:
        feature_set: What the rows are.
        reference: Per feature a vector of shape (rows,), as `fit_baseline` takes them; of more than
            10,000 rows a seeded sample is used.
        window: The same, of the other sample.
        seed: Of samples, folds and shuffles.
        permutations: Repetitions, at least 2.

    Raises:
        TrainingError: there are fewer than ten rows on either side.
    """
    random = np.random.default_rng(seed)
    before = _sample(_matrix(feature_set, reference), random)
    now = _sample(_matrix(feature_set, window), random)
    if min(len(before), len(now)) < 2 * FOLDS:
        fewest = 2 * FOLDS
        raise TrainingError(f"expected at least {fewest} rows in the reference and in the window")
    samples = _together(feature_set, before, now)
    # Fits are so small that threads only wait for each other: on a busy machine they took 13 times
    # as long.
    with threadpool_limits(limits=1, user_api="openmp"):
        auc, lost = _cross_validate(samples, samples.new, random, explain=True)
        chance = []
        for _ in range(permutations):
            shuffled = random.permutation(samples.new)
            chance.append(_cross_validate(samples, shuffled, random)[0])
    p = _p_value(auc, chance)
    giveaways = list(zip(feature_set.names, lost, strict=True))
    giveaways.sort(key=lambda giveaway: -giveaway[1])
    return Domain(auc, p, tuple(giveaways), len(before), len(now))


def _together(
    feature_set: FeatureSet,
    before: Floats,
    now: Floats,
) -> _Samples:
    """Return both samples, with categories whose levels the classifier can take."""
    rows = np.vstack([before, now])
    categories = [feature.type == "category" for feature in feature_set.features]
    for place in np.flatnonzero(categories):
        rows[:, place] = _commonest_levels(rows[:, place])
    return _Samples(rows, np.repeat([False, True], [len(before), len(now)]), categories)


def _p_value(auc: float, chance: list[float]) -> float:
    """Return the probability of an AUC this high, by AUCs without drift."""
    permutations = len(chance)
    # The mean of the repetitions is estimated too.
    spread = float(np.std(chance, ddof=1)) * (1 + 1 / permutations) ** 0.5
    ahead = auc - float(np.mean(chance))
    if spread:
        return float(stats.t.sf(ahead / spread, permutations - 1))
    # A classifier that finds nothing to split on ranks every shuffle alike: only their number
    # speaks.
    return 1 / (permutations + 1) if ahead > 0 else 1.0


def _cross_validate(
    samples: _Samples,
    new: Flags,
    random: np.random.Generator,
    *,
    explain: bool = False,
) -> tuple[float, list[float]]:
    """Return the mean AUC over the folds and, if wanted, its losses.

    A loss is what the AUC is lower by when a feature is shuffled (Breiman 2001).
    """
    rows = samples.rows
    lost = np.zeros(rows.shape[1])
    total = 0.0
    seed = int(random.integers(2**31))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    for train, test in folds.split(rows, new):
        model = make_classifier(samples.categories, seed).fit(rows[train], new[train])
        auc = _auc(model, rows[test], new[test])
        total += auc
        if explain:
            lost += auc - _shuffled_aucs(model, rows[test], new[test], random)
    return total / FOLDS, (lost / FOLDS).tolist()


def _shuffled_aucs(
    model: Any,
    rows: Floats,
    new: Flags,
    random: np.random.Generator,
) -> Floats:
    """Return the AUC with each feature shuffled in turn, shape (features,)."""
    aucs = np.zeros(rows.shape[1])
    for place in range(len(aucs)):
        mixed = rows.copy()
        mixed[:, place] = random.permutation(mixed[:, place])
        aucs[place] = _auc(model, mixed, new)
    return aucs


def _auc(
    model: Any,
    rows: Floats,
    new: Flags,
) -> float:
    """Return the AUC of a model: of a pair with equal scores, half is ranked rightly."""
    scores = model.predict_proba(rows)[:, 1]
    of_window, of_training = scores[new], np.sort(scores[~new])
    # Whole numbers of pairs, and a tenth of the time that scikit-learn's takes to check its input.
    pairs = np.searchsorted(of_training, of_window, "left").sum()
    pairs += np.searchsorted(of_training, of_window, "right").sum()
    return float(pairs / (2 * len(of_window) * len(of_training)))


def _matrix(feature_set: FeatureSet, columns: Mapping[str, npt.ArrayLike]) -> Floats:
    """Return rows in the order of the feature set: numbers, and categories as codes."""
    vectors = []
    for feature in feature_set.features:
        column = columns[feature.name]
        if feature.type == "category":
            vectors.append(as_codes(feature.categories, column))
        else:
            vectors.append(as_numbers(column))
    return np.column_stack(vectors)


def _commonest_levels(codes: Floats) -> Floats:
    """Return codes of shape (rows,) as ranks, the commonest level first.

    From MOST_LEVELS on they share a rank. The levels are counted over both samples together, so the
    ranks say nothing of a row's origin. NaN stays.
    """
    levels, places, counts = np.unique(codes, return_inverse=True, return_counts=True)
    ranks = np.empty(len(levels))
    ranks[np.argsort(-counts, kind="stable")] = np.arange(len(levels))
    ranks = np.minimum(ranks, MOST_LEVELS)
    ranks[np.isnan(levels)] = np.nan
    return ranks[places]


def _sample(rows: Floats, random: np.random.Generator) -> Floats:
    if len(rows) <= MOST_ROWS:
        return rows
    return rows[random.choice(len(rows), MOST_ROWS, replace=False)]


def make_classifier(categories: list[bool], seed: int) -> Any:
    """Return a small and quick one; missing values and categories need no preparation."""
    return HistGradientBoostingClassifier(
        max_iter=50,
        max_leaf_nodes=4,
        min_samples_leaf=LEAF,
        early_stopping=False,
        categorical_features=categories,
        random_state=seed,
    )
