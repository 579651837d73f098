"""What is simulated: every cell of the tables, as data, and how one is run."""

from __future__ import annotations

import hashlib
import json
from time import process_time
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.simulate.limit import cusum_delays
from benchmarks.simulate.mixture import Watched, alarms
from benchmarks.simulate.real import NAMES, load
from benchmarks.simulate.recovery import recoveries
from benchmarks.simulate.rivals import rivals
from benchmarks.simulate.streams import FEATURES, LAWS, drifted, normals, through
from benchmarks.simulate.timely import STRUCTURES, watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BUDGET = 100_000
WARM = 2000
LONGEST = 10_000
FEW = 1000
TUNED = {"adwin": 0.0076, "page-hinkley": 349.3, "ks": 0.00204, "psi": 0.04586}
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
OF_LAWS = (("mean", 0.25, 3000), ("mean", 0.5, 2000), ("mean", 1.0, 2000), ("variance", 1.5, 2000))
OF_CATEGORIES = (("mix", 0.05, 3000), ("mix", 0.1, 2000), ("newcomer", 0.02, 2000))
OF_WIDTHS = DRIFTS[1:3]
LASTING = (
    ("mean", 0.15),
    ("mean", 0.25),
    ("mean", 0.5),
    ("mean", 1.0),
    *((k, s) for k, s, _ in DRIFTS[3:5]),
    ("missing", 0.05),
)
SIZES = ((500, 100, 1), (1000, 100, 1), (10_000, 25, 4), (100_000, 5, 20))
WIDTHS = {FEATURES: 25, 50: 4, 90: 2}
"""Numbers of features (a feature set has 90 at most), each with how many references are drawn: many take long."""


def cells(scale: float = 1.0) -> list[dict[str, Any]]:
    """Every cell; `scale` multiplies the replicates."""

    def many(replicates: int) -> int:
        return max(1, round(replicates * scale))

    found = [*_of_rivals(many), *_of_time(), *_of_delays(many), *_of_nulls(many)]
    found += [{"task": "real", "data": name, "repeats": many(40)} for name in NAMES]
    for kind, size in LASTING:
        for rows in (1000, 100_000):
            found += [{"task": "recovery", "kind": kind, "size": size, "rows": rows, "replicates": many(40)}]
    return found


def _of_rivals(many: Callable[[int], int]) -> Iterator[dict[str, Any]]:
    for drift in DRIFTS:
        yield {"task": "rivals", **of(*drift), "replicates": many(60)}
    for seed in range(8):
        yield {"task": "rivals-null", "events": 100_000, "replicates": many(4), "seed": seed}


def _of_time() -> Iterator[dict[str, Any]]:
    for structure in STRUCTURES:
        for remedy in ("none", "learned"):
            yield {"task": "time", "structure": structure, "remedy": remedy}


def _of_delays(many: Callable[[int], int]) -> Iterator[dict[str, Any]]:
    for drift in DRIFTS:
        for rows in (1000, 10_000, 100_000):
            yield delay_of(drift, rows=rows, batch=1, replicates=many(200))
            yield delay_of(drift, rows=rows, batch=60, replicates=many(100))
    for law in LAWS[1:]:
        for drift in OF_CATEGORIES if law == "category" else OF_LAWS:
            yield delay_of(drift, law=law, batch=1, replicates=many(100))
    for columns in WIDTHS:
        for drift in OF_WIDTHS:
            yield delay_of(drift, columns=columns, replicates=many(60))


def _of_nulls(many: Callable[[int], int]) -> Iterator[dict[str, Any]]:
    for columns, references in WIDTHS.items():
        if columns != FEATURES:
            yield null_of(columns=columns, references=references, streams=many(50 // references))
    for rows in (1000, 100_000):
        yield null_of(rows=rows, references=10, streams=many(10), batch=1)
    for rows, references, streams in SIZES:
        for law in LAWS:
            yield null_of(law, rows=rows, references=references, streams=many(streams))
        yield null_of(rows=rows, references=references, streams=many(streams), exact=True)


def of(kind: str, size: float, events: int) -> dict[str, Any]:
    """A drift as the facts of a cell."""
    return {"kind": kind, "size": size, "events": events}


def delay_of(
    drift: tuple[str, float, int],
    *,
    replicates: int,
    law: str = "normal",
    rows: int = 10_000,
    columns: int = FEATURES,
    batch: int = 20,
) -> dict[str, Any]:
    """A cell that measures how soon a drift is found."""
    facts = {"law": law, "rows": rows, "columns": columns, "batch": batch, "replicates": replicates}
    return {"task": "delay", **of(*drift), **facts}


def null_of(
    law: str = "normal",
    *,
    references: int,
    streams: int,
    rows: int = 10_000,
    columns: int = FEATURES,
    batch: int = 20,
    exact: bool = False,
) -> dict[str, Any]:
    """A cell that counts false alarms; `exact` pretends that the reference has no error."""
    facts = {"law": law, "rows": rows, "columns": columns, "references": references, "streams": streams}
    return {"task": "null", **facts, "events": 20_000, "batch": batch, "exact": exact}


def digest(cell: dict[str, Any]) -> str:
    """The name under which a cell's result is kept."""
    return hashlib.sha256(json.dumps([cell, TUNED, 5], sort_keys=True).encode()).hexdigest()[:16]


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
        "recovery": lasting,
    }
    begun = process_time()
    return {**tasks[cell["task"]](cell, rng), "seconds": round(process_time() - begun, 2)}


def reference(cell: dict[str, Any], rng: np.random.Generator) -> Watched:
    """A reference drawn anew."""
    return Watched(through(cell["law"], normals(rng, cell["rows"], cell["columns"])), cell["law"])


def null(cell: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """False alarms of ours while nothing changes; every reference is drawn anew."""
    watched = []
    for _ in range(cell["references"]):
        watched += [reference(cell, rng)] * cell["streams"]
    count = 0
    width = max(1, 50 * FEATURES // cell["columns"]) if cell["batch"] > 1 else 8
    for start in range(0, len(watched), width):
        part = watched[start : start + width]
        streams = [through(cell["law"], normals(rng, cell["events"], cell["columns"])) for _ in part]
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
    references = 1 if cell["columns"] > FEATURES else 4 if cell["rows"] > FEW else 20
    per = max(1, cell["replicates"] // references)
    while len(found) < cell["replicates"]:
        watched = [reference(cell, rng)] * per
        warm, after = 240, cell["events"] // 60 * 60
        streams = [through(cell["law"], changed(cell, rng, warm, after)) for _ in watched]
        found += delays(alarms(watched, streams, batch=cell["batch"], bar=BUDGET, until=warm), warm)
        if cell["kind"] in ("mean", "all") and cell["batch"] == 1 and cell["law"] == "normal":
            limit += cusum_delays(np.stack(streams), warm, shift=cell["size"], budget=BUDGET)
    return {"delays": found[: cell["replicates"]], "limit": limit[: cell["replicates"]]}


def changed(cell: dict[str, Any], rng: np.random.Generator, before: int, after: int) -> np.ndarray:
    """Normal rows, some before and some after the drift of a cell."""
    columns = cell.get("columns", FEATURES)
    drift = drifted(normals(rng, after, columns), cell["kind"], cell["size"], rng)
    return np.concatenate([normals(rng, before, columns), drift])


def others(cell: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Delays of the rivals; the change falls anywhere in a window. They need complete rows."""
    found: dict[str, list[float]] = {}
    if cell["kind"] == "missing":
        return {"delays": {}}
    for _ in range(cell["replicates"]):
        ordered = np.sort(normals(rng, 10_000), axis=0)
        change = WARM + int(rng.integers(1000))
        stream = changed(cell, rng, change, cell["events"])
        for name, rival in rivals(TUNED).items():
            found.setdefault(name, []).extend(delays([rival(ordered, stream)], change))
    return {"delays": found}


def others_null(cell: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """False alarms of the rivals while nothing changes."""
    counts: dict[str, int] = {}
    for _ in range(cell["replicates"]):
        ordered = np.sort(normals(rng, 10_000), axis=0)
        stream = normals(rng, cell["events"])
        for name, rival in rivals(TUNED).items():
            counts[name] = counts.get(name, 0) + len(rival(ordered, stream))
    return {"alarms": counts, "events": cell["events"] * cell["replicates"]}


def time_structure(cell: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """False alarms and delays under autocorrelation or a cycle, with and without a learned rhythm."""
    return watch(cell, rng, BUDGET)


def lasting(cell: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """How often an alarm ends falsely while its drift lasts, and how soon once the drift is over."""
    return recoveries(cell, rng, BUDGET)
