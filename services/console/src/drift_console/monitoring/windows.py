"""Windows of the monitor's store, read back and summed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_ml.window import Window
from drift_monitor.stores import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift_ml.baseline import Baseline
    from drift_monitor.keys import Series
    from drift_monitor.stores import SqliteStore

#: Windows that are summed once and kept.
BLOCK = 60


class WindowReader:
    """Reads the windows of a store; used by one thread at a time."""

    def __init__(self, store: SqliteStore, *, period: int) -> None:
        """Prepare to read.

        Args:
            store: Where the monitor keeps its windows.
            period: Seconds that a window spans.
        """
        self._store = store
        #: Seconds that a window spans.
        self.period = period
        self._blocks: dict[tuple[Series, int], Window] = {}

    def windows(
        self,
        series: Series,
        baseline: Baseline,
        numbers: range,
    ) -> Iterator[tuple[int, Window]]:
        """Yield the epoch seconds at which each stored window begins, and the window.

        Args:
            series: Whose windows.
            baseline: What they were counted against.
            numbers: Of windows, counted from 1970 on.
        """
        if not numbers:
            return
        for stored in self._store.windows(series, numbers[0], numbers[-1]):
            # The evaluator has reported it; the page shows the others.
            if UNREADABLE in stored.window:
                continue
            start = stored.key.minute * self.period
            yield start, Window.from_json(stored.window, baseline)

    def total(self, series: Series, baseline: Baseline, first: int, last: int) -> Window:
        """Return the sum of windows.

        Whole past blocks are summed once: what came late for such a block is shown once the block
        has been forgotten.

        Args:
            series: Whose windows.
            baseline: What they were counted against.
            first: Number of the first window.
            last: Number of the last window.
        """
        total = Window.empty(baseline, series.version)
        first_block = first // BLOCK
        for block in range(first_block, last // BLOCK + 1):
            start = max(first, block * BLOCK)
            end = min(last + 1, (block + 1) * BLOCK)
            if end - start < BLOCK:
                total += self._sum(series, baseline, range(start, end))
                continue
            key = (series, block)
            if key not in self._blocks:
                self._blocks[key] = self._sum(series, baseline, range(start, end))
            total += self._blocks[key]
        self._forget(series, first_block)
        return total

    def _forget(self, series: Series, first_block: int) -> None:
        """Drop blocks of the series that lie before the span shown."""
        for key in list(self._blocks):
            if key[0] == series and key[1] < first_block:
                del self._blocks[key]

    def _sum(self, series: Series, baseline: Baseline, numbers: range) -> Window:
        total = Window.empty(baseline, series.version)
        for _, window in self.windows(series, baseline, numbers):
            total += window
        return total
