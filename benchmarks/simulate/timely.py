"""Traffic with a rhythm, watched by the product's own detector."""

from __future__ import annotations

from typing import Any

import numpy as np
from drift_ml.evidence import Budget, MixtureDetector, Rhythm, Settings

from benchmarks.simulate.coding import codes
from benchmarks.simulate.mixture import Watched
from benchmarks.simulate.streams import normals

BATCH = 10
MINUTES = 1440
LEARNED_DAYS = 14
WATCHED_DAYS = 4
AMPLITUDE = 0.4


def traffic(rng: np.random.Generator, structure: str, days: int) -> np.ndarray:
    """Rows of days of traffic: autocorrelated by .3, or with a daily cycle in the mean of the first
    feature."""
    events = days * MINUTES * BATCH
    if structure == "ar":
        return normals(rng, events, columns=2, ar=0.3)
    rows = normals(rng, events, columns=2)
    rows[:, 0] += AMPLITUDE * np.sin(2 * np.pi * np.arange(events) / (MINUTES * BATCH))
    return rows


def batches(watched: Watched, rows: np.ndarray) -> list[tuple[float, dict[str, list[int]]]]:
    """Counts by channel of each minute, with its moment."""
    found = codes(watched.baseline, rows)
    names = [channel["name"] for channel in watched.channels]
    columns = []
    for place, channel in enumerate(watched.channels):
        bins = len(channel["counts"])
        minute = np.arange(len(rows)) // BATCH
        seen = found[:, place] >= 0
        flat = np.bincount(minute[seen] * bins + found[seen, place], minlength=len(rows) // BATCH * bins)
        columns.append(flat.reshape(-1, bins).tolist())
    return [(60.0 * i, dict(zip(names, counts, strict=True))) for i, counts in enumerate(zip(*columns, strict=True))]


def watch(cell: dict[str, Any], rng: np.random.Generator, budget: float) -> dict[str, Any]:
    """Alarms over the watched days, and the delay of a shift by half a standard deviation after them."""
    count, delays, spreads = 0, [], []
    for _ in range(3):
        watched = Watched(traffic(rng, cell["structure"], LEARNED_DAYS))
        good = traffic(rng, cell["structure"], LEARNED_DAYS)
        rhythm = Rhythm.learn(watched.channels, batches(watched, good)) if cell["remedy"] == "learned" else None
        detector = MixtureDetector(Settings(watched.channels, Budget(budget), rhythm=rhythm))
        for moment, counts in batches(watched, traffic(rng, cell["structure"], WATCHED_DAYS)):
            if detector.update(counts, moment=moment):
                count += 1
                detector.reset()
        shifted = traffic(rng, cell["structure"], 1)
        shifted[:, 0] += 0.5
        found = float("nan")
        for step, (moment, counts) in enumerate(batches(watched, shifted)):
            if detector.update(counts, moment=moment):
                found = (step + 1.0) * BATCH
                break
        delays.append(found)
        spreads.append(max(rhythm.spread.values()) if rhythm else 1.0)
    return {
        "alarms": count,
        "events": 3 * WATCHED_DAYS * MINUTES * BATCH,
        "delays": delays,
        "spread": spreads,
    }
