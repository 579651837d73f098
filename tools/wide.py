"""Measure what a model of many features costs: bytes, times and memory.

    python -m tools.wide                 5, 50, 90, 500 and 2,000 features
    python -m tools.wide FEATURES...     these numbers of features

Each model has as many random numbers, all of one scale. Traffic is 60 rows a minute, delivered
once a minute. Whatever is said to take memory runs in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drift_contracts import FeatureSet

    Figures = Mapping[str, float]

FEATURES = (5, 50, 90, 500, 2000)
TRAINING_ROWS = 2000
ROWS_A_MINUTE = 60
MINUTES = 10
START = 1_800_000_000
KB = 1000
HUNDRED = 100
MB = 1 << 20
#: Columns of the table: a figure's name and its unit, as the documentation writes them.
COLUMNS = {
    "line": "a line, KB",
    "answer": "an answer, KB",
    "request": "a request, us",
    "predictor": "predictor, MB",
    "fragment": "a fragment, KB",
    "window": "a window, KB",
    "state": "a state, KB",
    "counting": "counting an event, us",
    "evaluating": "evaluating a minute, ms",
    "evaluator": "evaluator, MB",
    "bundle": "a baseline, KB",
}


def main(arguments: list[str] | None = None) -> None:
    """Print the table, a row for each number of features."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["--step"]:
        print(json.dumps(STEPS[arguments[1]](Path(arguments[2]))))
        return
    print("| features | " + " | ".join(COLUMNS.values()) + " |")
    print("|---" * (len(COLUMNS) + 1) + "|")
    for features in map(int, arguments or FEATURES):
        figures = measure(features)
        cells = [_text(figures[name]) for name in COLUMNS]
        print(f"| {features:,} | " + " | ".join(cells) + " |", flush=True)


def _text(figure: float) -> str:
    """Return a figure to three digits, whole from a hundred on.

    >>> _text(0.7114), _text(2344.3)
    ('0.711', '2,340')
    """
    rounded = float(f"{figure:.3g}")
    return f"{rounded:,.0f}" if rounded >= HUNDRED else f"{rounded:g}"


def measure(features: int) -> Figures:
    """Return the figures of a model of so many features, by the names of `COLUMNS`."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        make_bundle(features, Path(folder))
        for step in STEPS:
            command = [sys.executable, "-m", "tools.wide", "--step", step, folder]
            # Words of this module alone.
            ended = subprocess.run(command, check=True, capture_output=True)  # noqa: S603
            figures |= json.loads(ended.stdout)
    return figures


def feature_set_of(features: int) -> FeatureSet:
    """Return a feature set of so many numbers."""
    from drift_contracts import FeatureSet  # noqa: PLC0415 - a step measures what it imports

    number = {"type": "number", "unit": "none", "example": 0.5, "description": "A number."}
    return FeatureSet.from_json({
        "contract": "feature-set.v2",
        "name": "wide",
        "version": "1.0.0",
        "description": "Random numbers.",
        "target": {"name": "y", "unit": "none", "description": "Nothing."},
        "features": [{"name": f"feature_{place}", **number} for place in range(features)],
    })  # fmt: skip


def make_bundle(features: int, folder: Path) -> None:
    """Write the bundle of a small forest on so many features below a folder."""
    import numpy as np  # noqa: PLC0415 - the predictor's process must not have it
    from drift_engine.bundle import describe_files, model_version  # noqa: PLC0415
    from drift_engine.forest.writer import Tree, encode  # noqa: PLC0415
    from drift_ml.baseline.fit import fit_baseline  # noqa: PLC0415

    feature_set = feature_set_of(features)
    random = np.random.default_rng(7)
    shape = (features, TRAINING_ROWS)
    table = dict(zip(feature_set.names, random.normal(size=shape).round(4), strict=True))
    answers = random.normal(size=TRAINING_ROWS)
    stump = Tree([1, -1, -1], [2, -1, -1], [0, -2, -2], [0.0, -2.0, -2.0], [0.0, 1.0, 2.0], None)
    baseline = fit_baseline(feature_set, table, target=answers, predictions=answers)
    files = {
        "feature_set.json": json.dumps(feature_set.to_json()).encode(),
        "baseline.json": json.dumps(baseline.to_json()).encode(),
        "forest.bin": encode([stump], features=features),
    }
    described = describe_files(files)
    manifest = {
        "contract": "bundle.manifest.v1",
        "model": "wide",
        "model_version": model_version(described),
        "feature_set": "1.0.0",
        "estimator": {"kind": "RandomForestRegressor", "parameters": {}},
        "training": {
            "source": "synthetic:wide", "data_sha256": "0" * 64, "rows": TRAINING_ROWS,
            "held_out_rows": 100, "seed": 7,
            "libraries": {"python": "3.11", "scikit-learn": "1.9", "numpy": "2.0"},
        },
        "scores": {"r2": {"value": 0.5, "low": 0.4, "high": 0.6}},
        "files": described,
    }  # fmt: skip
    bundle = folder / "wide"
    bundle.mkdir()
    for name, content in {**files, "manifest.json": json.dumps(manifest).encode()}.items():
        (bundle / name).write_bytes(content)


def predict_step(folder: Path) -> Figures:
    """Answer the traffic and write down its lines; numpy is not imported."""
    from drift_predictor.start import start  # noqa: PLC0415 - a step measures what it imports

    names = feature_set_of_bundle(folder).names
    lines: list[str] = []
    clock = iter(range(START * 10**9, 1 << 62, 10**9))
    service = start(
        {"DRIFT_BUNDLES": str(folder), "DRIFT_LOG_LEVEL": "ERROR"},
        clock=lambda: next(clock),
        timer=time.perf_counter_ns,
        random_bytes=os.urandom,
        write=lines.append,
    )
    random = Random(8)  # noqa: S311 - traffic of a measurement
    bodies = []
    for _ in range(ROWS_A_MINUTE * MINUTES):
        row = {name: round(random.gauss(0, 1), 4) for name in names}
        bodies.append(json.dumps({"features": row}).encode())
    answer = service.respond("POST", "/predict", bodies[0], "application/json", "warm").body
    lines.clear()

    def answer_all() -> None:
        for body in bodies:
            service.respond("POST", "/predict", body, "application/json", "measured")

    elapsed = seconds(answer_all)
    (folder / "lines.json").write_text(json.dumps(lines))
    return {
        "line": len(lines[0]) / KB,
        "answer": len(answer) / KB,
        "request": 1e6 * elapsed / len(bodies),
        "predictor": peak_mb(),
        "bundle": (folder / "wide/baseline.json").stat().st_size / KB,
    }


def evaluate_step(folder: Path) -> Figures:
    """Count the lines into fragments and windows, and evaluate these."""
    from drift_monitor.aggregate import Aggregator  # noqa: PLC0415 - as above
    from drift_monitor.deliveries import Delivery  # noqa: PLC0415
    from drift_monitor.evaluate import Evaluator  # noqa: PLC0415
    from drift_monitor.reference import load_references  # noqa: PLC0415
    from drift_monitor.stores import MemoryStore  # noqa: PLC0415
    from drift_monitor.stores.packing import pack  # noqa: PLC0415

    references = load_references(folder)
    (series,) = references
    lines = json.loads((folder / "lines.json").read_text())
    store = MemoryStore()
    now = START + 60.0 * (MINUTES + 5)
    aggregator = Aggregator(references, store, lambda _rejected: None, lambda: now)

    def count() -> None:
        for minute in range(MINUTES):
            first = ROWS_A_MINUTE * minute
            part = tuple(lines[first : first + ROWS_A_MINUTE])
            aggregator.take(Delivery(f"batch-{minute}", part))

    counting = seconds(count)
    fragment = store.fragments(series, START // 60 + MINUTES + 5, 1)[0]
    evaluator = Evaluator(references, store, lambda _alert: None, lambda: now, stack="test")
    evaluating = seconds(lambda: list(evaluator.run()))
    window = store.windows(series, START // 60, START // 60 + MINUTES, 1)[0]
    return {
        "fragment": len(pack(fragment.window)) / KB,
        "window": len(pack(window.window)) / KB,
        "state": len(pack(store.state(series).state or {})) / KB,
        "counting": 1e6 * counting / len(lines),
        "evaluating": 1e3 * evaluating / MINUTES,
        "evaluator": peak_mb(),
    }


def feature_set_of_bundle(folder: Path) -> FeatureSet:
    """Return the feature set of the bundle that `make_bundle` wrote."""
    from drift_contracts import FeatureSet  # noqa: PLC0415 - a step measures what it imports

    return FeatureSet.from_json(json.loads((folder / "wide/feature_set.json").read_text()))


def seconds(work: Callable[[], object]) -> float:
    """Return how much processor time a call takes: others may use the machine as well."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def peak_mb() -> float:
    """Return the most memory that this process has held, in MiB."""
    # The resource usage of a process begins with what its parent held before it started another.
    status = Path("/proc/self/status").read_text()
    (held,) = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(held) * 1024 / MB


STEPS: Mapping[str, Callable[[Path], Figures]] = {
    "predict": predict_step,
    "evaluate": evaluate_step,
}

if __name__ == "__main__":
    main()
