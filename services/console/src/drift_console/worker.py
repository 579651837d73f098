"""The background thread: take in the log, decide on drift and alarms, forget what is old."""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift_console.alarms import EVALUATION_INTERVAL, window_end
from drift_console.clock import Steadiness
from drift_console.threads import Supervised, report

if TYPE_CHECKING:
    from collections.abc import Callable

    from drift_console.alarm_evaluator import AlarmEvaluator
    from drift_console.ingest import Ingester
    from drift_console.monitoring import Monitor

#: Seconds between looks at the log.
POLL = 0.2
#: Batches of the log that are taken in before the alarms get their turn again.
BATCHES = 16
#: Seconds.
PRUNE_EVERY = 300.0
#: Seconds by which lines of the log may be out of the order of their timestamps.
ORDER = 1.0
#: Seconds before a turn that failed is tried again.
RETRY_DELAY = 1.0
#: Attempts to take in the end of the log; then the next start takes in what is left.
LAST_ATTEMPTS = 5
_log = logging.getLogger("drift_console.worker")


@dataclass(frozen=True)
class Mark:
    """Up to when the events are complete: whatever happened before is among them."""

    #: Epoch seconds.
    timestamp: float
    #: The number of the last of those events.
    number: int


class Worker(Supervised):
    """Owns the writing side of the store."""

    def __init__(  # noqa: PLR0913 - the parts it drives, each by name
        self,
        ingester: Ingester,
        monitor: Monitor,
        evaluator: AlarmEvaluator,
        *,
        clock: Callable[[], float],
        scale: int,
        retention: float,
        after_evaluation: Callable[[], None],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare the turns; nothing is done before `start`.

        Args:
            ingester: Takes in the log.
            monitor: Counts events into windows and decides on drift.
            evaluator: Evaluates the alarms.
            clock: Gives epoch seconds.
            scale: What every period is divided by.
            retention: Seconds that data is kept.
            after_evaluation: Called when the alarms were evaluated.
            timer: Gives seconds that never run backwards.
        """
        super().__init__("worker")
        self._ingester = ingester
        self._monitor = monitor
        self._evaluator = evaluator
        self._clock = clock
        self._interval = max(1, EVALUATION_INTERVAL // scale)
        self._retention = retention
        self._after_evaluation = after_evaluation
        self._steadiness = Steadiness(clock, timer)
        self._timer = timer
        self._pruned_at = timer()
        self._evaluated_to = 0
        self._marks: deque[Mark] = deque()
        self._complete_to: float | None = None
        #: Whether the log was read to its end after the last request.
        self.finished = False

    def work(self) -> None:
        """Work until stopped; what goes wrong (a full disk, a locked file) is tried again."""
        delay = POLL
        while not self.pause(delay):
            try:
                is_behind = self.step()
                delay = 0.0 if is_behind else POLL
            except Exception:
                report(_log, "a turn failed; trying again")
                self.pause(RETRY_DELAY)
        self._finish()

    def _finish(self) -> None:
        """Take in what is left of the log; after LAST_ATTEMPTS it waits for the next start."""
        for attempt in range(1, LAST_ATTEMPTS + 1):
            try:
                while self._ingester.ingest():
                    pass
            except Exception:
                report(_log, "the end of the log could not be taken in")
                if attempt < LAST_ATTEMPTS:
                    time.sleep(RETRY_DELAY)
            else:
                self.finished = True
                return

    def step(self) -> bool:
        """Do one turn; return whether more of the log is waiting."""
        is_steady = self._steadiness.look()
        # Read before the log: what had happened by then is in the store when it is evaluated.
        now = self._clock()
        log_is_waiting = self._take_in(now)
        runs_are_waiting = self._monitor.count(now)
        self._advance()
        self._evaluate(now)
        # Deleting cannot be undone, so it waits for a clock that has been right for a while.
        if is_steady:
            self._prune(now)
        return log_is_waiting or runs_are_waiting

    def _evaluate(self, now: float) -> None:
        """Decide on drift and alarms where a window has ended."""
        end = window_end(now, self._interval)
        # Not "later than": a clock that was ahead must not stop the alarms until it is there again.
        if end == self._evaluated_to:
            return
        if self._complete_to is not None:
            self._monitor.evaluate(min(self._complete_to, now), now)
        self._evaluator.evaluate(end)
        self._evaluated_to = end
        self._after_evaluation()

    def _prune(self, now: float) -> None:
        """Forget what is older than the retention, every PRUNE_EVERY seconds."""
        if self._timer() - self._pruned_at <= PRUNE_EVERY:
            return
        self._ingester.prune(now=now, retention=self._retention)
        self._monitor.prune(now=now, retention=self._retention)
        self._pruned_at = self._timer()

    def lag(self) -> float | None:
        """Return how many seconds of traffic no evaluation has seen; None before the first turn."""
        if self._complete_to is None:
            return None
        return max(0.0, self._clock() - self._complete_to)

    def _take_in(self, now: float) -> bool:
        """Read the log, and mark up to when it is complete; return whether more is waiting."""
        for _ in range(BATCHES):
            has_taken = self._ingester.ingest()
            if not has_taken or self._ingester.at_end:
                self._mark(now)
                return False
        # Under a backlog the lines themselves say how far it reaches.
        newest = self._ingester.newest
        if newest is not None:
            self._mark(min(newest - ORDER, now))
        return True

    def _mark(self, timestamp: float) -> None:
        number = self._ingester.last()
        if self._marks and self._marks[-1].number == number:
            self._marks.pop()
        self._marks.append(Mark(timestamp, number))

    def _advance(self) -> None:
        """Move to the last mark whose events are all counted into windows."""
        counted = self._monitor.counted()
        while self._marks and self._marks[0].number <= counted:
            self._complete_to = self._marks.popleft().timestamp
