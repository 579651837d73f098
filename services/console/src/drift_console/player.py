"""The thread that plays past traffic: rows to the predictor, then the monitor's turn, step by step.

It stands in the worker's place. The order is the worker's, and the clock is the traffic's own: all
rows of a step are answered, taken in and counted before the step is evaluated, so that what is
found does not depend on how fast the machine is.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

from drift_contracts import DriftError
from drift_contracts.timestamps import utc_text_of_seconds
from drift_predictor.packing import LAMBDA
from drift_predictor.service import JSON
from drift_predictor.values import Request

from drift_console import linelog
from drift_console.ingest import position
from drift_console.predicting import make_service
from drift_console.threads import Supervised

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping

    from drift_contracts.features import Source
    from drift_engine.bundle import Bundle

    from drift_console.alarm_evaluator import AlarmEvaluator
    from drift_console.ingest import Ingester
    from drift_console.monitoring import Monitor
    from drift_console.page_types import ReplayEntry
    from drift_console.past import Kind, PastRow, PastTraffic
    from drift_console.settings import Settings

MINUTE_S = 60
#: Seconds of traffic between two looks of the alarms, as long as steps are longer.
ALARMS_EVERY_S = 300
#: Seconds of traffic that a step spans at most.
LONGEST_STEP_S = 3_600
#: Steps of a replay that goes as fast as it can, about, where none spans more than an hour.
MOST_STEPS = 250
#: Real seconds that a step lasts, about.
STEP_SECONDS = 0.25
#: Windows are evaluated when they have been over for so long.
LATE_S = 3 * MINUTE_S
DAY_S = 86_400
#: Seconds that a page shows the end before it is looked at again.
IDLE = 0.5


class RowRefused(DriftError):
    """The model does not answer a row of the file."""


class PastClock:
    """The time of the traffic that is played, in seconds since 1970; set by one thread."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time that the replay has reached."""
        return self.now


@dataclass(frozen=True)
class Feed:
    """What a player plays."""

    traffic: PastTraffic
    #: As people call it.
    name: str
    #: Seconds of traffic a second; None for as fast as it goes.
    speed: float | None
    clock: PastClock
    #: Answers a row and writes its event line.
    answer: Callable[[PastRow], None]
    #: Called with the share of the rows that are played, now and then.
    progress: Callable[[ReplayEntry], None]


def make_answering(
    settings: Settings,
    bundles: Mapping[str, Bundle],
    write: Callable[[str], None],
) -> Callable[[PastRow], None]:
    """Return what answers a row at its own time, as the service does.

    Args:
        settings: The console's.
        bundles: By model; the first one answers.
        write: Takes a line of the event log.
    """
    at_ns = [0]
    service = make_service(settings, bundles, write, clock=lambda: at_ns[0])
    sources = next(iter(bundles.values())).feature_set.sources

    def answer(row: PastRow) -> None:
        """Answer one row. Raises RowRefused."""
        at_ns[0] = row.time_ms * 1_000_000
        reply = service.answer(_request(row, sources), "", LAMBDA)
        if reply.status != 200:  # noqa: PLR2004 - the status of an answer
            raise RowRefused(f"a row of the replay: expected one that the model answers: {reply}")

    return answer


def _request(row: PastRow, sources: Mapping[Kind, Source]) -> Request:
    """Return a row as the request that it was.

    Args:
        row: With what names its session and its caller.
        sources: Where the model reads these.
    """
    headers: dict[str, str] = {}
    context: dict[str, Any] = {}
    for kind, text in row.marks.items():
        source = sources[kind]
        if source.header is not None:
            headers[source.header] = text
        elif source.context is not None:
            *above, last = source.context.split("/")[1:]
            place = context
            for name in above:
                place = place.setdefault(name, {})
            place[last] = text
    event = {"headers": headers} if headers else None
    return Request("POST", "/predict", row.body, JSON, "", context or None, event)


class Player(Supervised):
    """Owns the writing side of the store while past traffic is played."""

    def __init__(
        self,
        feed: Feed,
        connection: sqlite3.Connection,
        ingester: Ingester,
        monitor: Monitor,
        evaluator: AlarmEvaluator,
        *,
        settings: Settings,
        after_evaluation: Callable[[], None],
    ) -> None:
        """Prepare to play; nothing is done before `start`.

        Args:
            feed: What is played.
            connection: Of the console's store, to write.
            ingester: Takes the log in.
            monitor: Counts events into windows and decides on drift.
            evaluator: Evaluates the alarms.
            settings: The console's.
            after_evaluation: Called when the alarms were evaluated.
        """
        super().__init__("player")
        self._feed = feed
        self._connection = connection
        self._ingester = ingester
        self._monitor = monitor
        self._evaluator = evaluator
        self._settings = settings
        self._after_evaluation = after_evaluation
        self._survey = feed.traffic.survey
        self._played = 0
        self._pruned_s = 0.0
        #: Whether everything that was written is stored.
        self.finished = False
        #: Whether the file was played to its end.
        self.ended = False

    @property
    def step_s(self) -> int:
        """Return how many seconds of traffic are evaluated together."""
        speed = self._feed.speed
        wanted_s = (self._survey.last_ms - self._survey.first_ms) / 1000 / MOST_STEPS
        if speed is not None:
            wanted_s = speed * STEP_SECONDS
        minutes = int(min(wanted_s, LONGEST_STEP_S)) // MINUTE_S
        return max(1, minutes) * MINUTE_S

    def lag(self) -> float | None:
        """Return 0: what is shown is evaluated."""
        return 0.0

    def work(self) -> None:
        """Play until the end or until stopped; then leave everything as it stands."""
        self._take_in(self._feed.clock())
        # Each row is one event, so that a replay goes on behind the rows that are stored.
        self._played = self._ingester.last()
        rows = self._feed.traffic.rows(self._played)
        try:
            self._play(rows)
        finally:
            self.finished = True
        while not self.pause(IDLE):
            pass

    def _play(self, rows: Iterator[PastRow]) -> None:
        row = next(rows, None)
        begin_s = self._survey.last_ms / 1000 if row is None else row.time_ms / 1000
        now_s = begin_s // MINUTE_S * MINUTE_S
        started, paced_from = time.monotonic(), now_s
        while row is not None and not self.stopping:
            end_s = now_s + self.step_s
            while row is not None and row.time_ms < end_s * 1000:
                self._feed.answer(row)
                self._played += 1
                row = next(rows, None)
            self._evaluate(now_s, end_s)
            now_s = end_s
            self._wait(started, (now_s - paced_from))
        if row is None:
            # Windows are evaluated a little after they have closed.
            self._evaluate(now_s, now_s + LATE_S)
            self.ended = True
            self._feed.progress(self.entry())

    def _wait(self, started: float, traffic_s: float) -> None:
        """Wait until it is time for the next step.

        Args:
            started: Monotonic seconds of the first step.
            traffic_s: Seconds of traffic since then.
        """
        if self._feed.speed is not None:
            early = started + traffic_s / self._feed.speed - time.monotonic()
            if early > 0:
                self.pause(early)

    def _take_in(self, now_s: float) -> None:
        """Take in what is in the log, and count it into windows."""
        while self._ingester.ingest():
            pass
        while self._monitor.count(now_s):
            pass

    def _evaluate(self, from_s: float, to_s: float) -> None:
        """Decide on a step, all rows of which are written.

        Args:
            from_s: Its begin, in seconds since 1970.
            to_s: Its end.

        Raises:
            RowRefused: a row left no event.
        """
        self._take_in(to_s)
        if self._ingester.last() != self._played:
            raise RowRefused("the event log: expected a line for each row; is the disk full?")
        self._feed.clock.now = to_s
        self._monitor.evaluate(to_s, to_s)
        end = from_s
        while end < to_s:
            end = min(end + ALARMS_EVERY_S, to_s)
            self._evaluator.evaluate(int(end))
        self._after_evaluation()
        self._prune(to_s)
        self._feed.progress(self.entry())

    def _prune(self, now_s: float) -> None:
        """Forget what is older than the retention, once a day of traffic."""
        if now_s - self._pruned_s < DAY_S:
            return
        self._ingester.prune(now=now_s, retention=self._settings.retention)
        self._monitor.prune(now=now_s, retention=self._settings.retention)
        # What is stored is needed no more; its files are of today.
        linelog.remove_before(self._settings.log, position(self._connection), older_than=inf)
        self._pruned_s = now_s

    def entry(self) -> ReplayEntry:
        """Return what the page says of the replay."""
        return {
            "file": self._feed.name,
            "speed": self._feed.speed,
            "now": utc_text_of_seconds(self._feed.clock()),
            "first": utc_text_of_seconds(self._survey.first_ms / 1000),
            "last": utc_text_of_seconds(self._survey.last_ms / 1000),
            "rows": self._survey.rows,
            "played": self._played,
            "step_seconds": self.step_s,
            "ended": self.ended,
        }
