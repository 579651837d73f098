"""The end of a drift as a test of its own: evidence for the reference against what may be left of the drift."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.evidence._capital import Capital
from drift_ml.evidence._distributions import reference_distribution

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_ml.evidence._charts import Chart
    from drift_ml.evidence._distributions import Floats
    from drift_ml.evidence._finding import DriftFinding
    from drift_ml.evidence._tables import Tables

LARGEST_LEFT = 0.25
"""Equivalent standard deviations: a larger drift is over only when no more than this can be left of it."""


class Recovery:
    """What the channel of an alarm must disprove before its drift is over: that some of it is left.

    The alternatives are one per kind and direction of drift of the channel. Against each runs the recursion
    of `Capital` with the ratio turned round, so that while a drift of its size lasts, `evidence` reaches ln of
    a number of events after that many events on average, or later; the least of them counts. It may be
    started anew at any time.
    """

    def __init__(
        self, finding: DriftFinding, strata: Sequence[tuple[Sequence[int], Tables]], *, spread: float, least: float
    ) -> None:
        """The test of a finding's end.

        strata: per stratum the reference counts of the finding's channel, and the tables. spread: the
        channel's variance inflation. least: the minimum effect. Every alternative is tempered (law
        proportional to reference^(1-f) x alternative^f) to one effect: half of what was found, as an early
        find is often a lucky one that overstates, but no more than LARGEST_LEFT, no less than the minimum
        effect, and no less than can be told from the reference within twice its rows.
        """
        self.channel = finding.channel
        counts, tables = strata[0]
        told = sqrt(3 * finding.needed / max(sum(counts), 1))
        left = max(min(finding.effect / 2, LARGEST_LEFT), least, told)
        chosen = _alternatives([each for each in tables.charts if each.channel == self.channel], finding, left)
        self._tables = [
            _turned(counts, tables.ratios[tables.names.index(self.channel)], chosen) for counts, tables in strata
        ]
        self._spread = np.asarray(spread, dtype=np.float64)
        self.capital = Capital.empty(len(chosen))

    @property
    def evidence(self) -> float:
        """ln of the least evidence that the drift is over, nats; minus infinity before the first event."""
        return float(self.capital.log.min())

    def update(self, counts: Sequence[int], stratum: int) -> None:
        """Take in a batch: events per bin of the channel. One without events of the channel changes nothing."""
        seen = np.asarray(counts, dtype=np.float64)
        if events := seen.sum():
            ratios, rows = self._tables[stratum]
            self.capital.advance(seen @ ratios, events, rows, self._spread)

    def update_event(self, bin_: int, stratum: int) -> None:
        """The same for one event, given its bin; -1 for none."""
        if bin_ >= 0:
            ratios, rows = self._tables[stratum]
            self.capital.advance(ratios[bin_], 1, rows, self._spread)


def _turned(counts: Sequence[int], table: Floats, chosen: Mapping[int, float]) -> tuple[Floats, Floats]:
    """Log-likelihood ratios of the reference against each alternative, shape (bins, alternatives), and rows."""
    law = reference_distribution(counts)
    tilt = table[:, list(chosen)] * np.array(list(chosen.values()))
    ratios = np.log(law @ np.exp(tilt)) - tilt
    noise = np.maximum(1.0, (law @ np.exp(ratios) - 1) / (2 * law @ ratios))
    return ratios, max(sum(counts), 1) / noise


def _alternatives(found: Sequence[Chart], finding: DriftFinding, left: float) -> dict[int, float]:
    """By index of a chart, how far to temper it: per kind and direction the weakest that is strong enough.

    A kind or direction of which no chart is so strong (a rare category's) is left out, unless it is the
    finding's own: then its strongest counts as it is.
    """
    chosen: dict[tuple[str, str], int] = {}
    for place, chart in sorted(enumerate(found), key=lambda each: each[1].information):
        known = chosen.get((chart.kind, chart.direction))
        if known is None or _effect(found[known]) < left:
            chosen[chart.kind, chart.direction] = place
    own = (finding.kind, finding.direction)
    return {
        place: min(1.0, left / _effect(found[place]))
        for which, place in chosen.items()
        if which == own or _effect(found[place]) >= left
    }


def _effect(chart: Chart) -> float:
    """In equivalent standard deviations, from the J-divergence: an end must be as easy to see as a beginning."""
    return sqrt(chart.information - chart.against)
