"""The console as a process: it starts, serves, survives being killed, and ends cleanly."""

import itertools
import json
import signal
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from drift_console.database import connect
from drift_console.events import EventStore
from drift_console.suites import shipped_suites
from drift_contracts import feature_set
from drift_ml.training import Recipe, load_rows, train

from tests.support.console_process import STANDIN, Process
from tests.support.houses import HOUSE, houses
from tests.support.waiting import PATIENCE, wait_until

STRANGE = {"bedrooms": 15, "bathrooms": 8, "sqft": 8000, "age": 150, "location_score": 0.1}


@pytest.fixture
def console(tmp_path):
    """Starts consoles on one data folder; ends what is left of them."""
    started = []

    def start(*options, **program):
        started.append(Process(tmp_path / "data", *options, **program))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.end(signal.SIGKILL)
        one.process.stdout.close()


def predict(client, url, features=None, number=0):
    body = {"features": features or HOUSE, "prediction_id": f"id-{number}"}
    return client.post(f"{url}/predict", json=body, timeout=PATIENCE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal(console, number):
    """A signal ends the console cleanly with everything stored."""
    running = console()
    with httpx.Client() as client:
        for _ in range(20):
            assert predict(client, running.url).status_code == 200
    code, rest = running.end(number)
    assert code == 0, rest
    assert "Traceback" not in rest
    assert running.stored() == (20,)


def test_open_stream(console):
    """An open stream does not delay the end."""
    running = console()
    with httpx.stream("GET", f"{running.url}/console/api/stream", timeout=PATIENCE) as stream:
        assert "event: state" in list(zip(range(4), stream.iter_lines(), strict=False))[2]
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(timeout=PATIENCE) == 0


def test_banner(console):
    """The banner's line can be pasted."""
    running = console()
    line = running.banner[-1].strip()
    answer = subprocess.run(line, shell=True, capture_output=True, text=True, check=True)
    assert "drift_score" in json.loads(answer.stdout)


def test_kill_under_load(console):
    """A console killed under load loses nothing that was answered and stores nothing twice."""
    running = console()
    answered = []

    def send(first):
        with httpx.Client() as client:
            for number in range(first, first + 100_000):
                try:
                    if predict(client, running.url, number=number).status_code == 200:
                        answered.append(f"id-{number}")
                except httpx.TransportError:
                    return

    threads = [threading.Thread(target=send, args=(first,)) for first in (0, 1_000_000, 2_000_000)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(answered) >= 600)
    assert running.end(signal.SIGKILL)[0] == -signal.SIGKILL
    for thread in threads:
        thread.join()

    again = console("--fast")
    wait_until(lambda: again.stored()[0] >= len(answered))
    with httpx.Client() as client:
        assert predict(client, again.url, number=-1).status_code == 200
    code, rest = again.end(signal.SIGTERM)
    assert code == 0, rest
    kept = stored_ids(again.data)
    assert len(kept) == len(set(kept))
    assert {*answered, "id--1"} <= set(kept)
    assert len(kept) <= len(answered) + 1 + len(threads)


def stored_ids(data):
    connection = connect(data / "console.sqlite")
    ids = [event.document()["prediction_id"] for event in EventStore(connection).after(0, limit=10**9)]
    connection.close()
    return ids


class Webhook(HTTPServer):
    """Keeps what was posted to it."""

    def __init__(self):
        self.alerts = []
        super().__init__(("127.0.0.1", 0), self.handler())

    def handler(self):
        alerts = self.alerts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                alerts.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        return Handler


@pytest.fixture
def webhook():
    server = Webhook()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.slow
def test_fast_alarm(console, webhook):
    """With --fast a drift raises an alarm within a minute, and the webhook gets it."""
    url = f"http://127.0.0.1:{webhook.server_port}/hook"
    running = console("--fast", "--webhook", url, "--webhook", "http://127.0.0.1:9/nobody")

    def alarmed():
        with httpx.Client() as client:
            predict(client, running.url, STRANGE)
        states = {alarm["name"]: alarm["state"] for alarm in running.state()["alarms"]}
        return states["high-drift"] == "ALARM"

    wait_until(alarmed)
    wait_until(lambda: "high-drift" in [alert["name"] for alert in webhook.alerts])
    alert = next(alert for alert in webhook.alerts if alert["name"] == "high-drift")
    assert (alert["state"], alert["model"], alert["links"]) == ("ALARM", "house-price", {"console": f"{running.url}/"})
    history = running.state()["history"]
    assert any(entry["alarm"] == "high-drift" and entry["to"] == "ALARM" for entry in history)
    code, rest = running.end(signal.SIGTERM)
    assert code == 0
    assert "ALARM high-drift" in rest


@pytest.mark.slow
def test_scenarios(console, bundles):
    """With the true predictor the scenarios hold."""
    running = console("--bundles", str(bundles), program=("-m", "drift_console"))
    gate = [sys.executable, "-m", "drift_console.scenarios", "--url", running.url, "--model", "house-price"]
    told = subprocess.run(gate, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    answer = httpx.post(f"{running.url}/console/api/scenarios/high", timeout=PATIENCE).json()
    assert (answer["scenario"], answer["sent"], answer["severity"]) == ("high", 4, "high")
    assert answer["average_drift_score"] > 2
    sent = sum(len(scenario.requests) for scenario in shipped_suites()["house-price"].scenarios) + 4
    wait_until(lambda: running.stored() == (sent,))
    state = running.state()
    assert state["model"] == "house-price"
    assert state["recent"][0]["severity"] == "high"
    assert len(state["features"]) == 5
    assert all(len(one["live"]["share"]) == len(one["baseline"]["bins"]) <= 24 for one in state["features"])
    assert running.end(signal.SIGTERM)[0] == 0


@pytest.mark.slow
def test_fast_drift_over_kill(console, webhook, bundles):
    """With --fast half a deviation is found, sent once and counted once, over a kill."""
    url = f"http://127.0.0.1:{webhook.server_port}/hook"
    options = ("--fast", "--webhook", url, "--bundles", str(bundles))
    running = console(*options, program=("-m", "drift_console"))
    seeds = itertools.count(2)

    def send(features):
        answer = client.post(f"{running.url}/predict", json={"features": features}, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text

    def found():
        for features in houses(next(seeds), 20, 0.5):
            send(features)
        return running.state()["evidence"]["alarm"]

    with httpx.Client() as client:
        for features in houses(1, 400):
            send(features)
        wait_until(found)
    # An alert is listed once it was handed over, which is a moment after the alarm.
    wait_until(lambda: running.state()["evidence"]["alerts"])
    state = running.state()
    evidence = state["evidence"]
    assert [alert["state"] for alert in evidence["alerts"]] == ["ALARM"]
    assert (evidence["finding"]["channel"], evidence["finding"]["direction"]) == ("sqft", "up")
    assert {alarm["name"]: alarm["state"] for alarm in state["alarms"]}["high-drift"] == "OK"
    wait_until(lambda: [alert["alert_id"] for alert in webhook.alerts if alert["kind"] == "drift"])
    # A kill between the webhook's answer and its note would rightly send the alert again.
    wait_until(lambda: running.waiting() == 0)
    running.end(signal.SIGKILL)
    again = console(*options, program=("-m", "drift_console"))

    def judged():
        window = again.state()["evidence"]["window"]
        return again.stored()[0] == window["events"]

    wait_until(judged)
    assert len([alert for alert in webhook.alerts if alert["kind"] == "drift"]) == 1
    assert again.end(signal.SIGTERM)[0] == 0


@pytest.fixture
def bundles(tmp_path):
    """A small bundle of houses, trained here."""
    features = feature_set("house-price")
    table = load_rows(features, data=None, ignore=(), source=None, rows=600, seed=7)
    train(features, table, tmp_path / "build", recipe=Recipe("random-forest", 5, 5, 0.2, 7))
    return tmp_path / "build" / "bundles"


#: Refuses what only training needs, as an environment without it does.
WITHOUT_TRAINING = """
import sys

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"sklearn", "joblib"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refusing())
"""
SERVE = WITHOUT_TRAINING + "from drift_console.cli import main; main()"
REPLAY = WITHOUT_TRAINING + "from drift_ml.replay.commands import replay; replay()"


def test_serving_without_training(console, bundles):
    """A bundle that is there is loaded and asked without the libraries that trained it."""
    running = console("--bundles", str(bundles), program=("-c", SERVE))
    answer = httpx.post(f"{running.url}/predict", json={"features": HOUSE}, timeout=PATIENCE)
    assert (answer.status_code, "drift_score" in answer.json()) == (200, True)
    assert running.end(signal.SIGTERM)[0] == 0


def test_replay_without_training(bundles, tmp_path):
    """Reading a table and running the detectors need no library of training."""
    names = feature_set("house-price").names
    rows = [",".join(str(features[name]) for name in names) for features in houses(1, 300)]
    data = tmp_path / "traffic.csv"
    data.write_text("\n".join([",".join(names), *rows]))
    command = [sys.executable, "-c", REPLAY, "--data", str(data)]
    command += ["--baseline", str(bundles / "house-price"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in {0, 1}, done.stderr
    assert "alarms" in json.loads(done.stdout)["replay"]


def run_once(*options):
    command = [sys.executable, str(STANDIN), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_port_in_use(tmp_path):
    """A port in use is reported, and nothing is started."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run_once("--port", port, "--data-dir", str(tmp_path / "data"))
    assert done.returncode == 5
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_shared_data_folder(console):
    """Two consoles cannot share a data folder."""
    running = console()
    done = run_once("--port", "0", "--data-dir", str(running.data))
    assert done.returncode == 5
    assert "another console" in done.stderr


def test_bad_data_folder(tmp_path):
    """A data folder that cannot be made is reported with its option."""
    file = tmp_path / "file"
    file.write_text("")
    done = run_once("--port", "0", "--data-dir", str(file / "data"))
    assert done.returncode == 5
    assert "--data-dir" in done.stderr


def test_bad_webhook(tmp_path):
    """A webhook that is no URL is reported with its option."""
    done = run_once("--webhook", "no url", "--data-dir", str(tmp_path))
    assert (done.returncode, "--webhook" in done.stderr) == (2, True)
