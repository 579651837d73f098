"""What is simulated: every cell of the tables, as data, and how one is run."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from benchmarks.simulate.limit import cusum_delays
from benchmarks.simulate.mixture import Watched, alarms
from benchmarks.simulate.real import NAMES, load
from benchmarks.simulate.rivals import rivals
from benchmarks.simulate.streams import LAWS, drifted, normals, through
from benchmarks.simulate.timely import watch

BUDGET = 100_000
WARM = 2000
LONGEST = 10_000
TUNED = {"adwin": 0.008, "page-hinkley": 400.0, "ks": 0.002, "psi": 0.049}
"""Parameters at which each rival has about 0.1 false alarms per 10,000 events on five normal features."""

DRIFTS = (
    ("mean", 0.25, 3000),
    ("mean", 0.5, 2000),
    ("mean", 1.0, 2000),
    ("variance", 1.5, 2000),
    ("correlation", 0.6, 2000),
    ("all", 0.5, 2000),
    ("all", 1.0, 2000),
    ("gradual", 1.0, 3000),
    ("seasonal", 0.5, 3000),
    ("missing", 0.05, 2000),
)
SIZES = ((500, 100, 1), (1000, 100, 1), (10_000, 25, 4), (100_000, 5, 20))


def cells(scale: float = 1.0) -> list[dict[str, Any]]:
    """Every cell; `scale` multiplies the replicates."""
    found: list[dict[str, Any]] = []
    for law in LAWS:
        for rows, references, streams in SIZES:
            facts = {
                "law": law,
                "rows": rows,
                "references": references,
                "streams": max(1, round(streams * scale)),
            }
            found.append({"task": "null", **facts, "events": 20_000, "batch": 20, "exact": False})
    for rows, references, streams in SIZES:
        facts = {"law": "normal", "rows": rows, "references": references, "streams": streams}
        found.append({"task": "null", **facts, "events": 20_000, "batch": 20, "exact": True})
    for rows in (1000, 100_000):
        facts = {"law": "normal", "rows": rows, "references": 10, "streams": max(1, round(10 * scale))}
        found.append({"task": "null", **facts, "events": 20_000, "batch": 1, "exact": False})
    found += [{"task": "real", "data": name, "repeats": round(40 * scale)} for name in NAMES]
    for kind, size, events in DRIFTS:
        for rows in (1000, 10_000, 100_000):
            for batch in (1, 60):
                facts = {
                    "rows": rows,
                    "events": events,
                    "batch": batch,
                    "replicates": round((200 if batch == 1 else 100) * scale),
                }
                found.append({"task": "delay", "kind": kind, "size": size, **facts})
        found.append({"task": "rivals", "kind": kind, "size": size, "events": events, "replicates": round(60 * scale)})
    found += [
        {"task": "rivals-null", "events": 100_000, "replicates": round(4 * scale), "seed": seed} for seed in range(4)
    ]
    found += [
        {"task": "time", "structure": name, "remedy": remedy}
        for name in ("ar", "daily")
        for remedy in ("none", "learned")
    ]
    return found


def digest(cell: dict[str, Any]) -> str:
    """The name under which a cell's result is kept."""
    return hashlib.sha256(json.dumps([cell, TUNED, 4], sort_keys=True).encode()).hexdigest()[:16]


def run(cell: dict[str, Any]) -> dict[str, Any]:
    """The result of a cell; the same for the same cell."""
    rng = np.random.default_rng(int(digest(cell), 16))
    tasks = {
        "null": null,
        "real": shuffled,
        "delay": delay,
        "rivals": others,
        "rivals-null": others_null,
        "time": time_structure,
    }
    return tasks[cell["task"]](cell, rng)


def null(cell: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """False alarms of ours while nothing changes; every reference is drawn anew."""
    watched = []
    for _ in range(cell["references"]):
        watched += [Watched(through(cell["law"], normals(rng, cell["rows"])))] * cell["streams"]
    count = 0
    width = 50 if cell["batch"] > 1 else 8
    for start in range(0, len(watched), width):
        part = watched[start : start + width]
        streams = [through(cell["law"], normals(rng, cell["events"])) for _ in part]
        count += sum(map(len, alarms(part, streams, batch=cell["batch"], bar=BUDGET, exact=cell["exact"])))
    return {"alarms": count, "events": cell["events"] * len(watched)}


def shuffled(cell: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """False alarms on real rows: half the data in random order is the reference, the rest is traffic.

    At most LONGEST rows of it; every repeat splits anew.
    """
    rows = load(cell["data"])
    count = events = 0
    if rows is None:
        return {"alarms": 0, "events": 0, "rows": 0}
    for _ in range(cell["repeats"]):
        order = rng.permutation(len(rows))
        half = len(rows) // 2
        watched = Watched(rows[order[:half]])
        stream = rows[order[half : half + min(len(rows) - half, LONGEST) // 10 * 10]]
        count += len(alarms([watched], [stream], batch=10, bar=BUDGET)[0])
        events += len(stream)
    return {"alarms": count, "events": events, "rows": half}


def delays(found: list[list[int]], change: int) -> list[float]:
    """Events from the change to the first alarm after it, NaN where none came."""
    return [next((float(at - change) for at in each if at > change), float("nan")) for each in found]


def delay(cell: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Delays of ours after a change."""
    found: list[float] = []
    limit: list[float] = []
    per = max(1, cell["replicates"] // (4 if cell["rows"] > 1000 else 20))
    while len(found) < cell["replicates"]:
        watched = [Watched(normals(rng, cell["rows"]))] * per
        warm, after = 240, cell["events"] // 60 * 60
        streams = [
            np.concatenate([normals(rng, warm), drifted(normals(rng, after), cell["kind"], cell["size"])])
            for _ in watched
        ]
        found += delays(alarms(watched, streams, batch=cell["batch"], bar=BUDGET), warm)
        if cell["kind"] in ("mean", "all") and cell["batch"] == 1:
            limit += cusum_delays(np.stack(streams), warm, shift=cell["size"], budget=BUDGET)
    return {"delays": found[: cell["replicates"]], "limit": limit[: cell["replicates"]]}


def others(cell: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Delays of the rivals; the change falls anywhere in a window. They need complete rows."""
    found: dict[str, list[float]] = {}
    if cell["kind"] == "missing":
        return {"delays": {}}
    for _ in range(cell["replicates"]):
        reference = np.sort(normals(rng, 10_000), axis=0)
        change = WARM + int(rng.integers(1000))
        stream = np.concatenate(
            [normals(rng, change), drifted(normals(rng, cell["events"]), cell["kind"], cell["size"])]
        )
        for name, rival in rivals(TUNED).items():
            found.setdefault(name, []).extend(delays([rival(reference, stream)], change))
    return {"delays": found}


def others_null(cell: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """False alarms of the rivals while nothing changes."""
    counts: dict[str, int] = {}
    for _ in range(cell["replicates"]):
        reference = np.sort(normals(rng, 10_000), axis=0)
        stream = normals(rng, cell["events"])
        for name, rival in rivals(TUNED).items():
            counts[name] = counts.get(name, 0) + len(rival(reference, stream))
    return {"alarms": counts, "events": cell["events"] * cell["replicates"]}


def time_structure(cell: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """False alarms and delays under autocorrelation or a daily cycle, with and without a learned rhythm.

    A day has 1440 batches of 10 events. The rhythm is learned from 14 days of good traffic.
    """
    return watch(cell, rng, BUDGET)
