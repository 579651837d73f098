"""Our Lambda handler against the usual way, in process and through the true Lambda client, answers checked.

`nox -s benchmark -- benchmarks/test_predictor_handler.py -s` prints the figures of benchmarks/predictor.md. Both have
the same forest. The usual way's CloudWatch is MiniStack, a local AWS that the session installs (DRIFT_MINISTACK is its
command). Bars are ratios within one run, and the median of our handler.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from itertools import cycle, islice
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any, NamedTuple

import joblib
import pytest
from drift_contracts import feature_set
from workloads import house_forest, houses, write_bundle

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
ROUNDS = 20
OURS_A_ROUND = 1000
NAIVE_A_ROUND = 10
PAUSE = 1  # seconds between rounds: without them, all may fall into one slow moment of shared cores
RATIO = 500
MEDIAN_US = 50
REQUESTS = 200


class Contest(NamedTuple):
    environment: dict[str, str]
    events: list[dict[str, Any]]


@pytest.fixture(scope="module")
def contest(tmp_path_factory) -> Iterator[Contest]:
    """The same forest as a bundle and as a joblib file, a CloudWatch to call, and 500 requests."""
    folder = tmp_path_factory.mktemp("contest")
    estimator = house_forest()
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
    yield Contest(environment, [event(row) for row in houses(500, seed=8)[0].tolist()])
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


def times(handler: Any, events: Iterator[Any], count: int) -> list[float]:
    """Microseconds of so many calls."""
    taken = []
    for one in islice(events, count):
        start = time.perf_counter_ns()
        handler(one, None)
        taken.append((time.perf_counter_ns() - start) / 1000)
    return taken


def told(name: str, ours: list[float], naive: list[float]) -> str:
    p99 = [quantiles(sample, n=100)[98] for sample in (ours, naive)]
    ratio = median(naive) / median(ours)
    return f"{name:28} {median(ours):8.1f} {p99[0]:8.1f} {median(naive):10.0f} {p99[1]:10.0f} {ratio:8.0f} x\n"


def show(*lines: str) -> None:
    print(f"\n{'us':28} {'ours':>8} {'p99':>8} {'usual':>10} {'p99':>10}\n" + "".join(lines))


def test_in_process_ours_is_500_times_faster_and_takes_50_us_at_most(contest, handlers, tmp_path):
    ours, naive = handlers
    for one in contest.events[:20]:
        check_equal(ours(one, None), naive(one, None))
    events = cycle(contest.events)
    rounds = []
    for _ in range(ROUNDS):
        rounds.append((times(ours, events, OURS_A_ROUND), times(naive, events, NAIVE_A_ROUND)))
        time.sleep(PAUSE)
    mine = [one for sample, _ in rounds for one in sample]
    theirs = [one for _, sample in rounds for one in sample]
    turns = [(times(ours, events, 1)[0], times(naive, events, 1)[0]) for _ in range(REQUESTS)]
    in_turn = [list(sample) for sample in zip(*turns, strict=True)]
    show(told("in process, in a loop", mine, theirs), told("in process, in turn", *in_turn))
    by_round = [median(sample) for sample, _ in rounds]
    print(f"ours by round: {min(by_round):.1f} to {max(by_round):.1f} us")
    written = (tmp_path / "lines of ours").read_text().splitlines()
    assert len(written) == 20 + ROUNDS * OURS_A_ROUND + REQUESTS
    assert median(theirs) / median(mine) >= RATIO
    assert min(by_round) <= MEDIAN_US


ALONE = """
import importlib, itertools, json, os, statistics, sys, time
events, rounds, calls, pause = json.loads(sys.stdin.read())
answers, lines = os.dup(1), os.open("lines", os.O_CREAT | os.O_WRONLY)
os.dup2(lines, 1)
handle = importlib.import_module("drift_predictor.handler").handler
first = [handle(event, None)["body"] for event in events[:20]]
medians = []
turn = itertools.cycle(events)
for _ in range(rounds):
    taken = []
    for event in itertools.islice(turn, calls):
        start = time.perf_counter_ns()
        handle(event, None)
        taken.append(time.perf_counter_ns() - start)
    medians.append(statistics.median(taken) / 1000)
    time.sleep(pause)
os.write(answers, json.dumps([sys.version.split()[0], first, medians]).encode())
"""


def test_on_the_systems_own_python_it_takes_50_us_at_most(contest, handlers, tmp_path):
    """Distributions and images build Python with profiles and link-time optimisation; one from source may have none."""
    python = shutil.which("python3", path=os.defpath)
    young = "import sys; sys.exit(sys.version_info < (3, 11))"
    if python is None or subprocess.run([python, "-c", young], check=False).returncode:
        pytest.skip("NOT RUN: this system has no Python of its own from 3.11 on")
    rooms = [HERE.parent / room / "src" for room in ("contracts", "ml", "services/predictor")]
    told = subprocess.run(
        [python, "-c", ALONE],
        env={**contest.environment, "PYTHONPATH": os.pathsep.join(map(str, rooms))},
        input=json.dumps([contest.events, ROUNDS, OURS_A_ROUND, PAUSE]),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    version, first, medians = json.loads(told)
    for body, one in zip(first, contest.events, strict=False):
        check_equal({"body": body}, handlers[1](one, None))
    print(
        f"\nthe system's Python {version}: {median(medians):.1f} us, {min(medians):.1f} to {max(medians):.1f} by round"
    )
    assert min(medians) <= MEDIAN_US


def test_through_the_true_lambda_client_ours_is_ten_times_faster(contest, tmp_path):
    ours = through_lambda("drift_predictor.handler.handler", contest, tmp_path)
    naive = through_lambda("naive_predictor.handler", contest, tmp_path)
    for (_, mine), (_, theirs) in zip(ours, naive, strict=True):
        check_equal(mine, theirs)
    samples = [[took for took, _ in answers[20:]] for answers in (ours, naive)]
    show(told("through awslambdaric", *samples))
    assert median(samples[1]) / median(samples[0]) >= 10


def through_lambda(handler: str, contest: Contest, folder: Path) -> list[tuple[float, Any]]:
    """Microseconds from handing out an event to having its answer, and the answer."""
    runtime_api = runpy.run_path(str(HERE.parent / "tests/predictor/runtime_api.py"))["RuntimeApi"]
    api = runtime_api(contest.events[:REQUESTS])
    variables = {
        **contest.environment,
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(HERE),
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "AWS_LAMBDA_FUNCTION_NAME": "predictor",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
    }
    with (folder / "log").open("w") as log:
        words = [sys.executable, "-m", "awslambdaric", handler]
        process = subprocess.Popen(words, env=variables, stdout=log, stderr=log)
        try:
            assert api.done.wait(120), (folder / "log").read_text()
        finally:
            process.kill()
            process.wait()
            api.close()
    assert all(path.endswith("/response") for _, path, _ in api.answers), (folder / "log").read_text()
    return [(took / 1000, answer) for took, _, answer in api.answers]
