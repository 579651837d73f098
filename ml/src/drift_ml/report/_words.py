"""What a person reads first: a level and a sentence per channel, and one for the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_ml.descriptions import indicator_words, level_words, named_bin
from drift_ml.report._levels import LEVELS, Level
from drift_ml.words import subject

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from drift_ml.effects import Interval
    from drift_ml.report._channel import ChannelReport

#: PSI above chance: 0.01 is a shift of a tenth of a standard deviation; 0.1 and 0.25 are Siddiqi's
#: (2006).
BOUNDS = (0.01, 0.1, 0.25)

SIGNIFICANT = 0.05

#: What stands before the feature's name.
_TOPICS = {"missing": "missing ", "out_of_range": "out of range ", "new": "new values of "}


def level(excess: float, adjusted: float) -> Level:
    """Return how much a channel has drifted: none unless chance is excluded and it matters.

    Args:
        excess: PSI above what chance gives, nats.
        adjusted: the p-value, adjusted for the number of channels.

    >>> level(0.3, 0.001), level(0.3, 0.2), level(0.02, 0.001)
    ('large', 'none', 'small')
    """
    if adjusted >= SIGNIFICANT:
        return "none"
    return LEVELS[sum(excess >= bound for bound in BOUNDS)]


def words(
    report: ChannelReport,
    moved: Collection[str],
) -> str:
    """Return a sentence about one channel.

    Args:
        report: of the channel.
        moved: the channels that have drifted.
    """
    channel, topic = report.channel, _topic(report)
    if not sum(report.counts):
        return f"{topic}: no events"
    if report.level == "none":
        return f"{topic}: as in the baseline"
    if report.share is not None:
        share = report.share
        return indicator_words(channel.kind, channel.of[0], share.value, share.baseline)
    if channel.kind == "product":
        return _pair_words(report, moved)
    if channel.kind == "sum_of_squares":
        where = "farther from" if _moved_up(report) else "closer to"
        return f"all features together are {where} their middle than in the baseline"
    sentence = None
    if report.mean is not None:
        sentence = _number_words(report.mean, report.variance)
    return f"{topic} {sentence}" if sentence else _bin_words(report, topic)


def overall(
    reports: Sequence[ChannelReport],
    events: int,
) -> str:
    """Return a sentence about the window.

    Args:
        reports: of all channels, the largest effect first.
        events: in the window.
    """
    drifted = [report for report in reports if report.level != "none"]
    if not events:
        return "no events"
    if not drifted:
        return f"all {len(reports)} channels are as in the baseline, over {events} events"
    verb = "channels differs" if len(drifted) == 1 else "channels differ"
    shown = f"{len(drifted)} of {len(reports)} {verb} from the baseline over {events} events"
    return f"{shown}; first: {drifted[0].words}"


def _topic(report: ChannelReport) -> str:
    kind, of = report.channel.kind, report.channel.of
    if kind == "sum_of_squares":
        return "all features together"
    if kind == "product":
        return f"{of[0]} with {of[1]}"
    if report.channel.answer is not None:
        return subject(report.channel.name)
    return _TOPICS.get(kind, "") + of[0]


def _pair_words(
    report: ChannelReport,
    moved: Collection[str],
) -> str:
    """Return what is said of a product.

    It also changes when one of the two has moved alone: then nothing is said of correlation.
    """
    topic = _topic(report)
    causes = [name for name in report.channel.of if name in moved]
    if causes:
        return f"{topic}: changed along with {' and '.join(causes)}"
    how = "more" if _moved_up(report) else "less"
    return f"{topic}: move together {how} than in the baseline"


def _number_words(
    mean: Interval,
    variance: Interval | None,
) -> str | None:
    """Return a clause about mean or variance, None where both intervals hold "no change"."""
    if mean.low > 0 or mean.high < 0:
        where = "higher" if mean.value > 0 else "lower"
        size = f"{abs(mean.value):.2f} standard deviations {where} than in the baseline"
        return f"is {size} ({mean.low:+.2f} to {mean.high:+.2f})"
    if variance is not None and (variance.low > 1 or variance.high < 1):
        return f"spreads {variance.value**0.5:.2f} times as widely as in the baseline"
    return None


def _bin_words(report: ChannelReport, topic: str) -> str:
    """Return a sentence about the bin whose share changed most."""
    changes = [
        abs(now - before)
        for now, before in zip(
            report.now,
            report.before,
            strict=True,
        )
    ]
    place = changes.index(max(changes))
    label = named_bin(report.channel, place)
    return level_words(topic, label, report.now[place], report.before[place])


def _moved_up(report: ChannelReport) -> bool:
    """Return whether the mean score of the bins has risen."""
    bins = zip(
        report.now,
        report.before,
        report.channel.scores,
        strict=True,
    )
    return sum((now - before) * score for now, before, score in bins) > 0
