"""A caller that is left out of all rows, held against its own former traffic, as in the service.

What it is held against follows as the evaluator has it: a day of the caller's rows at first, more
of them each time that their span doubles, and after two weeks a rhythm, which is learned again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_ml.evidence import add_counts
from drift_ml.left_out import is_left_out
from drift_ml.replay.allowance import DAY_S, HOUR_S, KEPT_DAYS, Phase, batches_of, hour_of
from drift_ml.replay.evidence import DetectorRun, worded
from drift_ml.rhythm import (
    RETRIED_HOURS,
    RhythmError,
    dependence_so_far,
    enough,
    learn_rhythm,
    rebased,
    varying_channels,
)
from drift_ml.traffic_bases import lengthened, renewed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from drift_ml.baseline import Baseline
    from drift_ml.evidence import Settings
    from drift_ml.left_out import LeftOut
    from drift_ml.replay.evidence import Alarm
    from drift_ml.rhythm import Base, Rhythm
    from drift_ml.window import Window


class OwnTraffic:
    """Holds the rows of one caller against those that it asked for before."""

    def __init__(
        self,
        baseline: Baseline,
        plain: Settings,
        relearned_days: int,
        left_out: tuple[LeftOut, ...] = (),
    ) -> None:
        """Begin without traffic.

        Args:
            baseline: Of all rows, whose bins are counted.
            plain: Settings of the detector, without what is allowed for.
            relearned_days: After so many a rhythm is learned again.
            left_out: Spans of days that nothing is learned from, and that are no evidence.
        """
        self._baseline = baseline
        self._plain = plain
        self._relearned_s = relearned_days * DAY_S
        self._left_out = left_out
        #: Of the caller, the oldest first; and their sums by the hour.
        self._windows: list[Window] = []
        self._hours: list[tuple[float, dict[str, list[int]]]] = []
        #: None until a day of the caller's own rows is known.
        self._run: DetectorRun | None = None
        self._taken: list[Window] = []
        #: What each alarm was held against, in their order; None for the training rows.
        self._usual: list[Window | None] = []
        self._rhythm: Rhythm | None = None
        #: By channel, what is newer than the rhythm.
        self._bases: Mapping[str, Base] = {}
        self._whole_days: tuple[str, ...] = ()
        #: Before a rhythm is learned: how events depend, as far as it is certain.
        self._depends: Rhythm | None = None
        #: When the rhythm was learned, and when the last two were looked for.
        self._learned_s: float | None = None
        self._looked_s: float | None = None

    @property
    def stands(self) -> bool:
        """Return whether an alarm of the caller stands."""
        return self._run is not None and self._run.stands

    def note(self, window: Window) -> None:
        """Take in a window of a time at which the caller was part of all rows."""
        if not is_left_out(hour_of(window), self._left_out):
            self._add(window)

    def _add(self, window: Window) -> None:
        hour_s = hour_of(window)
        self._windows.append(window)
        if not self._hours or self._hours[-1][0] != hour_s:
            self._hours.append((hour_s, {}))
        add_counts(self._hours[-1][1], window.channel_counts())

    def take(self, window: Window) -> bool:
        """Take in a window of a time at which the caller is left out.

        Args:
            window: With events, none of which is of another hour.

        Returns:
            Whether it was held against the caller's own traffic, of which enough is known.
        """
        hour_s = hour_of(window)
        if is_left_out(hour_s, self._left_out):
            return False
        if self._hours and self._hours[-1][0] != hour_s:
            self._follow(hour_s)
        self._add(window)
        if self._run is None:
            return False
        self._run.take(window)
        self._taken.append(window)
        self._note_usual(self._run)
        return True

    def end(self, last_ms: int) -> None:
        """Take in the last day of the file; last_ms: of its last row, since 1970."""
        if self._run is not None:
            self._run.end(last_ms)
            self._note_usual(self._run)

    def _note_usual(self, run: DetectorRun) -> None:
        """Note what the alarms that are new were held against, as that follows the traffic."""
        for alarm in run.alarms[len(self._usual) :]:
            self._usual.append(self._held_against(alarm.finding.channel))

    def alarms(self, units: Mapping[str, str]) -> tuple[Alarm, ...]:
        """Return the alarms with their words, by the rows that were held against the caller's own.

        Args:
            units: Of the features, by name.
        """
        raised = () if self._run is None else self._run.alarms
        return tuple(
            worded(alarm, self._baseline, self._taken, units, usual)
            for alarm, usual in zip(raised, self._usual, strict=True)
        )

    def _follow(self, now_s: float) -> None:
        """Renew what the caller is held against, as an hour has begun; now_s: its begin."""
        if self._run is None:
            self._bases = renewed(self._baseline, self._hours, {}, (), now_s)
            if self._bases:
                self._look(now_s)
                self._run = DetectorRun(self._plain, self._phase(now_s))
            return
        held = self._run.explained_channels
        is_longer = self._lengthen(now_s, held)
        is_learned = self._learn(now_s, held)
        if self._look(now_s) or is_longer or is_learned:
            self._run.begin(self._phase(now_s))

    def _lengthen(
        self,
        now_s: float,
        held: Collection[str],
    ) -> bool:
        """Hold channels against all traffic since, where it lasts twice as long; return whether.

        Args:
            now_s: In seconds since 1970.
            held: Channels of alarms that stand, whose reference stays as it is.
        """
        longer = lengthened(self._baseline, self._hours, self._bases, held, now_s)
        self._bases = {**self._bases, **longer}
        return bool(longer)

    def _learn(
        self,
        now_s: float,
        held: Collection[str],
    ) -> bool:
        """Learn the rhythm of the caller where it is time; return whether.

        Args:
            now_s: In seconds since 1970.
            held: As for `_lengthen`.
        """
        # Days are counted from the first one on, as those of the service are.
        first_s = self._hours[0][0] // DAY_S * DAY_S
        if not enough(first_s, now_s):
            return False
        if self._learned_s is not None and now_s - self._learned_s < self._relearned_s:
            return False
        oldest_s = now_s - KEPT_DAYS * DAY_S
        hours = [hour for hour in self._hours if hour[0] >= oldest_s]
        learned = {} if self._rhythm is None else self._rhythm.bases
        former = {**learned, **self._bases}
        bases = renewed(self._baseline, hours, former, held, now_s)
        try:
            self._rhythm = learn_rhythm(self._baseline, hours, bases=bases)
        except RhythmError:
            self._learned_s = now_s - self._relearned_s + RETRIED_HOURS * HOUR_S
            return False
        self._learned_s, self._bases, self._whole_days = now_s, {}, ()
        return True

    def _look(self, now_s: float) -> bool:
        """Look once a day for what the traffic so far shows; return whether that is another thing.

        How events depend is asked for each time that the traffic has doubled.

        Args:
            now_s: In seconds since 1970.
        """
        if self._rhythm is not None:
            return False
        before_s, before = self._looked_s, (self._whole_days, self._depends)
        if before_s is not None and now_s - before_s < DAY_S:
            return False
        self._looked_s = now_s
        first_s = self._hours[0][0]
        days = int((now_s - first_s) // DAY_S)
        known = 0 if before_s is None else int((before_s - first_s) // DAY_S)
        if days.bit_length() != known.bit_length():
            batches = batches_of(self._windows)
            self._depends = dependence_so_far(self._baseline, batches, self._depends)
        inflation = {} if self._depends is None else self._depends.variance_inflation
        self._whole_days = varying_channels(self._baseline, self._hours, inflation=inflation)
        return (self._whole_days, self._depends) != before

    def _phase(self, now_s: float) -> Phase:
        """Return what the caller is held against from now on; now_s: in seconds since 1970."""
        day: dict[str, list[int]] = {}
        for begin_s, counts in self._hours:
            if begin_s >= now_s - DAY_S:
                add_counts(day, counts)
        seasonality = self._reference.seasonality(self._baseline.channels)
        return Phase(now_s, seasonality, self._whole_days, day_before=day)

    @property
    def _reference(self) -> Rhythm:
        if self._rhythm is not None and not self._bases:
            return self._rhythm
        return rebased(self._rhythm or self._depends, self._bases, self._baseline)

    def _held_against(self, channel: str) -> Window | None:
        """Return the traffic that a channel is held against; None for the training rows."""
        base = self._reference.bases.get(channel)
        if base is None:
            return None
        total: Window | None = None
        for window in self._windows:
            if base.from_s <= hour_of(window) < base.to_s:
                total = window if total is None else total + window
        return total
