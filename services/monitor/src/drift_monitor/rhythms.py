"""Learn each series' rhythm from the sums of its windows, and give it out."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass, field, replace
from itertools import groupby
from math import ceil
from typing import TYPE_CHECKING, Any

from drift_contracts.wording import listed
from drift_ml.baseline import Channel
from drift_ml.evidence import add_counts
from drift_ml.left_out import is_left_out
from drift_ml.rhythm import (
    FEWEST_DAYS,
    FEWEST_HOURS,
    RETRIED_HOURS,
    Base,
    Rhythm,
    RhythmError,
    bases_from_json,
    carried,
    dependence_so_far,
    enough,
    learn_rhythm,
    rebased,
    varying_channels,
)
from drift_ml.traffic_bases import DAY_S, bases_of, lengthened, renewed
from drift_ml.words import single_of

from drift_monitor.bases import LASTING_DAYS, lasts
from drift_monitor.errors import BadStore, Conflict
from drift_monitor.formats import DAMAGED, NEWER, is_newer, refuse_damaged
from drift_monitor.keys import Series
from drift_monitor.rules import Rules
from drift_monitor.sums import HOUR_S, HOURS, HOURS_A_DAY, Sums, size_in_words
from drift_monitor.usual_traffic import MOST_DAYS, UsualTraffic, usual_traffic

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from drift_contracts.types import DetectorStateV1Mixture, DetectorStateV2
    from drift_ml.baseline import Baseline
    from drift_ml.left_out import LeftOut
    from drift_ml.window import Window

    from drift_monitor.stores import Document, Store
    from drift_monitor.sums import Batch, Size

#: Hours that one run sums, at most: a day of minutes. What is left waits for the next run.
MOST_HOURS = 24
#: Channels that the page names; of more it gives the number.
MOST_NAMED = 4
#: Hours of a new service after which channels that vary are looked for: less of a day may be one
#: drift, which is told sooner than that.
FIRST_LOOK_HOURS = 6
#: Hours of the first day after which it is looked again.
LOOK_HOURS = 3
#: Hours after which a rhythm is learned again.
RELEARNED_HOURS = 7 * HOURS_A_DAY
WHAT = "what was learned of the traffic's rhythm"

_log = logging.getLogger("drift_monitor")


@dataclass(frozen=True)
class Memory:
    """What is stored of a series' rhythm."""

    #: How often it was written.
    revision: int
    #: The first and the last hour since 1970 that are summed; the last is before the first where
    #: none is.
    first_hour: int
    last_hour: int
    #: The last hour when the rhythm was learned, from which on a week passes until it is again.
    learned_hour: int | None = None
    rhythm: Rhythm | None = None
    #: Digest of the detector's settings when the rhythm was learned: a state of these goes on
    #: under the rhythm, its alarms kept.
    superseded: str | None = None
    #: Before a rhythm is learned: channels that vary with the hour, which are held against whole
    #: days.
    whole_days: tuple[str, ...] = ()
    #: Before a rhythm is learned: how the events of channels depend, as far as it is certain.
    depends: Rhythm | None = None
    #: The last hour when these were looked for.
    looked_hour: int | None = None
    #: Of the inputs, learned from the traffic of an earlier version of the model; and that version.
    carried: Rhythm | None = None
    carried_from: str = ""
    #: Bytes of each document of sums, by its place.
    sizes: Mapping[str, int] = field(default_factory=dict)
    #: By channel, when its new normal began, in seconds since the epoch.
    since: Mapping[str, float] = field(default_factory=dict)
    #: By channel, a new normal that no learned rhythm holds yet.
    new_normals: Mapping[str, Base] = field(default_factory=dict)
    #: By alert that somebody has acknowledged as the new normal, the channels whose new normal no
    #: learned rhythm holds yet: until then it can be taken back.
    taken: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Whether the rhythm was learned with bases of traffic.
    is_rolling: bool = False
    #: What hours of the week usually have, learned with the rhythm; of a new version by the one
    #: before. None before it is known.
    usual: UsualTraffic | None = None

    def in_force(self, bundled: Rhythm | None = None) -> Rhythm | None:
        """Return the rhythm that traffic is held against.

        Args:
            bundled: of the bundle, which holds until one is learned from the traffic.
        """
        return self.rhythm or bundled or self.carried

    def known(self, bundled: Rhythm | None = None) -> Rhythm | None:
        """Return the rhythm in force; before there is one, how events depend.

        Args:
            bundled: of the bundle.
        """
        return self.in_force(bundled) or self.depends

    def reference(
        self,
        baseline: Baseline,
        bundled: Rhythm | None = None,
    ) -> Rhythm | None:
        """Return the rhythm in force, with the new normals that came after it.

        Args:
            baseline: whose bins are counted.
            bundled: of the bundle.
        """
        rhythm = self.known(bundled)
        if not self.new_normals:
            return rhythm
        return rebased(rhythm, self.new_normals, baseline)

    def held(
        self,
        bundled: Rhythm | None,
        channels: Sequence[Channel],
    ) -> tuple[str, ...]:
        """Return the channels that are held against whole days.

        Args:
            bundled: of the bundle.
            channels: of the baseline.
        """
        rhythm = self.in_force(bundled)
        if rhythm is None:
            return self.whole_days
        if rhythm is not self.carried or not rhythm.cycles:
            return ()
        # The inputs cycle, and with them the answers, of which nothing is known yet.
        return tuple(channel.name for channel in channels if channel.answer is not None)

    @property
    def hours(self) -> int:
        """Return how many hours are summed, with traffic or without."""
        return max(0, self.last_hour + 1 - self.first_hour)

    @property
    def days(self) -> int:
        """Return over how many days before its end hours are summed: none before the first one."""
        # Where no hour is known of, as where a state was lost, some may be there all the same.
        return min(HOURS.kept_days, ceil(self.hours / HOURS_A_DAY) or HOURS.kept_days)

    @property
    def end_s(self) -> float:
        """Return when the last hour that is summed ends, in seconds since the epoch."""
        return float((self.last_hour + 1) * HOUR_S)

    def was_unknown(self, time_s: float) -> bool:
        """Return whether a rhythm is learned, and a time was before one could be.

        Args:
            time_s: in seconds since the epoch.
        """
        known_s = self.first_hour * HOUR_S + FEWEST_DAYS * DAY_S
        return self.rhythm is not None and time_s < known_s

    @property
    def first_day(self) -> int:
        """Return the number since 1970 of the first whole day."""
        return -(-self.first_hour // HOURS_A_DAY)

    @property
    def has_whole_day(self) -> bool:
        """Return whether a whole day in UTC is summed, with traffic or without."""
        return (self.last_hour + 1) // HOURS_A_DAY > self.first_day

    @property
    def is_day_over(self) -> bool:
        """Return whether the last hour that is summed is that of a day."""
        return (self.last_hour + 1) % HOURS_A_DAY == 0

    @property
    def is_first_day(self) -> bool:
        """Return whether the hours of a day are not all there yet."""
        return self.hours < HOURS_A_DAY

    @property
    def is_look_due(self) -> bool:
        """Return whether to look at the traffic so far: after each day, in the first one often."""
        if self.rhythm is not None or self.hours < LOOK_HOURS:
            return False
        if self.looked_hour is None:
            return True
        since = self.last_hour - self.looked_hour
        if self.is_first_day:
            return since >= LOOK_HOURS
        return since >= HOURS_A_DAY or self.looked_hour + 1 - self.first_hour < HOURS_A_DAY

    @property
    def is_due(self) -> bool:
        """Return whether a rhythm can be learned, and the last one is a week old."""
        oldest = max(self.first_hour, self.last_hour + 1 - HOURS.kept_days * HOURS_A_DAY)
        if not enough(oldest * HOUR_S, (self.last_hour + 1) * HOUR_S):
            return False
        return self.learned_hour is None or self.last_hour - self.learned_hour >= RELEARNED_HOURS

    def is_of_other_days(self, left_out: tuple[LeftOut, ...]) -> bool:
        """Return whether the rhythm was learned with other days left out."""
        return self.rhythm is not None and self.rhythm.left_out != left_out

    def in_words(self, bundled: Rhythm | None = None) -> str:
        """Return what is known of the rhythm, in words for the page.

        Args:
            bundled: of the bundle, which holds until one is learned from the traffic.
        """
        if self.rhythm is not None:
            return f"{self.rhythm}{self._size_in_words('; the sums of its hours take {}')}"
        days = f"{self.hours / HOURS_A_DAY:.0f} of {FEWEST_DAYS}"
        if bundled is None and self.carried is not None:
            return (
                f"{self.carried}, from version {self.carried_from}; predictions are held against"
                f" whole days until it is learned anew: {days} days are there"
            )
        if bundled is not None:
            return f"{bundled}, by the bundle; {days} days are there to learn it from this traffic"
        if self.is_first_day:
            learned = f"not known yet: {self.hours} of {HOURS_A_DAY} hours of traffic are there"
        else:
            learned = f"not learned yet: {days} days of traffic are there"
            learned += self._size_in_words(" (the sums of its hours take {})")
        if self.depends is not None:
            names = listed(single_of(self.depends.variance_inflation), MOST_NAMED)
            learned += f"; rows that are alike come together and count for less: {names}"
        if not self.whole_days and self.is_first_day:
            return f"{learned}, and a difference may be that of the hour"
        if not self.whole_days:
            return f"{learned}; nothing varies with the hour so far"
        names = listed(single_of(self.whole_days), MOST_NAMED)
        return f"{learned}; held against whole days until then, as they vary with the hour: {names}"

    def _size_in_words(self, words: str) -> str:
        """Return words with the size of the sums in place of {}; "" where none is known."""
        if not self.sizes:
            return ""
        return words.format(size_in_words(sum(self.sizes.values())))


class Rhythms:
    """Learns and gives out the rhythm of each series; used by whoever evaluates it."""

    def __init__(
        self,
        store: Store,
        period: int,
        left_out: tuple[LeftOut, ...] = (),
        rules: Rules | None = None,
    ) -> None:
        """Read nothing yet.

        Args:
            store: where windows are kept.
            period: whole seconds that a window spans, 60 or less.
            left_out: spans that nothing is learned from.
            rules: how references follow the traffic; those of a deployment that chooses none.
        """
        self._store = store
        self._left_out = left_out
        self._sums = Sums(store, period)
        self._rules = rules or Rules()
        self._windows_an_hour = HOUR_S // period

    def memory(
        self,
        series: Series,
        baseline: Baseline,
        first: int,
    ) -> Memory:
        """Return what is stored of a series' rhythm.

        Args:
            series: whose.
            baseline: whose bins are counted.
            first: the first window that was evaluated, where nothing is stored.

        Raises:
            BadStore: it is damaged, or newer than this code.
        """
        stored = self._store.state(_place(series))
        hour = first // self._windows_an_hour
        if stored.state is None:
            fresh = Memory(stored.revision, hour, hour - 1)
            return self._carried(series, baseline, fresh)
        refuse_damaged(stored.state, series, WHAT, f"state#{_place(series)}")
        # Any: what is stored may be of another release; its members are checked one by one.
        members: Any = stored.state
        document = members.get("rhythm")
        if document is not None and is_newer(document, "rhythm.v1"):
            raise BadStore(str(series), NEWER.format(what=WHAT))
        try:
            rhythm = _rhythm_of(document, baseline)
            return Memory(
                stored.revision,
                int(members["first_hour"]),
                int(members["last_hour"]),
                members["learned_hour"],
                rhythm,
                members["superseded"],
                tuple(members.get("whole_days", ())),
                _rhythm_of(members.get("depends"), baseline),
                members.get("looked_hour"),
                _rhythm_of(members.get("carried"), baseline),
                str(members.get("carried_from", "")),
                dict(members.get("sizes", {})),
                {name: float(since) for name, since in members.get("since", {}).items()},
                bases_from_json(members.get("new_normals", {}), baseline.channels),
                {name: tuple(taken) for name, taken in members.get("taken", {}).items()},
                bool(members.get("is_rolling", False)),
                _usual_of(members),
            )
        except (KeyError, TypeError, ValueError):
            item = f"state#{_place(series)}"
            raise BadStore(str(series), DAMAGED.format(what=WHAT, item=item)) from None

    def collect(
        self,
        series: Series,
        baseline: Baseline,
        memory: Memory,
        cursor: int,
        detector: DetectorStateV1Mixture | DetectorStateV2 | None,
        bundled: Rhythm | None = None,
        held: Collection[str] = (),
    ) -> Memory:
        """Sum the hours that have closed, learn where it is time, and store both.

        A run that dies in between does its hours again; sums are replaced, never added to.

        Args:
            series: whose windows.
            baseline: whose bins are counted.
            memory: as it was read.
            cursor: the last window that was evaluated.
            detector: the state of the detector, which goes on under a new rhythm.
            bundled: the rhythm of the bundle: with one, nothing is held against whole days.
            held: channels of alarms that stand, whose reference stays as it is.

        Raises:
            Conflict: another run has saved.
        """
        last = (cursor + 1) // self._windows_an_hour - 1
        oldest = last + 1 - HOURS.kept_days * HOURS_A_DAY
        begin = max(memory.last_hour + 1, oldest)
        end = min(last + 1, begin + MOST_HOURS)
        if begin >= end:
            return memory
        sizes = dict(memory.sizes)
        for day, hours in groupby(range(begin, end), key=lambda hour: hour // HOURS_A_DAY):
            sizes |= self._sums.add_day(series, baseline, day, list(hours))
        memory = replace(memory, last_hour=end - 1, sizes=sizes)
        settings = None if detector is None else detector["settings"]
        memory = self._renew(series, baseline, memory, settings, held)
        if memory.is_due or self._is_of_other_rules(memory):
            memory = replace(self._learn(series, baseline, memory, held), superseded=settings)
        if memory.is_look_due and memory.in_force(bundled) is None:
            memory = self._look(series, baseline, memory, settings)
        self._store.save(_place(series), memory.revision, _document(memory))
        return memory

    def _renew(
        self,
        series: Series,
        baseline: Baseline,
        memory: Memory,
        settings: str | None,
        held: Collection[str],
    ) -> Memory:
        """Return the memory with new normals of all traffic since, each time that doubles.

        Args:
            series: whose hours.
            baseline: whose bins are counted.
            memory: with the hours that are summed.
            settings: digest of the detector's settings.
            held: channels of alarms that stand, whose reference stays as it is.
        """
        if not self._rules.is_rolling:
            return memory
        hours = self.hours(series, baseline, memory)
        normals = memory.new_normals
        longer = lengthened(baseline, hours, normals, held, memory.end_s, self._left_out)
        if not longer:
            return memory
        return replace(memory, new_normals={**normals, **longer}, superseded=settings)

    def _is_of_other_rules(self, memory: Memory) -> bool:
        """Return whether the rhythm was learned under other settings than today's."""
        if memory.rhythm is None:
            return False
        is_of_other_reference = memory.is_rolling != self._rules.is_rolling
        return is_of_other_reference or memory.is_of_other_days(self._left_out)

    def _learn(
        self,
        series: Series,
        baseline: Baseline,
        memory: Memory,
        held: Collection[str] = (),
    ) -> Memory:
        try:
            bases = self._bases(baseline, memory, self.hours(series, baseline, memory), held)
            rhythm = learn_rhythm(
                baseline,
                self.hours(series, baseline, memory),
                finer=self.tens(series, baseline, memory),
                left_out=self._left_out,
                bases=bases,
            )
        except RhythmError as error:
            _log.info("the rhythm of %s is not learned: %s", series, error)
            earlier = memory.last_hour - RELEARNED_HOURS + RETRIED_HOURS
            return replace(memory, learned_hour=earlier)
        _log.info("the rhythm of %s: %s", series, rhythm)
        usual = self._usual(series, baseline, memory)
        self._hand_on(series, baseline, rhythm, usual)
        return replace(
            memory,
            learned_hour=memory.last_hour,
            rhythm=rhythm,
            whole_days=(),
            depends=None,
            looked_hour=None,
            new_normals={},
            taken={},
            is_rolling=self._rules.is_rolling,
            usual=usual,
        )

    def _usual(
        self,
        series: Series,
        baseline: Baseline,
        memory: Memory,
    ) -> UsualTraffic:
        """Return what hours of the week usually have.

        Args:
            series: whose hours.
            baseline: whose bins are counted.
            memory: with the hours that are summed.
        """
        windows = self.windows(series, baseline, memory, MOST_DAYS)
        events = {hour: window.events for hour, window in windows}
        return usual_traffic(events, memory.first_hour, memory.last_hour, self._left_out)

    def _bases(
        self,
        baseline: Baseline,
        memory: Memory,
        hours: Iterable[Batch],
        held: Collection[str],
    ) -> dict[str, Base]:
        """Return what each channel is held against; one that is left out against training.

        Args:
            baseline: whose bins are counted.
            memory: with the rhythm before.
            hours: that are kept, the oldest first.
            held: channels of alarms that stand, which are not learned from: they keep what they
                are held against.
        """
        if not self._rules.is_rolling:
            return {}
        learned = {} if memory.rhythm is None else memory.rhythm.bases
        former = {**learned, **memory.new_normals}
        return renewed(baseline, hours, former, held, memory.end_s, memory.since, self._left_out)

    def reference(
        self,
        memory: Memory,
        baseline: Baseline,
        bundled: Rhythm | None = None,
    ) -> Rhythm | None:
        """Return the rhythm in force, with the bases that the rules ask for.

        Args:
            memory: of a series.
            baseline: whose bins are counted.
            bundled: the rhythm of the bundle.
        """
        if self._rules.is_rolling:
            return memory.reference(baseline, bundled)
        return memory.known(bundled)

    def bases_since(
        self,
        series: Series,
        baseline: Baseline,
        memory: Memory,
        since: Mapping[str, float],
    ) -> dict[str, Base]:
        """Return the traffic of channels since they changed, where it is enough to be held against.

        Args:
            series: whose hours.
            baseline: whose bins are counted.
            memory: with the hours that are summed.
            since: by channel, when the change began, in seconds since the epoch.
        """
        hours = self.hours(series, baseline, memory)
        return bases_of(baseline, hours, since, memory.end_s, self._left_out)

    def lasts(
        self,
        series: Series,
        baseline: Baseline,
        memory: Memory,
        channel: str,
        since_s: float,
    ) -> bool:
        """Return whether the last days of a channel are more like those since a change than before.

        Args:
            series: whose hours.
            baseline: whose bins are counted.
            memory: with the hours that are summed.
            channel: that has changed.
            since_s: when it did, in seconds since the epoch; one that is younger than a day before
                the last days is taken to last.
        """
        recent_s = memory.end_s - LASTING_DAYS * DAY_S
        if since_s > recent_s - DAY_S:
            return True
        bins = len(baseline.channel(channel).counts)
        since, days = {channel: [0] * bins}, {channel: [0] * bins}
        number = ceil((memory.end_s - since_s) / DAY_S)
        for begin_s, counts in self._sums.hours(series, baseline, memory.last_hour, number):
            if begin_s >= since_s and not is_left_out(begin_s, self._left_out):
                add_counts(days if begin_s >= recent_s else since, {channel: counts[channel]})
        reference = memory.reference(baseline)
        before = baseline.channel(channel).counts
        if reference is not None and channel in reference.bases:
            before = reference.bases[channel].counts
        return lasts(days[channel], before, since[channel])

    def take_as_normal(
        self,
        series: Series,
        memory: Memory,
        since: Mapping[str, float],
        bases: Mapping[str, Base],
        settings: str,
        alert_id: str = "",
    ) -> Memory:
        """Hold channels against the traffic since a change, and return the memory as it is stored.

        Args:
            series: whose.
            memory: of the series.
            since: by channel, when the change began, in seconds since the epoch.
            bases: by channel, the traffic since, as `bases_since` returns it.
            settings: digest of the detector's settings, which goes on under others.
            alert_id: that somebody has acknowledged; "" where nobody has.
        """
        begun = {name: since[name] for name in bases}
        memory = replace(
            memory,
            since={**memory.since, **begun},
            new_normals={**memory.new_normals, **bases},
            superseded=settings,
        )
        if alert_id:
            memory = replace(memory, taken={**memory.taken, alert_id: tuple(sorted(bases))})
        self._store.save(_place(series), memory.revision, _document(memory))
        return replace(memory, revision=memory.revision + 1)

    def give_back(
        self,
        series: Series,
        memory: Memory,
        alert_id: str,
        settings: str,
    ) -> Memory:
        """Hold channels against what they were held against before a new normal, and store that.

        Args:
            series: whose.
            memory: that has the new normal.
            alert_id: whose acknowledgement was taken back.
            settings: digest of the detector's settings, which goes on under others.
        """
        back = memory.taken[alert_id]
        memory = replace(
            memory,
            since={name: since for name, since in memory.since.items() if name not in back},
            new_normals={
                name: base for name, base in memory.new_normals.items() if name not in back
            },
            taken={name: taken for name, taken in memory.taken.items() if name != alert_id},
            superseded=settings,
        )
        self._store.save(_place(series), memory.revision, _document(memory))
        return replace(memory, revision=memory.revision + 1)

    def _hand_on(
        self,
        series: Series,
        baseline: Baseline,
        rhythm: Rhythm,
        usual: UsualTraffic,
    ) -> None:
        """Keep a rhythm for the versions of the model to come, with the bins that it is of."""
        place = _model_place(series)
        document: Document = {
            "version": series.version,
            "rhythm": rhythm.to_json(),
            "baseline": baseline.digest,
            "channels": [channel.to_json() for channel in baseline.channels],
            "usual": usual.to_json(),
        }
        # Two versions that learn at once have the same traffic.
        with contextlib.suppress(Conflict):
            self._store.save(place, self._store.state(place).revision, document)

    def _carried(
        self,
        series: Series,
        baseline: Baseline,
        fresh: Memory,
    ) -> Memory:
        """Return the memory of a new version, with what an earlier one has learned of the inputs.

        Args:
            series: the new version.
            baseline: of the new version.
            fresh: a memory of nothing.
        """
        # Any: what is stored may be of another release; then nothing is carried over.
        document: Any = self._store.state(_model_place(series)).state
        if not document or document.get("version") == series.version:
            return fresh
        try:
            channels = [Channel.from_json(item) for item in document["channels"]]
            rhythm = Rhythm.from_json(
                document["rhythm"], baseline=document["baseline"], channels=channels
            )
            usual = _usual_of(document)
        except (KeyError, TypeError, ValueError):
            _log.warning("the rhythm of an earlier version of %s cannot be read", series.model)
            return fresh
        inputs = carried(rhythm, channels, baseline)
        version = str(document["version"])
        return replace(fresh, carried=inputs, carried_from=version, usual=usual)

    def _look(
        self,
        series: Series,
        baseline: Baseline,
        memory: Memory,
        settings: str | None,
    ) -> Memory:
        """Return the memory with what the traffic so far shows for certain.

        That is how events depend, by ten minutes, and which channels vary with the hour, by all
        whole days.

        Args:
            series: whose hours.
            baseline: whose bins are counted.
            memory: with the hours that are summed.
            settings: digest of the detector's settings.
        """
        hours = self.hours(series, baseline, memory)
        usual = [hour for hour in hours if not is_left_out(hour[0], self._left_out)]
        fewest = FIRST_LOOK_HOURS if memory.is_first_day else FEWEST_HOURS
        depends = self._depends(series, baseline, memory)
        inflation = None if depends is None else depends.variance_inflation
        varying = varying_channels(baseline, usual, fewest, inflation)
        if memory.is_first_day:
            # What varies in six hours may look steady in nine: it stays held until the day is over.
            also = {*varying, *memory.whole_days}
            varying = tuple(item.name for item in baseline.channels if item.name in also)
        looked = replace(memory, looked_hour=memory.last_hour)
        if (varying, depends) == (memory.whole_days, memory.depends):
            return looked
        dependent = 0 if depends is None else len(depends.variance_inflation)
        _log.info("of %s vary with the hour: %d; depend: %d", series, len(varying), dependent)
        return replace(looked, whole_days=varying, depends=depends, superseded=settings)

    def _depends(
        self,
        series: Series,
        baseline: Baseline,
        memory: Memory,
    ) -> Rhythm | None:
        """Return how events depend by all ten minutes so far, as before where it is about the same.

        Other figures begin the evidence anew, so that they are asked for each time that the
        traffic has doubled.

        Args:
            series: whose ten minutes.
            baseline: whose bins are counted.
            memory: with the hours that are summed.
        """
        before = memory.depends
        looked = 0 if memory.looked_hour is None else memory.looked_hour + 1 - memory.first_hour
        doublings, known = [(hours // LOOK_HOURS).bit_length() for hours in (memory.hours, looked)]
        if doublings == known:
            return before
        tens = self.tens(series, baseline, memory)
        usual = (batch for batch in tens if not is_left_out(batch[0], self._left_out))
        return dependence_so_far(baseline, usual, before)

    def last_day(
        self,
        series: Series,
        baseline: Baseline,
        memory: Memory,
    ) -> dict[str, list[int]]:
        """Return the counts of the last whole day, by channel.

        Args:
            series: whose hours.
            baseline: whose bins are counted.
            memory: with the hours that are summed.
        """
        total: dict[str, list[int]] = {}
        for _, counts in self._sums.hours(series, baseline, memory.last_hour, days=1):
            add_counts(total, counts)
        return total

    def windows(
        self,
        series: Series,
        baseline: Baseline,
        memory: Memory,
        days: int = HOURS.kept_days,
    ) -> Iterator[tuple[int, Window]]:
        """Yield number since 1970 and sum of each hour that is kept, the oldest first.

        Args:
            series: whose hours.
            baseline: whose bins are counted.
            memory: with the hours that are summed.
            days: before their end, at most.
        """
        days = min(days, memory.days)
        return self._sums.hour_windows(series, baseline, memory.last_hour, days)

    def hours(
        self,
        series: Series,
        baseline: Baseline,
        memory: Memory,
    ) -> Iterator[Batch]:
        """Yield begin and counts of each hour that is kept, the oldest first.

        Args:
            series: whose hours.
            baseline: whose bins are counted.
            memory: with the hours that are summed.
        """
        return self._sums.hours(series, baseline, memory.last_hour, memory.days)

    def tens(
        self,
        series: Series,
        baseline: Baseline,
        memory: Memory,
    ) -> Iterator[Batch]:
        """Yield begin and counts of each ten minutes that are kept, the oldest first.

        Args:
            series: whose sums.
            baseline: whose bins are counted.
            memory: with the hours that are summed.
        """
        return self._sums.tens(series, baseline, memory.last_hour)

    def sizes(self, series: Series) -> list[Size]:
        """Return what the sums of a series take in the store, the finest first."""
        return self._sums.sizes(series)


def _rhythm_of(
    document: object,
    baseline: Baseline,
) -> Rhythm | None:
    """Return a stored rhythm; None for none. Raises RhythmError."""
    if document is None:
        return None
    return Rhythm.from_json(document, baseline=baseline.digest, channels=baseline.channels)


def _usual_of(members: Mapping[str, Any]) -> UsualTraffic | None:
    """Return the usual traffic that is stored; None for none.

    Raises KeyError, TypeError or ValueError.
    """
    # Absent where a release before this one has learned the rhythm.
    document = members.get("usual")
    return None if document is None else UsualTraffic.from_json(document)


def _model_place(series: Series) -> Series:
    # Versions are hex digits. A segment follows its own rhythm.
    place = Series(series.model, "rhythm")
    return place.part(series.segment) if series.segment else place


def _place(series: Series) -> Series:
    return Series(series.model, f"{series.version}-rhythm")


def _document(memory: Memory) -> Document:
    return {
        "first_hour": memory.first_hour,
        "last_hour": memory.last_hour,
        "learned_hour": memory.learned_hour,
        "superseded": memory.superseded,
        "whole_days": list(memory.whole_days),
        "depends": None if memory.depends is None else memory.depends.to_json(),
        "looked_hour": memory.looked_hour,
        "carried": None if memory.carried is None else memory.carried.to_json(),
        "carried_from": memory.carried_from,
        "sizes": dict(memory.sizes),
        "rhythm": None if memory.rhythm is None else memory.rhythm.to_json(),
        "since": dict(memory.since),
        "new_normals": {name: base.to_json() for name, base in memory.new_normals.items()},
        "taken": {name: list(channels) for name, channels in memory.taken.items()},
        "is_rolling": memory.is_rolling,
        "usual": None if memory.usual is None else memory.usual.to_json(),
    }
