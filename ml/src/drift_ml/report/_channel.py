"""One channel of a report: every figure, before the correction for many channels."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from drift_ml import effects
from drift_ml.baseline import PREDICTION, UNITS, Baseline, Channel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_ml.effects import Interval
    from drift_ml.window import Moments

PSI_GROUPS = 10
"""PSI is read on a scale made for ten groups, so finer bins are merged first."""

THOUSANDTHS = 1000

INDICATORS = ("missing", "out_of_range", "new")


@dataclass(frozen=True)
class ChannelReport:
    """The figures of one channel. excess: PSI above what chance gives. sizes: shifts with intervals."""

    channel: Channel
    counts: Sequence[int]
    before: Sequence[float]
    now: Sequence[float]
    effects: Mapping[str, float]
    excess: float
    test: Mapping[str, Any]
    p: float
    sizes: Mapping[str, Any]
    adjusted: float = 1.0
    level: str = "none"
    words: str = ""


def describe_channel(
    baseline: Baseline, channel: Channel, counts: Sequence[int], moments: Moments | None
) -> ChannelReport:
    """The figures of one channel against its counts in a window."""
    reference, events = sum(channel.counts), sum(counts)
    both = bool(reference and events)
    before, now = effects.merge(channel.counts, counts, PSI_GROUPS)
    psi = effects.psi(before, now) if both else 0.0
    chance = effects.psi_expected(len(before), reference, events) if both else 0.0
    figures = {"psi": psi, "jensen_shannon": effects.jensen_shannon(channel.counts, counts)}
    if channel.ordered:
        locations = [score / THOUSANDTHS for score in channel.scores]
        figures["ks"] = effects.ks(channel.counts, counts)
        figures["wasserstein"] = effects.wasserstein(channel.counts, counts, locations) if both else 0.0
    test, p = _test(channel, counts)
    return ChannelReport(
        channel=channel,
        counts=counts,
        before=effects.shares(channel.counts),
        now=effects.shares(counts),
        effects=figures,
        excess=max(0.0, psi - chance),
        test=test,
        p=p,
        sizes=_sizes(baseline, channel, counts, moments),
    )


def _test(channel: Channel, counts: Sequence[int]) -> tuple[dict[str, Any], float]:
    """Kolmogorov-Smirnov where bins have an order, Fisher's for yes and no, chi-square for categories."""
    if channel.ordered:
        distance = effects.ks(channel.counts, counts)
        p = effects.ks_p(distance, sum(channel.counts), sum(counts))
        return {"name": "kolmogorov-smirnov", "statistic": distance, "degrees": None}, p
    if channel.kind in INDICATORS:
        p = effects.fisher((channel.counts[0], channel.counts[1]), (counts[0], counts[1]))
        return {"name": "fisher", "statistic": None, "degrees": None}, p
    found = effects.chi_square(channel.counts, counts)
    return {"name": "chi-square", "statistic": found.statistic, "degrees": found.degrees}, found.p


def _sizes(baseline: Baseline, channel: Channel, counts: Sequence[int], moments: Moments | None) -> dict[str, Any]:
    """The shift of mean and variance where there are numbers, of the share where there is an indicator."""
    reference, events = sum(channel.counts), sum(counts)
    if not events:
        return {}
    if channel.kind in INDICATORS:
        shift = effects.share_shift(channel.counts[1], reference, counts[1], events)
        share = {"value": counts[1] / events, "baseline": channel.counts[1] / reference}
        return {"share": share | {"difference": shift.value, "low": shift.low, "high": shift.high}}
    summary = baseline.prediction if channel.name == PREDICTION else baseline.features.get(channel.name)
    if moments is None or not moments.count or summary is None or not summary.usable_std:
        return {}
    mean = moments.total / moments.count / UNITS
    spread = moments.squares - moments.total**2 / moments.count
    variance = max(0.0, spread / max(1, moments.count - 1) / UNITS**2)
    ratio = effects.variance_ratio(variance, moments.count, summary.count)
    sizes = {"mean": _interval("shift", effects.mean_shift(mean, variance, moments.count, summary.count))}
    return sizes | ({} if ratio is None else {"variance": _interval("ratio", ratio)})


def _interval(name: str, interval: Interval) -> dict[str, float]:
    facts = asdict(interval)
    return {name: facts.pop("value"), **facts}
