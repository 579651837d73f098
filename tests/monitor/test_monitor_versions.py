"""Events of every version at the aggregator: those that are read are counted, a later one is set aside."""

import json
from pathlib import Path

import pytest
from drift_contracts.events import EVENTS
from drift_engine.bundle import load_bundle
from drift_ml.baseline import Baseline
from drift_monitor.aggregate import Aggregator
from drift_monitor.keys import Series
from drift_monitor.reference import Reference
from drift_monitor.stores import MemoryStore

from tests.support.log_delivery import log_delivery
from tests.support.predictor import NOW, World

FOLDERS = [Path("tests/predictor/bundles/house-price"), *sorted(Path("tests/predictor/scored_bundles").iterdir())]
BUNDLES = {folder.name: load_bundle(folder) for folder in FOLDERS}
REFERENCES = {
    Series(name, bundle.manifest["model_version"]): Reference(bundle.feature_set, Baseline.from_json(bundle.baseline))
    for name, bundle in BUNDLES.items()
}


@pytest.fixture
def lines():
    """A line of each model, by model, as the predictor writes it."""
    world = World()
    service = world.service(None, BUNDLES)
    for name, bundle in BUNDLES.items():
        body = json.dumps({"features": bundle.feature_set.example}).encode()
        assert service.respond("POST", f"/models/{name}/predict", body).status == 200
    return dict(zip(BUNDLES, world.lines, strict=True))


class Counted:
    """An aggregator of every model, with what it set aside."""

    def __init__(self):
        self.letters = []
        self.store = MemoryStore()
        self.aggregator = Aggregator(REFERENCES, self.store, self.letters.extend, lambda: NOW / 1e9)

    def take(self, lines):
        return self.aggregator.handle(log_delivery(lines)).counts


def test_both_versions(lines):
    """Events of both versions are counted, each for its model."""
    assert {json.loads(line)["contract"] for line in lines.values()} == set(EVENTS)
    counted = Counted()
    assert counted.take(lines.values()) == {"events": len(BUNDLES)}
    assert counted.letters == []


@pytest.mark.parametrize("contract", ["prediction.event.v3", "prediction.event.v10", "prediction.event."])
def test_later_version(lines, contract):
    """An event of a version that nobody reads here is set aside for its model, with what is read."""
    line = json.dumps({**json.loads(lines["late"]), "contract": contract})
    counted = Counted()
    assert counted.take([*lines.values(), line]) == {"events": len(BUNDLES), "rejected": 1}
    (letter,) = counted.letters
    assert "prediction.event.v1 or prediction.event.v2" in letter.reason
    assert letter.text == line


@pytest.mark.parametrize("line", ['{"message": "prediction.event.v2"}', '{"contract": 2, "of": "prediction.event.v2"}'])
def test_other_lines(lines, line):
    """A line that names no event's contract is no event, whatever else it holds."""
    counted = Counted()
    assert counted.take([line, *lines.values()]) == {"ignored": 1, "events": len(BUNDLES)}
    assert counted.letters == []


def test_broken_event(lines):
    """An event of the second version without a prediction is set aside."""
    event = json.loads(lines["late"])
    del event["Prediction"]
    counted = Counted()
    assert counted.take([json.dumps(event)]) == {"rejected": 1}
    assert "Prediction" in counted.letters[0].reason
