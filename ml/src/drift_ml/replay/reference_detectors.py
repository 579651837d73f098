"""The named detectors over columns of traffic: the alarms of `drift_ml.detectors`, by vectors.

A million values one by one take the plain detectors most of a minute. Each scan below raises the
alarm of its detector, at the same value and with the same parameters (a test holds them against
each other), and stops there. Values are standardised by the baseline and held within 100 standard
deviations; missing ones are passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from drift_engine.scale import FARTHEST

from drift_ml.baseline import PREDICTION
from drift_ml.columns import as_codes, as_numbers
from drift_ml.detectors.vectorised import (
    CusumScan,
    KsScan,
    MeanScoreScan,
    PageHinkleyScan,
    PsiScan,
)
from drift_ml.detectors.vectorised_adwin import AdwinScan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from drift_ml.baseline import Baseline, Channel
    from drift_ml.detectors.vectorised import Hit, Scan

    Floats = npt.NDArray[np.float64]

EVERYTHING = "all features"
#: Of KS, over all columns.
LEVEL = 0.05


@dataclass(frozen=True)
class Detection:
    """What one detector would have said: where it fired first, or that it never did (row None)."""

    detector: str
    settings: str
    #: Rows before the alarm's.
    row: int | None = None
    column: str | None = None
    direction: str | None = None
    #: Rows before the onset that the detector would have named.
    since_row: int | None = None


@dataclass(frozen=True)
class _Column:
    """A column that has numbers."""

    name: str
    mean: float
    std: float
    #: Of the baseline's bins, empty where there are none.
    edges: Floats
    counts: tuple[int, ...]
    #: Values of a boolean, in the order of their codes; empty for numbers.
    categories: tuple[bool, ...]

    def numbers(self, column: npt.ArrayLike) -> Floats:
        """Return a column of traffic as numbers, NaN for missing, shape (rows,)."""
        if self.categories:
            return as_codes(self.categories, column)
        return as_numbers(column)


@dataclass(frozen=True)
class _Watched:
    """One detector on every column that it can watch."""

    name: str
    settings: str
    scans: tuple[tuple[_Column, Scan], ...]


class _Chunk:
    """Some rows of one column, as scans take them."""

    def __init__(
        self,
        column: _Column,
        values: Floats,
    ) -> None:
        self.column = column
        self._values = values
        with np.errstate(over="ignore"):
            scores = (values - column.mean) / column.std
        #: Standardised, NaN for missing.
        self.scores = np.clip(scores, -FARTHEST, FARTHEST)
        present = ~np.isnan(values)
        complete = bool(present.all())
        #: The rows that have a value.
        self.rows = np.arange(len(values)) if complete else np.flatnonzero(present)
        #: Their standardised values.
        self.present_scores = self.scores if complete else self.scores[present]
        self._bins: npt.NDArray[np.intp] | None = None

    def bins(self) -> npt.NDArray[np.intp]:
        """Return the bin of each value that is there."""
        if self._bins is None:
            self._bins = np.searchsorted(self.column.edges, self._values[self.rows])
        return self._bins

    def scan(self, scan: Scan) -> Hit | None:
        """Return the alarm of a scan, if it is in this chunk."""
        if scan.binned:
            return scan.take(self.bins())  # type: ignore[arg-type]  # scans of bins take integers
        return scan.take(self.present_scores)


class ReferenceDetectors:
    """Every named detector on every numeric column of a baseline, fed chunk by chunk.

    The level of KS is shared by the columns (Bonferroni).
    """

    def __init__(self, baseline: Baseline) -> None:
        self._columns = numeric_columns(baseline)
        self._features = [column for column in self._columns if column.name in baseline.features]
        self._answer = answer_column(baseline)
        self._watched = _watch(self._columns)
        self._score = MeanScoreScan()
        self._detections: dict[str, Detection] = {}
        self._rows = 0

    def take(
        self,
        columns: Mapping[str, npt.ArrayLike],
        predictions: npt.ArrayLike,
    ) -> None:
        """Take some rows in.

        Args:
            columns: By feature, each of the baseline's, vectors of shape (rows,).
            predictions: Shape (rows,).
        """
        values = {**columns, self._answer: predictions}
        chunks: dict[str, _Chunk] = {}
        rows = 0
        for column in self._columns:
            numbers = column.numbers(values[column.name])
            rows = len(numbers)
            chunks[column.name] = _Chunk(column, numbers)
        for watched in self._watched:
            if watched.name not in self._detections:
                self._scan(watched, chunks)
        if MeanScoreScan.name not in self._detections:
            self._scan_score([chunks[column.name] for column in self._features])
        self._rows += rows

    def detections(self) -> tuple[Detection, ...]:
        """Return one per detector, in a fixed order; those that can watch nothing are left out."""
        never = [
            Detection(watched.name, watched.settings) for watched in self._watched if watched.scans
        ]
        if self._features:
            never.append(Detection(MeanScoreScan.name, MeanScoreScan.settings()))
        return tuple(self._detections.get(empty.detector, empty) for empty in never)

    def _scan(
        self,
        watched: _Watched,
        chunks: Mapping[str, _Chunk],
    ) -> None:
        """Feed one detector, and keep the earliest alarm of the chunk."""
        for column, scan in watched.scans:
            chunk = chunks[column.name]
            hit = chunk.scan(scan)
            if hit is not None:
                self._keep(watched, chunk, hit)

    def _keep(
        self,
        watched: _Watched,
        chunk: _Chunk,
        hit: Hit,
    ) -> None:
        row = self._rows + int(chunk.rows[hit.place])
        before = self._detections.get(watched.name)
        if before is None or before.row is None or row < before.row:
            self._detections[watched.name] = Detection(
                watched.name,
                watched.settings,
                row,
                chunk.column.name,
                hit.direction,
                self._onset(chunk, hit),
            )

    def _onset(
        self,
        chunk: _Chunk,
        hit: Hit,
    ) -> int:
        """Return the row of an onset.

        One before the chunk is placed by its distance, as if no value were missing there.
        """
        if hit.since >= 0:
            return self._rows + int(chunk.rows[hit.since])
        distance = hit.place - hit.since
        return max(0, self._rows + int(chunk.rows[hit.place]) - distance)

    def _scan_score(self, chunks: Sequence[_Chunk]) -> None:
        """Feed the detector of the mean score over all features."""
        if not chunks:
            return
        sizes = np.vstack([np.abs(chunk.scores) for chunk in chunks])
        present = np.maximum((~np.isnan(sizes)).sum(axis=0), 1)
        hit = self._score.take(np.nansum(sizes, axis=0) / present)
        if hit is not None:
            self._detections[MeanScoreScan.name] = Detection(
                MeanScoreScan.name,
                MeanScoreScan.settings(),
                self._rows + hit.place,
                EVERYTHING,
                hit.direction,
                max(0, self._rows + hit.since),
            )


def _watch(columns: Sequence[_Column]) -> tuple[_Watched, ...]:
    """Return the detectors, each with a scan per column that it can watch."""
    level = LEVEL / max(len(columns), 1)
    # Without frozen bins there is nothing that PSI and KS could compare.
    binned = [column for column in columns if column.counts]
    cusum = tuple((column, CusumScan()) for column in columns)
    page_hinkley = tuple((column, PageHinkleyScan()) for column in columns)
    adwin = tuple((column, AdwinScan()) for column in columns)
    psi = tuple((column, PsiScan(column.counts)) for column in binned)
    ks = tuple((column, KsScan(column.counts, level)) for column in binned)
    return (
        _Watched("CUSUM", CusumScan.settings(), cusum),
        _Watched("Page-Hinkley", PageHinkleyScan.settings(), page_hinkley),
        _Watched("ADWIN", AdwinScan.settings(), adwin),
        _Watched("PSI", PsiScan.settings(), psi),
        _Watched("KS", KsScan.settings(level), ks),
    )


def answer_column(baseline: Baseline) -> str:
    """Return the name of the channel of predictions, or of a classifier's score."""
    for channel in baseline.channels:
        if channel.answer == "score":
            return channel.name
    return PREDICTION


def numeric_columns(baseline: Baseline) -> list[_Column]:
    """Return the columns that a named detector can watch: numbers and booleans that vary."""
    channels: dict[str, Channel] = {}
    for channel in baseline.channels:
        if channel.kind in ("values", "quantiles"):
            channels[channel.name] = channel
    columns = []
    answer = answer_column(baseline)
    for name, summary in {**baseline.features, answer: baseline.prediction}.items():
        if summary is None or summary.type == "category" or summary.mean is None:
            continue
        std = summary.usable_std
        if not std:
            continue
        binned = channels.get(name)
        columns.append(
            _Column(
                name,
                summary.mean,
                std,
                edges=np.array(binned.cuts if binned else (), dtype=np.float64),
                counts=binned.counts if binned else (),
                categories=(False, True) if summary.type == "boolean" else (),
            )
        )
    return columns
