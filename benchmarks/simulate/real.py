"""Real rows that other packages bundle, where those are installed."""

from __future__ import annotations

import csv
import gzip

import numpy as np

from benchmarks.simulate.streams import real

SCIKIT_LEARN = ("diabetes", "breast_cancer", "wine", "digits")
RIVER = {"bananas": "Bananas", "image segments": "ImageSegments", "phishing": "Phishing"}
FLIGHTS = "flight delays"
NAMES = (*SCIKIT_LEARN, *RIVER, FLIGHTS)
FLIGHT_COLUMNS = ("DEPARTURE_DELAY", "TAXI_OUT", "AIR_TIME", "DISTANCE")


def load(name: str) -> np.ndarray | None:
    """Rows of numbers, at most 8 columns; None where the package that bundles them is not installed."""
    if name in SCIKIT_LEARN:
        return real(name)
    try:
        return _flights() if name == FLIGHTS else _river(RIVER[name])
    except ImportError:
        return None


def _river(name: str) -> np.ndarray:
    from river import datasets  # noqa: PLC0415 - may be absent

    rows = np.array([list(map(float, row.values())) for row, _ in getattr(datasets, name)()])
    return rows[:, rows.std(axis=0) > 0][:, :8]


def _flights() -> np.ndarray:
    from popmon import resources  # noqa: PLC0415 - may be absent

    with gzip.open(resources.data("flight_delays.csv.gz"), "rt", encoding="utf-8") as text:
        return np.array([[float(row[name] or "nan") for name in FLIGHT_COLUMNS] for row in csv.DictReader(text)])
