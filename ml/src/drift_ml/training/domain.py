"""Adversarial validation: can a classifier tell a window's rows from the training rows, and by what?

Where it cannot, no drift of any kind that trees can see is there, however many features it takes part in;
where it can, the features that it leans on name the drift. It reads raw rows, so it is for reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it has no stubs

from drift_ml.columns import as_codes, as_numbers

from .errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    from drift_contracts import FeatureSet

    Floats = npt.NDArray[np.float64]

FOLDS = 5
MOST_ROWS = 10_000
"""Rows of either side that are used; more add time, not insight."""

MOST_LEVELS = 254
"""Levels of a category that the classifier tells apart; rarer ones share one more, which is its limit."""

LEAF = 20
"""Rows of a leaf at least: the classifier must not learn its rows by heart, or it tells too little apart."""


@dataclass(frozen=True)
class Domain:
    """How well the two samples are told apart.

    auc: probability that a window row is ranked above a training row by a classifier that has seen neither;
    0.5 is chance. p: of an AUC this high without drift. giveaways: per feature, how much of the AUC is lost
    when its values are shuffled among the rows, largest first. reference_rows, window_rows: rows used.
    """

    auc: float
    p: float
    giveaways: tuple[tuple[str, float], ...]
    reference_rows: int
    window_rows: int


def tell_apart(
    feature_set: FeatureSet,
    reference: Mapping[str, npt.ArrayLike],
    window: Mapping[str, npt.ArrayLike],
    *,
    seed: int = 0,
    permutations: int = 20,
) -> Domain:
    """Cross-validated AUC of a gradient-boosted classifier between two samples of rows.

    reference, window: per feature a vector of shape (rows,), as `fit_baseline` takes them; of more
    than 10,000 rows a seeded sample is used. The five folds' AUCs are averaged. As folds share their
    training rows, that mean spreads more than independent folds would: its law without drift is taken from
    `permutations` (at least 2) repetitions with the rows' origins shuffled, and p is Student's, one-sided.
    Raises TrainingError for fewer than ten rows on either side. Source: Lopez-Paz & Oquab 2017 (classifier
    two-sample test), Bengio & Grandvalet 2004 (why folds are not independent).
    """
    random = np.random.default_rng(seed)
    before, now = (_sample(_matrix(feature_set, each), random) for each in (reference, window))
    if min(len(before), len(now)) < 2 * FOLDS:
        raise TrainingError(f"expected at least {2 * FOLDS} rows in the reference and in the window")
    rows = np.vstack([before, now])
    new = np.repeat([False, True], [len(before), len(now)])
    categories = [feature.type == "category" for feature in feature_set.features]
    for place in np.flatnonzero(categories):
        rows[:, place] = _commonest_levels(rows[:, place])
    # Fits are so small that threads only wait for each other: on a busy machine they took 13 times as long.
    with threadpool_limits(limits=1, user_api="openmp"):
        auc, lost = _told_apart(rows, new, categories, random, explain=True)
        chance = [_told_apart(rows, random.permutation(new), categories, random)[0] for _ in range(permutations)]
    spread = float(np.std(chance, ddof=1)) * (1 + 1 / permutations) ** 0.5
    ahead = auc - float(np.mean(chance))
    # a classifier that finds nothing to split on ranks every shuffle alike: then only their number speaks
    unspread = 1 / (permutations + 1) if ahead > 0 else 1.0
    p = float(stats.t.sf(ahead / spread, permutations - 1)) if spread else unspread
    found = sorted(zip(feature_set.names, lost, strict=True), key=lambda each: -each[1])
    return Domain(auc, p, tuple(found), len(before), len(now))


def _told_apart(
    rows: Floats,
    new: npt.NDArray[np.bool_],
    categories: list[bool],
    random: np.random.Generator,
    *,
    explain: bool = False,
) -> tuple[float, list[float]]:
    """The mean AUC over the folds and, if wanted, what it loses when a feature is shuffled (Breiman 2001)."""
    lost = np.zeros(rows.shape[1])
    total = 0.0
    seed = int(random.integers(2**31))
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(rows, new):
        model = _classifier(categories, seed).fit(rows[train], new[train])
        score = float(roc_auc_score(new[test], model.predict_proba(rows[test])[:, 1]))
        total += score
        for place in range(len(lost)) if explain else ():
            mixed = rows[test].copy()
            mixed[:, place] = random.permutation(mixed[:, place])
            lost[place] += score - float(roc_auc_score(new[test], model.predict_proba(mixed)[:, 1]))
    return total / FOLDS, (lost / FOLDS).tolist()


def _matrix(feature_set: FeatureSet, columns: Mapping[str, npt.ArrayLike]) -> Floats:
    """Rows in the order of the feature set: numbers, and categories as codes; NaN for missing."""
    return np.column_stack(
        [
            as_codes(feature.categories, columns[feature.name])
            if feature.type == "category"
            else as_numbers(columns[feature.name])
            for feature in feature_set.features
        ]
    )


def _commonest_levels(codes: Floats) -> Floats:
    """Return codes of shape (rows,) as ranks, the commonest level first; from MOST_LEVELS on they share a rank.

    The levels are counted over both samples together, so the ranks say nothing of a row's origin. NaN stays.
    """
    levels, places, counts = np.unique(codes, return_inverse=True, return_counts=True)
    ranks = np.empty(len(levels))
    ranks[np.argsort(-counts, kind="stable")] = np.arange(len(levels))
    ranks = np.minimum(ranks, MOST_LEVELS)
    ranks[np.isnan(levels)] = np.nan
    return ranks[places]


def _sample(rows: Floats, random: np.random.Generator) -> Floats:
    return rows if len(rows) <= MOST_ROWS else rows[random.choice(len(rows), MOST_ROWS, replace=False)]


def _classifier(categories: list[bool], seed: int) -> Any:
    """Small and quick; missing values and categories need no preparation."""
    return HistGradientBoostingClassifier(
        max_iter=50,
        max_leaf_nodes=4,
        min_samples_leaf=LEAF,
        early_stopping=False,
        categorical_features=categories,
        random_state=seed,
    )
