"""The deployed evaluator over a stream: windows, store, rhythm and alerts as in the monitor."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from itertools import islice
from typing import TYPE_CHECKING

from drift_contracts.timestamps import utc_ms
from drift_ml.window import Window
from drift_monitor.evaluate import Evaluator
from drift_monitor.keys import Series, WindowKey
from drift_monitor.policy import LATENESS_MINUTES
from drift_monitor.reference import Reference
from drift_monitor.stores import Fragment, MemoryStore, StoredState, StoredWindow

from benchmarks.simulate.world.courses import Course
from benchmarks.simulate.world.streams import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_monitor.alerts import Alert
    from drift_monitor.policy import Policy
    from drift_monitor.stores import Document, Revision

    from benchmarks.simulate.world.streams import Batch, Stream

SERIES = Series("service", "000000000000")
#: Minutes between two runs of the evaluator from the second day on, which end at midnights: hours
#: are summed and learned from at the same minutes as by many runs a day. Alerts have the times of
#: their windows. In the first day it runs every hour, as it looks at what is there every three.
EVERY = DAY


class QuickStore(MemoryStore):
    """A store in memory that neither looks through all windows nor copies what it hands out.

    Of one series; the evaluator changes nothing that it reads, so that no copy is needed.
    """

    def __init__(self) -> None:
        """Make an empty store."""
        super().__init__()
        self._minutes: dict[Series, list[int]] = {}

    def add(self, batch: str, fragments: Sequence[Fragment]) -> bool:
        """See `Store.add`."""
        self._batches.add(batch)
        self._fragments.update({(each.key, each.batch): each.window for each in fragments})
        return True

    def fragments(self, series: Series, before: int, limit: int) -> list[Fragment]:
        """See `Store.fragments`."""
        # They were added in the order of time.
        listed = (
            Fragment(key, batch, window)
            for (key, batch), window in self._fragments.items()
            if key.series == series and key.minute < before
        )
        return list(islice(listed, limit))

    def compact(self, read: StoredWindow, window: Document, fragments: Sequence[Fragment]) -> None:
        """See `Store.compact`."""
        for fragment in fragments:
            del self._fragments[fragment.key, fragment.batch]
        if read.key not in self._windows:
            insort(self._minutes.setdefault(read.key.series, []), read.key.minute)
        self._windows[read.key] = StoredWindow(read.key, read.revision + 1, window)

    def window(self, key: WindowKey) -> StoredWindow | None:
        """See `Store.window`."""
        return self._windows.get(key)

    def windows(
        self, series: Series, first: int, last: int, limit: int | None = None
    ) -> list[StoredWindow]:
        """See `Store.windows`."""
        minutes = self._minutes.get(series, [])
        chosen = minutes[bisect_left(minutes, first) : bisect_right(minutes, last)][:limit]
        return [self._windows[WindowKey(series, minute)] for minute in chosen]

    def state(self, series: Series) -> StoredState:
        """See `Store.state`."""
        return self._states.get(series) or StoredState(0, None)

    def save(self, series: Series, read: Revision, state: Document) -> None:
        """See `Store.save`."""
        self._states[series] = StoredState(read + 1, state)


class Deployed:
    """One service with the monitor's own evaluator."""

    def __init__(
        self,
        stream: Stream,
        policy: Policy | None = None,
        *,
        every: int = EVERY,
        store: MemoryStore | None = None,
    ) -> None:
        """Make a service without a row.

        Args:
            stream: its features and training rows.
            policy: the product's own one when left out: nothing is set by hand.
            every: minutes between two runs of the evaluator after the first day.
            store: for its windows.
        """
        self.step = stream.step
        self.every = every
        self.reference = Reference(stream.features, stream.baseline)
        self.store = store or QuickStore()
        self.sent: list[Alert] = []
        self.rhythm: str | None = None
        self.minute = stream.begin // DAY * DAY
        self._second_day = self.minute + DAY
        self._moving: set[str] = set()
        self._joined: list[tuple[int, str]] = []
        self._open: set[str] = set()
        self._dropped: list[tuple[int, str]] = []
        # Bound methods: a copy of the service has its own clock and outbox.
        self.evaluator = Evaluator(
            {SERIES: self.reference},
            self.store,
            self._publish,
            self._now,
            stack="simulated",
            policy=policy,
        )
        # One that is deployed runs before the first row comes. One whose first run has a day of
        # windows already sums every hour a day late, and learns and ends alarms a day late.
        self._run(self.minute)

    def _publish(self, alert: Alert) -> None:
        self.sent.append(alert)
        channel = alert["drift"]["channel"]
        if alert["state"] == "ALARM":
            self._open.add(channel)
        else:
            self._open.discard(channel)

    def _now(self) -> float:
        # The window that begins now is not over, however long: it must not be passed by.
        return (self.minute + LATENESS_MINUTES) * 60.0

    def live(self, stream: Stream) -> Deployed:
        """Take a stream's batches, in the order of time, and return the service."""
        for batch in stream.batches:
            while batch.minute >= (due := self._next()):
                self._run(due)
            self._add(batch)
        self._run(stream.end)
        return self

    def _next(self) -> int:
        """Return the minute of the next run."""
        return self.minute + (HOUR if self.minute < self._second_day else self.every)

    def _add(self, batch: Batch) -> None:
        window = Window.empty(self.reference.baseline, SERIES.version)
        window.observe_rows(batch.columns, sessions=batch.sessions)
        name = f"b{batch.minute}"
        self.store.add(name, [Fragment(WindowKey(SERIES, batch.minute), name, window.to_json())])

    def _run(self, minute: int) -> None:
        """Evaluate everything before a minute."""
        self.minute = minute
        for _ in range(DAY // HOUR + 2):
            (evaluation,) = self.evaluator.run()
            self.rhythm = evaluation.rhythm
            moving = set(evaluation.moving)
            # What joins an alarm is no alert of its own; the page shows it from this run on.
            self._joined += [(minute, name) for name in sorted(moving - self._moving)]
            self._moving = moving
            # An alarm may leave the page without a notice of its end.
            shown = {alert["drift"]["channel"] for alert in evaluation.alerts}
            self._dropped += [(minute, name) for name in sorted(self._open - shown)]
            self._open &= shown
            if evaluation.behind < self.step * 60 * 2:
                break

    def course(self, end: int) -> Course:
        """Return what was told until a minute."""
        course = Course()
        changes: list[tuple[int, str, bool]] = [(at, name, False) for at, name in self._dropped]
        for alert in self.sent:
            at = utc_ms(alert["timestamp"]) // 60_000 - 1 + self.step
            is_raised = alert["state"] == "ALARM"
            changes.append((at, alert["drift"]["channel"], is_raised))
            if is_raised:
                course.raised.append((at, tuple(alert["drift"]["of"])))
        open_since: dict[str, int] = {}
        for at, channel, is_raised in sorted(changes):
            if is_raised:
                open_since.setdefault(channel, at)
            elif channel in open_since:
                course.spans.append((open_since.pop(channel), at))
        course.spans += [(since, end) for since in open_since.values()]
        course.joined = [(at, (name,)) for at, name in self._joined]
        return course
