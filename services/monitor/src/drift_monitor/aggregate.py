"""Turn deliveries of log lines into stored windows, each event once; what cannot be read goes aside with a reason."""

from __future__ import annotations

import json
import logging
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from drift_contracts import ContractError, NotJson, RequestValidator, parse_json
from drift_contracts.keywords import is_number
from drift_ml.window import Window

from .deliveries import EVENT, Delivery, Unopened, open_event
from .errors import Unanswered
from .keys import MINUTE, Series, WindowKey, minute_of
from .stores import LARGEST_BATCH, Fragment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .reference import Reference
    from .stores import Store

AHEAD_MINUTES = 5
"""A timestamp further ahead of the clock than this is a wrong clock: the event counts in the current minute."""
OLDEST_DAYS = 35
"""An event older than this goes aside: windows are kept no longer."""
DAY = 86_400

_log = logging.getLogger("drift_monitor")


class Rejected(NamedTuple):
    """A record that could not be counted: its source's text, and why."""

    delivery: str
    reason: str
    text: str


class Outcome(NamedTuple):
    """What became of one call. failed: the items to deliver again."""

    counts: Counter[str]
    failed: tuple[str, ...]


class _Counted(NamedTuple):
    """What a delivery's lines come to. touched: at least every window that they touch, whatever the clock says now."""

    counts: Counter[str]
    windows: dict[WindowKey, Window]
    rejected: list[Rejected]
    touched: set[WindowKey]


class Aggregator:
    """Counts prediction events into windows.

    references: baseline and feature set by series. dead_letters: keeps rejected records, or raises. now:
    seconds since 1970. period: whole seconds that a window spans; the evaluator's policy has the same. parse:
    JSON text to an object, or raises ValueError or NotJson; for lines that one wrote oneself a quicker one will do.
    """

    def __init__(
        self,
        references: Mapping[Series, Reference],
        store: Store,
        dead_letters: Callable[[list[Rejected]], None],
        now: Callable[[], float],
        *,
        period: int = MINUTE,
        parse: Callable[[str], Any] = parse_json,
    ) -> None:
        self._references = references
        self._validators: dict[Series, RequestValidator] = {}
        self._store = store
        self._dead_letters = dead_letters
        self._now = now
        self._period = period
        self._parse = parse

    @property
    def models(self) -> list[str]:
        """The models that have a reference."""
        return sorted({series.model for series in self._references})

    def handle(self, event: Mapping[str, Any]) -> Outcome:
        """Store every delivery of a Lambda event.

        A delivery that fails is named in `failed` if its source can send it again alone; otherwise the error is
        raised, so that the whole call is repeated, which changes nothing for what is already stored.
        """
        counts: Counter[str] = Counter()
        failed = []
        for delivery in open_event(event):
            try:
                counts += self.take(delivery)
            except Exception:
                _log.exception("a delivery failed and will come again")
                if isinstance(delivery, Unopened) or delivery.item is None:
                    raise
                counts["failed"] += 1
                failed.append(delivery.item)
        return Outcome(counts, tuple(failed))

    def take(self, delivery: Delivery | Unopened) -> Counter[str]:
        """Store one delivery; one that was stored before changes nothing. Returns what became of its lines.

        Dead letters go first: if the store fails afterwards they are kept twice, never lost. A delivery that touches
        more windows than the store takes at once is cut by its lines, each part a batch of its own.
        """
        if isinstance(delivery, Unopened):
            self._dead_letters([Rejected(delivery.identity, delivery.reason, delivery.raw)])
            return Counter(rejected=1)
        counted = self._count(delivery)
        if len(counted.touched) <= LARGEST_BATCH:
            return self._keep(delivery, counted)
        parts = [_part(delivery, start) for start in range(0, len(delivery.lines), LARGEST_BATCH)]
        return sum((self._keep(part, self._count(part)) for part in parts), Counter())

    def _keep(self, delivery: Delivery, counted: _Counted) -> Counter[str]:
        if counted.rejected:
            self._dead_letters(counted.rejected)
        windows = sorted(counted.windows.items())
        fragments = [Fragment(key, delivery.identity, window.to_json()) for key, window in windows]
        if fragments and not self._store.add(delivery.identity, fragments):
            return Counter(repeated=1)
        return counted.counts

    def _count(self, delivery: Delivery) -> _Counted:
        counted = _Counted(Counter(), {}, [], set())
        for line in delivery.lines:
            try:
                event = self._read(line)
                if event is None:
                    counted.counts["ignored"] += 1
                else:
                    self._observe(event, counted)
            except Unanswered:  # not the record's fault: the delivery comes again
                raise
            except Exception as error:  # nothing else is asked of anything outside, so the record is at fault
                counted.rejected.append(Rejected(delivery.identity, _reason(error), line))
                counted.counts["rejected"] += 1
        return counted

    def _read(self, line: str) -> Mapping[str, Any] | None:
        """The prediction event in a line, None for any other line. Raises for an event that is cut short."""
        text = line.strip()
        if not text.startswith("{") or EVENT not in text:
            return None
        event: Mapping[str, Any] = self._parse(text)
        return event if event.get("contract") == EVENT else None

    def _observe(self, event: Mapping[str, Any], counted: _Counted) -> None:
        series = Series(event["Model"], event["model_version"])
        minute = minute_of(event["timestamp"], self._period)
        counted.touched.add(WindowKey(series, minute))
        reference = self._references.get(series)
        if reference is None:
            raise ValueError("no baseline for this model and version")
        prediction = event["Prediction"]
        if not is_number(prediction):  # float() would take "nan", "inf" and true
            raise ValueError("Prediction is of the wrong type: expected a number")
        self._validator(series, reference).row({"features": event["features"]})
        current = int(self._now() // self._period)
        if minute < current - OLDEST_DAYS * DAY // self._period:
            raise ValueError(f"the event is older than {OLDEST_DAYS} days")
        if minute > current + AHEAD_MINUTES:
            minute = current
            counted.counts["skewed"] += 1
        key = WindowKey(series, minute)
        window = counted.windows.get(key) or Window.empty(reference.baseline, series.version)
        window.observe(event["features"], float(prediction), minute * self._period * 1000)
        counted.windows[key] = window
        counted.counts["events"] += 1

    def _validator(self, series: Series, reference: Reference) -> RequestValidator:
        """Return the validator of a series, built at its first event: versions come and go."""
        if series not in self._validators:
            self._validators[series] = RequestValidator(reference.feature_set)
        return self._validators[series]


def _reason(error: Exception) -> str:
    if isinstance(error, NotJson | ContractError):
        return str(error)
    if isinstance(error, KeyError):
        return f"the event has no {error.args[0]}"
    if type(error) is ValueError:
        return str(error)
    return f"the event has a member of the wrong type ({type(error).__name__})"


def _part(delivery: Delivery, start: int) -> Delivery:
    lines = delivery.lines[start : start + LARGEST_BATCH]
    return Delivery(f"{delivery.identity}#{start}", lines, delivery.item)


def as_message(rejected: Rejected) -> str:
    """A dead letter as text: reason, delivery, and the record as it came."""
    return json.dumps({"reason": rejected.reason, "delivery": rejected.delivery, "record": rejected.text})
