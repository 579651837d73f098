"""window.report.v1: per channel the effects, what chance says of them, both histograms, and a verdict."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from drift_ml.effects import benjamini_hochberg
from drift_ml.report._channel import ChannelReport, describe_channel
from drift_ml.report._words import LEVELS, level, overall, words

if TYPE_CHECKING:
    from drift_ml.baseline import Baseline
    from drift_ml.window import Window

CONTRACT = "window.report.v1"
DIGITS = 6


def window_report(baseline: Baseline, window: Window) -> dict[str, Any]:
    """What a window shows against its baseline, as a document under window.report.v1.

    Channels come with the largest effect first (PSI above what chance gives), names settling ties. p-values
    are adjusted across channels (Benjamini & Hochberg 1995). A level other than "none" needs both an
    adjusted p below 0.05 and an effect that matters; 0.01, 0.1 and 0.25 are the bounds of small, moderate
    and large. All numbers are rounded to six digits.
    """
    counts = window.channel_counts()
    moments = dict(zip((source.name for source in baseline.plan.sources), window.moments, strict=True))
    found = [
        describe_channel(baseline, channel, counts[channel.name], moments.get(channel.name))
        for channel in baseline.channels
    ]
    adjusted = benjamini_hochberg([each.p for each in found])
    levelled = [replace(each, adjusted=p, level=level(each.excess, p)) for each, p in zip(found, adjusted, strict=True)]
    moved = {each.channel.name for each in levelled if each.level != "none"}
    judged = [replace(each, words=words(each, moved)) for each in levelled]
    judged.sort(key=lambda each: (-each.excess, each.channel.name))
    return {
        "contract": CONTRACT,
        "model": baseline.model,
        "model_version": window.model_version,
        "baseline": {"digest": baseline.digest, "rows": baseline.rows},
        "window": {
            "events": window.events,
            "first": _moment(window.first_ms),
            "last": _moment(window.last_ms),
        },
        "verdict": {
            "level": max((each.level for each in judged), key=LEVELS.index, default="none"),
            "words": overall(judged, window.events),
            "drifted": [each.channel.name for each in judged if each.level != "none"],
        },
        "channels": [_document(each, rank) for rank, each in enumerate(judged, 1)],
    }


def _document(report: ChannelReport, rank: int) -> dict[str, Any]:
    channel = report.channel
    document: dict[str, Any] = {
        "name": channel.name,
        "kind": channel.kind,
        "of": list(channel.of),
        "rank": rank,
        "level": report.level,
        "words": report.words,
        "events": sum(report.counts),
        "reference": sum(channel.counts),
        "effects": {**report.effects, "psi_excess": report.excess},
        "test": {**report.test, "p": report.p, "p_adjusted": report.adjusted},
        **report.sizes,
        "labels": channel.labels,
        "baseline": report.before,
        "window": report.now,
    }
    return {name: _rounded(value) for name, value in document.items()}


def _rounded(value: Any) -> Any:
    """Every float in a document to six significant digits."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value


def _moment(milliseconds: int | None) -> str | None:
    """RFC 3339 in UTC with milliseconds."""
    if milliseconds is None:
        return None
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
