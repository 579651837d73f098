"""How an alarm ends: falsely while its drift lasts, and how soon once it is over. The product's own detector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drift_ml.evidence import Budget, MixtureDetector, Settings

from benchmarks.simulate.coding import counted
from benchmarks.simulate.mixture import Watched
from benchmarks.simulate.streams import drifted, normals

if TYPE_CHECKING:
    import numpy as np

BATCH = 60
SHARE = 4
LASTS = 18_000
AFTER = 18_000


def recoveries(cell: dict[str, Any], rng: np.random.Generator, budget: float) -> dict[str, Any]:
    """False ends of alarms over LASTS events of a drift that stays, and the delay of the true end after it.

    Of the delays, that of a run which has no alarm when the drift ends is NaN.
    """
    false, delays = [], []
    for replicate in range(cell["replicates"]):
        if replicate % SHARE == 0:
            watched = Watched(normals(rng, cell["rows"]))
        detector = MixtureDetector(Settings(watched.channels, Budget(budget)))
        ended = 0
        for counts in counted(watched.baseline, drifted(normals(rng, LASTS), cell["kind"], cell["size"], rng), BATCH):
            detector.update(counts)
            if detector.recovered:
                ended += 1
                detector.reset()
        false.append(ended)
        delays.append(_until_recovered(detector, watched, rng) if detector.alarm else float("nan"))
    return {"false": false, "events": LASTS, "delays": delays}


def _until_recovered(detector: MixtureDetector, watched: Watched, rng: np.random.Generator) -> float:
    for step, counts in enumerate(counted(watched.baseline, normals(rng, AFTER), BATCH), 1):
        detector.update(counts)
        if detector.recovered:
            return float(step * BATCH)
    return float("nan")
