"""Rows with times as counts of hours and of ten minutes, from which a rhythm is learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drift_ml.rhythm._model import DAY_TENS, HOUR_S, TEN_MINUTES_S
from drift_ml.window import Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from drift_ml.baseline import Baseline

    Floats = npt.NDArray[np.float64]
    Batch = tuple[float, Mapping[str, list[int]]]

#: Hours that are learned from, the newest: what a year does is no rhythm of hours and weeks.
MOST_HOURS = 8 * 7 * 24
#: Ten minutes that are learned from: two weeks, and the day under way.
MOST_TENS = 15 * DAY_TENS
#: Bins of a baseline that has sums of ten minutes, at most: of 60 features it has 9,000. To learn
#: from two weeks of more would take more memory than an evaluator has by default.
MOST_TEN_MINUTE_BINS = 10_000


def has_ten_minutes(baseline: Baseline) -> bool:
    """Return whether a baseline has so few bins that ten minutes are summed too."""
    return sum(len(channel.counts) for channel in baseline.channels) <= MOST_TEN_MINUTE_BINS


class Hours:
    """Counts of each hour and each ten minutes of some rows, of at most the newest eight weeks."""

    def __init__(self, baseline: Baseline) -> None:
        self._hours = _Newest(baseline, HOUR_S, MOST_HOURS)
        self._tens = _Newest(baseline, TEN_MINUTES_S, MOST_TENS * has_ten_minutes(baseline))

    def take(
        self,
        columns: Mapping[str, npt.NDArray[np.generic]],
        times_ms: npt.NDArray[np.int64],
        predictions: Floats,
        **parts: npt.NDArray[np.generic] | None,
    ) -> None:
        """Take rows in, in any order of time.

        Args:
            columns: by feature, each of shape (rows,).
            times_ms: milliseconds since the epoch, shape (rows,).
            predictions: of the model, shape (rows,).
            parts: `labels`, `margins` and `entropies` of a classifier's answers.
        """
        for newest in (self._hours, self._tens):
            newest.take(columns, times_ms, predictions, parts)

    def batches(self) -> list[Batch]:
        """Return begin, in seconds since the epoch, and counts of each hour, the oldest first."""
        return self._hours.batches()

    def tens(self) -> list[Batch]:
        """Return the same of each ten minutes; none of a baseline of too many bins."""
        return self._tens.batches()


class _Newest:
    """Windows of one length over the newest rows."""

    def __init__(
        self,
        baseline: Baseline,
        step_s: int,
        most: int,
    ) -> None:
        """Keep nothing yet.

        Args:
            baseline: whose bins are counted.
            step_s: seconds of a window.
            most: how many of the newest are kept; 0 for none at all.
        """
        self._baseline = baseline
        self._step_s = step_s
        self._most = most
        self._windows: dict[int, Window] = {}

    def take(
        self,
        columns: Mapping[str, npt.NDArray[np.generic]],
        times_ms: npt.NDArray[np.int64],
        predictions: Floats,
        parts: Mapping[str, npt.NDArray[np.generic] | None],
    ) -> None:
        """Take rows in, as `Hours.take` does."""
        numbers = times_ms // (self._step_s * 1000)
        newest = max([*self._windows, int(numbers.max(initial=0))])
        for number in np.unique(numbers[numbers > newest - self._most]).tolist():
            picked = numbers == number
            window = self._windows.setdefault(number, Window.empty(self._baseline))
            of_part = {name: None if part is None else part[picked] for name, part in parts.items()}
            window.observe_rows(
                {name: values[picked] for name, values in columns.items()},
                predictions[picked],
                **of_part,
            )
        kept = [number for number in self._windows if number > newest - self._most]
        self._windows = {number: self._windows[number] for number in kept}

    def batches(self) -> list[Batch]:
        """Return begin, in seconds since the epoch, and counts, the oldest first."""
        listed = sorted(self._windows.items())
        return [(float(number * self._step_s), of.channel_counts()) for number, of in listed]
