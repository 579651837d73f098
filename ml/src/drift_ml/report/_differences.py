"""By how much traffic differs from training: a state, not an alarm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift_ml.report._report import channel_reports

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_ml.baseline import Baseline
    from drift_ml.report._channel import ChannelReport
    from drift_ml.report._levels import Level
    from drift_ml.window import Window

DEVIATIONS, SHARE, NATS = "standard deviations", "share", "nats of PSI"


@dataclass(frozen=True)
class Difference:
    """How one channel differs from the training rows."""

    channel: str
    #: The features of that channel.
    of: tuple[str, ...]
    level: Level
    words: str
    #: Shift of the mean, difference of the share, or PSI above what chance gives.
    size: float
    #: Interval of the size, 95 %; both are the size where there is none.
    low: float
    high: float
    #: Of the size.
    unit: str


def differences(
    baseline: Baseline,
    window: Window,
    inflation: Mapping[str, float],
) -> list[Difference]:
    """Return what differs from training by an effect that matters, the largest first.

    Args:
        baseline: of the training rows.
        window: counted against it, of whole days.
        inflation: by channel, for how many dependent events one counts, at least 1.
    """
    reports = channel_reports(baseline, window, inflation)
    return [_difference(report) for report in reports if report.level != "none"]


def _difference(report: ChannelReport) -> Difference:
    interval, unit = report.mean, DEVIATIONS
    if report.share is not None:
        interval, unit = report.share.difference, SHARE
    excess = report.effects.psi_excess
    values = (excess, excess, excess)
    if interval is None:
        unit = NATS
    else:
        values = (interval.value, interval.low, interval.high)
    channel = report.channel
    return Difference(channel.name, tuple(channel.of), report.level, report.words, *values, unit)
