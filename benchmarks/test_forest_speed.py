"""The forest engine against scikit-learn and ONNX Runtime: one row, a batch, a cold process, files, memory.

`pytest benchmarks/test_forest_speed.py -s` prints the figures of benchmarks/forest.md. Each answer is
compared with scikit-learn's to the last bit, and every bar is a ratio within one run.
"""

from __future__ import annotations

import subprocess
import sys
import time
from itertools import cycle
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import joblib
import numpy as np
import pytest
from drift_ml.forest import Forest
from workloads import house_forest, houses, write_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

ROWS, _ = houses()


class Contest(NamedTuple):
    leaf: int
    folder: Path
    estimator: Any
    forest: Forest
    onnx: Any


@pytest.fixture(scope="module", params=[5, 1], ids=lambda leaf: f"min_samples_leaf={leaf}")
def contest(request, tmp_path_factory) -> Contest:
    """The same forest as a bundle, a joblib file and an ONNX file."""
    folder = tmp_path_factory.mktemp("contest")
    estimator = house_forest(request.param)
    joblib.dump(estimator, folder / "forest.joblib")
    write_bundle(folder / "bundle", estimator)
    (folder / "forest.onnx").write_bytes(onnx_bytes(estimator))
    forest = Forest.open(folder / "bundle" / "forest.bin")
    return Contest(request.param, folder, estimator, forest, onnx_session(folder / "forest.onnx"))


def onnx_bytes(estimator: Any) -> bytes:
    """The forest as one TreeEnsemble in float64: the exporters know float32 only, which is never exact."""
    from onnx import TensorProto, helper  # noqa: PLC0415 - only these benchmarks need it

    trees = [member.tree_ for member in estimator.estimators_]
    inner = np.concatenate([tree.children_left != -1 for tree in trees])
    number = np.where(inner, np.cumsum(inner), np.cumsum(~inner)) - 1  # of a node among inner nodes, or leaves
    starts = np.cumsum([0, *(tree.node_count for tree in trees)])
    left, right = (
        np.concatenate([getattr(tree, side) + start for tree, start in zip(trees, starts, strict=False)])[inner]
        for side in ("children_left", "children_right")
    )
    threshold = np.concatenate([tree.threshold for tree in trees])[inner]
    weights = np.concatenate([tree.value[:, 0, 0] for tree in trees])[~inner]
    double = TensorProto.DOUBLE
    node = helper.make_node(
        *("TreeEnsemble", ["x"], ["y"]),
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function=0,
        tree_roots=number[starts[:-1]].tolist(),
        nodes_featureids=np.concatenate([tree.feature for tree in trees])[inner].tolist(),
        nodes_modes=helper.make_tensor("modes", TensorProto.UINT8, [len(left)], bytes(len(left)), raw=True),
        nodes_splits=helper.make_tensor("splits", double, [len(left)], threshold.tobytes(), raw=True),
        nodes_truenodeids=number[left].tolist(),
        nodes_falsenodeids=number[right].tolist(),
        nodes_trueleafs=(~inner[left]).astype(int).tolist(),
        nodes_falseleafs=(~inner[right]).astype(int).tolist(),
        leaf_targetids=[0] * len(weights),
        leaf_weights=helper.make_tensor("weights", double, [len(weights)], weights.tobytes(), raw=True),
    )
    graph = helper.make_graph(
        [node],
        "forest",
        [helper.make_tensor_value_info("x", double, [None, 5])],
        [helper.make_tensor_value_info("y", double, [None, 1])],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString())


def onnx_session(path: Path) -> Any:
    import onnxruntime  # noqa: PLC0415 - only these benchmarks need it

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def interleaved(rounds: int, *contestants: Callable[[], object], calls: Sequence[int] = ()) -> list[float]:
    """Median seconds of each, run in turn so that a busy moment of the machine hits all.

    calls: how often each runs in a round, one after the other; once by default.
    """
    times: list[list[float]] = [[] for _ in contestants]
    for _ in range(rounds):
        for contestant, taken, count in zip(contestants, times, calls or [1] * len(contestants), strict=True):
            for _ in range(count):
                start = time.perf_counter()
                contestant()
                taken.append(time.perf_counter() - start)
    return [median(taken) for taken in times]


def report(contest: Contest, what: str, ours: float, others: dict[str, float], unit: str, scale: float) -> None:
    print(
        f"\nmin_samples_leaf={contest.leaf}, {what}: {contest.forest.engine} {ours * scale:.4g} {unit}",
        end="",
    )
    for name, its in others.items():
        print(f", {name} {its * scale:.4g} {unit} ({its / ours:.4g} x)", end="")


def test_one_row(contest, benchmark):
    rows = ROWS[:2000]
    tuples = list(map(tuple, rows.tolist()))
    singles = rows.astype(np.float32).astype(np.float64)
    expected = contest.estimator.predict(rows).tolist()
    assert [contest.forest.predict(row) for row in tuples] == expected
    assert contest.onnx.run(None, {"x": singles})[0][:, 0].tolist() == expected
    ours_next, theirs_next, onnx_next = cycle(tuples), cycle(range(2000)), cycle(range(2000))

    def theirs() -> None:
        row = next(theirs_next)
        contest.estimator.predict(rows[row : row + 1])

    def onnx() -> None:
        row = next(onnx_next)
        contest.onnx.run(None, {"x": singles[row : row + 1]})

    def ours() -> None:
        contest.forest.predict(next(ours_next))

    scikit_learn, onnx_runtime, single = interleaved(300, theirs, onnx, ours)
    report(contest, "one row, in turn", single, {"scikit-learn": scikit_learn, "ONNX": onnx_runtime}, "us", 1e6)
    scikit_learn, onnx_runtime, warm = interleaved(20, theirs, onnx, ours, calls=(10, 250, 1000))
    benchmark.pedantic(ours, rounds=20_000, warmup_rounds=2000)
    report(contest, "one row, in a loop", warm, {"scikit-learn": scikit_learn, "ONNX": onnx_runtime}, "us", 1e6)
    assert scikit_learn / warm >= {5: 1000, 1: 250}[contest.leaf]


def test_a_thousand_rows(contest, benchmark):
    rows = ROWS[:1000]
    tuples = list(map(tuple, rows.tolist()))
    singles = rows.astype(np.float32).astype(np.float64)
    expected = contest.estimator.predict(rows).tolist()
    assert contest.forest.predict_many(tuples) == expected
    scikit_learn, onnx_runtime, ours = interleaved(
        15,
        lambda: contest.estimator.predict(rows),
        lambda: contest.onnx.run(None, {"x": singles}),
        lambda: contest.forest.predict_many(tuples),
    )
    report(contest, "1,000 rows", ours, {"scikit-learn": scikit_learn, "ONNX": onnx_runtime}, "ms", 1e3)
    benchmark.pedantic(contest.forest.predict_many, args=(tuples,), rounds=30, warmup_rounds=3)
    assert scikit_learn / ours >= 2


COLD = {
    "ours": "from drift_ml.bundle import load_bundle\n"
    "answer = load_bundle(folder + '/bundle').forest.predict(row)",
    "scikit-learn": "import joblib\n"
    "answer = joblib.load(folder + '/forest.joblib').predict([row])[0]",
    "ONNX": "import numpy, onnxruntime\n"
    "session = onnxruntime.InferenceSession(folder + '/forest.onnx', providers=['CPUExecutionProvider'])\n"
    "answer = session.run(None, {'x': numpy.array([row], dtype='f').astype('d')})[0][0, 0]",
}  # fmt: skip
MEMORY = "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"


def cold(contest: Contest, name: str) -> tuple[float, float, float]:
    """Answer, seconds from process start to its end, and peak MB of a new process that answers once."""
    script = f"row = {tuple(ROWS[0].tolist())}\nfolder = {str(contest.folder)!r}\n{COLD[name]}\n"
    start = time.perf_counter()
    command = [sys.executable, "-c", f"{script}print(repr(float(answer)))\n{MEMORY}"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(told[0]), time.perf_counter() - start, int(told[1]) / 1024


def test_a_cold_process(contest, benchmark):
    turns = [[cold(contest, name) for name in COLD] for _ in range(7)]
    runs = dict(zip(COLD, zip(*turns, strict=True), strict=True))
    expected = float(contest.estimator.predict(ROWS[:1])[0])
    assert {answer for results in runs.values() for answer, _, _ in results} == {expected}
    seconds = {name: median(taken for _, taken, _ in results) for name, results in runs.items()}
    memory = {name: max(peak for _, _, peak in results) for name, results in runs.items()}
    assert benchmark.pedantic(cold, args=(contest, "ours"), rounds=10)[0] == expected
    for what, measured, unit, scale in (("cold process", seconds, "ms", 1e3), ("peak memory", memory, "MB", 1)):
        others = {name: measured[name] for name in ("scikit-learn", "ONNX")}
        report(contest, what, measured["ours"], others, unit, scale)
    assert seconds["scikit-learn"] / seconds["ours"] >= 30


def test_files(contest):
    files = {"joblib": "forest.joblib", "ONNX": "forest.onnx", "ours": "bundle/forest.bin"}
    sizes = {name: float((contest.folder / file).stat().st_size) for name, file in files.items()}
    ours = sizes.pop("ours")
    report(contest, "file", ours, sizes, "MB", 1e-6)
    assert sizes["joblib"] / ours >= 20
