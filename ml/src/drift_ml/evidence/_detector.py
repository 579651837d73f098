"""The sequential mixture detector over the channels of a baseline."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from math import inf, log
from typing import TYPE_CHECKING, Final

import numpy as np

from drift_ml.evidence._budget import Budget
from drift_ml.evidence._capital import Capital, log_mixture
from drift_ml.evidence._errors import EvidenceError
from drift_ml.evidence._finding import DriftFinding, find
from drift_ml.evidence._recovery import Recovery, Stratum
from drift_ml.evidence._tables import tables_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_contracts.types import DetectorStateV1Mixture, DetectorStateV1MixtureCapital

    from drift_ml.baseline import Channel
    from drift_ml.evidence._distributions import Floats
    from drift_ml.evidence._seasonality import Seasonality
    from drift_ml.evidence._tables import Counts, Tables

CONTRACT: Final = "detector.state.v1"
#: In equivalent standard deviations.
MINIMUM_EFFECT = 0.1


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

    @cached_property
    def digest(self) -> str:
        """Hex sha256 of the settings: a state belongs to the settings that it was gained under."""
        channels = [channel.to_json() for channel in self.channels]
        seasonality = None if self.seasonality is None else self.seasonality.to_json()
        parts = [channels, self.budget.events, self.minimum_effect, seasonality]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class MixtureDetector:
    """Shiryaev-Roberts evidence over every channel, kind, size and direction of drift.

    There is one threshold and one budget for all of them. M = sum over charts of
    weight x exp(log capital); the alarm is raised when M reaches the budget's number of events and
    the estimated effect is at least the minimum. With an exact reference, M minus the number of
    events is a martingale while nothing changes, so that the mean number of events to a false
    alarm is at least the budget. An estimated reference is allowed for by shrinking (see
    `Capital`). Once raised, an alarm stays until `reset`; the evidence starts anew at once, and
    `recovered` says when the drift is over; `observe_window` does all of this for one window.
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
        self._needed = log(settings.budget.events)
        self.reset()

    def reset(self) -> None:
        """Forget everything: no alarm, no evidence."""
        self._capital = Capital.empty(len(self._tables[0].charts))
        self.alarm: DriftFinding | None = None
        self.events = 0.0
        self._quiet = 0.0
        self._recovery: Recovery | None = None

    @property
    def reason(self) -> str | None:
        """Return the alarm in one line, or None."""
        return None if self.alarm is None else str(self.alarm)

    @property
    def evidence(self) -> float:
        """Return ln of the mixture, nats; minus infinity before the first event.

        The threshold is `needed`.
        """
        return float(log_mixture(self._capital.log, self._tables[0].log_weights))

    @property
    def needed(self) -> float:
        """Return ln of the threshold, nats."""
        return self._needed

    @property
    def recovered(self) -> bool:
        """Return whether the alarm's drift is over.

        It takes as much evidence as an alarm does (see `Recovery`).
        """
        return self._recovery is not None and self._recovery.evidence >= self._needed

    def finding(self) -> DriftFinding | None:
        """Return what the evidence says so far; None before the first event."""
        evidence = self.evidence
        if evidence == -inf:
            return None
        inflation = self._variance_inflation
        return find(
            self._tables[0],
            self._capital,
            inflation,
            evidence,
            self._needed,
        )

    def update(
        self,
        counts: Counts,
        *,
        events: int | None = None,
        timestamp_s: float = 0.0,
    ) -> bool:
        """Take a batch in; return whether there is an alarm.

        A batch is one step with its joint likelihood ratio, as the order within it is not known.

        Args:
            counts: events per bin, by channel.
            events: the size of the batch, by default the largest total of a channel.
            timestamp_s: of the batch's beginning, in seconds since the epoch: it chooses the
                stratum and dates the onset.

        Raises:
            EvidenceError: the counts are of other bins.
        """
        if events is None:
            events = max((sum(bins) for bins in counts.values()), default=0)
        if events <= 0:
            return self.alarm is not None
        stratum = self._stratum(timestamp_s)
        if self._recovery is not None:
            self._recovery.update(counts.get(self._recovery.channel, ()), stratum)
        tables = self._tables[stratum]
        return self._advance(
            tables,
            tables.ratio(counts),
            events,
            timestamp_s,
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
        """
        stratum = self._stratum(timestamp_s)
        if self._recovery is not None:
            self._recovery.update_event(bins.get(self._recovery.channel, -1), stratum)
        tables = self._tables[stratum]
        return self._advance(
            tables,
            tables.ratio_of_event(bins),
            1,
            timestamp_s,
        )

    def _stratum(self, timestamp_s: float) -> int:
        seasonality = self.settings.seasonality
        return 0 if seasonality is None else seasonality.stratum(timestamp_s)

    def _advance(
        self,
        tables: Tables,
        ratio: Floats,
        events: int,
        timestamp_s: float,
    ) -> bool:
        inflation = self._variance_inflation
        self._capital.advance(
            ratio,
            events,
            tables.rows,
            inflation,
            timestamp_s,
        )
        self.events += events
        self._quiet += events
        if self.evidence >= self._needed:
            self._cross()
        return self.alarm is not None

    def _cross(self) -> None:
        """Raise the alarm, or confirm the one that is on; the evidence is spent on it."""
        finding = self.finding()
        if finding is None or finding.effect < self.settings.minimum_effect:
            return
        if self._recovery is None:
            self.alarm, self._recovery = finding, self._recovery_of(finding)
        # A drift that is found again under its alarm is not over: its recovery starts anew.
        self._recovery.capital.clear()
        self._quiet = 0.0
        self._capital.clear()

    def _recovery_of(self, alarm: DriftFinding) -> Recovery:
        seasonality, channel = self.settings.seasonality, alarm.channel
        if seasonality is None:
            by_name = {item.name: item.counts for item in self.settings.channels}
            counts, inflation = [by_name[channel]], 1.0
        else:
            counts = [stratum[channel] for stratum in seasonality.strata]
            inflation = seasonality.variance_inflation.get(channel, 1.0)
        strata = [Stratum(*pair) for pair in zip(counts, self._tables, strict=True)]
        least = self.settings.minimum_effect
        return Recovery(alarm, strata, variance_inflation=inflation, least=least)

    def to_json(self) -> DetectorStateV1Mixture:
        """Return the state as detector.state.v1; equal states continue equally."""
        return {
            "contract": CONTRACT,
            "detector": "mixture",
            "settings": self.settings.digest,
            "events": self.events,
            "quiet": self._quiet,
            "alarm": None if self.alarm is None else self.alarm.to_json(),
            "capital": self._capital_to_json(),
        }

    def _capital_to_json(self) -> DetectorStateV1MixtureCapital:
        """Return the capital of all charts, then of the recovery; each only once it has begun.

        A capital that has gained nothing holds minus infinity, for which JSON has no number.
        """
        begun = [self._capital] if self.evidence != -inf else []
        if self._recovery is not None and self._recovery.evidence != -inf:
            begun.append(self._recovery.capital)
        document: DetectorStateV1MixtureCapital = {"log": [], "age": [], "ratio": [], "born": []}
        for capital in begun:
            document["log"] += capital.log.tolist()
            document["age"] += capital.age.tolist()
            document["ratio"] += capital.ratio.tolist()
            document["born"] += capital.start.tolist()
        return document

    @classmethod
    def from_json(cls, document: DetectorStateV1Mixture, settings: Settings) -> MixtureDetector:
        """Return the detector that a state was taken from.

        Args:
            document: of the contract detector.state.v1.
            settings: those that the state was gained under.

        Raises:
            EvidenceError: the state is of another detector or of other settings.
        """
        if document.get("contract") != CONTRACT or document.get("detector") != cls.name:
            raise EvidenceError(f"{CONTRACT}: expected the state of a {cls.name!r} detector")
        if document["settings"] != settings.digest:
            raise EvidenceError(
                f"{CONTRACT}: const at /settings: expected the digest of these settings"
            )
        detector = cls(settings)
        detector.events, detector._quiet = document["events"], document["quiet"]
        alarm = document["alarm"]
        if alarm is not None:
            detector.alarm = DriftFinding(**alarm)
            detector._recovery = detector._recovery_of(detector.alarm)
        detector._restore(document["capital"])
        return detector

    def _restore(self, capital: DetectorStateV1MixtureCapital) -> None:
        """Take over the capital of a state: of all charts, then of the recovery."""
        charts = self._variance_inflation.size
        further = 0 if self._recovery is None else self._recovery.capital.log.size
        members = (capital["log"], capital["age"], capital["ratio"], capital["born"])
        lengths = {len(values) for values in members}
        if lengths not in ({0}, {charts}, {charts + further}):
            raise EvidenceError(
                f"{CONTRACT}: at /capital: expected {charts} charts, and {further} of a recovery"
            )
        if lengths == {0}:
            return
        vectors = [np.array(values, dtype=np.float64) for values in members]
        self._capital = Capital(*(vector[:charts] for vector in vectors))
        if self._recovery is not None and lengths == {charts + further}:
            self._recovery.capital = Capital(*(vector[charts:] for vector in vectors))
