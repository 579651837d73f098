"""Time structure, learned from traffic that is known to be good: cycles and dependent events."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from drift_ml.evidence._errors import EvidenceError
from drift_ml.evidence._tables import tables_of

if TYPE_CHECKING:
    from collections.abc import (
        Iterable,
        Mapping,
        Sequence,
    )

    import numpy.typing as npt

    from drift_ml.baseline import Channel
    from drift_ml.evidence._distributions import Floats
    from drift_ml.evidence._tables import Counts, Tables

    Integers = npt.NDArray[np.int64]
    #: Of a batch: seconds since the epoch, and events per bin by channel.
    Batch = tuple[float, Counts]

DAY = 86_400.0
#: A variance over fewer blocks is too uncertain to divide by.
FEWEST_BLOCKS = 64


class SeasonalityDocument(TypedDict):
    """The seasonality as JSON; a digest of it is in detectors' states, so the members stay."""

    period: float
    strata: list[dict[str, list[int]]]
    spread: dict[str, float]


@dataclass(frozen=True)
class DayVariation:
    """By how much the days of a channel differ, beyond what its independent events would."""

    #: Variance of a day's mean over the variance of one event.
    variance: float
    #: Variance of the sum of days over that of independent events, at least 1.
    inflation: float
    #: Effective events of an average day.
    events: float


class DaysDocument(SeasonalityDocument, total=False):
    """The seasonality of traffic of which more is known."""

    #: By channel, the members of a `DayVariation`.
    days: dict[str, list[float]]
    #: By channel, for how many rows one counts.
    reference: dict[str, float]
    #: By slice of the period, which of the strata it is of.
    order: list[int]
    #: Names of channels.
    bursting: list[str]
    #: There where it is so.
    early: bool


@dataclass(frozen=True)
class Seasonality:
    """Reference counts per stratum of a period, and the variance inflation of each channel."""

    #: Seconds after which traffic repeats itself: a day or a week.
    period: float
    #: Per slice of the period, the reference counts per bin by channel.
    strata: tuple[Mapping[str, tuple[int, ...]], ...]
    #: By channel, the variance of a block of events divided by what it would be if they were
    #: independent, at least 1.
    variance_inflation: Mapping[str, float] = field(default_factory=dict)
    #: By channel whose days differ.
    days: Mapping[str, DayVariation] = field(default_factory=dict)
    #: By channel whose reference is dependent traffic itself: variance of the reference's mean over
    #: that of as many independent rows, at least 1.
    reference_inflation: Mapping[str, float] = field(default_factory=dict)
    #: By slice of the period which stratum it is of; () where each has one of its own.
    order: tuple[int, ...] = ()
    #: Channels whose events come in bursts that the variance inflation does not cover.
    bursting: tuple[str, ...] = ()
    #: Whether it is of the first days, when sessions that are named still count as all alike.
    is_early: bool = False

    @classmethod
    def learn(
        cls,
        channels: Sequence[Channel],
        batches: Iterable[Batch],
        *,
        strata: int = 24,
        period: float = DAY,
    ) -> Seasonality:
        """Return the seasonality of good traffic.

        A slice without traffic stands on the baseline's own counts. The variance inflation is the
        greatest over block lengths of 1, 2, 4... batches, as long as 64 blocks remain. Source:
        Carlstein 1986 (blocks of dependent data).

        Args:
            channels: of the baseline.
            batches: (seconds since the epoch, events per bin by channel), in the order of time, at
                least 64.
            strata: slices of the period: 24 of a day, 168 of a week, 1 for none.
            period: seconds.

        Raises:
            EvidenceError: there are too few batches, or no stratum.
        """
        listed = list(batches)
        if len(listed) < FEWEST_BLOCKS or strata < 1:
            raise EvidenceError(
                f"a seasonality: expected at least {FEWEST_BLOCKS} batches and one stratum"
            )
        slices = tuple(_reference_counts(channels, listed, strata, period))
        unscaled = cls(period, slices)
        return cls(period, slices, _variance_inflation(channels, unscaled, listed))

    def stratum(self, timestamp_s: float) -> int:
        """Return the slice of the period that a time, in seconds since the epoch, falls into.

        >>> Seasonality(86400.0, ({},) * 24).stratum(3600.0)
        1
        """
        if self.order:
            return self.order[_stratum(timestamp_s, self.period, len(self.order))]
        return _stratum(timestamp_s, self.period, len(self.strata))

    def to_json(self) -> DaysDocument:
        """Return the seasonality as a document."""
        document: DaysDocument = {
            "period": self.period,
            "strata": [_as_lists(counts) for counts in self.strata],
            "spread": dict(self.variance_inflation),
        }
        # Without these the digest is the one that earlier releases made.
        if self.days:
            of_days = self.days.items()
            document["days"] = {name: list(astuple(days)) for name, days in of_days}
        if self.reference_inflation:
            document["reference"] = dict(self.reference_inflation)
        if self.order:
            document["order"] = list(self.order)
        if self.bursting:
            document["bursting"] = list(self.bursting)
        if self.is_early:
            document["early"] = True
        return document

    @classmethod
    def from_json(cls, document: DaysDocument) -> Seasonality:
        """Return the seasonality in a document."""
        strata = tuple(_as_tuples(counts) for counts in document["strata"])
        listed = document.get("days", {}).items()
        days = {name: DayVariation(*values) for name, values in listed}
        reference = dict(document.get("reference", {}))
        order = tuple(document.get("order", ()))
        bursting = tuple(document.get("bursting", ()))
        spread, early = dict(document["spread"]), document.get("early", False)
        return cls(document["period"], strata, spread, days, reference, order, bursting, early)


def _as_lists(counts: Counts) -> dict[str, list[int]]:
    return {name: list(bins) for name, bins in counts.items()}


def _as_tuples(counts: Counts) -> dict[str, tuple[int, ...]]:
    return {name: tuple(bins) for name, bins in counts.items()}


def _stratum(
    timestamp_s: float,
    period: float,
    strata: int,
) -> int:
    # The remainder may round up to the period itself, which would be one slice too many.
    return min(int(timestamp_s % period / period * strata), strata - 1)


def _reference_counts(
    channels: Sequence[Channel],
    batches: Sequence[Batch],
    strata: int,
    period: float,
) -> list[dict[str, tuple[int, ...]]]:
    """Return per stratum the counts of all its batches; the baseline's own where it has none."""
    zeros = {channel.name: np.zeros(len(channel.counts), dtype=np.int64) for channel in channels}
    totals: list[dict[str, Integers]] = [dict(zeros) for _ in range(strata)]
    for timestamp_s, counts in batches:
        total = totals[_stratum(timestamp_s, period, strata)]
        for name in total.keys() & counts.keys():
            total[name] = total[name] + np.asarray(counts[name])
    slices = []
    for total in totals:
        counts_of = {}
        for channel in channels:
            events = total[channel.name]
            counts_of[channel.name] = tuple(events.tolist()) if events.any() else channel.counts
        slices.append(counts_of)
    return slices


def _variance_inflation(
    channels: Sequence[Channel],
    seasonality: Seasonality,
    batches: Sequence[Batch],
) -> dict[str, float]:
    """Return per channel the largest variance inflation over its charts and over block lengths."""
    tables = tables_of(channels, seasonality.strata)
    gains = np.empty((len(batches), len(tables[0].charts)))
    expected = np.empty_like(gains)
    for row, (timestamp_s, counts) in enumerate(batches):
        stratum = seasonality.stratum(timestamp_s)
        reference = seasonality.strata[stratum]
        gains[row], expected[row] = _residual(tables[stratum], reference, counts)
    inflation = dict.fromkeys((channel.name for channel in channels), 1.0)
    greatest = inflation_over_blocks(gains, expected)
    for chart, value in zip(tables[0].charts, greatest.tolist(), strict=True):
        inflation[chart.channel] = max(inflation[chart.channel], value)
    return inflation


def _residual(
    tables: Tables,
    reference: Counts,
    counts: Counts,
) -> tuple[Floats, Floats]:
    """Return a batch's log-likelihood ratios less their expectation, and their variance.

    Args:
        tables: of the batch's stratum.
        reference: the stratum's counts per bin, by channel.
        counts: the batch's.

    Returns:
        Two vectors of shape (charts,); the variance is that of independent events.
    """
    gains, variances = [], []
    for name, ratios in zip(tables.names, tables.ratios, strict=True):
        share = np.asarray(reference[name], dtype=np.float64)
        share /= share.sum()
        batch = np.asarray(counts.get(name, np.zeros(len(share))), dtype=np.float64)
        events = batch.sum()
        mean = share @ ratios
        gains.append(batch @ ratios - events * mean)
        variances.append(events * (share @ (ratios - mean) ** 2))
    return np.concatenate(gains), np.concatenate(variances)


def inflation_over_blocks(
    gains: Floats,
    expected: Floats,
) -> Floats:
    """Return variance over expected variance, the greatest over block lengths, never below 1.

    Args:
        gains: residuals of each batch, shape (batches, charts).
        expected: their variances if events were independent, the same shape.

    Returns:
        Shape (charts,).
    """
    greatest = np.ones(gains.shape[1])
    length = 1
    while len(gains) // length >= FEWEST_BLOCKS:
        # Dependence between batches shows only in sums that are as long as it lasts: independent
        # residuals add to the same ratio at every length, dependent ones to a growing one. A last
        # block that is not full is left out.
        blocks = len(gains) // length
        total = gains[: blocks * length].reshape(blocks, length, -1).sum(axis=1)
        scale = expected[: blocks * length].sum(axis=0)
        squares = (total**2).sum(axis=0)
        # A chart whose bins were never seen has variance 0 on both sides; it counts as 1.
        ratio = np.divide(
            squares,
            scale,
            out=np.ones_like(scale),
            where=scale > 0,
        )
        greatest = np.maximum(greatest, ratio)
        length *= 2
    return greatest
