"""Traffic with a seasonality, watched by the product's own detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from drift_ml.evidence import Budget, MixtureDetector, Seasonality, Settings

from benchmarks.simulate.coding import counted
from benchmarks.simulate.mixture import Watched
from benchmarks.simulate.streams import normals

REPEATS = 3
SHIFTS = 10
SHIFT = 0.5


@dataclass(frozen=True)
class Course:
    """How traffic goes: a period of seconds in strata, batches of some events every so many seconds.

    learned, watched: how many periods of good traffic are learned from, and then watched.
    """

    period: float
    strata: int
    seconds: float
    batch: int
    learned: int
    watched: int

    @property
    def events(self) -> int:
        """Of one period."""
        return round(self.period / self.seconds) * self.batch


DAY, WEEK = 86_400.0, 7 * 86_400.0
STRUCTURES = {
    "ar": Course(DAY, 24, 60.0, 10, learned=14, watched=4),
    "daily": Course(DAY, 24, 60.0, 10, learned=14, watched=4),
    "weekly": Course(WEEK, 168, 600.0, 60, learned=4, watched=1),
}
AMPLITUDE = 0.4


def traffic(rng: np.random.Generator, structure: str, periods: int) -> np.ndarray:
    """Rows of whole periods: autocorrelated by .3, or with a cycle in the mean of the first feature.

    The week goes through the daily cycle on five days, and stays low on the other two.
    """
    course = STRUCTURES[structure]
    events = periods * course.events
    if structure == "ar":
        return normals(rng, events, columns=2, ar=0.3)
    rows = normals(rng, events, columns=2)
    days = np.arange(events) / course.events * course.period / DAY
    cycle = np.sin(2 * np.pi * days)
    rows[:, 0] += AMPLITUDE * np.where((days % 7 >= 5) & (structure == "weekly"), -1.0, cycle)
    return rows


def batches(watched: Watched, course: Course, rows: np.ndarray) -> list[tuple[float, dict[str, list[int]]]]:
    """Counts by channel of each batch, with its timestamp."""
    return [(course.seconds * i, counts) for i, counts in enumerate(counted(watched.baseline, rows, course.batch))]


def watch(cell: dict[str, Any], rng: np.random.Generator, budget: float) -> dict[str, Any]:
    """Alarms over the watched periods, and the delay of a shift by half a standard deviation after them."""
    structure = cell["structure"]
    course = STRUCTURES[structure]
    count, delays, spreads = 0, [], []
    for _ in range(REPEATS):
        watched = Watched(traffic(rng, structure, course.learned))
        seasonality = None
        if cell["remedy"] == "learned":
            good = batches(watched, course, traffic(rng, structure, course.learned))
            seasonality = Seasonality.learn(watched.channels, good, strata=course.strata, period=course.period)
        detector = MixtureDetector(Settings(watched.channels, Budget(budget), seasonality=seasonality))
        for timestamp_s, counts in batches(watched, course, traffic(rng, structure, course.watched)):
            if detector.update(counts, timestamp_s=timestamp_s):
                count += 1
                detector.reset()
        delays += [_delay(detector, watched, structure, rng) for _ in range(SHIFTS)]
        spreads.append(max(seasonality.variance_inflation.values()) if seasonality else 1.0)
    return {
        "alarms": count,
        "events": REPEATS * course.watched * course.events,
        "delays": delays,
        "spread": spreads,
    }


def _delay(detector: MixtureDetector, watched: Watched, structure: str, rng: np.random.Generator) -> float:
    """Events from a shift at a random time to the alarm; NaN if none came within the period."""
    course = STRUCTURES[structure]
    rows = traffic(rng, structure, 1)
    rows[:, 0] += SHIFT
    seen = batches(watched, course, rows)
    start = int(rng.integers(len(seen) // 2))
    detector.reset()
    for step, (timestamp_s, counts) in enumerate(seen[start:], 1):
        if detector.update(counts, timestamp_s=timestamp_s):
            return float(step * course.batch)
    return float("nan")
