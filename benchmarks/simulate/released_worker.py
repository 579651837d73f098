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
    # Windows of traffic differ in their events.
    sizes = job.get("events") or [batch] * len(job["batches"])
    raised, standing = [], []
    for place, (row, events) in enumerate(zip(job["batches"], sizes, strict=True), 1):
        counts = dict(zip(names, row, strict=True))
        had = detector.alarm is not None
        if batch == 1:
            detector.update_event(counts, moment=float(place))
        else:
            detector.update(counts, events=events, moment=float(place * (batch or 1)))
        if detector.alarm is not None and not had:
            raised.append([place * (batch or 1), detector.alarm.channel])
        elif had and detector.recovered:
            # As the released evaluator did.
            detector.reset()
        standing.append(detector.alarm is not None)
    return {"raised": raised, "standing": standing}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(course(json.loads(line))), flush=True)
