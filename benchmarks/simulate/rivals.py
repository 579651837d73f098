"""The others, each tuned to the same false-alarm rate, on one stream of normal rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from drift_ml.effects import ks_p

if TYPE_CHECKING:
    from river.drift import ADWIN, PageHinkley

WINDOW = 1000
BINS = 20
Statistic = Callable[[np.ndarray, np.ndarray], float]
Rival = Callable[[np.ndarray, np.ndarray], list[int]]


def per_feature(_reference: np.ndarray, rows: np.ndarray, *, make: Callable[[], ADWIN | PageHinkley]) -> list[int]:
    """A river detector per feature; it starts anew after its alarm."""
    found = []
    for column in rows.T:
        detector = make()
        for step, value in enumerate(column.tolist()):
            detector.update(value)
            if detector.drift_detected:
                found.append(step + 1)
    return sorted(found)


def windows(rows: np.ndarray) -> list[np.ndarray]:
    """Full windows of rows."""
    return [rows[start : start + WINDOW] for start in range(0, len(rows) - WINDOW + 1, WINDOW)]


def over(statistic: Statistic, reference: np.ndarray, rows: np.ndarray, bar: float) -> list[int]:
    """After which windows a statistic of reference and window is above a bar."""
    return [(i + 1) * WINDOW for i, window in enumerate(windows(rows)) if statistic(reference, window) > bar]


def ks(reference: np.ndarray, window: np.ndarray) -> float:
    """Minus the least p-value over features (the reference is sorted by column)."""
    least = 1.0
    for known, seen in zip(reference.T, window.T, strict=True):
        ordered = np.sort(seen)
        below = np.searchsorted(known, ordered, side="right") / len(known)
        steps = np.arange(len(seen) + 1) / len(seen)
        distance = max(np.abs(below - steps[1:]).max(), np.abs(below - steps[:-1]).max())
        least = min(least, ks_p(float(distance), len(known), len(seen)))
    return -least


def psi(reference: np.ndarray, window: np.ndarray) -> float:
    """The greatest PSI over features, on the reference's quantiles."""
    greatest = 0.0
    for known, seen in zip(reference.T, window.T, strict=True):
        edges = known[(np.arange(1, BINS) * len(known)) // BINS]
        q = (np.bincount(np.searchsorted(edges, seen), minlength=BINS) + 0.5) / (len(seen) + BINS / 2)
        greatest = max(greatest, float(((q - 1 / BINS) * np.log(q * BINS)).sum()))
    return greatest


def mean_z(reference: np.ndarray, window: np.ndarray) -> float:
    """The older demo's average drift score."""
    return float(np.abs((window - reference.mean(axis=0)) / reference.std(axis=0)).mean())


def rivals(tuned: dict[str, float]) -> dict[str, Rival]:
    """Every rival by its name in the table."""
    from river.drift import ADWIN, PageHinkley  # noqa: PLC0415 - the others need no river

    return {
        "ADWIN, matched": partial(per_feature, make=partial(ADWIN, delta=tuned["adwin"])),
        "ADWIN, default": partial(per_feature, make=ADWIN),
        "Page-Hinkley, matched": partial(per_feature, make=partial(PageHinkley, threshold=tuned["page-hinkley"])),
        "Page-Hinkley, default": partial(per_feature, make=PageHinkley),
        "KS p < .05, any column": partial(over, ks, bar=-0.05),
        "KS with Bonferroni, matched": partial(over, ks, bar=-tuned["ks"]),
        "PSI > .2": partial(over, psi, bar=0.2),
        "PSI, matched": partial(over, psi, bar=tuned["psi"]),
        "older demo: mean abs z > 2": partial(over, mean_z, bar=2.0),
    }
