"""Run the released detector over counts; started with the released packages on PYTHONPATH.

Each line of the input is a job, each line of the output its course.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from drift_ml.evidence import Budget, MixtureDetector, Settings


def course(job: dict[str, Any]) -> dict[str, Any]:
    """Return when alarms were raised and ended, and after which batches one stood."""
    detector: Any = MixtureDetector(Settings(job["channels"], Budget(job["budget"])))
    names = [channel["name"] for channel in job["channels"]]
    batch = job["batch"]
    raised, standing = [], []
    for place, row in enumerate(job["batches"], 1):
        counts = dict(zip(names, row, strict=True))
        had = detector.alarm is not None
        if batch == 1:
            detector.update_event(counts, moment=float(place))
        else:
            detector.update(counts, events=batch, moment=float(place * batch))
        if detector.alarm is not None and not had:
            raised.append([place * batch, detector.alarm.channel])
        elif had and detector.recovered:
            # As the released evaluator did.
            detector.reset()
        standing.append(detector.alarm is not None)
    return {"raised": raised, "standing": standing}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(course(json.loads(line))), flush=True)
