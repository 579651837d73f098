"""Bundles that older code packed are served, and answer as they did."""

from __future__ import annotations

import json

import pytest
from drift_contracts import RequestValidator
from drift_engine.bundle import load_bundle

from tests.upgrade.running import lines_of
from tests.upgrade.story import HOUSES, MODELS, PATIENTS


@pytest.fixture(scope="module")
def events(state):
    """Every prediction that was answered before the state was saved."""
    return [json.loads(line) for line in lines_of(state)]


def test_both_models(bundles):
    """The state has both models."""
    assert tuple(bundles) == (HOUSES, PATIENTS)


@pytest.mark.parametrize("model", MODELS)
def test_recorded_predictions(bundles, events, model):
    """Every recorded prediction is made again bit for bit."""
    bundle = bundles[model]
    validator = RequestValidator(bundle.feature_set)
    of_model = [event for event in events if event["Model"] == model]
    rows = [validator.row({"features": event["features"]}) for event in of_model]
    assert len(rows) > 500
    assert bundle.model.predict_many(rows) == [event["Prediction"] for event in of_model]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("engine", ["c", "python"])
def test_engines(state, events, model, engine):
    """Each engine serves the recorded version."""
    bundle = load_bundle(state.bundles / model, engine=engine)
    versions = {event["model_version"] for event in events if event["Model"] == model}
    assert versions == {bundle.manifest["model_version"]}
