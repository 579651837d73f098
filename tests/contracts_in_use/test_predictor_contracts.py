"""The predictor against the contracts: the same verdicts on requests, and answers that keep what they promise."""

import json

import pytest
from drift_contracts import schemas
from drift_contracts.value_schema import FLOAT32
from drift_predictor import Edge
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.houses import HOUSE
from tests.support.predictor import World
from tools.contract_checks.cases import cases

WORLD = World()
SERVICE = WORLD.service()
PATHS = {"prediction.request.v1": "/predict", "prediction.batch.request.v1": "/predict/batch"}
CASES = [case for name in PATHS for case in cases(name)]
REQUEST = {"features": HOUSE}
MIXED = {"features": {"flag": True, "colour": "green", "shop": None, "size": None, "constant": 8, "load": -3e38}}


def values(feature):
    """Whatever the composed schema allows for a feature."""
    if feature.type == "boolean":
        found = st.booleans()
    elif feature.type == "category":
        found = st.sampled_from(feature.categories)
        found = found | st.text(st.characters(codec="utf-8"), min_size=1, max_size=128) if feature.other else found
    else:
        low = -FLOAT32 if feature.minimum is None else feature.minimum
        high = FLOAT32 if feature.maximum is None else feature.maximum
        whole = st.integers(int(low), int(high))
        found = whole if feature.type == "integer" else whole | st.floats(low, high)
        found = found.filter(lambda value: feature.exclusive_minimum is None or value > feature.exclusive_minimum)
    return st.none() | found if feature.nullable else found


def requests(feature_set):
    features = st.fixed_dictionaries({feature.name: values(feature) for feature in feature_set.features})
    return st.fixed_dictionaries({"features": features}, optional={"prediction_id": st.uuids().map(str)})


def send(path, document, method="POST"):
    reply = SERVICE.respond(method, path, json.dumps(document).encode(), request_id="request-1")
    return reply.status, json.loads(reply.body)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_requests(case):
    """The service accepts and refuses the same cases as the contract."""
    status, answer = send(PATHS[case.contract], case.instance)
    assert (status == 200) == case.valid
    if status == 422:
        assert {(error["pointer"], error["rule"]) for error in answer["errors"]} == case.breaks
    elif status == 400:
        schemas.check("problem.v1", answer)


@pytest.mark.parametrize(
    ("path", "document", "contract"),
    [
        ("/predict", REQUEST, "prediction.response.v1"),
        ("/models/mixed/predict", MIXED, "prediction.response.v1"),
        ("/predict/batch", {"instances": [REQUEST, MIXED, 5]}, "prediction.batch.response.v1"),
        ("/models/mixed/predict/batch", {"instances": [REQUEST, MIXED, 5]}, "prediction.batch.response.v1"),
    ],
)
def test_answers_and_events(path, document, contract):
    """Answers and events keep their contracts."""
    WORLD.lines.clear()
    status, answer = send(path, document)
    assert status == 200
    schemas.check(contract, answer)
    events = [event for event in WORLD.events if "contract" in event]
    assert events
    for event in events:
        schemas.check("prediction.event.v1", event)


@pytest.mark.no_cover
@pytest.mark.parametrize("path", ["/predict", "/models/mixed/predict"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_valid_request(path, data):
    """Whatever the request schema allows is answered within the contracts."""
    model = SERVICE.models["mixed" if "mixed" in path else "house-price"]
    request = data.draw(requests(model.bundle.feature_set))
    assert schemas.compiled(schemas.request_schema(model.bundle.feature_set)).is_valid(request)
    WORLD.lines.clear()
    status, answer = send(path, request)
    assert status == 200
    schemas.check("prediction.response.v1", answer)
    schemas.check("prediction.event.v1", WORLD.events[0])


REFUSALS = [
    ("GET", "/nowhere", None),
    ("GET", "/predict", None),
    ("POST", "/predict", {"features": {}}),
    ("POST", "/predict/batch", {"instances": []}),
]


@pytest.mark.parametrize(("method", "path", "document"), REFUSALS)
def test_refusals(method, path, document):
    """Refusals keep the problem contract."""
    status, problem = send(path, document, method)
    assert status >= 400
    schemas.check("problem.v1", problem)


def test_internal_errors():
    """Internal errors keep the problem contract."""
    schemas.check("problem.v1", json.loads(SERVICE.fail(ValueError("x"), "request-1").body))
    schemas.check("problem.v1", Edge(SERVICE).handle(5, None))


@pytest.mark.parametrize(
    ("path", "contract"),
    [("/health", "health.v2"), ("/model", "model.card.v2"), ("/models/mixed", "model.card.v2")],
)
def test_own_documents(path, contract):
    """The documents that the service has of itself keep their contracts."""
    schemas.check(contract, json.loads(SERVICE.respond("GET", path).body))


@pytest.mark.parametrize("name", ["house-price", "mixed"])
def test_committed_bundles(name):
    """The committed bundles keep their contracts."""
    bundle = SERVICE.models[name].bundle
    schemas.check("bundle.manifest.v1", bundle.manifest)
    schemas.check("baseline.v1", bundle.baseline)
    schemas.check("feature-set.v1", bundle.feature_set.to_json())
