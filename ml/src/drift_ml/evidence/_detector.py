"""The sequential mixture detector over the channels of a baseline."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from math import inf, log
from typing import TYPE_CHECKING, Any

import numpy as np

from drift_ml.evidence._budget import Budget
from drift_ml.evidence._capital import Capital, log_mixture
from drift_ml.evidence._errors import EvidenceError
from drift_ml.evidence._finding import DriftFinding, find
from drift_ml.evidence._recovery import Recovery
from drift_ml.evidence._tables import tables_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_ml.baseline import Channel
    from drift_ml.evidence._distributions import Floats
    from drift_ml.evidence._seasonality import Seasonality
    from drift_ml.evidence._tables import Tables

CONTRACT = "detector.state.v1"
MINIMUM_EFFECT = 0.1


@dataclass(frozen=True)
class Settings:
    """What a mixture detector is made of.

    channels: of a baseline document (`baseline["channels"]`). budget: how often it may be wrong.
    minimum_effect: in equivalent standard deviations; evidence of less raises no alarm. seasonality: learned from
    good traffic, or None for independent events without cycles.
    """

    channels: Sequence[Channel]
    budget: Budget = field(default_factory=Budget)
    minimum_effect: float = MINIMUM_EFFECT
    seasonality: Seasonality | None = None

    @property
    def digest(self) -> str:
        """Hex sha256 of the settings: a state belongs to the settings that it was gained under."""
        seasonality = None if self.seasonality is None else self.seasonality.to_json()
        channels = [channel.to_json() for channel in self.channels]
        parts = [channels, self.budget.events, self.minimum_effect, seasonality]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class MixtureDetector:
    """Shiryaev-Roberts evidence over every channel, kind, size and direction of drift; one bar, one budget.

    M = sum over charts of weight x exp(log capital); the alarm is raised when M reaches the budget's number
    of events and the estimated effect is at least the minimum. With an exact reference, M minus the number of
    events is a martingale while nothing changes, so that the mean number of events to a false alarm is at
    least the budget. An estimated reference is allowed for by shrinking (see `Capital`). Once raised, an
    alarm stays until `reset`; the evidence starts anew at once, and `recovered` says when the drift is over.
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
        strata = seasonality.strata if seasonality else (None,)
        self._tables = tables_of(settings.channels, strata)
        spread = seasonality.spread if seasonality else {}
        self._spread = np.array([spread.get(chart.channel, 1.0) for chart in self._tables[0].charts])
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
        """The alarm in one line, or None."""
        return None if self.alarm is None else str(self.alarm)

    @property
    def evidence(self) -> float:
        """ln of the mixture, nats; minus infinity before the first event. The bar is `needed`."""
        return float(log_mixture(self._capital.log, self._tables[0].log_weights))

    @property
    def needed(self) -> float:
        """ln of the bar, nats."""
        return self._needed

    @property
    def recovered(self) -> bool:
        """Whether there is as much evidence that an alarm's drift is over as an alarm takes (see `Recovery`)."""
        return self._recovery is not None and self._recovery.evidence >= self._needed

    def finding(self) -> DriftFinding | None:
        """What the evidence says now, below the bar too; None before the first event."""
        if self.evidence == -inf:
            return None
        return find(self._tables[0], self._capital, self._spread, self.evidence, self._needed)

    def update(
        self, counts: Mapping[str, Sequence[int]], *, events: int | None = None, timestamp_s: float = 0.0
    ) -> bool:
        """Take in a batch: events per bin by channel. Returns whether there is an alarm.

        events: the size of the batch, by default the largest total of a channel. timestamp_s: of the batch's
        beginning, in seconds since the epoch: it chooses the stratum and dates the onset. A batch is one step
        with its joint likelihood ratio, as the order within it is not known. Raises EvidenceError.
        """
        size = max((sum(own) for own in counts.values()), default=0) if events is None else events
        if size <= 0:
            return self.alarm is not None
        if self._recovery is not None:
            self._recovery.update(counts.get(self._recovery.channel, ()), self._stratum(timestamp_s))
        return self._take(self._table(timestamp_s).ratio(counts), size, timestamp_s)

    def update_event(self, bins: Mapping[str, int], *, timestamp_s: float = 0.0) -> bool:
        """Take in one event: the bin it falls into by channel (-1 for none). Returns whether there is an
        alarm."""
        if self._recovery is not None:
            self._recovery.update_event(bins.get(self._recovery.channel, -1), self._stratum(timestamp_s))
        return self._take(self._table(timestamp_s).ratio_of_event(bins), 1, timestamp_s)

    def _table(self, timestamp_s: float) -> Tables:
        return self._tables[self._stratum(timestamp_s)]

    def _stratum(self, timestamp_s: float) -> int:
        seasonality = self.settings.seasonality
        return seasonality.stratum(timestamp_s) if seasonality else 0

    def _take(self, ratio: Floats, events: int, timestamp_s: float) -> bool:
        self._capital.advance(ratio, events, self._table(timestamp_s).rows, self._spread, timestamp_s)
        self.events += events
        self._quiet += events
        if self.evidence >= self._needed:
            finding = self.finding()
            if finding is not None and finding.effect >= self.settings.minimum_effect:
                if self._recovery is None:
                    self.alarm, self._recovery = finding, self._recovery_of(finding)
                self._recovery.capital.clear()
                self._quiet = 0.0
                self._capital.clear()
        return self.alarm is not None

    def _recovery_of(self, alarm: DriftFinding) -> Recovery:
        seasonality, name = self.settings.seasonality, alarm.channel
        whole = {channel.name: channel.counts for channel in self.settings.channels}
        counts = [own[name] for own in (seasonality.strata if seasonality else [whole])]
        spread = seasonality.spread.get(name, 1.0) if seasonality else 1.0
        strata = list(zip(counts, self._tables, strict=True))
        return Recovery(alarm, strata, spread=spread, least=self.settings.minimum_effect)

    def to_json(self) -> dict[str, Any]:
        """The state as detector.state.v1; equal states continue equally."""
        held = [self._capital] if self.evidence != -inf else []
        if self._recovery is not None and self._recovery.evidence != -inf:
            held.append(self._recovery.capital)
        return {
            "contract": CONTRACT,
            "detector": self.name,
            "settings": self.settings.digest,
            "events": self.events,
            "quiet": self._quiet,
            "alarm": None if self.alarm is None else self.alarm.to_json(),
            "capital": {
                name: [value for each in held for value in getattr(each, name).tolist()]
                for name in ("log", "age", "ratio", "born")
            },
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any], settings: Settings) -> MixtureDetector:
        """The detector that a state was taken from. Raises EvidenceError if the settings are others."""
        if document.get("contract") != CONTRACT or document.get("detector") != cls.name:
            raise EvidenceError(f"{CONTRACT}: expected the state of a {cls.name!r} detector")
        if document["settings"] != settings.digest:
            raise EvidenceError(f"{CONTRACT}: const at /settings: expected the digest of these settings")
        detector = cls(settings)
        detector.events, detector._quiet = document["events"], document["quiet"]
        detector.alarm = None if document["alarm"] is None else DriftFinding(**document["alarm"])
        if detector.alarm is not None:
            detector._recovery = detector._recovery_of(detector.alarm)
        detector._hold({name: np.array(values, dtype=np.float64) for name, values in document["capital"].items()})
        return detector

    def _hold(self, values: Mapping[str, Floats]) -> None:
        """Take over the capital of a state: of all charts, then of the recovery, each only if it has begun."""
        charts, lengths = self._spread.size, {len(own) for own in values.values()}
        further = 0 if self._recovery is None else self._recovery.capital.log.size
        if lengths not in ({0}, {charts}, {charts + further}):
            raise EvidenceError(f"{CONTRACT}: at /capital: expected {charts} charts, and {further} of a recovery")
        if lengths != {0}:
            self._capital = Capital(**{name: own[:charts] for name, own in values.items()})
        if self._recovery is not None and lengths == {charts + further}:
            self._recovery.capital = Capital(**{name: own[charts:] for name, own in values.items()})
