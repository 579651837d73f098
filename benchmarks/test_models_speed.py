"""Packed models of every family beside their libraries and lignum, in one run: `nox -s benchmark -- --models`.

Each answer is compared with the library's to the last bit. The bars are the ratios of a trial less a fifth; what the
trial took in microseconds is printed as an aim and decides nothing.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import joblib
import numpy as np
import pytest
from model_workloads import CATEGORICAL, MODELS, NUMBERS, WHOLE, fitted, workload
from pairs import Side, Turn, time_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

pytestmark = pytest.mark.models

#: Rows that are asked for, one after the other.
ASKED = 400
#: Microseconds of a call that a trial took on two shared cores; a line of the output.
AIMS = {
    "XGBoost 500 x 6": 6,
    "LightGBM 500 x 31, numbers": 8,
    "LightGBM 500 x 31, categories": 9,
    "HistGradientBoosting 300": 6,
    "RandomForestClassifier 100, 4 classes": 7,
    "GradientBoosting 200 x 3": 2,
}
XGBOOST = "XGBoost 500 x 6"
HISTOGRAM = "HistGradientBoosting 300"


def one_row(name: str) -> Callable[[int], Any]:
    """Return the library's own call for one row, the fastest that it has: a row's place to probabilities."""
    model = fitted(name)
    rows = [model.matrix[place : place + 1] for place in range(ASKED)]
    if name.startswith("XGBoost"):
        booster = model.estimator.get_booster()
        return lambda place: booster.inplace_predict(rows[place], validate_features=False)
    if name.startswith("LightGBM"):
        booster = model.estimator.booster_
        return lambda place: booster.predict(rows[place])
    return lambda place: model.estimator.predict_proba(rows[place])


def last(answer: Any) -> float:
    """Return the last of an answer's values: of two classes that of the second."""
    return float(np.asarray(answer).reshape(-1)[-1])


def check(ours: Sequence[Any], theirs: Sequence[Any]) -> None:
    """Compare the last value of every answer."""
    assert [last(answer) for answer in ours] == [last(answer) for answer in theirs]


def ours_of(name: str) -> Side:
    """Return our side: rows as tuples, as the service has them."""
    model = fitted(name)
    tuples = list(map(tuple, model.matrix[:ASKED].tolist()))
    return Side.of("ours", model.packed.scores, tuples)


def against(prefix: str) -> pytest.MarkDecorator:
    """Return the parameters of a test with a bar for each family."""
    chosen = [
        pytest.param(name, id=name.replace(" ", "_"), marks=pytest.mark.bar(f"{name}: {prefix}"))
        for name in MODELS
        if f"{name}: {prefix}" in importlib.import_module("bars").BARS
    ]
    return pytest.mark.parametrize("name", chosen)


def test_the_fast_engine_is_timed():
    """The twin of it in Python is not."""
    assert fitted(HISTOGRAM).packed.engine == "c"


@against("its library")
def test_one_row(name, decide_row):
    """By the library's own fast call."""
    decision = decide_row(ours_of(name), Side.of("library", one_row(name), range(ASKED)), check)
    aim = f", aim {AIMS[name]} us" if name in AIMS else ""
    print(f"{name}: {time_of(decision.seconds[0])}{aim}; {len(fitted(name).content):,} B")


@against("lignum")
def test_one_row_of_lignum(name, decide_row, tmp_path):
    """Which reads the library's file."""
    import lignum  # noqa: PLC0415 - only the benchmarks have it

    model = fitted(name)
    booster = getattr(model.estimator, "booster_", None) or model.estimator.get_booster()
    path = tmp_path / ("model.txt" if name.startswith("LightGBM") else "model.ubj")
    booster.save_model(str(path))
    theirs = lignum.load(str(path))
    rows = [model.matrix[place : place + 1] for place in range(ASKED)]
    usual = Side.of("lignum", lambda place: theirs.predict(rows[place]), range(ASKED))
    decide_row(ours_of(name), usual, check)


def pipeline(name: str) -> Any:
    """Return the estimator behind what makes numbers of texts, as users have it."""
    from sklearn.compose import ColumnTransformer  # noqa: PLC0415 - processes of ours have none
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415 - as above
    from sklearn.preprocessing import OrdinalEncoder  # noqa: PLC0415 - as above

    model, data = fitted(name), workload()
    names = data.feature_set.names
    listed = [list(data.feature_set.features[column].categories) for column in CATEGORICAL]
    encoder = ("codes", OrdinalEncoder(categories=listed), list(names[NUMBERS:]))
    before = ColumnTransformer([("numbers", "passthrough", list(names[:NUMBERS])), encoder])
    before.fit(data.frame())
    return make_pipeline(before, model.estimator)


@against("its pipeline")
def test_one_row_of_a_pipeline(name, decide_row):
    """A data frame of one row, as a service of the usual kind asks."""
    chain, frame = pipeline(name), workload().frame()
    if name in WHOLE:
        numbers = list(workload().feature_set.names[:NUMBERS])
        frame[numbers] = frame[numbers].fillna(0.0)
    rows = [frame.iloc[place : place + 1] for place in range(ASKED)]
    usual = Side.of("pipeline", lambda place: chain.predict_proba(rows[place]), range(ASKED))
    decide_row(ours_of(name), usual, check)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Return a folder with the models as files, and one of them as a bundle."""
    import drift_ml  # noqa: PLC0415 - as above

    made, data = tmp_path_factory.mktemp("models"), workload()
    for name, file in (("XGBoost 500 x 6", "xgboost"), ("LightGBM 500 x 31, categories", "lightgbm")):
        joblib.dump(fitted(name).estimator, made / f"{file}.joblib")
        (made / f"{file}.bin").write_bytes(fitted(name).content)
    joblib.dump(pipeline(HISTOGRAM), made / "histogram.joblib")
    (made / "histogram.bin").write_bytes(fitted(HISTOGRAM).content)
    half = len(data.rows) // 2
    learnt, held_out = (data.rows[:half], data.late[:half]), (data.rows[half:], data.late[half:])
    options = {"feature_set": data.feature_set, "out": made / "bundles"}
    drift_ml.export(fitted(HISTOGRAM).estimator, learnt, held_out=held_out, **options)
    return made


@pytest.mark.bar("request to HistGradientBoosting: its pipeline's call")
def test_a_request(folder, decide_row, monkeypatch, tmp_path):
    """The whole of it: JSON, checks, the model, drift, the answer and its line."""
    monkeypatch.setenv("DRIFT_BUNDLES", str(folder / "bundles"))
    monkeypatch.setenv("DRIFT_LOG_LEVEL", "WARNING")
    handler = importlib.import_module("drift_predictor.handler")
    context = {"http": {"method": "POST", "path": "/predict"}, "requestId": "JKJaXmPLvHcESHA="}
    request = {"version": "2.0", "rawPath": "/predict", "headers": {"content-type": "application/json"}}
    events = [
        {**request, "requestContext": context, "body": json.dumps({"features": row}), "isBase64Encoded": False}
        for row in workload().rows[:ASKED]
    ]
    chain, frame = pipeline(HISTOGRAM), workload().frame()
    rows = [frame.iloc[place : place + 1] for place in range(ASKED)]

    def equal(ours: Sequence[Any], theirs: Sequence[Any]) -> None:
        answers = [json.loads(answer["body"])["prediction"] for answer in ours]
        assert answers == [last(answer) for answer in theirs]

    with (tmp_path / "lines").open("w") as lines:
        monkeypatch.setattr(handler, "STANDARD_OUTPUT", lines.fileno())
        ours = Side.of("ours", lambda event: handler.handler(event, None), events)
        usual = Side.of("pipeline", lambda place: chain.predict_proba(rows[place]), range(ASKED))
        decision = decide_row(ours, usual, equal)
    print(f"request: {time_of(decision.seconds[0])}, aim 50 us")


OURS = """
from drift_engine.model import PackedModel
answer = PackedModel.from_bytes(open(folder + '/{file}.bin', 'rb').read()).scores(row)[1]
"""
THEIRS = {
    "xgboost": "import joblib, numpy\n"
    "answer = joblib.load(folder + '/xgboost.joblib').predict_proba(numpy.array([row]))[0, 1]",
    "lightgbm": "import joblib, numpy\n"
    "answer = joblib.load(folder + '/lightgbm.joblib').predict_proba(numpy.array([row]))[0, 1]",
    "histogram": "import joblib, pandas\n"
    "answer = joblib.load(folder + '/histogram.joblib').predict_proba(pandas.DataFrame([request]))[0, 1]",
}
MEMORY = "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
#: The library's memory to ours, at least: a trial's 164, 172 and 166 MB to 30.
LEAST_MEMORY = {"xgboost": 5.5, "lightgbm": 5.7, "histogram": 5.5}
#: Processes of ours in a turn.
CALLS = 4


class Cold(NamedTuple):
    """What a process that answers once took."""

    answer: float
    seconds: float
    megabytes: float


def cold(folder: Path, script: str) -> Cold:
    """Run a new process that answers once."""
    row, request = tuple(workload().matrix[1].tolist()), workload().rows[1]
    head = f"nan = float('nan')\nrow = {row!r}\nrequest = {request!r}\nfolder = {str(folder)!r}\n"
    start = time.perf_counter()
    command = [sys.executable, "-W", "ignore", "-c", f"{head}{script}\nprint(repr(float(answer)))\n{MEMORY}"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return Cold(float(lines[0]), time.perf_counter() - start, int(lines[1]) / 1024)


@pytest.mark.parametrize(
    "file",
    [pytest.param(file, marks=pytest.mark.bar(f"cold process, {file}")) for file in THEIRS],
)
def test_a_cold_process(file, folder, decide_row):
    """Import, load, and the first answer; then the memory that it took."""
    results: dict[str, list[Cold]] = {"ours": [], "usual": []}
    scripts = {"ours": OURS.format(file=file), "usual": THEIRS[file]}
    for script in scripts.values():
        # What is read from disk once is read then.
        cold(folder, script)

    def side(name: str, calls: int) -> Side:
        def run(count: int) -> Turn:
            turn = [cold(folder, scripts[name]) for _ in range(count)]
            results[name] += turn
            return Turn(sum(result.seconds for result in turn), [result.answer for result in turn])

        return Side(name, run, calls)

    def equal(ours: Sequence[float], theirs: Sequence[float]) -> None:
        assert len({*ours, *theirs}) == 1

    decide_row(side("ours", CALLS), side("usual", 1), equal)
    peaks = {name: max(run.megabytes for run in runs) for name, runs in results.items()}
    for name, runs in results.items():
        print(f"{file}, {name}: {time_of(median(run.seconds for run in runs))}, {peaks[name]:.1f} MB")
    ratio = peaks["usual"] / peaks["ours"]
    print(f"{file}: {ratio:.1f} times less memory, at least {LEAST_MEMORY[file]}; aim 30 MB")
    assert ratio >= LEAST_MEMORY[file]
