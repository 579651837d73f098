"""What a person reads first: a level and a sentence per channel, and one for the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from drift_ml.report._channel import ChannelReport

LEVELS = ("none", "small", "moderate", "large")
BOUNDS = (0.01, 0.1, 0.25)
"""PSI above chance: 0.01 is a shift of a tenth of a standard deviation; 0.1 and 0.25 are Siddiqi's (2006)."""

SIGNIFICANT = 0.05


def level(excess: float, adjusted: float) -> str:
    """How much a channel has drifted: none unless chance is excluded and the effect matters.

    >>> level(0.3, 0.001), level(0.3, 0.2), level(0.02, 0.001)
    ('large', 'none', 'small')
    """
    if adjusted >= SIGNIFICANT:
        return "none"
    return LEVELS[sum(excess >= bound for bound in BOUNDS)]


def words(report: ChannelReport, moved: Collection[str]) -> str:
    """A sentence about one channel; `moved` names the features that drifted on their own."""
    channel = report.channel
    if not sum(report.counts):
        return f"{_topic(report)}: no events"
    if report.level == "none":
        return f"{_topic(report)}: as in the baseline"
    if "share" in report.sizes:
        share = report.sizes["share"]
        return f"{_topic(report)}: {_percent(share['value'])}, in the baseline {_percent(share['baseline'])}"
    if channel.kind == "product":
        return _pair_words(report, moved)
    if channel.kind == "sum_of_squares":
        where = "farther from" if _moved_up(report) else "closer to"
        return f"all features together are {where} their middle than in the baseline"
    return _numbers(channel.of[0], report) if "mean" in report.sizes else _bin_words(channel.of[0], report)


def overall(reports: Sequence[ChannelReport], events: int) -> str:
    """A sentence about the window; reports come with the largest effect first."""
    drifted = [report for report in reports if report.level != "none"]
    if not events:
        return "no events"
    if not drifted:
        return f"all {len(reports)} channels are as in the baseline, over {events} events"
    more = "channels differs" if len(drifted) == 1 else "channels differ"
    counted = f"{len(drifted)} of {len(reports)} {more} from the baseline over {events} events"
    return f"{counted}; first: {drifted[0].words}"


def _topic(report: ChannelReport) -> str:
    kind, of = report.channel.kind, report.channel.of
    if kind == "sum_of_squares":
        return "all features together"
    if kind == "product":
        return f"{of[0]} with {of[1]}"
    return {"missing": "missing ", "out_of_range": "out of range ", "new": "new values of "}.get(kind, "") + of[0]


def _pair_words(report: ChannelReport, moved: Collection[str]) -> str:
    """A product also changes when one of the two has moved alone: then nothing is said of correlation."""
    of = report.channel.of
    if causes := [name for name in of if name in moved]:
        return f"{_topic(report)}: changed along with {' and '.join(causes)}"
    return f"{_topic(report)}: move together {'more' if _moved_up(report) else 'less'} than in the baseline"


def _numbers(subject: str, report: ChannelReport) -> str:
    mean, variance = report.sizes["mean"], report.sizes.get("variance")
    if mean["low"] > 0 or mean["high"] < 0:
        where = "higher" if mean["shift"] > 0 else "lower"
        size = f"{abs(mean['shift']):.2f} standard deviations {where} than in the baseline"
        return f"{subject} is {size} ({mean['low']:+.2f} to {mean['high']:+.2f})"
    if variance and (variance["low"] > 1 or variance["high"] < 1):
        return f"{subject} spreads {variance['ratio'] ** 0.5:.2f} times as widely as in the baseline"
    return _bin_words(subject, report)


def _bin_words(subject: str, report: ChannelReport) -> str:
    """The bin whose share changed most."""
    place = max(range(len(report.now)), key=lambda k: abs(report.now[k] - report.before[k]))
    now, before = _percent(report.now[place]), _percent(report.before[place])
    return f"{subject} {report.channel.labels[place]}: {now}, in the baseline {before}"


def _moved_up(report: ChannelReport) -> bool:
    scores = report.channel.scores
    gaps = zip(report.now, report.before, scores, strict=True)
    return sum((now - before) * score for now, before, score in gaps) > 0


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
