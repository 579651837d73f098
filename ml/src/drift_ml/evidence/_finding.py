"""What the evidence says: which channel, how, how much, since when, how sure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from drift_ml.evidence._capital import Capital
    from drift_ml.evidence._tables import Tables

NAMED = 5


@dataclass(frozen=True)
class DriftFinding:
    """One drift as the charts see it.

    channel, kind, direction: of the leading chart. size: the estimated change in the chart's own unit
    (standard deviations, factor, correlation, share). effect: the same in equivalent standard deviations,
    comparable between kinds. since: moment of the estimated onset; events: how many since then. evidence: ln
    of the mixture; needed: ln of the bar. shares: the part of the evidence that each of the leading channels
    holds.
    """

    channel: str
    kind: str
    direction: str
    size: float
    effect: float
    since: float
    events: float
    evidence: float
    needed: float
    shares: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """The finding as a document."""
        return asdict(self)

    def __str__(self) -> str:
        change = f"{self.kind} {self.direction}, {self.size:.2g} ({self.effect:.2g} sd)"
        return (
            f"{self.channel}: {change} over {self.events:.0f} events; "
            f"evidence {self.evidence:.1f} of {self.needed:.1f} nats"
        )


def find(
    tables: Tables, capital: Capital, spread: np.ndarray[Any, Any], evidence: float, needed: float
) -> DriftFinding:
    """The finding that a capital of shape (charts,) amounts to.

    The size follows from the mean log-likelihood ratio since the onset, which grows linearly from the chart's
    value under the reference (no change) to that under its own alternative (the whole change).
    """
    gained = capital.log + tables.log_weights
    parts = np.exp(gained - np.logaddexp.reduce(gained))
    leader = int(parts.argmax())
    chart = tables.charts[leader]
    mean = capital.ratio[leader] / max(capital.age[leader], 1.0)
    fraction = max(0.0, float((mean - chart.against) / (chart.information - chart.against)))
    neutral = 1.0 if chart.kind == "scale" else 0.0
    return DriftFinding(
        channel=chart.channel,
        kind=chart.kind,
        direction=chart.direction,
        size=neutral + fraction * (chart.size - neutral),
        effect=fraction * sqrt(2 * chart.information),
        since=float(capital.born[leader]),
        events=float(capital.age[leader] * spread[leader]),
        evidence=evidence,
        needed=needed,
        shares=_by_channel(tables, parts),
    )


def _by_channel(tables: Tables, parts: np.ndarray[Any, Any]) -> dict[str, float]:
    held: dict[str, float] = {}
    for chart, part in zip(tables.charts, parts, strict=True):
        held[chart.channel] = held.get(chart.channel, 0.0) + float(part)
    leading = sorted(held.items(), key=lambda item: (-item[1], item[0]))[:NAMED]
    return dict(leading)
