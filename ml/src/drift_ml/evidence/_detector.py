"""The sequential mixture detector over the channels of a baseline."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from math import inf, log
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.evidence._budget import Budget
from drift_ml.evidence._capital import Capital, Wandering, log_mixture
from drift_ml.evidence._errors import EvidenceError
from drift_ml.evidence._finding import DriftFinding, find
from drift_ml.evidence._recovery import LARGEST_LEFT, Recovery, Stratum
from drift_ml.evidence._repeats import Repeats
from drift_ml.evidence._seasonality import DayVariation
from drift_ml.evidence._standing import Causes, StandingAlarm, StandingDrift
from drift_ml.evidence._state import CONTRACT, FORMER_CONTRACT, capital_to_json, restored, upgraded
from drift_ml.evidence._tables import tables_of
from drift_ml.evidence._whole_days import DAY_EVENTS, WholeDay, scaled_days

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    import numpy.typing as npt
    from drift_contracts.types import (
        DetectorStateV1Mixture,
        DetectorStateV2,
        DetectorStateV2Alarm,
        DetectorStateV2Capital,
        DetectorStateV2Drift,
    )

    from drift_ml.baseline import Channel
    from drift_ml.evidence._charts import Chart
    from drift_ml.evidence._distributions import Floats
    from drift_ml.evidence._seasonality import Seasonality
    from drift_ml.evidence._tables import Counts, Tables
    from drift_ml.sketches import Sketches

    Flags = npt.NDArray[np.bool_]
#: Part of the time since an onset by which the estimate of it may be late.
ONSET_SLACK = 0.5
#: Nats that one batch gains at most where events come in bursts: one burst is no change.
MOST_GAIN = 3.0
#: In equivalent standard deviations.
MINIMUM_EFFECT = 0.1
#: Features of a channel of two.
PAIR = 2
#: Seconds that the last day of past traffic may be short of a whole one.
MOST_SHORT_S = 3_600.0


@dataclass(frozen=True)
class Settings:
    """What a mixture detector is made of."""

    #: Of the baseline (`Baseline.channels`).
    channels: Sequence[Channel]
    #: How often the detector may be wrong.
    budget: Budget = field(default_factory=Budget)
    #: In equivalent standard deviations; evidence of less raises no alarm.
    minimum_effect: float = MINIMUM_EFFECT
    #: Learned from good traffic; None for independent events without cycles.
    seasonality: Seasonality | None = None
    #: Minimum effects of single features, by name; a pair takes the larger of both.
    minimum_effects: Mapping[str, float] = field(default_factory=dict)
    #: Channels that vary with the hour, of which nothing more is known yet: their events are
    #: summed, and each whole day of them is one step. In a seasonality they have one reference.
    whole_days: tuple[str, ...] = ()
    #: Whether events count for less where the sketches of windows say that they repeat.
    repeats: bool = True
    #: Of the baseline (`Baseline.tie_rate`); it adds nothing to the digest, as nothing can differ.
    tie_rate: float | None = None

    @cached_property
    def digest(self) -> str:
        """Hex sha256 of the settings: a state belongs to the settings that it was gained under."""
        channels = [channel.to_json() for channel in self.channels]
        seasonality = None if self.seasonality is None else self.seasonality.to_json()
        parts = [channels, self.budget.events, self.minimum_effect, seasonality]
        if self.minimum_effects:
            # Without them a state belongs to the settings that earlier releases knew.
            parts.append(dict(self.minimum_effects))
        if self.whole_days:
            parts.append({"whole_days": list(self.whole_days)})
        if not self.repeats:
            # Windows of earlier releases say nothing of repeats, so that their states go on.
            parts.append({"repeats": False})
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def least_effect(self, channel: str) -> float:
        """Return the effect below which a channel raises no alarm, in standard deviations."""
        if not self.minimum_effects:
            return self.minimum_effect
        of = next(item.of for item in self.channels if item.name == channel)
        if len(of) > PAIR:
            # One feature's minimum must not silence the channel of all of them.
            return self.minimum_effect
        single = [self.minimum_effects[name] for name in of if name in self.minimum_effects]
        return max(single, default=self.minimum_effect)


class MixtureDetector:
    """Shiryaev-Roberts evidence over every channel, kind, size and direction of drift.

    There is one threshold and one budget for all of them. M = sum over charts of
    weight x exp(log capital); the alarm is raised when M reaches the budget's number of events and
    the estimated effect is at least the minimum. With an exact reference, M minus the number of
    events is a martingale while nothing changes, so that the mean number of events to a false
    alarm is at least the budget. An estimated reference is allowed for by shrinking (see
    `Capital`). An alarm explains the channels of its feature; the mixture goes on over all others,
    so that the next drift is the next alarm, unless it began with the first and moves with it in
    the reference: then it joins that alarm. An alarm stands until each of its drifts has as much
    evidence of being over as raised it; `observe_window` does all of this for one window.
    Sources: Roberts 1966; Pollak & Siegmund 1991; Shin, Ramdas & Rinaldo 2022 (E-detectors).

    >>> from drift_ml.baseline import Channel
    >>> rooms = Channel("rooms", "values", ("rooms",), (5000, 5000), values=(1, 2))
    >>> detector = MixtureDetector(Settings([rooms], Budget(1000)))
    >>> detector.update({"rooms": [52, 48]}), detector.update({"rooms": [20, 80]})
    (False, True)
    >>> detector.alarm.channel, detector.alarm.direction
    ('rooms', 'up')
    """

    name = "mixture"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        seasonality = settings.seasonality
        strata = (None,) if seasonality is None else seasonality.strata
        inflation = {} if seasonality is None else seasonality.variance_inflation
        self._tables = tables_of(settings.channels, strata)
        self._variance_inflation = np.array(
            [inflation.get(chart.channel, 1.0) for chart in self._tables[0].charts]
        )
        self._wandering, self._discount = None, None
        if seasonality is not None:
            self._wandering = _wandering(seasonality, self._tables[0].charts)
            self._discount = _reference_discount(seasonality, self._tables[0].charts)
        self._most_gain: Floats | None = None
        if seasonality is not None and seasonality.bursting:
            charts = self._tables[0].charts
            bursting = [chart.channel in seasonality.bursting for chart in charts]
            self._most_gain = np.where(bursting, MOST_GAIN * self._variance_inflation, np.inf)
        self._daily: Flags | None = None
        if settings.whole_days:
            daily = [chart.channel in settings.whole_days for chart in self._tables[0].charts]
            self._daily = np.array(daily)
        self._causes = Causes(settings.channels, self._tables[0].places)
        self._needed = log(settings.budget.events)
        self.reset()

    def reset(self) -> None:
        """Forget everything: no alarm, no evidence."""
        self._capital = Capital.empty(len(self._tables[0].charts))
        self._capital.wandering = self._wandering
        self._alarms: list[StandingAlarm] = []
        self.events = 0.0
        self._quiet = 0.0
        self._day = WholeDay(self.settings.whole_days)
        self._forget_repeats()
        self._forget_changes()

    def _forget_repeats(self) -> None:
        self._repeats = Repeats(self.settings.tie_rate or 0.0)
        self._measured = 1.0

    def _forget_changes(self) -> None:
        """Begin a step: nothing has changed in it yet."""
        self._raised: list[StandingAlarm] = []
        self._joined: list[StandingDrift] = []
        self._peak = -inf

    @property
    def alarms(self) -> tuple[StandingAlarm, ...]:
        """Return the alarms that stand, the oldest first."""
        return tuple(self._alarms)

    @property
    def alarm(self) -> DriftFinding | None:
        """Return what raised the oldest alarm that stands; None while there is none."""
        return self._alarms[0].finding if self._alarms else None

    @property
    def raised(self) -> tuple[StandingAlarm, ...]:
        """Return the alarms that the last step raised."""
        return tuple(self._raised)

    @property
    def joined(self) -> tuple[DriftFinding, ...]:
        """Return what the last step found to be of the cause of an alarm that stood."""
        return tuple(drift.finding for drift in self._joined)

    @property
    def peak(self) -> float:
        """Return ln of the evidence that the last step reached before it was spent, nats.

        It is minus infinity where the threshold was not reached.
        """
        return self._peak

    @property
    def reason(self) -> str | None:
        """Return the oldest alarm in one line, or None."""
        return None if self.alarm is None else str(self.alarm)

    @property
    def evidence(self) -> float:
        """Return ln of the mixture over what no alarm explains, nats; minus infinity for nothing.

        The threshold is `needed`.
        """
        return self._mixture(self._open_charts())

    def _mixture(self, charts: Flags | None) -> float:
        """Return ln of the mixture over some of the charts, nats; over all of them for None."""
        weights = self._tables[0].log_weights
        if charts is None:
            # Without an alarm, which is nearly always, no chart need be picked out.
            return float(log_mixture(self._capital.log, weights))
        if not charts.any():
            return -inf
        return float(log_mixture(self._capital.log[charts], weights[charts]))

    def _open_charts(self) -> Flags | None:
        """Return which charts no alarm explains, shape (charts,); None for all of them."""
        return ~self._explained() if self._alarms else None

    def _explained(self) -> Flags:
        """Return which charts the alarms that stand explain, shape (charts,)."""
        explained = np.zeros(len(self._tables[0].charts), dtype=bool)
        for alarm in self._alarms:
            for drift in alarm.drifts:
                explained |= drift.explained
        return explained

    @property
    def explained_channels(self) -> frozenset[str]:
        """Return the channels that the alarms that stand explain."""
        tables = self._tables[0]
        return frozenset(tables.names[place] for place in tables.places[self._explained()])

    def evidence_by_channel(self) -> dict[str, float]:
        """Return ln of what each channel adds to the mixture, nats; minus infinity for nothing."""
        tables = self._tables[0]
        gained = self._capital.log + tables.log_weights
        parts = np.full(len(tables.names), -inf)
        np.logaddexp.at(parts, tables.places, gained)
        charted = np.unique(tables.places).tolist()
        return {tables.names[place]: float(parts[place]) for place in charted}

    @property
    def needed(self) -> float:
        """Return ln of the threshold, nats."""
        return self._needed

    @property
    def recovered(self) -> bool:
        """Return whether every drift of an alarm is over.

        It takes as much evidence as an alarm does (see `Recovery`).
        """
        return any(self._is_over(alarm) for alarm in self._alarms)

    def _is_over(self, alarm: StandingAlarm) -> bool:
        return all(drift.recovery.evidence >= self._needed for drift in alarm.drifts)

    def end_recovered(self) -> tuple[StandingAlarm, ...]:
        """End the alarms whose drifts are over, and return them; what they explained is armed."""
        over = tuple(alarm for alarm in self._alarms if self._is_over(alarm))
        for alarm in over:
            self._end(alarm)
        return over

    def changed(self, alarm: StandingAlarm) -> tuple[frozenset[str], float]:
        """Return the channels that the cause of an alarm has changed, and since when.

        Answers, and all features together, follow from the features. The time is the latest onset
        of the alarm's drifts, beside those that follow, in the clock that the detector is given.
        """
        tables = self._tables[0]
        names = {name for name in tables.names if self._causes.follows(name)}
        onsets = []
        for drift in alarm.drifts:
            names.update(tables.names[place] for place in tables.places[drift.explained])
            if not self._causes.follows(drift.finding.channel):
                onsets.append(drift.finding.since)
        return frozenset(names), max(onsets, default=alarm.finding.since)

    def end(self, channels: Collection[str]) -> None:
        """End alarms, whatever the tests of their end say; what they explained is armed.

        Args:
            channels: Those that the alarms were raised by.
        """
        for alarm in self.alarms:
            if alarm.finding.channel in channels:
                self._end(alarm)

    def _end(self, alarm: StandingAlarm) -> None:
        self._alarms.remove(alarm)
        for drift in alarm.drifts:
            self._capital.clear_charts(drift.explained)

    def forget_evidence(self) -> None:
        """Begin the evidence anew; alarms that stand go on, and so do the tests of their end.

        A new seasonality asks for it: what was gained under another reference is none under this.
        So do channels that are held against whole days from now on; the tests of their end begin
        anew too, since hours may have ended them.
        """
        self._capital.clear()
        self._quiet = 0.0
        self._day = WholeDay(self.settings.whole_days)
        # Who computes an alert again begins here, and knows no windows before.
        self._forget_repeats()
        for recovery in self._daily_recoveries():
            recovery.capital.clear()

    def review_day(self, counts: Counts) -> None:
        """Take a whole day that is past in for the end of alarms, not as evidence of a drift.

        Args:
            counts: events per bin of the day, by channel; those that are not held against whole
                days are left out.
        """
        scaled = scaled_days(counts)
        for recovery in self._daily_recoveries():
            recovery.update(scaled.get(recovery.channel, []), 0)

    def _daily_recoveries(self) -> Iterator[Recovery]:
        for recovery in self._recoveries():
            if recovery.channel in self.settings.whole_days:
                yield recovery

    def finding(self) -> DriftFinding | None:
        """Return what the evidence says so far beside the alarms; None where it says nothing."""
        return self._find(~self._explained())

    def _find(self, charts: Flags) -> DriftFinding | None:
        """Return the finding over some of the charts, None where they have gained nothing."""
        evidence = self._mixture(charts)
        if evidence == -inf:
            return None
        inflation = self._inflation()
        return find(
            self._tables[0],
            self._capital,
            inflation,
            evidence,
            self._needed,
            charts,
        )

    def update(
        self,
        counts: Counts,
        *,
        events: int | None = None,
        timestamp_s: float = 0.0,
        sketches: Sketches | None = None,
    ) -> bool:
        """Take a batch in; return whether there is an alarm.

        A batch is one step with its joint likelihood ratio, as the order within it is not known.

        Args:
            counts: events per bin, by channel.
            events: the size of the batch, by default the largest total of a channel.
            timestamp_s: of the batch's beginning, in seconds since the epoch: it chooses the
                stratum and dates the onset.
            sketches: of the batch, by which repeats count for less; None for none.

        Raises:
            EvidenceError: the counts are of other bins.
        """
        if events is None:
            events = max((sum(bins) for bins in counts.values()), default=0)
        self._forget_changes()
        if events <= 0:
            return bool(self._alarms)
        if sketches and self.settings.repeats:
            self._measure(sketches, events, timestamp_s)
        if self._daily is not None:
            self._close_day(self._daily, timestamp_s)
            counts = self._day.add(counts, events, timestamp_s)
        stratum = self._stratum(timestamp_s)
        for recovery in self._recoveries():
            bins = counts.get(recovery.channel, ())
            recovery.update(self._as_they_count(recovery.channel, bins), stratum)
        tables = self._tables[stratum]
        ratio, seen = tables.ratio_and_seen(counts)
        return self._advance(
            tables,
            ratio,
            events,
            timestamp_s,
            seen,
        )

    def update_event(
        self,
        bins: Mapping[str, int],
        *,
        timestamp_s: float = 0.0,
    ) -> bool:
        """Take one event in; return whether there is an alarm.

        Args:
            bins: the bin that it falls into, by channel; -1 for none.
            timestamp_s: as for `update`.

        Raises:
            EvidenceError: channels are held against whole days, which takes batches.
        """
        if self._daily is not None:
            raise EvidenceError("channels that are held against whole days: expected batches")
        self._forget_changes()
        stratum = self._stratum(timestamp_s)
        for recovery in self._recoveries():
            recovery.update_event(bins.get(recovery.channel, -1), stratum)
        tables = self._tables[stratum]
        return self._advance(
            tables,
            tables.ratio_of_event(bins),
            1,
            timestamp_s,
            tables.seen_in_event(bins),
        )

    def _recoveries(self) -> Iterator[Recovery]:
        for alarm in self._alarms:
            for drift in alarm.drifts:
                yield drift.recovery

    def _stratum(self, timestamp_s: float) -> int:
        seasonality = self.settings.seasonality
        return 0 if seasonality is None else seasonality.stratum(timestamp_s)

    def _advance(
        self,
        tables: Tables,
        ratio: Floats,
        events: int,
        timestamp_s: float,
        seen: Floats | None,
    ) -> bool:
        if self._most_gain is not None:
            ratio = np.minimum(ratio, self._most_gain)
        self._capital.advance(
            ratio,
            events,
            tables.rows if self._discount is None else tables.rows / self._discount,
            self._inflation(),
            timestamp_s,
            seen,
            None if self._daily is None else ~self._daily,
        )
        self.events += events
        self._quiet += events
        self._confirm()
        self._cross(timestamp_s)
        return bool(self._alarms)

    def end_day(self, last_s: float) -> None:
        """Take in the day under way, of which no more will come, where little of it is missing.

        Args:
            last_s: of the last event, in seconds since the epoch. A day that it is more than an
                hour short of is no whole one, and is left out.
        """
        self._forget_changes()
        if self._daily is not None and self._day.is_over(last_s + MOST_SHORT_S):
            self._close_day(self._daily, last_s + MOST_SHORT_S)

    def _close_day(
        self,
        daily: Flags,
        timestamp_s: float,
    ) -> None:
        """Take the day in that a time lies behind, as one step of the channels that it is of.

        Args:
            daily: which charts are of these channels, shape (charts,).
            timestamp_s: of the next batch, in seconds since the epoch.
        """
        if not self._day.is_over(timestamp_s):
            return
        begin_s, events, counts = self._day.close()
        self._inflate_days()
        self.review_day(counts)
        tables = self._tables[0]
        ratio, seen = tables.ratio_and_seen(counts)
        self._capital.advance(
            ratio,
            # As many runs as the day counts for: a day of a million events is no million chances.
            min(events, DAY_EVENTS),
            tables.rows,
            self._inflation(),
            begin_s,
            seen,
            daily,
        )
        self._confirm()
        self._cross(begin_s)

    def _measure(
        self,
        sketches: Sketches,
        events: int,
        timestamp_s: float,
    ) -> None:
        """Take the sketches of a batch in: what its events count for from now on."""
        self._repeats.take(sketches, events, timestamp_s)
        self._weigh_repeats()

    def _weigh_repeats(self) -> None:
        repeats, seasonality = self._repeats, self.settings.seasonality
        self._measured = repeats.rows
        if seasonality is None or seasonality.is_early or not seasonality.variance_inflation:
            # What is learned knows how alike the requests of a session are, channel by channel;
            # what the first days show, not of every channel.
            self._measured = max(self._measured, repeats.sessions)

    @property
    def repetition(self) -> float:
        """Return what repeats multiply a variance by, as the last windows show it; 1 for none."""
        return self._measured

    @property
    def is_by_sessions(self) -> bool:
        """Return whether sessions say more of repeats than rows do."""
        return self._measured > self._repeats.rows

    def _inflation(self) -> Floats:
        """Return by how much each chart's events count for less, shape (charts,).

        What is learned includes the repeats of its time, so that the two do not multiply.
        """
        if self._measured == 1.0:
            return self._variance_inflation
        inflation: Floats = np.maximum(self._variance_inflation, self._measured)
        return inflation

    def inflation_of(self, channel: str) -> float:
        """Return by how much a channel's events count for less now, 1 for not at all."""
        return max(self._learned_inflation(channel), self._measured)

    def _learned_inflation(self, channel: str) -> float:
        seasonality = self.settings.seasonality
        return 1.0 if seasonality is None else seasonality.variance_inflation.get(channel, 1.0)

    def _as_they_count(
        self,
        channel: str,
        bins: Sequence[float],
    ) -> Sequence[float]:
        """Return the counts of a channel whose learned inflation is allowed for elsewhere."""
        if self._measured == 1.0:
            return bins
        weight = self._learned_inflation(channel) / self.inflation_of(channel)
        return [count * weight for count in bins]

    def _inflate_days(self) -> None:
        """Note what the events of the last whole day count for."""
        for place, chart in enumerate(self._tables[0].charts):
            inflation = self._day.inflation.get(chart.channel)
            if inflation is not None:
                self._variance_inflation[place] = inflation

    def _confirm(self) -> None:
        """Start the recovery of every drift anew that is found again: it is not over."""
        for alarm in self._alarms:
            for drift in alarm.drifts:
                if self._mixture(drift.explained) < self._needed:
                    continue
                finding = self._find(drift.explained)
                if finding is not None and self._is_large(finding):
                    drift.recovery.capital.clear()
                    self._spend(drift.explained, finding.evidence)

    def _cross(self, timestamp_s: float) -> None:
        """Raise an alarm for each cause that the evidence shows beside the alarms that stand.

        A drift whose effect is below the minimum is set aside, so that it hides no other.
        """
        # Nearly every event ends here, so that nothing else may be computed before.
        if self._mixture(self._open_charts()) < self._needed:
            return
        charts = ~self._explained()
        while (finding := self._find(charts)) is not None and finding.evidence >= self._needed:
            explained = self._causes.explained_by(finding.channel)
            charts &= ~explained
            if not self._is_large(finding):
                continue
            drift = StandingDrift(finding, self._recovery_of(finding), explained)
            self._tell(drift, timestamp_s)
            self._spend(explained, finding.evidence)

    def _tell(
        self,
        drift: StandingDrift,
        timestamp_s: float,
    ) -> None:
        """Give a drift to the alarm of its cause, or raise an alarm for it."""
        finding = drift.finding
        # An onset is an estimate: it may lie after the alarm by a part of the run that led to it.
        onset_s = finding.since - ONSET_SLACK * (timestamp_s - finding.since)
        for alarm in self._alarms:
            is_in_time = onset_s <= alarm.raised_s or self._causes.follows(finding.channel)
            if is_in_time and self._causes.same(finding.channel, alarm.channels):
                alarm.drifts.append(drift)
                self._joined.append(drift)
                return
        alarm = StandingAlarm(finding, timestamp_s, [drift])
        self._alarms.append(alarm)
        self._raised.append(alarm)

    def _is_large(self, finding: DriftFinding) -> bool:
        return finding.effect >= self.settings.least_effect(finding.channel)

    def _spend(
        self,
        charts: Flags,
        evidence: float,
    ) -> None:
        """Begin anew with charts whose evidence an alarm has used, and remember its peak."""
        self._capital.clear_charts(charts)
        self._peak = max(self._peak, evidence)
        self._quiet = 0.0

    def _recovery_of(self, alarm: DriftFinding) -> Recovery:
        seasonality, channel = self.settings.seasonality, alarm.channel
        if seasonality is None:
            by_name = {item.name: item.counts for item in self.settings.channels}
            counts, inflation, days, of_reference = [by_name[channel]], 1.0, None, 1.0
        else:
            counts = [stratum[channel] for stratum in seasonality.strata]
            inflation = seasonality.variance_inflation.get(channel, 1.0)
            days = seasonality.days.get(channel)
            of_reference = seasonality.reference_inflation.get(channel, 1.0)
        strata = [Stratum(*pair) for pair in zip(counts, self._tables, strict=True)]
        least = self.settings.least_effect(channel)
        if channel in self.settings.whole_days:
            # Two days can tell no less; a weaker drift would be over after a week or more.
            least = max(least, LARGEST_LEFT)
        return Recovery(
            alarm,
            strata,
            variance_inflation=inflation,
            least=least,
            days=days,
            reference_inflation=of_reference,
        )

    def to_json(self) -> DetectorStateV2:
        """Return the state as detector.state.v2; equal states continue equally."""
        document: DetectorStateV2 = {
            "contract": CONTRACT,
            "detector": "mixture",
            "settings": self.settings.digest,
            "events": self.events,
            "quiet": self._quiet,
            "alarms": [alarm.to_json() for alarm in self._alarms],
            "capital": capital_to_json(self._capital),
        }
        if self.settings.whole_days:
            document["day"] = self._day.to_json()
        if self._repeats.from_s is not None:
            document["repeats"] = self._repeats.to_json()
        return document

    @classmethod
    def from_json(
        cls,
        document: DetectorStateV1Mixture | DetectorStateV2,
        settings: Settings,
        *,
        is_renewed: bool = False,
    ) -> MixtureDetector:
        """Return the detector that a state was taken from.

        Args:
            document: of the contract detector.state.v2, or of v1, whose alarm goes on standing.
            settings: those that the state was gained under.
            is_renewed: whether the reference has become another one since: then no evidence is
                taken over, and a test of an end begins anew where it has other alternatives now.

        Raises:
            EvidenceError: the state is of another detector or of other settings.
        """
        contract = document.get("contract")
        is_known = contract in (CONTRACT, FORMER_CONTRACT)
        if not is_known or document.get("detector") != cls.name:
            raise EvidenceError(f"{CONTRACT}: expected the state of a {cls.name!r} detector")
        if document["settings"] != settings.digest:
            raise EvidenceError(
                f"{contract}: const at /settings: expected the digest of these settings"
            )
        detector = cls(settings)
        current = upgraded(document, detector._tables[0].charts)
        detector.events, detector._quiet = current["events"], current["quiet"]
        detector._alarms = [detector._alarm_of(alarm, is_renewed) for alarm in current["alarms"]]
        if not is_renewed:
            detector._capital = detector._capital_of(current["capital"])
        detector._day = WholeDay.from_json(current.get("day"), settings.whole_days)
        detector._inflate_days()
        tie_rate = settings.tie_rate or 0.0
        detector._repeats = Repeats.from_json(current.get("repeats"), tie_rate)
        detector._weigh_repeats()
        return detector

    def _alarm_of(
        self,
        document: DetectorStateV2Alarm,
        is_renewed: bool,
    ) -> StandingAlarm:
        """Return an alarm of a state. Raises EvidenceError."""
        drifts = [self._drift_of(drift, is_renewed) for drift in document["drifts"]]
        return StandingAlarm(DriftFinding(**document["finding"]), document["raised"], drifts)

    def _drift_of(
        self,
        document: DetectorStateV2Drift,
        is_renewed: bool,
    ) -> StandingDrift:
        """Return a drift of a state. Raises EvidenceError."""
        finding = DriftFinding(**document["finding"])
        recovery = self._recovery_of(finding)
        alternatives = recovery.capital.log.size
        if is_renewed and len(document["recovery"]["log"]) != alternatives:
            return StandingDrift(finding, recovery, self._causes.explained_by(finding.channel))
        recovery.begin(restored(document["recovery"], alternatives, "/alarms: recovery"))
        return StandingDrift(finding, recovery, self._causes.explained_by(finding.channel))

    def _capital_of(self, document: DetectorStateV2Capital) -> Capital:
        """Return the capital of a state. Raises EvidenceError."""
        capital = restored(document, len(self._tables[0].charts), "/capital")
        capital.wandering = self._wandering
        return capital


def _wandering(
    seasonality: Seasonality,
    charts: Sequence[Chart],
) -> Wandering | None:
    """Return how the days of each chart's channel differ; None where none do.

    Args:
        seasonality: of the traffic.
        charts: of the detector.
    """
    if not seasonality.days:
        return None
    still = DayVariation(0.0, 1.0, 1.0)
    days = [seasonality.days.get(chart.channel, still) for chart in charts]
    variance = np.array([each.variance for each in days])
    return Wandering(variance, np.array([each.inflation - 1 for each in days]))


def _reference_discount(
    seasonality: Seasonality,
    charts: Sequence[Chart],
) -> Floats | None:
    """Return for how many reference rows of each chart one counts; None where each counts.

    Args:
        seasonality: of the traffic.
        charts: of the detector.
    """
    inflation = seasonality.reference_inflation
    if not inflation:
        return None
    return np.array([inflation.get(chart.channel, 1.0) for chart in charts])
