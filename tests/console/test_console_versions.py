"""Events of both versions on one machine: predicted, logged, stored, counted and shown by the true console."""

import shutil
import signal
from pathlib import Path

import httpx
import pytest

from tests.console.test_console_process import Process
from tests.support.houses import HOUSE
from tests.support.waiting import PATIENCE, wait_until

TRIP = {"distance": 900, "wind": None, "carrier": "UA"}
ASKED = {"house-price": HOUSE, "late": TRIP, "weather": TRIP, "times": TRIP}
#: Requests to each model.
MANY = 3


@pytest.fixture(scope="module")
def console(tmp_path_factory):
    """A console of a regressor, two classifiers and a model of two outputs."""
    folder = tmp_path_factory.mktemp("versions")
    committed = Path("tests/predictor")
    shutil.copytree(committed / "bundles/house-price", folder / "bundles/house-price")
    shutil.copytree(committed / "scored_bundles", folder / "bundles", dirs_exist_ok=True)
    running = Process(folder / "data", "--fast", "--bundles", str(folder / "bundles"), program=("-m", "drift_console"))
    yield running
    running.end(signal.SIGTERM)
    running.process.stdout.close()


@pytest.fixture(scope="module")
def answers(console):
    """The answers of each model, by model."""
    sent = {}
    with httpx.Client(timeout=PATIENCE) as client:
        for model, features in ASKED.items():
            path = f"{console.url}/models/{model}/predict"
            sent[model] = [client.post(path, json={"features": features}).json() for _ in range(MANY)]
    return sent


def state(console, model):
    return httpx.get(f"{console.url}/console/api/state", params={"model": model}, timeout=PATIENCE).json()


@pytest.mark.slow
@pytest.mark.parametrize("model", ASKED)
def test_both_versions_counted(console, answers, model):
    """Each prediction is shown and counted, whichever version its event has, and nothing becomes a dead letter."""
    wait_until(lambda: state(console, model)["evidence"]["window"]["events"] == MANY)
    shown = state(console, model)
    assert shown["totals"]["predictions"] == MANY
    assert {entry["prediction_id"] for entry in shown["recent"]} == {
        answer["prediction_id"] for answer in answers[model]
    }
    for member in ("label", "predictions"):
        assert shown["recent"][0].get(member) == answers[model][0].get(member)
    assert not [*console.data.glob("*letters*")]
