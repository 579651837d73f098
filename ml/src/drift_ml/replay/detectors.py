"""The named detectors over columns of traffic: the alarms of `drift_ml.detectors`, found by vectors.

A million values one by one take the plain detectors most of a minute. Each scan below gives the alarm that its
detector gives, at the same value and with the same parameters (a test holds them against each other), and stops there.
Values are standardised by the baseline and held within 100 standard deviations; missing ones are passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from drift_engine.scale import FARTHEST

from drift_ml.baseline import PREDICTION
from drift_ml.columns import as_codes, as_numbers
from drift_ml.detectors.vectorised import CusumScan, Hit, KsScan, MeanScoreScan, PageHinkleyScan, PsiScan, Scan
from drift_ml.detectors.vectorised_adwin import AdwinScan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from drift_ml.baseline import Baseline, Channel

    Floats = npt.NDArray[np.float64]

EVERYTHING = "all features"


@dataclass(frozen=True)
class Firing:
    """What one detector would have said: where it fired first, or that it never did (row None).

    row, since_row: rows before the alarm's and before the onset that the detector would have named.
    """

    detector: str
    settings: str
    row: int | None = None
    column: str | None = None
    direction: str | None = None
    since_row: int | None = None


class Rivals:
    """Every named detector on every numeric column of a baseline, fed chunk by chunk.

    The level of KS, 0.05, is shared by the columns (Bonferroni).
    """

    def __init__(self, baseline: Baseline) -> None:
        self._columns = numeric_columns(baseline)
        self._features = [each for each in self._columns if each.name != PREDICTION]
        level = 0.05 / max(len(self._columns), 1)
        binned = [each for each in self._columns if each.counts]
        self._watches: list[tuple[str, str, list[tuple[_Column, Scan]]]] = [
            ("CUSUM", CusumScan.settings(), [(each, CusumScan()) for each in self._columns]),
            ("Page-Hinkley", PageHinkleyScan.settings(), [(each, PageHinkleyScan()) for each in self._columns]),
            ("ADWIN", AdwinScan.settings(), [(each, AdwinScan()) for each in self._columns]),
            ("PSI", PsiScan.settings(), [(each, PsiScan(each.counts)) for each in binned]),
            ("KS", KsScan.settings(level), [(each, KsScan(each.counts, level)) for each in binned]),
        ]
        self._score: MeanScoreScan | None = MeanScoreScan() if self._features else None
        self._fired: dict[str, Firing] = {}
        self._rows = 0

    def take(self, columns: Mapping[str, npt.ArrayLike], predictions: npt.ArrayLike) -> None:
        """Take some rows in: a vector of shape (rows,) per feature, as windows take them."""
        given = {**columns, PREDICTION: predictions}
        values = {each.name: each.numbers(given[each.name]) for each in self._columns if each.name in given}
        ready = {each.name: _Ready(each, values[each.name]) for each in self._columns if each.name in values}
        for name, settings, watched in self._watches:
            if name not in self._fired:
                self._watch(name, settings, [(ready[column.name], scan) for column, scan in watched])
        if self._score is not None and MeanScoreScan.name not in self._fired:
            self._watch_score([ready[each.name] for each in self._features if each.name in ready])
        self._rows += len(next(iter(values.values()), ()))

    def _watch(self, name: str, settings: str, watched: Sequence[tuple[_Ready, Scan]]) -> None:
        for ready, scan in watched:
            hit = scan.take(ready.bins() if scan.binned else ready.z)
            if hit is not None:
                self._note(name, settings, ready, hit)

    def _note(self, name: str, settings: str, ready: _Ready, hit: Hit) -> None:
        """Keep the earliest of the chunk."""
        row = self._rows + int(ready.rows[hit.place])
        since = self._since(ready, hit)
        known = self._fired.get(name)
        if known is None or known.row is None or row < known.row:
            self._fired[name] = Firing(name, settings, row, ready.column.name, hit.direction, since)

    def _since(self, ready: _Ready, hit: Hit) -> int:
        """An onset within the chunk by its row; an earlier one by its distance, as if no value were missing."""
        back = hit.place - hit.since
        if hit.since >= 0:
            return self._rows + int(ready.rows[hit.since])
        return max(0, self._rows + int(ready.rows[hit.place]) - back)

    def _watch_score(self, ready: Sequence[_Ready]) -> None:
        if self._score is None or not ready:
            return
        sizes = np.vstack([np.abs(each.whole) for each in ready])
        present = np.maximum((~np.isnan(sizes)).sum(axis=0), 1)
        hit = self._score.take(np.nansum(sizes, axis=0) / present)
        if hit is not None:
            row, since = self._rows + hit.place, max(0, self._rows + hit.since)
            self._fired[MeanScoreScan.name] = Firing(
                MeanScoreScan.name, MeanScoreScan.settings(), row, EVERYTHING, hit.direction, since
            )

    def firings(self) -> tuple[Firing, ...]:
        """One per detector, in a fixed order."""
        told = [(name, settings) for name, settings, watched in self._watches if watched]
        told += [(MeanScoreScan.name, MeanScoreScan.settings())] if self._score is not None else []
        return tuple(self._fired.get(name, Firing(name, settings)) for name, settings in told)


@dataclass(frozen=True)
class _Column:
    """A column that has numbers. edges, counts: of the baseline's bins, empty where there are none."""

    name: str
    mean: float
    std: float
    edges: Floats
    counts: tuple[int, ...]
    categories: tuple[Any, ...]

    def numbers(self, column: npt.ArrayLike) -> Floats:
        return as_codes(self.categories, column) if self.categories else as_numbers(column)


class _Ready:
    """A chunk of one column. whole: standardised, NaN for missing; z: without those; rows: where they were."""

    def __init__(self, column: _Column, values: Floats) -> None:
        self.column = column
        self._values = values
        with np.errstate(over="ignore"):
            self.whole = np.clip((values - column.mean) / column.std, -FARTHEST, FARTHEST)
        present = ~np.isnan(values)
        everything = bool(present.all())
        self.rows = np.arange(len(values)) if everything else np.flatnonzero(present)
        self.z = self.whole if everything else self.whole[present]
        self._bins: npt.NDArray[np.intp] | None = None

    def bins(self) -> Floats:
        """The bin of each value that is there."""
        if self._bins is None:
            self._bins = np.searchsorted(self.column.edges, self._values[self.rows])
        return self._bins  # type: ignore[return-value]  # scans of bins take integers


def numeric_columns(baseline: Baseline) -> list[_Column]:
    """The columns that a named detector can watch."""
    own: dict[str, Channel] = {
        channel.name: channel for channel in baseline.channels if channel.kind in ("values", "quantiles")
    }
    summaries = {**baseline.features, PREDICTION: baseline.prediction}
    found = []
    for name, summary in summaries.items():
        if summary is None or summary.type == "category" or summary.mean is None:
            continue
        std = summary.usable_std
        if not std:
            continue
        channel = own.get(name)
        edges = np.array(channel.cuts if channel else (), dtype=np.float64)
        counts = channel.counts if channel else ()
        codes = (False, True) if summary.type == "boolean" else ()
        found.append(_Column(name, summary.mean, std, edges, counts, codes))
    return found
