"""The end of a drift as a test of its own: evidence for the reference, against what may be left."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.evidence._capital import Capital, Wandering
from drift_ml.evidence._charts import SECOND_STATE
from drift_ml.evidence._distributions import reference_distribution

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_ml.evidence._charts import Chart, ChartKind
    from drift_ml.evidence._distributions import Floats
    from drift_ml.evidence._finding import DriftFinding
    from drift_ml.evidence._seasonality import DayVariation
    from drift_ml.evidence._tables import Tables

#: Equivalent standard deviations: a larger drift is over only when no more than this can be left.
LARGEST_LEFT = 0.25


@dataclass(frozen=True)
class Stratum:
    """The reference of one slice of time."""

    #: Reference counts of the alarm's channel, per bin.
    counts: Sequence[int]
    #: The charts over all channels.
    tables: Tables


@dataclass(frozen=True)
class _Ratios:
    """The reference against each alternative."""

    #: Log-likelihood ratios, nats, shape (bins, alternatives).
    ratios: Floats
    #: Reference rows behind each alternative divided by its noise.
    rows: Floats

    def of_fewer_rows(self, inflation: float) -> _Ratios:
        """Return the same of a reference of which so many rows count as one."""
        return _Ratios(self.ratios, self.rows / inflation)


class Recovery:
    """What the channel of an alarm must disprove before its drift is over: that some of it is left.

    The alternatives are one per kind and direction of drift of the channel. Against each runs the
    recursion of `Capital` with the ratio turned round, so that while a drift of its size lasts,
    `evidence` reaches ln of a number of events after that many events on average, or later; the
    least of them counts. It may be started anew at any time.
    """

    def __init__(
        self,
        finding: DriftFinding,
        strata: Sequence[Stratum],
        *,
        variance_inflation: float,
        least: float,
        days: DayVariation | None = None,
        reference_inflation: float = 1.0,
    ) -> None:
        """Begin the test of a finding's end.

        Every alternative is tempered (its distribution is proportional to
        reference^(1-f) x alternative^f) to one effect: half of what was found, as an early find is
        often a lucky one that overstates, but no more than LARGEST_LEFT or what two days can tell
        where days differ, no less than the minimum effect, and no less than can be told from the
        reference within twice its rows.

        Args:
            finding: of the alarm.
            strata: the reference of each slice of time, at least one.
            variance_inflation: of the finding's channel.
            least: the minimum effect, in equivalent standard deviations.
            days: by how much the channel's days differ; None for no more than by chance.
            reference_inflation: for how many reference rows one counts, at least 1.
        """
        self.channel = finding.channel
        first = strata[0]
        detectable = sqrt(3 * finding.needed * reference_inflation / max(sum(first.counts), 1))
        largest = max(LARGEST_LEFT, _of_two_days(days, finding.needed))
        left = max(min(finding.effect / 2, largest), least, detectable)
        listed = [chart for chart in first.tables.charts if chart.channel == self.channel]
        exponents = _exponents(listed, finding, left)
        place = first.tables.names.index(self.channel)
        self._ratios = [
            _turned(stratum.counts, stratum.tables.made[place].table, exponents).of_fewer_rows(
                reference_inflation
            )
            for stratum in strata
        ]
        self._variance_inflation = np.asarray(variance_inflation, dtype=np.float64)
        self._wandering: Wandering | None = None
        if days is not None:
            most = np.asarray(days.inflation - 1)
            self._wandering = Wandering(np.asarray(days.variance), most)
        self.begin(Capital.empty(len(exponents)))

    def begin(self, capital: Capital) -> None:
        """Go on from a capital, of one number for each alternative."""
        self.capital = capital
        self.capital.wandering = self._wandering

    @property
    def evidence(self) -> float:
        """Return ln of the least evidence that the drift is over, nats.

        It is minus infinity before the first event.
        """
        return float(self.capital.log.min())

    def update(
        self,
        counts: Sequence[float],
        stratum: int,
    ) -> None:
        """Take a batch in; one without events of the channel changes nothing.

        Args:
            counts: events per bin of the channel, parts of events where they count for less.
            stratum: the index of the slice of time.
        """
        batch = np.asarray(counts, dtype=np.float64)
        events = batch.sum()
        if events:
            table = self._ratios[stratum]
            ratio = batch @ table.ratios
            self.capital.advance(
                ratio,
                events,
                table.rows,
                self._variance_inflation,
            )

    def update_event(
        self,
        bin_: int,
        stratum: int,
    ) -> None:
        """Take one event in.

        Args:
            bin_: the bin of the channel that it falls into; -1 for none.
            stratum: the index of the slice of time.
        """
        if bin_ >= 0:
            table = self._ratios[stratum]
            self.capital.advance(
                table.ratios[bin_],
                1,
                table.rows,
                self._variance_inflation,
            )


def _of_two_days(
    days: DayVariation | None,
    needed: float,
) -> float:
    """Return the least effect that two days can tell, in equivalent standard deviations.

    Args:
        days: by how much days differ; None for no more than by chance.
        needed: what an alarm takes, nats.
    """
    if days is None:
        return 0.0
    # An event gains effect^2 / 2 nats, and of two days so many count.
    return sqrt(needed * days.inflation / days.events)


def _turned(
    counts: Sequence[int],
    table: Floats,
    exponents: Mapping[int, float],
) -> _Ratios:
    """Return the reference against each tempered alternative.

    Args:
        counts: reference counts of the channel, per bin.
        table: log-likelihood ratios of the alternatives, shape (bins, charts of the channel).
        exponents: by index of a chart, how far to temper it.
    """
    reference = reference_distribution(counts)
    # A tempered alternative is reference x exp(tilt) / total, with total = sum(reference x
    # exp(tilt)), so that the ratio of the reference to it is total / exp(tilt).
    tilt = table[:, list(exponents)] * np.array(list(exponents.values()))
    ratios = np.log(reference @ np.exp(tilt)) - tilt
    # As in a chart, but with the two turned round: here the expectation is one under the
    # alternative, and the reference is where the information is gained.
    noise = np.maximum(1.0, (reference @ np.exp(ratios) - 1) / (2 * reference @ ratios))
    return _Ratios(ratios, max(sum(counts), 1) / noise)


def _exponents(
    charts: Sequence[Chart],
    finding: DriftFinding,
    left: float,
) -> dict[int, float]:
    """Return by index of a chart how far to temper it.

    Per kind and direction the weakest chart that is strong enough is taken, of charts that each
    look for one frozen value or one rare category only the finding's own: there are too many to
    disprove each of them, and their drifts move no other value. A kind or direction of
    which no chart is so strong (a rare category's) is left out, unless it is the finding's own:
    then its strongest counts as it is.

    Args:
        charts: of the finding's channel.
        finding: of the alarm.
        left: the effect that each is tempered to, in equivalent standard deviations.
    """
    leading = (finding.kind, finding.direction)
    chosen: dict[tuple[ChartKind, str], int] = {}
    for place, chart in sorted(enumerate(charts), key=lambda item: item[1].information):
        way = (chart.kind, chart.direction)
        if chart.first_state == SECOND_STATE and way != leading:
            continue
        weaker = chosen.get(way)
        if weaker is None or _effect(charts[weaker]) < left:
            chosen[way] = place
    exponents = {}
    for way, place in chosen.items():
        effect = _effect(charts[place])
        if effect >= left or way == leading:
            # Effects grow about linearly with the exponent; above 1 nothing is known.
            exponents[place] = min(1.0, left / effect)
    return exponents


def _effect(chart: Chart) -> float:
    """Return a chart's size in equivalent standard deviations.

    It is that of the J-divergence: an end must be as easy to see as a beginning.
    """
    return sqrt(chart.information - chart.mean_under_null)
