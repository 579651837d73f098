"""What the detector would have said of stored windows with other settings."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

from drift_ml.evidence import Budget, MixtureDetector, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from drift_ml.baseline import Baseline
    from drift_ml.evidence import Finding
    from drift_ml.window import Window


@dataclass
class Alarmed:
    """An alarm of the replay: its finding, the moment that raised it and the one that ended it, epoch seconds."""

    finding: Finding
    at: int
    over: int | None = None


@dataclass(frozen=True)
class WhatIf:
    """moments and values: per window, the evidence as a share of its bar; alarms: in order."""

    moments: list[int]
    values: list[float]
    alarms: list[Alarmed]


def replay(
    baseline: Baseline, windows: Iterable[tuple[int, Window]], *, budget: float, minimum_effect: float
) -> WhatIf:
    """The detector from a clean start over windows in the order of time.

    windows: (moment in epoch seconds, window). budget: events to one false alarm. minimum_effect: in equivalent
    standard deviations. Raises EvidenceError for a budget that no detector can have.
    """
    channels: list[dict[str, Any]] = [channel.to_json() for channel in baseline.channels]
    detector = MixtureDetector(Settings(channels, Budget(budget), minimum_effect))
    moments, values = [], []
    alarms: list[Alarmed] = []
    for moment, window in windows:
        before = detector.alarm
        detector.update(window.channel_counts(), events=window.events, moment=moment)
        strength = detector.evidence if detector.evidence > -inf else detector.needed
        if before is None and detector.alarm is not None:
            alarms.append(Alarmed(detector.alarm, moment))
            strength = detector.alarm.evidence
        elif detector.recovered:
            alarms[-1].over = moment
            detector.reset()
        moments.append(moment)
        values.append(max(strength, 0.0) / detector.needed)
    return WhatIf(moments, values, alarms)
