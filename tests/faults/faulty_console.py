"""The true console with two handles for tests: a clock that can be wrong, and a thread that can be killed.

`python faulty_console.py OPTIONS` as `python -m drift_console`. The folder DRIFT_FAULTS holds the handles:
`clock` the seconds by which the clock is wrong, `worker` and `webhook-sender` that such a thread is to die.
DRIFT_FAULTS_SEGMENT makes the segments of the event log so many bytes long.
"""

import os
import time
from pathlib import Path
from types import SimpleNamespace

from drift_console import alerts, cli, linelog, predicting, worker

HANDLES = Path(os.environ["DRIFT_FAULTS"])


def wrong_by():
    try:
        return float((HANDLES / "clock").read_text() or 0)
    except (OSError, ValueError):
        return 0.0


def dying(name, step):
    def wrapped(*arguments, **options):
        if (HANDLES / name).exists():
            raise SystemExit(f"{name} was killed")
        return step(*arguments, **options)

    return wrapped


if __name__ == "__main__":
    cli.time = SimpleNamespace(time=lambda: time.time() + wrong_by())
    predicting.time = SimpleNamespace(
        time_ns=lambda: time.time_ns() + int(wrong_by() * 1e9), perf_counter_ns=time.perf_counter_ns
    )
    worker.Worker.step = dying("worker", worker.Worker.step)
    sender = alerts.WebhookSender
    sender.deliver = dying("webhook-sender", sender.deliver)
    sender.due_urls = dying("webhook-sender", sender.due_urls)
    segment = os.environ.get("DRIFT_FAULTS_SEGMENT")
    if segment:
        linelog.LineWriter.__init__.__kwdefaults__["segment_bytes"] = int(segment)
    cli.main()
