"""Classifiers and models of several outputs against the second versions of the contracts."""

import json
from pathlib import Path

import pytest
from drift_contracts import schemas
from drift_contracts.compose import response_schema
from drift_engine.bundle import load_bundle
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.predictor import World

FOLDER = Path("tests/predictor/scored_bundles")
MODELS = ("late", "weather", "times")
WORLD = World()
SERVICE = WORLD.service(None, {name: load_bundle(FOLDER / name) for name in MODELS}, model="late")
TRIPS = st.fixed_dictionaries(
    {
        "distance": st.floats(0, 1e6) | st.integers(0, 5000),
        "wind": st.none() | st.floats(0, 100),
        "carrier": st.sampled_from(["UA", "AA", "DL", "other \u2028"]),
    }
)


def send(path, document):
    """What the service answers to a document."""
    WORLD.lines.clear()
    reply = SERVICE.respond("POST", path, json.dumps(document).encode())
    assert reply.status == 200
    return json.loads(reply.body)


def check_composed(model, contract, answer):
    """An answer keeps its contract, and the schema that the OpenAPI document composes for its model."""
    schemas.check(contract, answer)
    composed = response_schema(SERVICE.models[model].bundle.feature_set, contract)
    assert not [*schemas.violations(schemas.compiled(composed), answer)]


@pytest.mark.no_cover
@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=60, deadline=None)
@given(trip=TRIPS)
def test_any_valid_request(model, trip):
    """Whatever the request schema allows is answered, and written, within the second versions."""
    answer = send(f"/models/{model}/predict", {"features": trip})
    check_composed(model, "prediction.response.v2", answer)
    schemas.check("prediction.event.v2", WORLD.events[0])


@pytest.mark.parametrize("model", MODELS)
def test_batch(model):
    """A batch's response keeps the second version, with its refused rows."""
    trips = [{"features": {"distance": k, "wind": None, "carrier": "AA"}} for k in (1, -1, 3000)]
    answer = send(f"/models/{model}/predict/batch", {"instances": trips})
    assert len(answer["predictions"]) == 2
    check_composed(model, "prediction.batch.response.v2", answer)


@pytest.mark.parametrize("model", MODELS)
def test_own_documents(model):
    """Card and files of a model keep the contracts that they name."""
    card = json.loads(SERVICE.respond("GET", f"/models/{model}").body)
    schemas.check("model.card.v2", card)
    bundle = SERVICE.models[model].bundle
    for document in (bundle.manifest, bundle.baseline, bundle.feature_set.to_json()):
        schemas.check(document["contract"], document)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"label": "early"}, "enum"),
        ({"probabilities": {"late": 1.0}}, "required"),
        ({"predictions": {}}, "additionalProperties"),
    ],
)
def test_composed_schema(change, rule):
    """The composed schema has no other classes than the model's, and no outputs."""
    answer = send("/predict", {"features": {"distance": 1, "wind": 1, "carrier": "AA"}}) | change
    composed = response_schema(SERVICE.models["late"].bundle.feature_set, "prediction.response.v2")
    broken = schemas.violations(schemas.compiled(composed), answer)
    assert rule in {violation.rule for violation in broken}
