"""How much one column alone says about the target, to find leaks and to rank columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from drift_ml.proposal.profile import Profile

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]

#: Rows that are looked at: enough for two digits.
MOST_ROWS = 10_000
#: Groups of a column of numbers, each of equally many rows.
BINS = 50
#: Rows with both values below which nothing can be said.
FEWEST_ROWS = 40
#: Share of the target that one column explains only if it is the target in other words.
LEAK = 0.995
#: Classes of a target that are looked at, the most frequent.
CLASSES = 5


def explained_share(
    column: Profile,
    target: Profile,
) -> float:
    """Return the share of the target's variance that a column alone explains, 0 to 1.

    The target is predicted by its mean in groups of the column: of equal levels, or of equally many
    numbers. Means are of every second row, the share is of the others (a held-out R2). Of a target
    of classes the largest share of a class is returned, and numbers are compared by their ranks, so
    that a unit or a logarithm hides nothing.

    Args:
        column: a number, a boolean or a text.
        target: the same, of as many rows.
    """
    rows = slice(None, None, -(-target.rows // MOST_ROWS) or 1)
    groups = _groups(column, rows)
    best = 0.0
    for outcome in _outcomes(target, rows):
        chosen = np.flatnonzero((groups >= 0) & ~np.isnan(outcome))
        if len(chosen) >= FEWEST_ROWS:
            best = max(best, _held_out_r2(groups[chosen], outcome[chosen]))
            if column.codes is None:
                best = max(best, _monotone_share(_values(column, rows)[chosen], outcome[chosen]))
    return best


def _monotone_share(
    values: Floats,
    outcome: Floats,
) -> float:
    """Return the squared rank correlation of a column with the target (Spearman 1904).

    Groups are too coarse for a column that is the target in another unit.
    """
    ranks = _ranks(values)
    if not (np.ptp(ranks) > 0 and np.ptp(outcome) > 0):
        return 0.0
    return float(np.corrcoef(ranks, outcome)[0, 1]) ** 2


def _groups(
    column: Profile,
    rows: slice,
) -> Codes:
    """Return the group of each of some rows, -1 where the column is missing."""
    if column.codes is not None:
        return column.codes[rows]
    values = _values(column, rows)
    levels, places = np.unique(values, return_inverse=True)
    if len(levels) > BINS:
        # Groups of equally many rows; equal values stay together.
        places = np.minimum(np.nan_to_num(_ranks(values)) * BINS, BINS - 1).astype(np.int64)
    return np.where(np.isnan(values), -1, places)


def _values(
    column: Profile,
    rows: slice,
) -> Floats:
    values = column.values if column.values is not None else np.zeros(column.rows)
    return values[rows]


def _ranks(values: Floats) -> Floats:
    """Return each value's share of values below it, equal values alike; NaN stays NaN."""
    present = np.sort(values[~np.isnan(values)])
    ranks = np.searchsorted(present, values, side="left") / max(len(present), 1)
    return np.where(np.isnan(values), np.nan, ranks)


def _outcomes(
    target: Profile,
    rows: slice,
) -> list[Floats]:
    """Return some rows of the target: the ranks of numbers, and of classes one flag each."""
    if target.codes is None:
        return [_ranks(_values(target, rows))]
    codes = target.codes[rows]
    outcomes = []
    for code in range(min(CLASSES, target.distinct)):
        flags = (codes == code).astype(np.float64)
        outcomes.append(np.where(codes < 0, np.nan, flags))
    return outcomes


def _held_out_r2(
    groups: Codes,
    outcome: Floats,
) -> float:
    """Return R2 of group means that were learnt from every second row, on the other rows."""
    learnt, fresh = slice(0, None, 2), slice(1, None, 2)
    size = int(groups.max()) + 1
    counts = np.bincount(groups[learnt], minlength=size)
    sums = np.bincount(groups[learnt], weights=outcome[learnt], minlength=size)
    overall = float(outcome[learnt].mean())
    means = np.where(counts > 0, sums / np.maximum(counts, 1), overall)
    total = float(((outcome[fresh] - outcome[fresh].mean()) ** 2).sum())
    if not total > 0:
        return 0.0
    return 1 - float(((outcome[fresh] - means[groups[fresh]]) ** 2).sum()) / total
