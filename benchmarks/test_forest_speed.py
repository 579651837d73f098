"""The forest engine against scikit-learn and ONNX Runtime: one row, a batch, a cold process, files, memory.

`nox -s benchmark -- benchmarks/test_forest_speed.py` prints the figures of benchmarks/forest.md. Each answer is
compared with scikit-learn's to the last bit, and every bar of speed is a ratio of interleaved pairs.
"""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import joblib
import numpy as np
import pytest
from drift_engine.forest import Forest
from pairs import Side, Turn, time_of
from workloads import house_forest, houses, write_bundle

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ROWS, _ = houses()


class Contest(NamedTuple):
    leaf: int
    folder: Path
    estimator: Any
    forest: Forest
    onnx: Any


def both_forests(default: str, large: str) -> pytest.MarkDecorator:
    """Return the parameters of a test of two bars: with min_samples_leaf=5, the default, and with 1."""
    forests = [
        pytest.param(leaf, id=f"min_samples_leaf_{leaf}", marks=pytest.mark.bar(name))
        for leaf, name in ((5, default), (1, large))
    ]
    return pytest.mark.parametrize("contest", forests, indirect=True, scope="module")


@pytest.fixture(scope="module")
def contest(request, tmp_path_factory) -> Contest:
    """The same forest as a bundle, a joblib file and an ONNX file."""
    folder = tmp_path_factory.mktemp("contest")
    estimator = house_forest(min_samples_leaf=request.param)
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


def show(contest: Contest, what: str, ours: str, theirs: str) -> None:
    print(f"min_samples_leaf={contest.leaf}, {what}: {contest.forest.engine} {ours}, ONNX {theirs}")


def equal(ours: Sequence[Any], theirs: Sequence[Any]) -> None:
    assert list(ours) == list(theirs)


@both_forests("one row", "one row, min_samples_leaf=1")
def test_one_row(contest, decide_row):
    rows = ROWS[:2000]
    tuples = list(map(tuple, rows.tolist()))
    singles = rows.astype(np.float32).astype(np.float64)
    expected = contest.estimator.predict(rows).tolist()
    assert [contest.forest.predict(row) for row in tuples] == expected
    assert contest.onnx.run(None, {"x": singles})[0][:, 0].tolist() == expected

    def theirs(place: int) -> float:
        return contest.estimator.predict(rows[place : place + 1])[0]

    def onnx(place: int) -> float:
        return contest.onnx.run(None, {"x": singles[place : place + 1]})[0][0, 0]

    ours = Side.of("ours", contest.forest.predict, tuples)
    decision = decide_row(ours, Side.of("scikit-learn", theirs, range(2000)), equal)
    loop = Side.of("ONNX", onnx, range(2000)).run(2000)
    assert list(loop.answers) == expected
    show(contest, "one row", time_of(decision.seconds[0]), time_of(loop.seconds / 2000))


@both_forests("1,000 rows", "1,000 rows, min_samples_leaf=1")
def test_a_thousand_rows(contest, decide_row):
    rows = ROWS[:1000]
    tuples = list(map(tuple, rows.tolist()))
    singles = rows.astype(np.float32).astype(np.float64)
    expected = contest.estimator.predict(rows).tolist()

    def check(ours: Sequence[Any], theirs: Sequence[Any]) -> None:
        assert all(answer == expected for answer in ours)
        assert all(answer.tolist() == expected for answer in theirs)

    ours = Side.of("ours", contest.forest.predict_many, [tuples])
    decision = decide_row(ours, Side.of("scikit-learn", contest.estimator.predict, [rows]), check)
    loop = Side.of("ONNX", lambda values: contest.onnx.run(None, {"x": values})[0], [singles]).run(10)
    assert all(answer[:, 0].tolist() == expected for answer in loop.answers)
    show(contest, "1,000 rows", time_of(decision.seconds[0]), time_of(loop.seconds / 10))


COLD = {
    "ours": "from drift_engine.bundle import load_bundle\n"
    "answer = load_bundle(folder + '/bundle').model.predict(row)",
    "scikit-learn": "import joblib\n"
    "answer = joblib.load(folder + '/forest.joblib').predict([row])[0]",
    "ONNX": "import numpy, onnxruntime\n"
    "session = onnxruntime.InferenceSession(folder + '/forest.onnx', providers=['CPUExecutionProvider'])\n"
    "answer = session.run(None, {'x': numpy.array([row], dtype='f').astype('d')})[0][0, 0]",
}  # fmt: skip
MEMORY = "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
COLD_CALLS = 6
"""Processes of ours in a turn: longer together than a slice that the kernel gives to another process."""
COLD_BEFORE = {"ours": 1, "scikit-learn": 1, "ONNX": 3}
"""Processes before the row: what is read from disk once is read then. ONNX has no others."""


class Cold(NamedTuple):
    """What a process that answers once came to.

    seconds: from its start to its end. megabytes: the most memory that it held.
    """

    answer: float
    seconds: float
    megabytes: float


def cold(contest: Contest, name: str) -> Cold:
    """Run a new process that answers once."""
    script = f"row = {tuple(ROWS[0].tolist())}\nfolder = {str(contest.folder)!r}\n{COLD[name]}\n"
    start = time.perf_counter()
    command = [sys.executable, "-c", f"{script}print(repr(float(answer)))\n{MEMORY}"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return Cold(float(lines[0]), time.perf_counter() - start, int(lines[1]) / 1024)


@both_forests("cold process to the first answer", "cold process, min_samples_leaf=1")
def test_a_cold_process(contest, decide_row):
    expected = float(contest.estimator.predict(ROWS[:1])[0])
    results: dict[str, list[Cold]] = {}
    for name, runs in COLD_BEFORE.items():
        results[name] = [cold(contest, name) for _ in range(runs)]

    def side(name: str, calls: int) -> Side:
        def run(count: int) -> Turn:
            turn = [cold(contest, name) for _ in range(count)]
            results[name] += turn
            return Turn(sum(result.seconds for result in turn), [result.answer for result in turn])

        return Side(name, run, calls)

    def check(ours: Sequence[float], theirs: Sequence[float]) -> None:
        assert {*ours, *theirs} == {expected}

    try:
        decide_row(side("ours", COLD_CALLS), side("scikit-learn", 1), check)
    finally:
        for name, runs in results.items():
            seconds, peak = median(run.seconds for run in runs), max(run.megabytes for run in runs)
            print(f"min_samples_leaf={contest.leaf}, {name}: {time_of(seconds)}, {peak:.1f} MB at the most")
    assert {run.answer for runs in results.values() for run in runs} == {expected}


@pytest.mark.parametrize("contest", [5, 1], indirect=True, scope="module", ids=lambda leaf: f"min_samples_leaf_{leaf}")
def test_files(contest):
    files = {"joblib": "forest.joblib", "ONNX": "forest.onnx", "ours": "bundle/forest.bin"}
    sizes = {name: (contest.folder / file).stat().st_size for name, file in files.items()}
    print(f"\nmin_samples_leaf={contest.leaf}: " + ", ".join(f"{name} {size:,} B" for name, size in sizes.items()))
    assert sizes["joblib"] / sizes["ours"] >= 20
