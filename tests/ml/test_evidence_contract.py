"""Every state that a detector writes keeps its contract."""

from __future__ import annotations

import hashlib
import json
from importlib import resources

import pytest
from drift_ml.baseline import Channel
from drift_ml.detectors import Adwin, Cusum, MeanAbsoluteZ, PageHinkley, WindowedKs, WindowedPsi
from drift_ml.evidence import Budget, MixtureDetector, Settings
from jsonschema import Draft202012Validator

SCHEMAS = resources.files("drift_contracts") / "schemas"


def validator(name: str) -> Draft202012Validator:
    """Return the validator of a contract."""
    return Draft202012Validator(json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8")))


COARSE = {"edges": [0.0], "reference": [5, 5], "size": 5}


@pytest.mark.parametrize(
    "detector",
    [
        Adwin(),
        Cusum(mean=0.0, std=1.0),
        PageHinkley(),
        WindowedKs(**COARSE),
        WindowedPsi(**COARSE),
        MeanAbsoluteZ(means=[0.0], stds=[1.0]),
    ],
    ids=lambda detector: detector.name,
)
def test_detector_state(detector) -> None:
    """The state of each named detector keeps the contract."""
    validator("detector.state.v1").validate(detector.to_json())


@pytest.mark.parametrize("batches", [0, 1, 20])
def test_mixture_state(batches: int) -> None:
    """The state of the mixture keeps the contract, before and during an alarm."""
    rooms = Channel("rooms", "values", ("rooms",), (500, 500))
    detector = MixtureDetector(Settings([rooms], Budget(1000)))
    for _ in range(batches):
        detector.update({"rooms": [2, 8]})
    assert (detector.alarm is not None) == (batches == 20)
    validator("detector.state.v2").validate(detector.to_json())


def test_settings_digest() -> None:
    """The digest of settings does not change, since stored states are refused under another."""
    document = {"name": "rooms", "kind": "values", "of": ["rooms"], "values": [1, 2.5], "counts": [500, 500]}
    channels = [Channel.from_json(document)]
    text = json.dumps([[document], 1000, 0.1, None], sort_keys=True)
    assert Settings(channels, Budget(1000)).digest == hashlib.sha256(text.encode()).hexdigest()
