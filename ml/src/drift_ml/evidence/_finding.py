"""What the evidence says: which channel, how, how much, since when, how sure."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    from drift_contracts.types import DetectorStateV2Finding

    from drift_ml.evidence._capital import Capital
    from drift_ml.evidence._charts import ChartKind
    from drift_ml.evidence._distributions import Floats
    from drift_ml.evidence._tables import Tables

    Flags = npt.NDArray[np.bool_]

#: How many of the leading channels a finding names.
NAMED = 5


@dataclass(frozen=True)
class DriftFinding:
    """One drift as the charts see it: channel, kind and direction of the leading chart."""

    #: The channel that drifts most.
    channel: str
    #: How it drifts; see `Chart.kind`.
    kind: ChartKind
    #: `up` or `down`, for a category with its name before it.
    direction: str
    #: The estimated change in the chart's unit: standard deviations, factor, correlation, share.
    size: float
    #: The same in equivalent standard deviations, comparable between kinds.
    effect: float
    #: Estimated onset, in the clock that the detector was given.
    since: float
    #: Events since the onset.
    events: float
    #: ln of the mixture, nats.
    evidence: float
    #: ln of the threshold, nats.
    needed: float
    #: The part of the evidence that each of the leading channels holds, the largest first.
    shares: dict[str, float]

    def to_json(self) -> DetectorStateV2Finding:
        """Return the finding as detector.state.v2 holds it."""
        return {
            "channel": self.channel,
            "kind": self.kind,
            "direction": self.direction,
            "size": self.size,
            "effect": self.effect,
            "since": self.since,
            "events": self.events,
            "evidence": self.evidence,
            "needed": self.needed,
            "shares": dict(self.shares),
        }

    def __str__(self) -> str:
        change = f"{self.kind} {self.direction}, {self.size:.2g} ({self.effect:.2g} sd)"
        return (
            f"{self.channel}: {change} over {self.events:.0f} events; "
            f"evidence {self.evidence:.1f} of {self.needed:.1f} nats"
        )


def find(
    tables: Tables,
    capital: Capital,
    variance_inflation: Floats,
    evidence: float,
    needed: float,
    charts: Flags,
) -> DriftFinding:
    """Return the finding that a capital amounts to.

    The size follows from the mean log-likelihood ratio since the onset, which grows linearly from
    the chart's mean while nothing has changed (no change) to its information (the whole change).

    Args:
        tables: the charts.
        capital: of shape (charts,), with something gained.
        variance_inflation: of each chart's channel, shape (charts,).
        evidence: ln of the mixture, nats.
        needed: ln of the threshold, nats.
        charts: those that are looked at, shape (charts,).
    """
    gained = np.where(charts, capital.log + tables.log_weights, -np.inf)
    parts = np.exp(gained - np.logaddexp.reduce(gained))
    leader = int(parts.argmax())
    chart = tables.charts[leader]
    mean = capital.ratio[leader] / max(capital.age[leader], 1.0)
    whole = chart.information - chart.mean_under_null
    fraction = max(0.0, float((mean - chart.mean_under_null) / whole))
    # A scale is a factor: no change is 1, where every other kind has 0.
    neutral = 1.0 if chart.kind == "scale" else 0.0
    return DriftFinding(
        channel=chart.channel,
        kind=chart.kind,
        direction=chart.direction,
        size=neutral + fraction * (chart.size - neutral),
        effect=fraction * sqrt(2 * chart.information),
        since=float(capital.start[leader]),
        events=float(capital.age[leader] * variance_inflation[leader]),
        evidence=evidence,
        needed=needed,
        shares=_shares_by_channel(tables, parts),
    )


def _shares_by_channel(
    tables: Tables,
    parts: Floats,
) -> dict[str, float]:
    shares: dict[str, float] = {}
    for chart, part in zip(tables.charts, parts, strict=True):
        if not part:
            continue  # explained by an alarm, or too small to count
        shares[chart.channel] = shares.get(chart.channel, 0.0) + float(part)
    leading = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return dict(leading[:NAMED])
