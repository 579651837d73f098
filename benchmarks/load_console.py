"""A minute of load on the local console with wrk: every request answered, every answer in the store.

    python benchmarks/load_console.py                1,000 requests a second for 60 s
    python benchmarks/load_console.py --rate 0       as many as it takes

Needs wrk (Debian package wrk) and the bundles (nox -s train). Exit code 1 when a request failed, the rate
was not held, or the store differs, 5 when the console or wrk does not start; see docs/exit-codes.md.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from drift_contracts.exits import FINDING, SUCCESS, CannotStart, run

CONNECTIONS = 256
REQUEST = {"features": {"bedrooms": 3, "bathrooms": 2, "sqft": 2000, "age": 10, "location_score": 7}}
SCRIPT = """
wrk.method = "POST"
wrk.path = "/models/house-price/predict"
wrk.body = [[{body}]]
wrk.headers["content-type"] = "application/json"
local period = {period}
function delay() return period > 0 and math.random() * 2 * period or 0 end
"""


class Console:
    """A console in a process of its own, on a free port."""

    def __init__(self, data: Path) -> None:
        command = [sys.executable, "-u", "-m", "drift_console", "--port", "0", "--data-dir", str(data)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = ""
        for line in self.process.stdout or ():
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            self.url = found[0] if found else self.url
            if line.startswith("curl"):
                return
        raise CannotStart("the console did not start")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the signal and wait for the end."""
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


def load(url: str, seconds: int, rate: int, folder: Path) -> dict[str, float]:
    """Run wrk; returns what it reports. rate 0: no pause between requests."""
    script = folder / "load.lua"
    period = CONNECTIONS / (rate * 1.25) * 1000 if rate else 0  # faster: answering takes time too
    script.write_text(SCRIPT.format(body=json.dumps(REQUEST), period=period))
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(script), url]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    text = done.stdout
    print(text)
    errors = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    answered = re.search(r"(\d+) requests in", text)
    rate_reached = re.search(r"Requests/sec: +([\d.]+)", text)
    if answered is None or rate_reached is None:
        raise CannotStart("wrk did not report")
    return {
        "answered": int(answered[1]),
        "rate": float(rate_reached[1]),
        "errors": sum(map(int, errors.groups())) if errors else 0,
        "refused": int(refused[1]) if refused else 0,
    }


def stored(data: Path) -> int:
    """Events in the store, and as a check the datapoints of the metric."""
    connection = sqlite3.connect(data / "console.sqlite")
    events = connection.execute("SELECT value FROM counters WHERE name = 'events'").fetchone()[0]
    points = connection.execute(
        "SELECT SUM(count) FROM points JOIN series ON series.id = points.series"
        " WHERE metric = 'DriftScore' AND resolution = 60"
    ).fetchone()[0]
    connection.close()
    if events != points:
        print(f"{events} events but {points} datapoints", file=sys.stderr)
        raise SystemExit(FINDING)
    return int(events)


def main() -> int:
    """Run, print one line; the exit code is 1 when the promise is not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rate", type=int, default=1000)
    chosen = parser.parse_args()
    if shutil.which("wrk") is None:
        raise CannotStart("wrk is not installed: apt-get install wrk")
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "data"
        console = Console(data)
        try:
            report = load(console.url, chosen.seconds, chosen.rate, Path(name))
        finally:
            code = console.stop()
        count = stored(data)
        size = sum(path.stat().st_size for path in data.rglob("console.sqlite*"))
    rate = report["rate"]
    print(f"answered {report['answered']:,} ({rate:,.0f}/s)")
    print(f"errors {report['errors']}, refused {report['refused']}")
    print(f"stored {count:,} in {size:,} bytes, exit code {code}")
    # what was under way when wrk stopped is answered and stored, but not counted by wrk: one a connection
    lost = not report["answered"] <= count <= report["answered"] + CONNECTIONS
    failed = report["errors"] or report["refused"] or rate < chosen.rate
    return FINDING if lost or failed or code else SUCCESS


if __name__ == "__main__":
    run(main)
