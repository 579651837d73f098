"""What is counted: `python counted.py prepare FOLDER`, then `python counted.py WORKLOAD FOLDER LIBRARY` in valgrind.

It belongs to the revision that it stands in: another revision is measured by its own copy of this file. Everything
is seeded; what a call does must not depend on the time, on addresses or on the machine.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = "house-price"
WARM = 0.2
"""Of the calls are made before the counted ones: caches of the interpreter and of ours are filled."""


def prepare(folder: Path) -> None:
    """Write the bundle, as this revision packs it, and the rows that are sent."""
    from workloads import house_forest, houses, write_bundle  # noqa: PLC0415 - needs scikit-learn, which is not counted

    write_bundle(folder / "bundles" / MODEL, house_forest())
    (folder / "rows.json").write_text(json.dumps(houses(1_000, seed=8)[0].tolist()))


def kernel(folder: Path, rows: list[list[float]]) -> tuple[Callable[[Any], object], list[Any]]:
    """One row through the compiled engine."""
    from drift_engine.bundle import load_bundle  # noqa: PLC0415 - each workload imports what it counts

    forest = load_bundle(folder / "bundles" / MODEL).model
    if forest.engine != "c":
        raise SystemExit("the compiled engine is not there")
    return forest.predict, [tuple(row) for row in rows]


def handler(folder: Path, rows: list[list[float]]) -> tuple[Callable[[Any], object], list[Any]]:
    """One request through the Lambda handler, its line written to nowhere."""
    os.environ |= {"DRIFT_BUNDLES": str(folder / "bundles"), "DRIFT_LOG_LEVEL": "WARNING"}
    from drift_contracts import feature_set  # noqa: PLC0415
    from drift_predictor import handler as module  # noqa: PLC0415

    module.STANDARD_OUTPUT = os.open(os.devnull, os.O_WRONLY)
    features = feature_set(MODEL)
    whole = ("bedrooms", "bathrooms", "age")
    requests = [dict(zip(features.names, row, strict=True)) for row in rows]
    for request in requests:
        request.update({name: int(request[name]) for name in whole})
    events = [event(json.dumps({"features": request})) for request in requests]
    answer = module.handler(events[0], None)
    if answer["statusCode"] != 200:
        raise SystemExit("the handler refused the request")
    return lambda request: module.handler(request, None), events


def event(body: str) -> dict[str, Any]:
    """Return what an HTTP API hands to its function."""
    http = {"method": "POST", "path": "/predict", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/predict",
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": "api.example.com", "user-agent": "benchmark"},
        "requestContext": {"http": http, "requestId": "JKJaXmPLvHcESHA=", "stage": "$default"},
        "body": body,
        "isBase64Encoded": False,
    }


def evidence(folder: Path, rows: list[list[float]]) -> tuple[Callable[[Any], object], list[Any]]:
    """One event through the sequential detector: the bins of all channels, then the evidence."""
    from drift_engine.bundle import load_bundle  # noqa: PLC0415
    from drift_ml.baseline import Baseline  # noqa: PLC0415
    from drift_ml.evidence import MixtureDetector, Settings  # noqa: PLC0415
    from drift_ml.window import Window  # noqa: PLC0415

    baseline = Baseline.from_json(load_bundle(folder / "bundles" / MODEL).baseline)
    events = []
    for row in rows:
        window = Window.empty(baseline)
        window.observe(dict(zip(baseline.features, row, strict=True)), None, 1)
        counts = window.channel_counts()
        events.append({name: bins.index(1) for name, bins in counts.items() if 1 in bins})
    detector = MixtureDetector(Settings(baseline.channels))
    return detector.update_event, events


def evaluation(folder: Path, rows: list[list[float]]) -> tuple[Callable[[Any], object], list[Any]]:
    """One closed minute of 100 events through the monitor's evaluator, its store in memory."""
    import numpy as np  # noqa: PLC0415
    from drift_ml.window import Window  # noqa: PLC0415
    from drift_monitor.evaluate import Evaluator  # noqa: PLC0415
    from drift_monitor.keys import WindowKey  # noqa: PLC0415
    from drift_monitor.reference import load_references  # noqa: PLC0415
    from drift_monitor.stores import MemoryStore  # noqa: PLC0415
    from drift_monitor.stores.protocol import Fragment  # noqa: PLC0415

    references = load_references(folder / "bundles")
    series, reference = next(iter(references.items()))
    table = np.array(rows).reshape(10, 100, -1)
    documents = []
    for part in table:
        window = Window.empty(reference.baseline, series.version)
        window.observe_rows(dict(zip(reference.baseline.features, part.T.copy(), strict=True)))
        documents.append(window.to_json())
    store = MemoryStore()
    first = 29_000_000
    minute = [first]
    evaluator = Evaluator(references, store, print, lambda: minute[0] * 60.0, stack="counted")
    list(evaluator.run())

    def one_window(document: dict[str, Any]) -> None:
        minute[0] += 1
        key = WindowKey(series, minute[0])
        store.add(f"batch {minute[0]:09}", [Fragment(key, f"batch {minute[0]:09}", document)])
        evaluations = list(evaluator.run())
        if minute[0] > first + 4 and evaluations[0].window is None:
            raise SystemExit("no window was evaluated")

    return one_window, documents


WORKLOADS = {
    "kernel": (kernel, 1000),
    "handler": (handler, 500),
    "evidence": (evidence, 500),
    "evaluation": (evaluation, 10),
}
"""By name: what makes ready, and how many calls are counted."""


def main() -> None:
    """Make a workload ready, warm it up, and let valgrind count its calls; prints how many."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    if name == "prepare":
        prepare(folder)
        return
    library = ctypes.CDLL(sys.argv[3])
    make, count = WORKLOADS[name]
    call, inputs = make(folder, json.loads((folder / "rows.json").read_text()))
    repeated = inputs * (2 * count // len(inputs) + 2)
    warm = max(10, int(WARM * count))
    for value in repeated[:warm]:
        call(value)
    counted = repeated[warm : warm + count]
    gc.collect()
    library.begin_counting()
    for value in counted:
        call(value)
    library.end_counting()
    print(count)


if __name__ == "__main__":
    main()
