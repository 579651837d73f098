"""The background thread: take in the log, judge drift and alarms when due, forget what is old."""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from drift_console.alarms import EVALUATION_INTERVAL, window_end
from drift_console.clock import Steadiness
from drift_console.threads import Supervised, report

if TYPE_CHECKING:
    from collections.abc import Callable

    from drift_console.ingest import Ingester
    from drift_console.monitoring import Monitor
    from drift_console.watch import Watch

POLL = 0.2  # seconds between looks at the log
BATCHES = 16  # taken in before the alarms get their turn again
PRUNE_EVERY = 300.0  # seconds
ORDER = 1.0  # seconds by which lines of the log may be out of the order of their times
LAST_ATTEMPTS = 5  # at the end, a second apart: then the next start takes in what is left
_log = logging.getLogger("drift_console.worker")


class Mark(NamedTuple):
    """Everything that happened before `moment` (epoch seconds) is among the events up to `number`."""

    moment: float
    number: int


class Worker(Supervised):
    """Owns the writing side of the store."""

    def __init__(  # noqa: PLR0913 - the parts it drives, each by name
        self,
        ingester: Ingester,
        monitor: Monitor,
        watch: Watch,
        *,
        clock: Callable[[], float],
        scale: int,
        retention: float,
        after_evaluation: Callable[[], None],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """clock: epoch seconds. timer: seconds that never run backwards."""
        super().__init__("worker")
        self._ingester = ingester
        self._monitor = monitor
        self._watch = watch
        self._clock = clock
        self._interval = max(1, EVALUATION_INTERVAL // scale)
        self._retention = retention
        self._after_evaluation = after_evaluation
        self._steadiness = Steadiness(clock, timer)
        self._timer = timer
        self._pruned = timer()
        self._evaluated = 0
        self._marks: deque[Mark] = deque()
        self._complete_to: float | None = None
        #: Whether the log was read to its end after the last request.
        self.finished = False

    def work(self) -> None:
        """Work until stopped; whatever goes wrong (a full disk, a locked file) is logged and tried again."""
        behind = False
        while not self._stopping.wait(0 if behind else POLL):
            try:
                behind = self.step()
            except Exception:
                report(_log, "a turn failed; trying again")
                self._stopping.wait(1.0)
        self._finish()

    def _finish(self) -> None:
        """Take in what is left of the log; after LAST_ATTEMPTS it waits for the next start."""
        for attempt in range(LAST_ATTEMPTS):
            try:
                while self._ingester.ingest():
                    pass
            except Exception:
                report(_log, "the end of the log could not be taken in")
                if attempt + 1 < LAST_ATTEMPTS:
                    time.sleep(1.0)
            else:
                self.finished = True
                return

    def step(self) -> bool:
        """Do one turn; returns whether more of the log is waiting.

        The clock is read before the log: what had happened by then is in the store when it is judged.
        """
        steady = self._steadiness.look()
        now = self._clock()
        behind = self._take_in(now)
        behind = self._monitor.count(now) or behind
        self._advance()
        end = window_end(now, self._interval)
        # Not "later than the last": a clock that was ahead must not stop the alarms until it is there again.
        if end != self._evaluated:
            if self._complete_to is not None:
                self._monitor.evaluate(min(self._complete_to, now), now)
            self._watch.evaluate(end)
            self._evaluated = end
            self._after_evaluation()
        # Deleting cannot be undone, so it waits for a clock that has been right for a while.
        if steady and self._timer() - self._pruned > PRUNE_EVERY:
            self._ingester.prune(now=now, retention=self._retention)
            self._monitor.prune(now=now, retention=self._retention)
            self._pruned = self._timer()
        return behind

    def lag(self) -> float | None:
        """Return for how many seconds nothing is judged that happened; None before the first turn."""
        return None if self._complete_to is None else max(0.0, self._clock() - self._complete_to)

    def _take_in(self, now: float) -> bool:
        """Read the log, and mark up to when it is complete; returns whether more is waiting."""
        for _ in range(BATCHES):
            taken = self._ingester.ingest()
            if not taken or self._ingester.at_end:
                self._mark(now)
                return False
        # Under a backlog the lines themselves say how far it reaches.
        newest = self._ingester.newest
        if newest is not None:
            self._mark(min(newest - ORDER, now))
        return True

    def _mark(self, moment: float) -> None:
        number = self._ingester.last()
        if self._marks and self._marks[-1].number == number:
            self._marks.pop()
        self._marks.append(Mark(moment, number))

    def _advance(self) -> None:
        """Move to the last mark whose events are all counted into windows."""
        counted = self._monitor.counted()
        while self._marks and self._marks[0].number <= counted:
            self._complete_to = self._marks.popleft().moment
