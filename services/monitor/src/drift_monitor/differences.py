"""Keep by how much the traffic differs from training: a state that is shown, not an alarm."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from drift_contracts.wording import listed
from drift_ml.figures import plain_number
from drift_ml.left_out import day_in_words, is_left_out
from drift_ml.report import NATS, Difference, differences
from drift_ml.window import Window

from drift_monitor.errors import Conflict
from drift_monitor.keys import Series

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from drift_ml.baseline import Baseline
    from drift_ml.left_out import LeftOut
    from drift_ml.rhythm import Rhythm

    from drift_monitor.acknowledgements import Acknowledgement
    from drift_monitor.stores import Document, Store

DAY_S = 86_400
HOURS_A_DAY = 24
#: Whole days that are summed, at most.
JUDGED_DAYS = 7
#: Events that a day counts as before it is known how days differ, at most: as for channels that are
#: held against whole days.
DAY_EVENTS = 200.0
#: Begins the name under which a difference is acknowledged; the feature follows.
PREFIX = "training:"


@dataclass(frozen=True)
class Differing(Difference):
    """A channel that differs from training, with what has become of it."""

    #: When it was first seen, in seconds since 1970.
    since_s: float
    #: The alerts of its features that stood since then.
    alerts: tuple[str, ...] = ()
    #: Who has seen it, and why it is left alone.
    acknowledged: Acknowledgement | None = None

    def __str__(self) -> str:
        """Return the difference in one line."""
        words = self.words
        if self.unit == NATS:
            # All other words have their size, and its interval.
            words += f" (PSI {plain_number(self.size, 2)})"
        words += f", since {day_in_words(self.since_s)}"
        if self.acknowledged is None:
            return words
        return f"{words}, acknowledged by {self.acknowledged['who']}: {self.acknowledged['why']}"

    def to_json(self) -> Document:
        """Return the difference as it is stored; acknowledgements are kept elsewhere."""
        return {
            "channel": self.channel,
            "of": list(self.of),
            "level": self.level,
            "words": self.words,
            "size": self.size,
            "low": self.low,
            "high": self.high,
            "unit": self.unit,
            "since_s": self.since_s,
            "alerts": list(self.alerts),
        }


def differing(
    store: Store,
    series: Series,
) -> tuple[Differing, ...]:
    """Return what differs from training, the largest first, as it was found last.

    Args:
        store: of the windows and states.
        series: whose traffic.
    """
    # Any: what is stored may be of another release; then nothing is known until the next day.
    document: Any = store.state(_place(series)).state or {}
    found = []
    try:
        for item in document.get("channels", []):
            members = {**item, "of": tuple(item["of"]), "alerts": tuple(item["alerts"])}
            found.append(Differing(**members))
    except (KeyError, TypeError):
        return ()
    return tuple(found)


def with_acknowledgements(
    found: Sequence[Differing],
    acknowledgements: Mapping[str, Acknowledgement],
) -> tuple[Differing, ...]:
    """Return differences with who has acknowledged each, itself or an alert of it.

    Args:
        found: as `differing` returned them.
        acknowledgements: that hold, by alert (`acknowledgements.acknowledged`).
    """
    listed = []
    for difference in found:
        names = [*(f"{PREFIX}{name}" for name in difference.of), *difference.alerts]
        entries = [acknowledgements[name] for name in names if name in acknowledgements]
        entry = entries[0] if entries else None
        listed.append(replace(difference, acknowledged=entry))
    return tuple(listed)


def keep_differences(  # noqa: PLR0913 - what is known of the traffic, each by its name
    store: Store,
    series: Series,
    baseline: Baseline,
    hours: Iterable[tuple[int, Window]],
    *,
    days: range,
    rhythm: Rhythm | None,
    alerts: Mapping[str, Sequence[str]],
    left_out: Sequence[LeftOut] = (),
) -> None:
    """Find what differs over the last whole days, once a day, and store it.

    Args:
        store: of the windows and states.
        series: whose traffic.
        baseline: of the training rows.
        hours: number since 1970 and sum of each hour that is kept; read where a day is over.
        days: numbers since 1970 of the whole days so far, at least one.
        rhythm: in force, which says how events and days depend; None for none.
        alerts: ids and features of the alerts that stand.
        left_out: spans that are not counted.
    """
    day = days.stop
    place = _place(series)
    stored = store.state(place)
    # Any: as above.
    before: Any = stored.state or {}
    if before.get("day") == day:
        return
    last_days = days[-JUDGED_DAYS:]
    total, counted = Window.empty(baseline, series.release), set()
    for hour, window in hours:
        if hour // HOURS_A_DAY in last_days and not is_left_out(hour * 3600.0, left_out):
            total += window
            counted.add(hour // HOURS_A_DAY)
    if not total.events:
        return
    inflation = _inflation(baseline, rhythm, total.events / len(counted))
    former = {item["channel"]: item for item in before.get("channels", [])}
    listed = []
    for difference in differences(baseline, total, inflation):
        known = former.get(difference.channel, {})
        since_s = known.get("since_s", min(counted) * float(DAY_S))
        listed.append(_kept(difference, since_s, known.get("alerts", []), alerts).to_json())
    document: Document = {"day": day, "events": total.events, "channels": listed}
    # Another run was quicker, and has found the same.
    with contextlib.suppress(Conflict):
        store.save(place, stored.revision, document)


def _kept(
    difference: Difference,
    since_s: float,
    former: Sequence[str],
    alerts: Mapping[str, Sequence[str]],
) -> Differing:
    """Return a difference as it is stored.

    Args:
        difference: that was found.
        since_s: when it was first seen.
        former: alerts that it was linked with before.
        alerts: ids and features of those that stand.
    """
    of_features = [name for name, of in alerts.items() if not set(of).isdisjoint(difference.of)]
    linked = tuple(dict.fromkeys([*former, *of_features]))
    return Differing(**vars(difference), since_s=since_s, alerts=linked[-JUDGED_DAYS:])


def _inflation(
    baseline: Baseline,
    rhythm: Rhythm | None,
    events_a_day: float,
) -> dict[str, float]:
    """Return for how many events of a channel one counts."""
    if rhythm is None or not rhythm.days:
        unknown = max(1.0, events_a_day / DAY_EVENTS)
        return {channel.name: unknown for channel in baseline.channels}
    inflation = {}
    for channel in baseline.channels:
        of_days = 1.0
        if channel.name in rhythm.days:
            of_days = rhythm.days[channel.name].inflation
        inflation[channel.name] = rhythm.variance_inflation.get(channel.name, 1.0) * of_days
    return inflation


def _place(series: Series) -> Series:
    # Versions are hex digits.
    return Series(series.model, f"{series.version}-differs")


def in_words(
    found: Sequence[Differing],
    most: int = 3,
) -> str:
    """Return what differs from training, in a line; "" for nothing.

    Args:
        found: the largest first.
        most: that are named.
    """
    single = [each for each in found if len(each.of) == 1] or list(found)
    return listed(map(str, single), most, "; ")
