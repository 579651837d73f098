"""Which rows are learnt, and which are held out for the scores: at random, or the last by time."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from .errors import TrainingError

if TYPE_CHECKING:
    import numpy.typing as npt

    from .recipes import Recipe

    Places = npt.NDArray[np.intp]
    Times = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sides:
    """The places of the rows on both sides of the split, each of shape (rows on that side,)."""

    learnt: Places
    held_out: Places
    #: Milliseconds of Unix time of the first and the last held-out row, where time decides.
    period_ms: tuple[int, int] | None = None


def split(
    rows: int,
    recipe: Recipe,
    times_ms: Times | None = None,
) -> Sides:
    """Return the two sides of so many rows; equal recipes and times give equal sides.

    Without times rows are held out at random. With them the last ones are, as the model will meet
    rows that are later than what it has learnt. Rows of one time are never on both sides: the cut
    is the one between two times that comes nearest to the share.

    Args:
        rows: How many.
        recipe: Its share and its seed decide.
        times_ms: Milliseconds of Unix time, shape (rows,), in any order.

    Raises:
        TrainingError: all rows have one time.
    """
    if times_ms is not None:
        return _by_time(times_ms, recipe)
    from sklearn import model_selection  # noqa: PLC0415 - seconds that reading a file need not pay

    learnt, held_out = model_selection.train_test_split(
        np.arange(rows), test_size=recipe.held_out, random_state=recipe.seed
    )
    return Sides(learnt, held_out)


def _by_time(times_ms: Times, recipe: Recipe) -> Sides:
    """Return the last rows by time as the held-out side."""
    order = np.argsort(times_ms, kind="stable")
    ordered = times_ms[order]
    # Where a time begins that the row before does not have.
    cuts = np.flatnonzero(np.diff(ordered)) + 1
    if not len(cuts):
        raise TrainingError(
            "hold-out by time: expected rows of at least two times; leave the column of times out"
            " of the options to hold rows out at random"
        )
    wanted = len(ordered) - ceil(recipe.held_out * len(ordered))
    cut = int(cuts[np.abs(cuts - wanted).argmin()])
    period = int(ordered[cut]), int(ordered[-1])
    # Shuffled as at random, so that the first rows of a side are a sample of it.
    random = np.random.default_rng(recipe.seed)
    return Sides(random.permutation(order[:cut]), random.permutation(order[cut:]), period)
