"""Effect sizes of the span shown, from a window report, as the page draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_ml.baseline import PREDICTION

from drift_console.levels import drawn_levels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_contracts.types import WindowReportV1, WindowReportV1Channel

    from drift_console.page_types import EffectEntry, EffectsDocument, MeanShift

#: Effects that the page lists at most, the largest first.
MOST_SHOWN = 90
#: Bins of a channel that the page draws at most.
DRAWN = 16


def effects_document(report: WindowReportV1) -> EffectsDocument:
    """Return how much each feature and each part of the answer differs from the baseline.

    report: of the events of the span shown.
    """
    observed = report["window"]
    effects = []
    # Without events every figure would be None.
    if observed["events"]:
        shown = [channel for channel in report["channels"] if _is_shown(channel)]
        effects = [_effect_entry(channel) for channel in shown[:MOST_SHOWN]]
    return {
        "window": {
            "events": observed["events"],
            "first": observed["first"],
            "last": observed["last"],
            "words": report["verdict"]["words"],
        },
        "effects": effects,
    }


def _is_shown(channel: WindowReportV1Channel) -> bool:
    """Return whether a channel counts the values of a feature, or a part of the answer."""
    return channel["of"] in ([channel["name"]], [PREDICTION])


def _effect_entry(channel: WindowReportV1Channel) -> EffectEntry:
    labels, baseline, window = channel["labels"], channel["baseline"], channel["window"]
    # Ordered bins can be put together, neighbours with neighbours; categories have no order.
    if channel["kind"] == "categories":
        labels, (baseline, window) = drawn_levels(labels, (baseline, window))
    elif len(labels) > DRAWN:
        width = -(-len(labels) // DRAWN)
        groups = [slice(start, start + width) for start in range(0, len(labels), width)]
        labels = [_joined_label(labels[group]) for group in groups]
        baseline = [sum(baseline[group]) for group in groups]
        window = [sum(window[group]) for group in groups]
    effects = channel["effects"]
    return {
        "feature": channel["name"],
        "level": channel["level"],
        "words": channel["words"],
        "psi": effects["psi"],
        "ks": effects.get("ks"),
        "wasserstein": effects.get("wasserstein"),
        "mean_shift": _mean_shift(channel),
        "p_adjusted": channel["test"]["p_adjusted"],
        "labels": labels,
        "baseline": baseline,
        "window": window,
    }


def _mean_shift(channel: WindowReportV1Channel) -> MeanShift | None:
    mean = channel.get("mean")
    if not mean:
        return None
    return {"value": mean["shift"], "low": mean["low"], "high": mean["high"]}


def _joined_label(labels: Sequence[str]) -> str:
    """Return one label for neighbouring bins.

    >>> _joined_label(["<= 1", "1 to 2", "2 to 3"]), _joined_label(["3 to 4", "> 4"])
    ('<= 3', '> 3')
    >>> _joined_label(["5", "6"])
    '5 to 6'
    """
    if len(labels) == 1:
        return labels[0]
    low = labels[0].split(" to ")[0]
    high = labels[-1].split(" to ")[-1]
    if low.startswith("<= "):
        return f"<= {high}"
    if high.startswith("> "):
        return f"> {low}"
    return f"{low} to {high}"
