"""Traffic as arrays, summed by the slices of a day and of a week."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.left_out import is_left_out
from drift_ml.rhythm._model import DAY_S, HOUR_S, TEN_MINUTES_S, WEEK_S, RhythmError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from drift_ml.baseline import Channel
    from drift_ml.left_out import LeftOut

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]
    Integers32 = npt.NDArray[np.int32]
    #: Seconds since the epoch, and events per bin by channel.
    Batch = tuple[float, Mapping[str, Sequence[int]]]

#: Days of traffic from which a rhythm is learned, at least: two whole weeks, one to learn from
#: and one to check on.
FEWEST_DAYS = 14
#: Hours after which it is tried again where the traffic is too thin or too short: after a night
#: without any, two weeks are full some hours later than the clock says.
RETRIED_HOURS = 6
#: Batches in which traffic must have come.
FEWEST_BATCHES = 64
#: Seconds of a slice, by how many a day (1, 24, 144) or a week (168, 1,008) has.
SLICE_S = {1: DAY_S, 24: HOUR_S, 144: TEN_MINUTES_S, 168: HOUR_S, 1_008: TEN_MINUTES_S}
#: Weeks are dealt out to two folds in turn.
FOLDS = 2


@dataclass(frozen=True)
class Traffic:
    """Batches as arrays."""

    #: Seconds that a batch spans: an hour or ten minutes.
    step_s: int
    #: When each batch began, seconds since the epoch, shape (batches,).
    times_s: Floats
    #: By channel, shape (batches, bins).
    counts: Mapping[str, Integers32]
    #: Events of each batch, shape (batches,).
    events: Integers

    @cached_property
    def _places(self) -> tuple[Integers, Integers, Integers]:
        """Return the batches in the order of fold and slice of the week, and where each begins.

        The third one is the number of each of these, counted over both folds.
        """
        # Weeks from the first batch on, so that two weeks are two folds whatever day they begin on.
        weeks = ((self.times_s - self.times_s[0]) // WEEK_S).astype(np.int64)
        numbers = weeks % FOLDS * self._slices + self.slices(self._slices)
        order = np.argsort(numbers, kind="stable")
        present, starts = np.unique(numbers[order], return_index=True)
        return order, starts, present

    @property
    def _slices(self) -> int:
        """Return into how many slices a week is cut."""
        return WEEK_S // self.step_s

    def slices(self, number: int) -> Integers:
        """Return the slice of each batch, shape (batches,).

        Args:
            number: of slices: of a day or a week, each as long as a batch or longer.
        """
        slices: Integers = (self.times_s // SLICE_S[number]).astype(np.int64) % number
        return slices

    def by_fold(self, name: str) -> Integers:
        """Return a channel's counts by fold and slice of the week, shape (2, slices, bins)."""
        order, starts, present = self._places
        counts = self.counts[name]
        sums = np.zeros((FOLDS * self._slices, counts.shape[1]), dtype=np.int64)
        sums[present] = np.add.reduceat(counts[order], starts, axis=0, dtype=np.int64)
        return sums.reshape(FOLDS, self._slices, -1)

    def sliced(
        self,
        sums: Integers,
        number: int,
    ) -> Integers:
        """Return sums by slice of the week as those of fewer slices, shape (..., number, bins).

        Args:
            sums: by slice of the week, shape (..., slices, bins).
            number: of slices: 1, 24 or 144 of a day, 168 or 1,008 of a week.
        """
        *outer, slices, bins = sums.shape
        each = SLICE_S[number] // self.step_s if number > 1 else 1
        longer = sums.reshape(*outer, slices // each, each, bins).sum(axis=-2)
        sliced: Integers = longer.reshape(*outer, -1, number, bins).sum(axis=-3)
        return sliced


def enough(
    first_s: float,
    last_s: float,
) -> bool:
    """Return whether a rhythm can be learned from traffic between two times, in seconds.

    >>> enough(0, 13 * 86_400), enough(0, 14 * 86_400)
    (False, True)
    """
    return last_s - first_s >= FEWEST_DAYS * DAY_S


def read_traffic(
    channels: Sequence[Channel],
    batches: Iterable[Batch],
    left_out: Sequence[LeftOut],
    step_s: int,
) -> Traffic:
    """Return the batches outside of what is left out as arrays.

    Args:
        channels: of the baseline.
        batches: in the order of time.
        left_out: spans that are not learned from.
        step_s: seconds that a batch spans, at most.

    Raises:
        RhythmError: the traffic is shorter than two weeks, or thinner than 64 batches.
    """
    times: list[float] = []
    rows: list[Integers32] = []
    for timestamp_s, counts in batches:
        if not is_left_out(timestamp_s, left_out):
            times.append(timestamp_s)
            rows.append(_row(channels, counts))
    if len(times) < FEWEST_BATCHES or not enough(times[0], times[-1] + step_s):
        raise RhythmError(
            f"a rhythm: expected traffic of {FEWEST_DAYS} days or more in {FEWEST_BATCHES} batches"
            " or more; go on without one until then"
        )
    whole = np.empty((len(rows), len(rows[0])), dtype=np.int32)
    for place in range(len(rows)):
        # Each row goes as it is taken: of 500 features all of them take 200 MB.
        whole[place], rows[place] = rows[place], rows[place][:0]
    ends = np.cumsum([len(channel.counts) for channel in channels])
    parts = np.split(whole, ends[:-1], axis=1)
    arrays = {channel.name: part for channel, part in zip(channels, parts, strict=True)}
    totals = [counts.sum(axis=1) for counts in parts]
    return Traffic(step_s, np.array(times), arrays, np.max(totals, axis=0))


def _row(
    channels: Sequence[Channel],
    counts: Mapping[str, Sequence[int]],
) -> Integers32:
    """Return the counts of a batch over all channels, shape (bins of all,)."""
    row: list[int] = []
    for channel in channels:
        row += counts.get(channel.name, (0,) * len(channel.counts))
    return np.array(row, dtype=np.int32)
