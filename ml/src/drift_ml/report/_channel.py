"""One channel of a report: every figure, before the correction for many channels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from drift_ml import effects
from drift_ml.baseline import (
    INDICATORS,
    UNITS,
    Baseline,
    Channel,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_ml.effects import Interval
    from drift_ml.report._levels import Level
    from drift_ml.window import Moments

#: PSI is read on a scale made for ten groups, so finer bins are merged first.
PSI_GROUPS = 10

THOUSANDTHS = 1000


@dataclass(frozen=True)
class Effects:
    """How far apart a channel's two histograms are."""

    #: Nats, over at most ten groups.
    psi: float
    #: PSI above what chance gives, nats.
    psi_excess: float
    jensen_shannon: float
    #: Where the bins have an order.
    ks: float | None = None
    #: Where the bins have an order, in standard deviations of the normal scores.
    wasserstein: float | None = None


@dataclass(frozen=True)
class Test:
    """Whether chance explains the difference."""

    #: Nothing of pytest's, whatever its name begins with.
    __test__ = False

    name: str
    #: None for Fisher's exact test.
    statistic: float | None
    #: Of freedom; None where the test has none.
    degrees: int | None
    p: float


@dataclass(frozen=True)
class Share:
    """The part of the events for which an indicator is set."""

    value: float
    #: Of the baseline's rows.
    baseline: float
    difference: Interval


@dataclass(frozen=True)
class ChannelReport:
    """The figures of one channel."""

    channel: Channel
    #: Events per bin.
    counts: Sequence[int]
    #: Shares of the baseline per bin.
    before: Sequence[float]
    #: Shares of the window per bin.
    now: Sequence[float]
    effects: Effects
    test: Test
    #: Shift of the mean in standard deviations; of numbers.
    mean: Interval | None = None
    #: Ratio of the variances; of numbers.
    variance: Interval | None = None
    #: Of indicators.
    share: Share | None = None
    #: p, adjusted for the number of channels.
    adjusted: float = 1.0
    level: Level = "none"
    words: str = ""


def describe_channel(
    baseline: Baseline,
    channel: Channel,
    counts: Sequence[int],
    moments: Moments | None,
) -> ChannelReport:
    """Return the figures of one channel against its counts in a window.

    Args:
        baseline: of the channel.
        channel: whose reference counts are compared.
        counts: events per bin in the window.
        moments: of the channel's column in the window, None where it has no numbers.
    """
    report = ChannelReport(
        channel=channel,
        counts=counts,
        before=effects.shares(channel.counts),
        now=effects.shares(counts),
        effects=_effects(channel, counts),
        test=_test(channel, counts),
    )
    if not sum(counts):
        return report
    if channel.kind in INDICATORS:
        return replace(report, share=_share(channel, counts))
    summary = baseline.summary_of(channel)
    if moments is None or not moments.count or summary is None or not summary.usable_std:
        return report
    mean, variance = _mean_and_variance(moments)
    shift = effects.mean_shift(
        mean,
        variance,
        moments.count,
        summary.count,
    )
    ratio = effects.variance_ratio(
        variance,
        moments.count,
        summary.count,
    )
    return replace(report, mean=shift, variance=ratio)


def _effects(
    channel: Channel,
    counts: Sequence[int],
) -> Effects:
    reference, events = sum(channel.counts), sum(counts)
    jensen_shannon = effects.jensen_shannon(channel.counts, counts)
    psi = excess = wasserstein = 0.0
    if reference and events:
        before, now = effects.merge(
            channel.counts,
            counts,
            PSI_GROUPS,
        )
        psi = effects.psi(before, now)
        excess = max(
            0.0,
            psi
            - effects.psi_expected(
                len(before),
                reference,
                events,
            ),
        )
    if not channel.ordered:
        return Effects(psi, excess, jensen_shannon)
    if reference and events:
        locations = [score / THOUSANDTHS for score in channel.scores]
        wasserstein = effects.wasserstein(channel.counts, counts, locations)
    return Effects(
        psi,
        excess,
        jensen_shannon,
        effects.ks(channel.counts, counts),
        wasserstein,
    )


def _test(
    channel: Channel,
    counts: Sequence[int],
) -> Test:
    """Return the test for the kind of bins.

    It is Kolmogorov-Smirnov where bins have an order, Fisher's for yes and no, and chi-square for
    categories.
    """
    if channel.ordered:
        distance = effects.ks(channel.counts, counts)
        p = effects.ks_p(
            distance,
            sum(channel.counts),
            sum(counts),
        )
        return Test("kolmogorov-smirnov", distance, None, p)
    if channel.kind in INDICATORS:
        reference, window = channel.counts, counts
        p = effects.fisher((reference[0], reference[1]), (window[0], window[1]))
        return Test("fisher", None, None, p)
    chi_square = effects.chi_square(channel.counts, counts)
    return Test(
        "chi-square",
        chi_square.statistic,
        chi_square.degrees,
        chi_square.p,
    )


def _share(
    channel: Channel,
    counts: Sequence[int],
) -> Share:
    reference, events = sum(channel.counts), sum(counts)
    return Share(
        value=counts[1] / events,
        baseline=channel.counts[1] / reference,
        difference=effects.share_shift(
            channel.counts[1],
            reference,
            counts[1],
            events,
        ),
    )


def _mean_and_variance(moments: Moments) -> tuple[float, float]:
    """Return mean and variance of the deviations, in standard deviations of the baseline."""
    mean = moments.total / moments.count / UNITS
    squares = moments.squares - moments.total**2 / moments.count
    return mean, max(0.0, squares / max(1, moments.count - 1) / UNITS**2)
