"""Write tests/ml/data/river_alarms.json: where river raises its first alarm on seeded streams."""

import json
from pathlib import Path
from random import Random

import river
from river.drift import ADWIN, PageHinkley

TARGET = Path(__file__).parents[1] / "tests" / "ml" / "data" / "river_alarms.json"


def first(detector: ADWIN | PageHinkley, values: list[float]) -> int | None:
    """The index of the value at which the first alarm comes."""
    for index, value in enumerate(values):
        detector.update(value)
        if detector.drift_detected:
            return index
    return None


def main() -> None:
    """Write the file."""
    streams = []
    for seed in range(12):
        shift = (0.0, 0.25, 0.5, 1.0, -0.5, -2.0)[seed % 6]
        random = Random(seed)
        values = [random.gauss() + shift * (i >= 500) for i in range(1500)]
        alarms = {"adwin": first(ADWIN(), values), "page-hinkley": first(PageHinkley(threshold=30.0), values)}
        streams.append({"seed": seed, "shift": shift, **alarms})
    lines = ",\n  ".join(json.dumps(stream) for stream in streams)
    TARGET.write_text(f'{{"river": "{river.__version__}", "streams": [\n  {lines}\n]}}\n')


if __name__ == "__main__":
    main()
