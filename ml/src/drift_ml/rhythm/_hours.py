"""Rows with times as hours of counts, from which a rhythm is learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drift_ml.window import Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from drift_ml.baseline import Baseline

    Floats = npt.NDArray[np.float64]

HOUR_MS = 3_600_000
#: Hours that are learned from, the newest: what a year does is no rhythm of hours and weeks.
MOST_HOURS = 8 * 7 * 24


class Hours:
    """Counts of each hour of some rows, of at most the newest eight weeks."""

    def __init__(self, baseline: Baseline) -> None:
        self._baseline = baseline
        self._windows: dict[int, Window] = {}

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
        hours = times_ms // HOUR_MS
        for hour in np.unique(hours).tolist():
            if self._windows and hour <= max(self._windows) - MOST_HOURS:
                continue
            picked = hours == hour
            window = self._windows.setdefault(hour, Window.empty(self._baseline))
            of_hour = {name: None if part is None else part[picked] for name, part in parts.items()}
            window.observe_rows(
                {name: values[picked] for name, values in columns.items()},
                predictions[picked],
                **of_hour,
            )
        oldest = max(self._windows, default=0) - MOST_HOURS
        self._windows = {hour: of for hour, of in self._windows.items() if hour > oldest}

    def batches(self) -> list[tuple[float, Mapping[str, list[int]]]]:
        """Return begin, in seconds since the epoch, and counts of each hour, the oldest first."""
        listed = sorted(self._windows.items())
        return [(hour * HOUR_MS / 1000, window.channel_counts()) for hour, window in listed]
