"""Which channels vary with the hour by more than sampling allows, before a rhythm is learned."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.evidence import Tables
from drift_ml.rhythm._model import DAY_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from drift_ml.baseline import Baseline, Channel

    Floats = npt.NDArray[np.float64]
    #: Seconds since the epoch, and events per bin by channel.
    Batch = tuple[float, Mapping[str, Sequence[int]]]

#: Hours of traffic of a day, at least; fewer show no cycle.
FEWEST_HOURS = 12
#: Quantile of the normal distribution: by chance one chart in 300,000 passes it.
CERTAIN_Z = 4.5
#: Root mean square of what the hours differ by, in standard deviations. Less than that of a minimum
#: effect raises no alarm.
LEAST_CYCLE = 0.05
#: Smaller variances are of charts that saw nothing.
LEAST_VARIANCE = 1e-12


@dataclass(frozen=True)
class _Day:
    """The hours of one day against the day, by chart of a channel; each of shape (charts,)."""

    #: Sums of squared residuals of the hours' log-likelihood ratios.
    squares: Floats
    #: What they are on average where events are independent.
    expected: Floats
    #: The variance of these sums then.
    variance: Floats
    #: What they are where each hour differs by one standard deviation.
    whole: Floats

    @property
    def surprise(self) -> Floats:
        """Return by how many standard deviations the sums are above what is expected."""
        return (self.squares - self.expected) / np.sqrt(np.maximum(self.variance, LEAST_VARIANCE))


def varying_channels(
    baseline: Baseline,
    hours: Iterable[Batch],
    fewest_hours: int = FEWEST_HOURS,
    inflation: Mapping[str, float] | None = None,
) -> tuple[str, ...]:
    """Return the channels whose hours differ by more than their events would.

    Within each day the log-likelihood ratios of every chart are held against the day's mean, so
    that what differs from training all day long is no cycle. The sum of squares over all days is
    compared with its distribution by its first two moments (Wilson & Hilferty 1931). Events that
    come in sessions make hours differ too, and count as varying where it is not known yet.

    Args:
        baseline: whose bins are counted.
        hours: in the order of time; days are counted from the first one on.
        fewest_hours: with traffic, which a day must have to count.
        inflation: by channel, the variance of batches over that of independent events, where it is
            known.

    Returns:
        Names, in the order of the baseline; none before so many hours of a day are there.
    """
    listed = list(hours)
    if not listed:
        return ()
    first_s = listed[0][0]
    by_day = [
        [counts for _, counts in day]
        for _, day in groupby(listed, key=lambda batch: int((batch[0] - first_s) // DAY_S))
    ]
    days = [day for day in by_day if len(day) >= fewest_hours]
    tables = Tables.build(baseline.channels)
    varying = []
    for name, made in zip(tables.names, tables.made, strict=True):
        ratios, of_name = made.first_table, (inflation or {}).get(name, 1.0)
        if days and _varies([_day(day, name, ratios, of_name) for day in days]):
            varying.append(name)
    return _with_parts(baseline.channels, varying)


def _with_parts(
    channels: Sequence[Channel],
    varying: Sequence[str],
) -> tuple[str, ...]:
    """Return channels, and those of several features of which one is among them.

    A product or a sum of squares varies with each of its features, if less.

    Args:
        channels: of the baseline.
        varying: names of those that vary.
    """
    single = [channel for channel in channels if channel.name in varying and len(channel.of) == 1]
    features = {channel.of[0] for channel in single}
    wanted = []
    for channel in channels:
        is_of_several = len(channel.of) > 1 and not features.isdisjoint(channel.of)
        if channel.name in varying or is_of_several:
            wanted.append(channel.name)
    return tuple(wanted)


def _day(
    hours: Sequence[Mapping[str, Sequence[int]]],
    name: str,
    ratios: Floats,
    inflation: float,
) -> _Day:
    """Return the hours of a day against the day.

    Args:
        hours: events per bin, by channel.
        name: of the channel.
        ratios: log-likelihood ratios of its charts, shape (bins, charts).
        inflation: variance of its batches over that of independent events.
    """
    zeros = (0,) * len(ratios)
    counts = np.array([hour.get(name, zeros) for hour in hours], dtype=np.float64)
    shares = counts.sum(axis=0) / max(counts.sum(), 1.0)
    events = counts.sum(axis=1, keepdims=True)
    residuals = ratios - shares @ ratios
    second, fourth = shares @ residuals**2, shares @ residuals**4
    expected = events * second
    # By the fourth moment: where a chart leans on rare bins, hours stand out by chance.
    variance = 2 * expected**2 + events * (fourth - 3 * second**2)
    return _Day(
        squares=((counts @ residuals) ** 2).sum(axis=0) / inflation,
        expected=expected.sum(axis=0),
        variance=np.maximum(variance.sum(axis=0), 0.0),
        whole=(events**2 * second).sum(axis=0),
    )


def _varies(days: Sequence[_Day]) -> bool:
    """Return whether any chart of a channel varies with the hour, in more than one of several days.

    A jump within a day makes its hours differ too; a cycle comes again the next day. So the day
    that stands out most is left out, chart by chart, unless it is the only one.
    """
    largest = np.argmax([day.surprise for day in days], axis=0)
    if len(days) == 1:
        largest = np.full_like(largest, -1)
    counted = np.arange(len(days))[:, None] != largest
    squares = (np.array([day.squares for day in days]) * counted).sum(axis=0)
    expected = (np.array([day.expected for day in days]) * counted).sum(axis=0)
    variance = (np.array([day.variance for day in days]) * counted).sum(axis=0)
    whole = (np.array([day.whole for day in days]) * counted).sum(axis=0)
    usual = (expected > LEAST_VARIANCE) & (variance > LEAST_VARIANCE)
    if not usual.any():
        return False
    ratio = squares[usual] / expected[usual]
    cycle = np.sqrt(np.maximum(squares - expected, 0.0)[usual] / whole[usual])
    # A chi-square of as many degrees of freedom has the same mean and variance.
    ninth = variance[usual] / expected[usual] ** 2 / 9
    quantile = (np.cbrt(ratio) - (1 - ninth)) / np.sqrt(ninth)
    return bool(((quantile >= CERTAIN_Z) & (cycle >= LEAST_CYCLE)).any())
