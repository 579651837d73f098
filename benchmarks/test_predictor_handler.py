"""Our Lambda handler against the usual way, in process and through the true Lambda client, answers checked.

`nox -s benchmark -- benchmarks/test_predictor_handler.py` prints the figures of benchmarks/predictor.md. Both have
the same forest. The usual way's CloudWatch is MiniStack, a local AWS that the session installs (DRIFT_MINISTACK is its
command). The yardstick of our handler alone is the json module, reading and writing the same requests' bodies.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import joblib
import pytest
from bars import JSON_TRIPS, JSON_TRIPS_OF_THE_SYSTEM
from drift_contracts import feature_set
from pairs import Side, Turn
from workloads import house_forest, houses, write_bundle

from tests.support.runtime_api import RuntimeApi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

HERE = Path(__file__).parent
REQUESTS = 500
LAMBDA_CALLS = 4
"""Of the usual handler in a turn through the Lambda client; ours has more, so that both turns take long."""


class Contest(NamedTuple):
    environment: dict[str, str]
    events: list[dict[str, Any]]


@pytest.fixture(scope="module")
def contest(tmp_path_factory) -> Iterator[Contest]:
    """The same forest as a bundle and as a joblib file, a CloudWatch to call, and 500 requests."""
    folder = tmp_path_factory.mktemp("contest")
    estimator = house_forest(min_samples_leaf=5)
    joblib.dump(estimator, folder / "forest.joblib")
    moments = write_bundle(folder / "bundles" / "house-price", estimator)
    process, url = start_emulator(folder)
    environment = {
        "DRIFT_BUNDLES": str(folder / "bundles"),
        "DRIFT_LOG_LEVEL": "WARNING",
        "MODEL_FILE": str(folder / "forest.joblib"),
        "MEANS": json.dumps([facts["mean"] for facts in moments.values()]),
        "STDS": json.dumps([facts["std"] for facts in moments.values()]),
        "CLOUDWATCH_URL": url,
    }
    yield Contest(environment, [event(row) for row in houses(REQUESTS, seed=8)[0].tolist()])
    process.terminate()
    process.wait()


def start_emulator(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """MiniStack, a local AWS, on loopback: its process and its address."""
    if "DRIFT_MINISTACK" not in os.environ:
        pytest.skip("NOT RUN: DRIFT_MINISTACK names no local AWS (nox -s benchmark installs one)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
    }
    command = [Path(os.environ["DRIFT_MINISTACK"]).absolute()]
    with (folder / "emulator.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
    for _ in range(300):
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=2):
            return process, f"http://127.0.0.1:{port}"
        time.sleep(0.1)
    process.kill()
    raise TimeoutError((folder / "emulator.log").read_text()[-2000:])


def event(row: list[float]) -> dict[str, Any]:
    """What an HTTP API hands to its function."""
    features = dict(zip(feature_set("house-price").names, row, strict=True))
    features |= {name: int(features[name]) for name in ("bedrooms", "bathrooms", "age")}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/predict",
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": "api.example.com", "user-agent": "benchmark"},
        "requestContext": {
            "http": {"method": "POST", "path": "/predict", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": "$default",
            "timeEpoch": 1795435200123,
        },
        "body": json.dumps({"features": features}),
        "isBase64Encoded": False,
    }


@pytest.fixture
def handlers(contest, monkeypatch, tmp_path) -> Iterator[tuple[Any, Any]]:
    """Ours and the usual one in this process; our lines go to a file, as they would on a machine."""
    for name, text in contest.environment.items():
        monkeypatch.setenv(name, text)
    ours, naive = (importlib.import_module(name) for name in ("drift_predictor.handler", "naive_predictor"))
    with (tmp_path / "lines of ours").open("w") as lines:
        monkeypatch.setattr(ours, "STANDARD_OUTPUT", lines.fileno())
        yield ours.handler, naive.handler


def check_equal(ours: Any, naive: Any) -> None:
    mine, theirs = json.loads(ours["body"]), json.loads(naive["body"])
    assert mine["prediction"] == theirs["prediction"]
    assert mine["drift_score"] == pytest.approx(theirs["drift_score"], rel=1e-12)
    assert mine["features_received"] == theirs["features_received"]


def check_all_equal(ours: Sequence[Any], naive: Sequence[Any]) -> None:
    for mine, theirs in zip(ours, naive, strict=True):
        check_equal(mine, theirs)


def check_against_json(ours: Sequence[Any], bodies: Sequence[str]) -> None:
    """Compare what the handler received with what the json module has read and written."""
    for answer, body in list(zip(ours, bodies, strict=True))[:20]:
        assert json.loads(answer["body"])["features_received"] == json.loads(body)["features"]


def side_of(name: str, handler: Callable[[Any, None], Any], events: list[dict[str, Any]]) -> Side:
    """Return a side that calls a Lambda handler of this process."""
    return Side.of(name, lambda event: handler(event, None), events)


def round_trips(count: int) -> Callable[[str], str]:
    """Return the yardstick: a body that is read and written by the json module so often."""

    def trips(body: str) -> str:
        for _ in range(count):
            body = json.dumps(json.loads(body))
        return body

    return trips


@pytest.mark.bar("handler of one request")
def test_in_process_ours_is_500_times_faster(contest, handlers, decide_row, tmp_path):
    ours = side_of("ours", handlers[0], contest.events)
    naive = side_of("usual", handlers[1], contest.events)
    check_all_equal(ours.run(20).answers, naive.run(20).answers)
    decide_row(ours, naive, check_all_equal)
    lines = (tmp_path / "lines of ours").read_text().splitlines()
    assert len(lines) >= REQUESTS
    assert all(json.loads(line)["prediction_id"] for line in lines[:20])


@pytest.mark.bar("handler beside its JSON")
def test_a_request_takes_few_round_trips_of_its_json(contest, handlers, decide_row):
    bodies = [event["body"] for event in contest.events]
    yardstick = Side.of("json", round_trips(JSON_TRIPS), bodies)
    decide_row(side_of("ours", handlers[0], contest.events), yardstick, check_against_json)


WORKER = """
import importlib, json, os, sys, time
events, trips = json.loads(sys.stdin.readline())
answers, lines = os.fdopen(os.dup(1), "w"), os.open("lines", os.O_CREAT | os.O_WRONLY)
os.dup2(lines, 1)
handle = importlib.import_module("drift_predictor.handler").handler
def ours(event):
    return handle(event, None)["body"]
def json_alone(event):
    body = event["body"]
    for _ in range(trips):
        body = json.dumps(json.loads(body))
    return body
for line in sys.stdin:
    name, count = json.loads(line)
    call = {"ours": ours, "json": json_alone}[name]
    chosen = (events * (count // len(events) + 1))[:count]
    start = time.perf_counter()
    results = [call(event) for event in chosen]
    seconds = time.perf_counter() - start
    answers.write(json.dumps([seconds, count, results[:20]]) + "\\n")
    answers.flush()
"""


@pytest.mark.bar("handler beside its JSON, the system's Python")
def test_the_same_on_the_systems_own_python(contest, handlers, decide_row, tmp_path):
    """Distributions and images build Python with profiles and link-time optimisation; one from source may have none."""
    python = shutil.which("python3", path=os.defpath)
    young = "import sys; sys.exit(sys.version_info < (3, 11))"
    if python is None or subprocess.run([python, "-c", young], check=False).returncode:
        pytest.skip("NOT CHECKED: this system has no Python of its own from 3.11 on")
    rooms = [HERE.parent / room / "src" for room in ("contracts", "engine", "services/predictor")]
    worker = subprocess.Popen(
        [python, "-c", WORKER],
        env={**contest.environment, "PYTHONPATH": os.pathsep.join(map(str, rooms))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        text=True,
    )
    assert worker.stdin is not None
    assert worker.stdout is not None

    def ask(document: Any) -> None:
        worker.stdin.write(json.dumps(document) + "\n")
        worker.stdin.flush()

    def side(name: str) -> Side:
        def run(count: int) -> Turn:
            ask([name, count])
            seconds, _, results = json.loads(worker.stdout.readline())
            return Turn(seconds, results)

        return Side(name, run)

    def check(ours: Sequence[Any], bodies: Sequence[str]) -> None:
        check_against_json([{"body": body} for body in ours], bodies)

    try:
        ask([contest.events, JSON_TRIPS_OF_THE_SYSTEM])
        ours = side("ours")
        usual = [handlers[1](event, None) for event in contest.events[:20]]
        check_all_equal([{"body": body} for body in ours.run(20).answers], usual)
        decide_row(ours, side("json"), check)
    finally:
        worker.stdin.close()
        worker.kill()
        worker.wait()
        worker.stdout.close()


class Fed:
    """Events that are there when they are put: what `RuntimeApi` counts and takes by number."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def put(self, event: Any) -> None:
        self._waiting.put(json.dumps(event).encode())

    def __len__(self) -> int:
        return sys.maxsize

    def __getitem__(self, _number: int) -> bytes:
        return self._waiting.get()


class Answers:
    """What `RuntimeApi` appends its answers to, for another thread to wait for."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[tuple[int, str, Any]] = queue.SimpleQueue()
        self.append = self._waiting.put

    def get(self) -> tuple[int, str, Any]:
        return self._waiting.get(timeout=120)


@pytest.mark.bar("handler through the Lambda client")
def test_through_the_true_lambda_client_ours_is_ten_times_faster(contest, decide_row, tmp_path):
    with (
        through_lambda("drift_predictor.handler.handler", contest, tmp_path / "ours") as ours,
        through_lambda("naive_predictor.handler", contest, tmp_path / "usual") as naive,
    ):
        check_all_equal(ours(20).answers, naive(20).answers)
        decide_row(Side("ours", ours), Side("usual", naive, LAMBDA_CALLS), check_all_equal)


@contextmanager
def through_lambda(handler: str, contest: Contest, folder: Path) -> Iterator[Callable[[int], Turn]]:
    """Run a function in the real client; yields what hands it events, timed from handing out to the answer."""
    folder.mkdir()
    api = RuntimeApi([])
    api.events, api.answers = Fed(), Answers()
    variables = {
        **contest.environment,
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(HERE),
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "AWS_LAMBDA_FUNCTION_NAME": "predictor",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
    }
    log = folder / "log"

    def run(count: int) -> Turn:
        nanoseconds, answers = 0, []
        for place in range(count):
            api.events.put(contest.events[place % REQUESTS])
            took, path, answer = api.answers.get()
            assert path.endswith("/response"), log.read_text()
            nanoseconds += took
            answers.append(answer)
        return Turn(nanoseconds / 1e9, answers)

    with log.open("w") as stream:
        words = [sys.executable, "-m", "awslambdaric", handler]
        process = subprocess.Popen(words, env=variables, stdout=stream, stderr=stream)
        try:
            yield run
        finally:
            process.kill()
            process.wait()
            api.close()
