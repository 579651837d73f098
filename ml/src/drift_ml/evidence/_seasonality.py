"""Time structure, learned from traffic that is known to be good: daily cycles and dependent events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from drift_ml.evidence._errors import EvidenceError
from drift_ml.evidence._tables import tables_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from drift_ml.baseline import Channel
    from drift_ml.evidence._distributions import Floats
    from drift_ml.evidence._tables import Tables

DAY = 86_400.0
FEWEST_BLOCKS = 64


@dataclass(frozen=True)
class Seasonality:
    """Reference counts per stratum of a period, and the variance inflation of each channel.

    period: seconds after which traffic repeats itself, a day or a week. strata: per slice of the period the
    counts per bin by channel. spread: by channel, the variance of a block of events divided by what it would
    be if they were independent, at least 1.
    """

    period: float
    strata: tuple[Mapping[str, tuple[int, ...]], ...]
    spread: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def learn(
        cls,
        channels: Sequence[Channel],
        batches: Iterable[tuple[float, Mapping[str, Sequence[int]]]],
        *,
        strata: int = 24,
        period: float = DAY,
    ) -> Seasonality:
        """The seasonality of good traffic.

        channels: of the baseline document. batches: (timestamp_s in seconds, events per bin by channel), in the
        order of time, at least 64. strata: slices of the period (24 of a day, 168 of a week, 1 for none). A
        slice without traffic stands on the baseline's own counts. The spread is the greatest over block
        lengths of 1, 2, 4... batches, as long as 64 blocks remain. Source: Carlstein 1986 (blocks of
        dependent data).
        """
        listed = [(timestamp_s, {name: list(own) for name, own in counts.items()}) for timestamp_s, counts in batches]
        if len(listed) < FEWEST_BLOCKS or strata < 1:
            raise EvidenceError(f"a seasonality: expected at least {FEWEST_BLOCKS} batches and one stratum")
        merged: list[dict[str, Any]] = [{} for _ in range(strata)]
        for timestamp_s, counts in listed:
            own = merged[_stratum(timestamp_s, period, strata)]
            for channel in channels:
                name = channel.name
                zero = np.zeros(len(channel.counts), dtype=np.int64)
                own[name] = own.get(name, zero) + np.asarray(counts.get(name, zero))
        whole = {channel.name: tuple(channel.counts) for channel in channels}
        laws = tuple(
            {name: tuple(seen.tolist()) if seen.sum() else whole[name] for name, seen in own.items()} or whole
            for own in merged
        )
        seasonality = cls(period, laws)
        return cls(period, laws, _spread(channels, seasonality, listed))

    def stratum(self, timestamp_s: float) -> int:
        """The slice of the period that a timestamp_s, in seconds since the epoch, falls into.

        >>> Seasonality(86400.0, ({},) * 24).stratum(3600.0)
        1
        """
        return _stratum(timestamp_s, self.period, len(self.strata))

    def to_json(self) -> dict[str, Any]:
        """The seasonality as a document."""
        strata = [{name: list(own) for name, own in counts.items()} for counts in self.strata]
        return {"period": self.period, "strata": strata, "spread": dict(self.spread)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Seasonality:
        """The seasonality in a document."""
        strata = tuple({name: tuple(own) for name, own in counts.items()} for counts in document["strata"])
        return cls(document["period"], strata, dict(document["spread"]))


def _stratum(timestamp_s: float, period: float, strata: int) -> int:
    return min(int(timestamp_s % period / period * strata), strata - 1)


def _spread(
    channels: Sequence[Channel],
    seasonality: Seasonality,
    batches: Sequence[tuple[float, Mapping[str, Sequence[int]]]],
) -> dict[str, float]:
    """Per channel, the largest variance inflation over its charts and over block lengths."""
    tables = tables_of(channels, seasonality.strata)
    gains = np.empty((len(batches), len(tables[0].charts)))
    expected = np.empty_like(gains)
    for row, (timestamp_s, counts) in enumerate(batches):
        table = tables[seasonality.stratum(timestamp_s)]
        gains[row], expected[row] = _residual(table, seasonality.strata[seasonality.stratum(timestamp_s)], counts)
    inflation = _inflation(gains, expected)
    spread = dict.fromkeys((channel.name for channel in channels), 1.0)
    for chart, value in zip(tables[0].charts, inflation, strict=True):
        spread[chart.channel] = max(spread[chart.channel], float(value))
    return spread


def _residual(
    table: Tables, law: Mapping[str, Sequence[int]], counts: Mapping[str, Sequence[int]]
) -> tuple[Floats, Floats]:
    """A batch's log-likelihood ratios less their expectation, and their variance if events were
    independent."""
    gains, variances = [], []
    for name, ratios in zip(table.names, table.ratios, strict=True):
        share = np.asarray(law[name], dtype=np.float64)
        share /= share.sum()
        seen = np.asarray(counts.get(name, np.zeros(len(share))), dtype=np.float64)
        mean = share @ ratios
        gains.append(seen @ ratios - seen.sum() * mean)
        variances.append(seen.sum() * (share @ (ratios - mean) ** 2))
    return np.concatenate(gains), np.concatenate(variances)


def _inflation(gains: Floats, expected: Floats) -> Floats:
    """Variance over expected variance, the greatest over block lengths, never below 1; shapes (batches,
    charts)."""
    greatest = np.ones(gains.shape[1])
    length = 1
    while len(gains) // length >= FEWEST_BLOCKS:
        blocks = len(gains) // length
        total = gains[: blocks * length].reshape(blocks, length, -1).sum(axis=1)
        scale = expected[: blocks * length].sum(axis=0)
        ratio = np.divide((total**2).sum(axis=0), scale, out=np.ones_like(scale), where=scale > 0)
        greatest = np.maximum(greatest, ratio)
        length *= 2
    return greatest
