"""window.report.v1: per channel the effects, what chance says of them, and a verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import (
    TYPE_CHECKING,
    Any,
    TypedDict,
)

from drift_contracts.timestamps import utc_text

from drift_ml.effects import benjamini_hochberg
from drift_ml.report._channel import ChannelReport, describe_channel
from drift_ml.report._levels import LEVELS
from drift_ml.report._words import (
    level,
    overall,
    words,
)
from drift_ml.window import Moments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_contracts.types import (
        WindowReportV1,
        WindowReportV1Channel,
        WindowReportV1ChannelEffects,
        WindowReportV1ChannelMean,
        WindowReportV1ChannelShare,
        WindowReportV1ChannelVariance,
    )

    from drift_ml.baseline import Baseline
    from drift_ml.window import Window

DIGITS = 6
#: Kinds of channels that window.report.v1 does not know; they are of several features, whose own
#: channels are reported, and are watched for evidence alone.
UNREPORTED = ("sum", "concordance")


class _Sizes(TypedDict, total=False):
    """The members of a channel of window.report.v1 that depend on its kind."""

    mean: WindowReportV1ChannelMean
    variance: WindowReportV1ChannelVariance
    share: WindowReportV1ChannelShare


class _OrderedEffects(TypedDict, total=False):
    """The effects that only bins with an order have."""

    ks: float
    wasserstein: float


def window_report(baseline: Baseline, window: Window) -> WindowReportV1:
    """Return what a window shows against its baseline, as a document under window.report.v1.

    Channels come with the largest effect first (PSI above what chance gives), names settling ties.
    p-values are adjusted across channels (Benjamini & Hochberg 1995). A level other than "none"
    needs both an adjusted p below 0.05 and an effect that matters; 0.01, 0.1 and 0.25 are the
    bounds of small, moderate and large. All numbers are rounded to six digits.

    Args:
        baseline: the reference.
        window: counted against it.
    """
    reports = channel_reports(baseline, window)
    drifted = [report.channel.name for report in reports if report.level != "none"]
    levels = [report.level for report in reports]
    return {
        "contract": "window.report.v1",
        "model": baseline.model,
        "model_version": window.model_version,
        "baseline": {"digest": baseline.digest, "rows": baseline.rows},
        "window": {
            "events": window.events,
            "first": _text(window.first_ms),
            "last": _text(window.last_ms),
        },
        "verdict": {
            "level": max(
                levels,
                key=LEVELS.index,
                default="none",
            ),
            "words": overall(reports, window.events),
            "drifted": drifted,
        },
        "channels": [_document(report, rank) for rank, report in enumerate(reports, 1)],
    }


def channel_reports(
    baseline: Baseline,
    window: Window,
    inflation: Mapping[str, float] | None = None,
) -> list[ChannelReport]:
    """Return the figures of all channels, the largest effect first.

    Args:
        baseline: the reference.
        window: counted against it.
        inflation: by channel, for how many dependent events one counts; 1 where it is left out.
    """
    counts = window.channel_counts()
    names = [source.name for source in baseline.plan.sources]
    moments = dict(
        zip(
            names,
            window.moments,
            strict=True,
        )
    )
    described = []
    for channel in baseline.channels:
        if channel.kind in UNREPORTED:
            continue
        name = channel.name
        of_channel, of_column = counts[name], moments.get(name)
        if inflation is not None:
            of_channel = _divided(of_channel, inflation.get(name, 1.0))
            of_column = _divided_moments(of_column, inflation.get(name, 1.0))
        described.append(describe_channel(baseline, channel, of_channel, of_column))
    adjusted = benjamini_hochberg([report.test.p for report in described])
    levelled = []
    for report, p in zip(
        described,
        adjusted,
        strict=True,
    ):
        verdict = level(report.effects.psi_excess, p)
        levelled.append(
            replace(
                report,
                adjusted=p,
                level=verdict,
            )
        )
    # Of a pair it matters whether one of the two has moved alone: so levels come before words.
    moved = {report.channel.name for report in levelled if report.level != "none"}
    reports = [replace(report, words=words(report, moved)) for report in levelled]
    reports.sort(key=lambda report: (-report.effects.psi_excess, report.channel.name))
    return reports


def _divided(counts: Sequence[int], inflation: float) -> list[int]:
    return [round(count / inflation) for count in counts]


def _divided_moments(moments: Moments | None, inflation: float) -> Moments | None:
    """Return the sums over as many fewer values, whose mean and variance are the same."""
    if moments is None:
        return None
    sums = (moments.count, moments.total, moments.squares)
    return Moments(*_divided(sums, inflation))


def _document(report: ChannelReport, rank: int) -> WindowReportV1Channel:
    channel, test = report.channel, report.test
    document: WindowReportV1Channel = {
        "name": channel.name,
        "kind": channel.kind,  # type: ignore[typeddict-item] # UNREPORTED ones are not here
        "of": list(channel.of),
        "rank": rank,
        "level": report.level,
        "words": report.words,
        "events": sum(report.counts),
        "reference": sum(channel.counts),
        "effects": _effects(report),
        "test": {
            "name": test.name,
            "statistic": test.statistic,
            "degrees": test.degrees,
            "p": test.p,
            "p_adjusted": report.adjusted,
        },
        **_sizes(report),
        "labels": channel.labels,
        "baseline": list(report.before),
        "window": list(report.now),
    }
    rounded: WindowReportV1Channel = _rounded(document)
    return rounded


def _sizes(report: ChannelReport) -> _Sizes:
    """Return the shift of mean and variance, or of the share, whichever there is."""
    document: _Sizes = {}
    mean, variance, share = report.mean, report.variance, report.share
    if mean is not None:
        document["mean"] = {"shift": mean.value, "low": mean.low, "high": mean.high}
    if variance is not None:
        document["variance"] = {
            "ratio": variance.value,
            "low": variance.low,
            "high": variance.high,
        }
    if share is not None:
        document["share"] = {
            "value": share.value,
            "baseline": share.baseline,
            "difference": share.difference.value,
            "low": share.difference.low,
            "high": share.difference.high,
        }
    return document


def _effects(report: ChannelReport) -> WindowReportV1ChannelEffects:
    figures = report.effects
    of_order: _OrderedEffects = {}
    if figures.ks is not None:
        of_order["ks"] = figures.ks
    if figures.wasserstein is not None:
        of_order["wasserstein"] = figures.wasserstein
    return {
        "psi": figures.psi,
        "jensen_shannon": figures.jensen_shannon,
        **of_order,
        "psi_excess": figures.psi_excess,
    }


# Any: a rounded document has the type of the document, which no checker can follow.
def _rounded(value: Any) -> Any:
    """Return a document with every float in it to six significant digits."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {name: _rounded(member) for name, member in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value


def _text(timestamp_ms: int | None) -> str | None:
    return None if timestamp_ms is None else utc_text(timestamp_ms)
