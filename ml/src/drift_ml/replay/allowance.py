"""What a replay allows for: a rhythm, or whole days where none is known, as the evaluator does."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import ceil, inf
from typing import TYPE_CHECKING

from drift_contracts.wording import listed

from drift_ml.evidence import MixtureDetector, Seasonality, add_counts
from drift_ml.left_out import is_left_out
from drift_ml.rhythm import (
    FEWEST_DAYS,
    RhythmError,
    dependence_so_far,
    enough,
    learn_rhythm,
    varying_channels,
)
from drift_ml.words import single_of, subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from drift_contracts.json_types import JsonObject

    from drift_ml.baseline import Baseline
    from drift_ml.evidence import Settings
    from drift_ml.left_out import LeftOut
    from drift_ml.rhythm import Rhythm
    from drift_ml.window import Window

    #: Seconds since 1970, and events per bin by channel.
    Batch = tuple[float, Mapping[str, list[int]]]

HOUR_S = 3_600
DAY_S = 24 * HOUR_S
#: Hours that a span may be short of a day and still shows one.
DAY_HOURS = 23
#: Days of the newest traffic that a rhythm is learned from, as in the service.
KEPT_DAYS = 56
#: Days after which a rhythm is learned again.
RELEARNED_DAYS = 7
#: Of a file of years it is learned so often, at equal distances.
MOST_LEARNED = 8
#: Channels that a sentence names.
MOST_NAMED = 4


class Basis(StrEnum):
    """What traffic was held against, by a name that programs can rely on."""

    #: The rhythm in the bundle.
    BUNDLE = "bundle-rhythm"
    #: A rhythm that was learned from the replayed traffic itself.
    LEARNED = "learned-rhythm"
    #: Whole days, for channels that vary with the hour.
    WHOLE_DAYS = "whole-days"
    #: The training data alone: nothing varies with the hour.
    CONSTANT = "nothing-varies"
    #: The training data alone: the traffic is of less than a day.
    SHORT = "less-than-a-day"
    #: The training data alone: rows without times have no hours.
    UNTIMED = "no-times"
    #: The training data alone, as was asked for.
    OFF = "switched-off"


@dataclass(frozen=True)
class Phase:
    """What is allowed for from a time on."""

    #: Seconds since 1970; minus infinity for the first phase.
    from_s: float
    #: References by the hour; None where they are the baseline's.
    seasonality: Seasonality | None = None
    #: Channels that are held against whole days.
    whole_days: tuple[str, ...] = ()
    #: Events per bin of the day before, by channel, which alarms that stand are reviewed with.
    day_before: Mapping[str, list[int]] = field(default_factory=dict)

    def settings(self, plain: Settings) -> Settings:
        """Return settings with what this phase allows for."""
        return replace(plain, seasonality=self.seasonality, whole_days=self.whole_days)

    def begin(
        self,
        detector: MixtureDetector,
        plain: Settings,
    ) -> MixtureDetector:
        """Return a detector under this phase: its alarms stand, its evidence begins anew.

        Args:
            detector: As the phase before has left it.
            plain: The settings without what is allowed for.
        """
        settings = self.settings(plain)
        document = detector.to_json()
        document["settings"] = settings.digest
        following = MixtureDetector.from_json(document, settings, is_renewed=True)
        following.forget_evidence()
        following.review_day(self.day_before)
        return following


@dataclass(frozen=True)
class Allowance:
    """What a replay allows for, and why."""

    basis: Basis
    #: In a sentence, without a full stop.
    words: str
    #: The earliest first; none where the reference is the training data alone.
    phases: tuple[Phase, ...] = ()
    #: Channels that cycle, or that are held against whole days.
    channels: tuple[str, ...] = ()
    #: Days of the traffic; 0 without times.
    days: float = 0.0
    #: Spans with rows that nothing is learned from, and that are no evidence.
    left_out: tuple[LeftOut, ...] = ()

    @property
    def may_be_pattern(self) -> bool:
        """Return whether alarms may be of hours and days of the week, whose rhythm is not known."""
        return self.basis in (Basis.WHOLE_DAYS, Basis.CONSTANT)

    def to_json(self) -> JsonObject:
        """Return the basis, the channels and the words."""
        return {
            "basis": self.basis.value,
            "channels": list(self.channels),
            "words": f"{self.words}.",
        }


def allowance_of(
    baseline: Baseline,
    windows: Sequence[Window],
    bundled: Rhythm | None = None,
    *,
    is_on: bool = True,
    left_out: tuple[LeftOut, ...] = (),
) -> Allowance:
    """Return what is allowed for in past traffic, which is all there, unlike in a service.

    A rhythm of the bundle holds throughout. Without one it is learned from the first two weeks and
    then each week from the last eight, as the evaluator does. The first two weeks themselves are
    held against the rhythm that they show; what varies with the hour otherwise, and all that does
    in a shorter file, against whole days. Events that come alike count for less in any.

    Args:
        baseline: That the windows were counted against.
        windows: In the order of time, none of which spans the end of an hour.
        bundled: The rhythm in the bundle.
        is_on: Whether cycles are to be allowed for.
        left_out: Spans of days, which windows with times are not learned from.
    """
    if any(window.first_ms is None for window in windows) or not windows:
        words = "Held against the training data as a whole: rows without times have no hours"
        return Allowance(Basis.UNTIMED, words)
    marked = [window for window in windows if is_left_out(hour_of(window), left_out)]
    usual = [window for window in windows if not is_left_out(hour_of(window), left_out)]
    allowance = _by_time(baseline, usual, bundled, is_on=is_on)
    if not marked:
        return allowance
    spans = [span for span in left_out if any(span.holds(hour_of(window)) for window in marked)]
    rows = sum(window.events for window in marked)
    words = (
        f"{allowance.words}. Days that are left out, with {rows:,} rows:"
        f" {', '.join(map(str, spans))}"
    )
    return replace(allowance, words=words, left_out=tuple(spans))


def _by_time(
    baseline: Baseline,
    windows: Sequence[Window],
    bundled: Rhythm | None,
    *,
    is_on: bool,
) -> Allowance:
    """Return what is allowed for in traffic with times.

    Args:
        baseline: That the windows were counted against.
        windows: Of the days that are not left out.
        bundled: The rhythm in the bundle.
        is_on: Whether cycles are to be allowed for.
    """
    hours = hours_of(windows)
    if not hours:
        words = "Nothing is held against the training data: all days are left out"
        return Allowance(Basis.SHORT, words)
    days = (hours[-1][0] + HOUR_S - hours[0][0]) / DAY_S
    if not is_on:
        words = (
            "Held against the training data as a whole: cycles are not allowed for (--no-rhythm)"
        )
        return Allowance(Basis.OFF, words, days=days)
    if bundled is not None:
        phase = Phase(-inf, bundled.seasonality(baseline.channels))
        words = f"Held against the bundle's rhythm, {bundled}"
        return Allowance(Basis.BUNDLE, words, (phase,), tuple(bundled.cycles), days)
    return _learned(baseline, hours, days) or _unlearned(baseline, windows, hours, days)


def hours_of(windows: Sequence[Window]) -> list[Batch]:
    """Return begin, in seconds since 1970, and counts of each hour with traffic.

    Args:
        windows: With times, oldest first, none of which spans the end of an hour.
    """
    hours: dict[float, dict[str, list[int]]] = {}
    for window in windows:
        add_counts(hours.setdefault(hour_of(window), {}), window.channel_counts())
    return sorted(hours.items(), key=lambda item: item[0])


def batches_of(windows: Iterable[Window]) -> Iterator[Batch]:
    """Yield begin, in seconds since 1970, and counts of each window with times."""
    for window in windows:
        yield (window.first_ms or 0) / 1000, window.channel_counts()


def hour_of(window: Window) -> float:
    """Return when the hour of a window with times begins, in seconds since 1970."""
    hour = (window.first_ms or 0) // (HOUR_S * 1000)
    return float(hour * HOUR_S)


def _learned(
    baseline: Baseline,
    hours: Sequence[Batch],
    days: float,
) -> Allowance | None:
    """Return the rhythms of the traffic itself; None where it is too short or too thin.

    Args:
        baseline: Whose bins are counted.
        hours: Of all traffic.
        days: That they span.
    """
    begin_s = hours[0][0]
    ends = [hour_s + HOUR_S for hour_s, _ in hours if enough(begin_s, hour_s + HOUR_S)]
    if not ends:
        return None
    at_s = ends[0]
    first_weeks = _between(hours, begin_s, at_s)
    try:
        rhythm = learn_rhythm(baseline, first_weeks)
    except RhythmError:
        return None
    varying = varying_channels(baseline, first_weeks)
    held = tuple(name for name in varying if name not in rhythm.cycles)
    phases = [Phase(-inf, rhythm.seasonality(baseline.channels), held)]
    newest = rhythm
    every = relearned_days(days)
    while at_s <= hours[-1][0]:
        seasonality = newest.seasonality(baseline.channels)
        phases.append(Phase(at_s, seasonality, day_before=_total(hours, at_s - DAY_S, at_s)))
        at_s += every * DAY_S
        if at_s <= hours[-1][0]:
            newest_hours = _between(hours, at_s - KEPT_DAYS * DAY_S, at_s)
            newest = _learned_again(baseline, newest_hours, newest)
    words = f"Rhythm {rhythm}, from this traffic itself; learned again every {every} days"
    channels = (*rhythm.cycles, *held)
    return Allowance(Basis.LEARNED, words, tuple(phases), channels, days)


def relearned_days(days: float) -> int:
    """Return after how many days a rhythm is learned again.

    Args:
        days: That the traffic spans.

    >>> relearned_days(28), relearned_days(365)
    (7, 44)
    """
    return max(RELEARNED_DAYS, ceil((days - FEWEST_DAYS) / MOST_LEARNED))


def _learned_again(
    baseline: Baseline,
    hours: Sequence[Batch],
    before: Rhythm,
) -> Rhythm:
    """Return the rhythm of the newest weeks, or the one before where they are too thin."""
    try:
        return learn_rhythm(baseline, hours)
    except RhythmError:
        return before


def _unlearned(
    baseline: Baseline,
    windows: Sequence[Window],
    hours: Sequence[Batch],
    days: float,
) -> Allowance:
    """Return what is allowed for where no rhythm can be learned.

    Args:
        baseline: Whose bins are counted.
        windows: Of all traffic, with times.
        hours: The same, summed.
        days: That they span.
    """
    depends = dependence_so_far(baseline, batches_of(windows))
    inflation = {} if depends is None else depends.variance_inflation
    is_short = days * 24 < DAY_HOURS
    varying = () if is_short else varying_channels(baseline, hours, inflation=inflation)
    basis, words = Basis.CONSTANT, "Held against the training data as a whole"
    if is_short:
        basis = Basis.SHORT
        words += (
            f": the traffic is of {days * 24:.0f} hours, and a difference may be that of the hour"
        )
    elif not varying:
        words += ": nothing varies with the hour"
    else:
        basis = Basis.WHOLE_DAYS
        words = (
            f"Held against whole days, as they vary with the hour: {_named(varying)}. A rhythm"
            f" takes two weeks of traffic, and there are {days:.0f} days"
        )
    seasonality = None
    if depends is not None:
        seasonality = depends.seasonality(baseline.channels)
        words += (
            ". Rows that come together are alike and count for less:"
            f" {_named(depends.variance_inflation)}"
        )
    phases = (Phase(-inf, seasonality, varying),) if seasonality or varying else ()
    return Allowance(basis, words, phases, varying, days)


def _named(channels: Iterable[str]) -> str:
    return listed(map(subject, single_of(channels)), MOST_NAMED)


def _between(
    hours: Sequence[Batch],
    from_s: float,
    to_s: float,
) -> list[Batch]:
    return [(begin_s, counts) for begin_s, counts in hours if from_s <= begin_s < to_s]


def _total(
    hours: Sequence[Batch],
    from_s: float,
    to_s: float,
) -> dict[str, list[int]]:
    """Return the counts between two times, by channel."""
    total: dict[str, list[int]] = {}
    for _, counts in _between(hours, from_s, to_s):
        add_counts(total, counts)
    return total
