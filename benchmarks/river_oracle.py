"""What river says of seeded streams, for tests that have no river: `python -m benchmarks.river_oracle`.

tests/ml/data/river_alarms.json: where its first alarms come. adwin_delays.json: how many events after a change of one
mean ADWIN, tuned to the nominal false-alarm rate, finds it on average, on the streams of the test of ours.
"""

import json
from pathlib import Path
from random import Random

import numpy as np
import river
from drift_contracts.exits import run
from river.drift import ADWIN, PageHinkley

from benchmarks.simulate.cells import TUNED
from benchmarks.simulate.rivals import rivals
from benchmarks.simulate.streams import normals
from tests.ml.test_evidence_guarantee import WARM, streams_of

DATA = Path(__file__).parents[1] / "tests" / "ml" / "data"
HISTORY = 2000


def first(detector: ADWIN | PageHinkley, values: list[float]) -> int | None:
    """The index of the value at which the first alarm comes."""
    for index, value in enumerate(values):
        detector.update(value)
        if detector.drift_detected:
            return index
    return None


def delay(size: float) -> float:
    """Mean events from the change to ADWIN's first alarm after it; it has a longer history than ours."""
    rng, change, found = np.random.default_rng(7), HISTORY + WARM, []
    for stream in streams_of("mean", size, 400):
        rows = np.concatenate([normals(rng, HISTORY), stream])
        found.append(next(at - change for at in rivals(TUNED)["ADWIN, matched"](rows, rows) if at > change))
    return round(float(np.mean(found)), 1)


def main() -> None:
    """Write the files."""
    streams = []
    for seed in range(12):
        shift = (0.0, 0.25, 0.5, 1.0, -0.5, -2.0)[seed % 6]
        random = Random(seed)
        values = [random.gauss() + shift * (i >= 500) for i in range(1500)]
        alarms = {"adwin": first(ADWIN(), values), "page-hinkley": first(PageHinkley(threshold=30.0), values)}
        streams.append({"seed": seed, "shift": shift, **alarms})
    lines = ",\n  ".join(json.dumps(stream) for stream in streams)
    (DATA / "river_alarms.json").write_text(f'{{"river": "{river.__version__}", "streams": [\n  {lines}\n]}}\n')
    delays = {"river": river.__version__, "delta": TUNED["adwin"], "delays": {size: delay(size) for size in (0.5, 1.0)}}
    (DATA / "adwin_delays.json").write_text(json.dumps(delays) + "\n")


if __name__ == "__main__":
    run(main)
