"""The background thread: take in the log, judge drift and alarms when due, forget what is old."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from drift_console.alarms import EVALUATION_INTERVAL, window_end

if TYPE_CHECKING:
    from collections.abc import Callable

    from drift_console.ingest import Ingester
    from drift_console.monitoring import Monitor
    from drift_console.watch import Watch

POLL = 0.2  # seconds between looks at the log
BATCHES = 16  # taken in before the alarms get their turn again
PRUNE_EVERY = 300.0  # seconds
_log = logging.getLogger("drift_console.worker")


class Worker(threading.Thread):
    """Owns the writing side of the store."""

    def __init__(
        self,
        ingester: Ingester,
        monitor: Monitor,
        watch: Watch,
        *,
        clock: Callable[[], float],
        scale: int,
        retention: float,
        after_evaluation: Callable[[], None],
    ) -> None:
        super().__init__(name="worker", daemon=True)
        self._ingester = ingester
        self._monitor = monitor
        self._watch = watch
        self._clock = clock
        self._interval = max(1, EVALUATION_INTERVAL // scale)
        self._retention = retention
        self._after_evaluation = after_evaluation
        self._stopping = threading.Event()
        self._evaluated = 0
        self._pruned = 0.0

    def run(self) -> None:
        """Until stopped; whatever goes wrong (a full disk, a locked file) is logged and tried again."""
        behind = False
        while not self._stopping.wait(0 if behind else POLL):
            try:
                behind = self.step()
            except Exception:
                _log.exception("a turn failed; trying again")
                self._stopping.wait(1.0)
        while self._ingester.ingest():
            pass

    def stop(self) -> None:
        """Take in what is in the log, then end."""
        self._stopping.set()

    def step(self) -> bool:
        """One turn; returns whether more of the log is waiting.

        The clock is read before the log: what had happened by then is in the store when it is judged.
        """
        now = self._clock()
        behind = all(self._ingester.ingest() for _ in range(BATCHES))
        behind = self._monitor.count(now) or behind
        end = window_end(now, self._interval)
        if end > self._evaluated:
            if not behind:
                self._monitor.evaluate(now)
            self._watch.evaluate(end)
            self._evaluated = end
            self._after_evaluation()
        if now - self._pruned > PRUNE_EVERY:
            self._ingester.prune(now=now, retention=self._retention)
            self._monitor.prune(now=now, retention=self._retention)
            self._pruned = now
        return behind
