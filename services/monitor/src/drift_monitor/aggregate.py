"""Turn deliveries of log lines into stored windows, each event once.

What cannot be read is set aside with a reason.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict, cast

from drift_contracts import DriftError, NotJson, RequestValidator, parse_json
from drift_contracts.events import ANY_EVENT, EVENTS, names_event
from drift_contracts.keywords import is_number
from drift_ml.window import Window

from drift_monitor.callers import Roster
from drift_monitor.deliveries import Delivery, Unopened, open_event
from drift_monitor.errors import BadEvent, Unanswered
from drift_monitor.keys import MINUTE, Series, WindowKey, minute_of
from drift_monitor.stores import LARGEST_BATCH, Fragment

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from drift_contracts.events import PredictionEvent
    from drift_contracts.types import PredictionEventV2
    from drift_ml.baseline import Baseline

    from drift_monitor.reference import Reference
    from drift_monitor.stores import Store

#: A timestamp further ahead of the clock than this is a wrong clock's: the event counts in the
#: current minute.
AHEAD_MINUTES = 5
#: An older event is rejected: windows are retained no longer.
OLDEST_DAYS = 35
HOUR_S, DAY = 3_600, 86_400

_log = logging.getLogger("drift_monitor")


@dataclass(frozen=True)
class Rejected:
    """A record that could not be counted: a dead letter."""

    #: The identity of the delivery that it came in.
    delivery: str
    reason: str
    #: The record as its source sent it.
    text: str
    #: The model that it names, None where it cannot be read that far.
    model: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one call."""

    #: Of events, and of lines and deliveries that were none.
    counts: Counter[str]
    #: The items to deliver again.
    failed: tuple[str, ...] = ()
    #: Rejected records by model; where any is watched, their sum is `counts["rejected"]`.
    dead_letters: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Outcome) -> Outcome:
        """Return what became of both."""
        return Outcome(
            self.counts + other.counts,
            self.failed + other.failed,
            self.dead_letters + other.dead_letters,
        )


@dataclass
class _Counted:
    """What was counted of a delivery's lines, nothing of it stored yet."""

    counts: Counter[str] = field(default_factory=Counter)
    windows: dict[WindowKey, Window] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    #: At least every window that the lines touch, whatever the clock says at another attempt.
    touched: set[WindowKey] = field(default_factory=set)
    #: Of the delivery's events so far, also of its earlier parts.
    identities: set[str | None] = field(default_factory=set)
    #: Windows that one line touches at most: its own, and those of its segments and caller.
    widest: int = 1


class Aggregator:
    """Counts prediction events into windows."""

    def __init__(
        self,
        references: Mapping[Series, Reference],
        store: Store,
        dead_letters: Callable[[list[Rejected]], None],
        now: Callable[[], float],
        *,
        period: int = MINUTE,
        parse: Callable[[str], Any] = parse_json,
        models: Collection[str] | None = None,
    ) -> None:
        """Make an aggregator of every series that has a reference.

        Args:
            references: baseline and feature set by series.
            store: where windows go.
            dead_letters: keeps rejected records, or raises.
            now: seconds since 1970.
            period: whole seconds that a window spans; the evaluator's policy has the same.
            parse: JSON text to a value; raises ValueError or NotJson. For lines of one's own
                predictor a quicker one than that for strangers will do.
            models: the models that are watched; those of the references where it is None.
        """
        self._references = references
        self._validators: dict[Series, RequestValidator] = {}
        # Looked up once: the versions of a model come and go, the models do not.
        if models is None:
            models = {series.model for series in references}
        self._models = sorted(models)
        self._store = store
        self._callers = Roster(store)
        self._dead_letters = dead_letters
        self._now = now
        self._period = period
        self._parse = parse

    @property
    def models(self) -> list[str]:
        """Return the models that have a reference, sorted."""
        return self._models

    def handle(self, event: Mapping[str, object]) -> Outcome:
        """Store every delivery of a Lambda event.

        Args:
            event: of a log subscription, SQS or Kinesis.

        Raises:
            Exception: a delivery failed that its source cannot send again alone. The whole call
                is to be repeated, which changes nothing for what is already stored.
        """
        outcome = Outcome(Counter())
        for delivery in open_event(event):
            try:
                outcome += self.take(delivery)
            except Exception:
                _log.exception("a delivery failed and will be delivered again")
                if isinstance(delivery, Unopened) or delivery.item is None:
                    raise
                outcome += Outcome(Counter(failed=1), (delivery.item,))
        return outcome

    def take(self, delivery: Delivery | Unopened) -> Outcome:
        """Store one delivery; one that was stored before changes nothing.

        A delivery that touches more windows than the store takes at once is cut by its lines, each
        part a batch of its own.
        """
        if isinstance(delivery, Unopened):
            letter = Rejected(delivery.identity, delivery.reason, delivery.raw)
            self._dead_letters([letter])
            return Outcome(Counter(rejected=1), dead_letters=self._by_model([letter]))
        counted = self._count(delivery)
        if len(counted.touched) <= LARGEST_BATCH:
            return self._keep(delivery, counted)
        outcome = Outcome(Counter())
        identities: set[str | None] = set()
        # Each line of a part may touch as many windows as the widest line of all.
        size = LARGEST_BATCH // counted.widest
        for start in range(0, len(delivery.lines), size):
            part = _part(delivery, start, size)
            outcome += self._keep(part, self._count(part, identities))
        return outcome

    def _keep(
        self,
        delivery: Delivery,
        counted: _Counted,
    ) -> Outcome:
        if counted.rejected:
            # First: if the store fails afterwards they are kept twice, never lost.
            self._dead_letters(counted.rejected)
        windows = sorted(counted.windows.items())
        fragments = [Fragment(key, delivery.identity, window.to_json()) for key, window in windows]
        if fragments and not self._store.add(delivery.identity, fragments):
            return Outcome(Counter(repeated=1))
        return Outcome(counted.counts, dead_letters=self._by_model(counted.rejected))

    def _by_model(self, letters: list[Rejected]) -> Counter[str]:
        """Return the number of dead letters by model, each under one model that is watched."""
        models = self.models
        counts: Counter[str] = Counter()
        for letter in letters:
            model = letter.model
            if model not in models:
                # The alarm is one of a model, so a record of nobody must ring for some model.
                model = next(iter(models), None)
            if model is not None:
                counts[model] += 1
        return counts

    def _count(
        self,
        delivery: Delivery,
        identities: set[str | None] | None = None,
    ) -> _Counted:
        """Count the lines of a delivery, or of a part of it.

        Args:
            delivery: or a part of one.
            identities: of the events of the parts before, None for a whole delivery.
        """
        counted = _Counted()
        if identities is not None:
            counted.identities = identities
        for line in delivery.lines:
            event = None
            try:
                event = self._read(line)
                if event is None:
                    counted.counts["ignored"] += 1
                else:
                    self._observe(event, counted)
            except Unanswered:  # the record is not at fault: the delivery comes again
                raise
            except Exception as error:  # nothing else is called outside: the record is at fault
                letter = Rejected(delivery.identity, _reason(error), line, _model(event))
                counted.rejected.append(letter)
                counted.counts["rejected"] += 1
        return counted

    def _read(self, line: str) -> PredictionEvent | None:
        """Return the prediction event in a line, None for any other line.

        Its members are not checked yet: a missing one raises KeyError where it is looked up.

        Raises:
            BadEvent, NotJson: it is a prediction event that cannot be read.
        """
        text = line.strip()
        if not text.startswith("{") or ANY_EVENT not in text:
            return None
        try:
            event: PredictionEvent = self._parse(text)
        except NotJson:
            raise
        except ValueError:
            raise BadEvent("expected valid JSON") from None
        contract = event.get("contract")
        if contract in EVENTS:
            return event
        if names_event(contract):
            expected = " or ".join(EVENTS)
            raise BadEvent(f"expected {expected}: a newer release wrote it, and can count it")
        return None

    def _observe(
        self,
        event: PredictionEvent,
        counted: _Counted,
    ) -> None:
        """Count one event.

        Raises:
            BadEvent, ContractError: it cannot be counted.
            KeyError, TypeError: it lacks a member, or one is of another type.
        """
        series = Series(event["Model"], event["model_version"])
        minute = minute_of(event["timestamp"], self._period)
        key = WindowKey(series, minute)
        counted.touched.add(key)
        reference = self._references.get(series)
        if reference is None:
            raise BadEvent("no baseline for this model and version")
        parts = _parts(event, series, reference)
        counted.touched.update([WindowKey(part, minute) for part in parts])
        counted.widest = max(counted.widest, 1 + len(parts))
        prediction = event["Prediction"]
        if not is_number(prediction):  # float() would take "nan", "inf" and true
            raise BadEvent("Prediction is of the wrong type: expected a number")
        self._validator(series, reference).row({"features": event["features"]})
        caller = None
        if reference.has_callers:
            caller = self._callers.part(event, series, int(self._now() // HOUR_S))
        if caller is not None:
            parts[caller] = reference.baseline
            counted.touched.add(WindowKey(caller, minute))
            counted.widest = max(counted.widest, 1 + len(parts))
        identity = _identity(event)
        if identity is not None and identity in counted.identities:
            counted.counts["duplicates"] += 1
            return
        current = int(self._now() // self._period)
        if minute < current - OLDEST_DAYS * DAY // self._period:
            raise BadEvent(f"the event is older than {OLDEST_DAYS} days")
        if minute > current + AHEAD_MINUTES:
            key = WindowKey(series, current)
            counted.counts["skewed"] += 1
        timestamp_ms = key.minute * self._period * 1000
        answer = _class_answer(event, reference.baseline.classes)
        session = _session(event)
        # The whole first: it refuses an event that no window can count, before any has.
        for part, baseline in {series: reference.baseline, **parts}.items():
            place = WindowKey(part, key.minute)
            window = counted.windows.get(place)
            if window is None:
                window = Window.empty(baseline, series.version)
            window.observe(
                event["features"], float(prediction), timestamp_ms, session=session, **answer
            )
            counted.windows[place] = window
        counted.identities.add(identity)
        counted.counts["events"] += 1

    def _validator(
        self,
        series: Series,
        reference: Reference,
    ) -> RequestValidator:
        """Return the validator of a series, built at its first event: versions come and go."""
        if series not in self._validators:
            self._validators[series] = RequestValidator(reference.feature_set)
        return self._validators[series]


def _session(event: PredictionEvent) -> str | None:
    """Return the digest of an event's session, None where it names none. Raises BadEvent."""
    # Any: no schema has been held against the event.
    session: Any = event.get("session")
    if session is None or isinstance(session, str):
        return session
    raise BadEvent("session: expected a text")


def _identity(event: PredictionEvent) -> str | None:
    """Return what an event and a copy of it share; None without an id."""
    # Any: no schema has been held against the event.
    identity: Any = event.get("prediction_id")
    if identity is None:
        return None
    # Callers choose ids, and may give one to rows that differ, or to several models.
    parts = [event["Model"], event["model_version"], identity, event["features"]]
    return json.dumps(parts, sort_keys=True)


def _parts(
    event: PredictionEvent,
    series: Series,
    reference: Reference,
) -> dict[Series, Baseline]:
    """Return the baselines of the watched segments of an event, by their series.

    Args:
        event: that is counted.
        series: of all traffic.
        reference: of that series.
    """
    if reference.segments is None:
        return {}
    baselines = {}
    for segment in reference.segments.of_event(event["features"]):
        if segment.baseline is not None:
            baselines[series.part(segment.code)] = segment.baseline
    return baselines


class _ClassAnswer(TypedDict, total=False):
    """What `Window.observe` counts of a classifier's answer."""

    label: str
    margin: float
    entropy: float


def _class_answer(
    event: PredictionEvent,
    classes: Collection[str],
) -> _ClassAnswer:
    """Return the answer of a classifier, nothing of a regressor.

    Args:
        event: of either version.
        classes: of the baseline, none of a regressor.

    Raises:
        BadEvent: the answer is not of these classes, or of another type.
        KeyError: it lacks a member.
    """
    # A line of the first version has no label, and its number counts alone.
    if not classes or event["contract"] == EVENTS[0]:
        return {}
    answered = cast("PredictionEventV2", event)
    label, margin, entropy = answered["label"], answered["margin"], answered["entropy"]
    if label not in classes:
        raise BadEvent("label: expected one of the baseline's classes")
    if not (is_number(margin) and is_number(entropy)):
        raise BadEvent("margin and entropy: expected numbers")
    return {"label": label, "margin": float(margin), "entropy": float(entropy)}


def _reason(error: Exception) -> str:
    # Our own errors promise a message that repeats no value of the record.
    if isinstance(error, DriftError):
        return str(error)
    if isinstance(error, KeyError):
        return f"the event has no {error.args[0]}"
    return f"the event has a member of the wrong type ({type(error).__name__})"


def _model(event: PredictionEvent | None) -> str | None:
    if event is None:
        return None
    model: object = event.get("Model")
    if isinstance(model, str):
        return model
    return None


def _part(
    delivery: Delivery,
    start: int,
    size: int,
) -> Delivery:
    lines = delivery.lines[start : start + size]
    return Delivery(f"{delivery.identity}#{start}", lines, delivery.item)


def as_message(rejected: Rejected) -> str:
    """Return a dead letter as text: reason, delivery, and the record as its source sent it."""
    letter = {
        "reason": rejected.reason,
        "delivery": rejected.delivery,
        "record": rejected.text,
    }
    return json.dumps(letter)
