"""Sessions and callers in events: where they are read, as what they are written, when not at all."""

from __future__ import annotations

import copy
import json

import pytest
from drift_contracts import feature_set
from drift_contracts.documents import schema
from drift_contracts.features import FeatureSet, Source
from drift_contracts.keywords import violations
from drift_contracts.openapi import document
from drift_contracts.pseudonyms import pseudonym
from drift_predictor import Edge, Settings, open_bundles
from drift_predictor.recognition import Recogniser

from tests.support.houses import HOUSE
from tests.support.predictor import BUNDLES, World

BODY = json.dumps({"features": HOUSE})
#: An event of an HTTP API, without headers of its own.
EVENT = {
    "version": "2.0",
    "rawPath": "/predict",
    "headers": {"content-type": "application/json"},
    "body": BODY,
    "requestContext": {"http": {"method": "POST"}, "authorizer": {"iam": {"userArn": "desk-7"}}},
}


def recognising(bundles=BUNDLES, model="house-price", **sources):
    """Return a world, and the service of a model that recognises sessions and callers."""
    world = World()
    loaded = open_bundles(Settings(bundles=str(bundles), model=model))
    chosen = loaded[model]
    document = {**chosen.feature_set.to_json(), "contract": "feature-set.v2", **sources}
    vars(chosen)["feature_set"] = FeatureSet.from_json(document)
    return world, world.service(loaded={model: chosen}, model=model)


def served(**options):
    """Return a world, and the edge of a model that recognises sessions and callers."""
    world, service = recognising(**options)
    return world, Edge(service)


def sent(edge, headers=None, **members):
    """Send the event with further headers and members; return the answer's status."""
    event = copy.deepcopy(EVENT) | members
    event["headers"] |= headers or {}
    return edge.handle(event, None)["statusCode"]


def test_a_session_and_a_caller():
    """An event has digests of both, and follows the second version of its contract."""
    world, edge = served(session={"header": "X-Session-Id"}, caller={"context": "/authorizer/iam/userArn"})
    assert sent(edge, {"x-session-id": "visit 12"}) == 200
    (event,) = world.events
    assert event["session"] == pseudonym("house-price", "session", "visit 12")
    assert event["caller"] == pseudonym("house-price", "caller", "desk-7")
    assert "visit" not in world.lines[0]
    assert "desk" not in world.lines[0]
    assert list(violations(schema("prediction.event.v2"), event)) == []


def test_kinds_and_models_differ():
    """Nobody joins sessions with callers, nor two models, by their digests."""
    digests = {pseudonym(model, kind, "7") for model in ("a", "b") for kind in ("session", "caller")}
    assert len(digests) == 4


@pytest.mark.parametrize(
    ("headers", "members"),
    [
        ({}, {}),
        ({"x-session-id": ""}, {}),
        ({"x-session-id": "a" * 1025}, {}),
        ({"x-session-id": "a\u0007"}, {}),
        ({"x-session-id": 7}, {}),
        ({5: "a1"}, {}),
        ({}, {"multiValueHeaders": {"x-other": ["a1"]}}),
    ],
)
def test_what_names_no_session(headers, members):
    """A header that cannot be used is left out, and the request answered all the same."""
    world, edge = served(session={"header": "x-session-id"})
    assert sent(edge, headers, **members) == 200
    assert "session" not in world.events[0]


def test_headers_of_a_load_balancer():
    """Headers are found in any case, and in lists."""
    world, edge = served(session={"header": "x-session-id"})
    kind = ["application/json"]
    headers = {"headers": None, "multiValueHeaders": {"Content-Type": kind, "X-Session-Id": ["a1"]}}
    assert edge.handle({**EVENT, **headers}, None)["statusCode"] == 200
    assert world.events[0]["session"] == pseudonym("house-price", "session", "a1")


@pytest.mark.parametrize("context", [{}, {"authorizer": "x"}, {"authorizer": {"iam": {"userArn": 7}}}])
def test_a_context_without_caller(context):
    """A gateway that names nobody leaves the caller out."""
    world, edge = served(caller={"context": "/authorizer/iam/userArn"})
    assert sent(edge, requestContext={"http": {"method": "POST"}, **context}) == 200
    assert "caller" not in world.events[0]


def test_rows_of_a_batch():
    """A feature names the session of each row, a header that of all."""
    instances = [{"features": {**HOUSE, "bedrooms": rooms}} for rooms in (2, 3, 2)]
    batch = {"rawPath": "/predict/batch", "body": json.dumps({"instances": instances})}
    world, edge = served(session={"feature": "bedrooms"}, caller={"header": "x-desk"})
    assert sent(edge, {"x-desk": "7"}, **batch) == 200
    first, second, third = (event["session"] for event in world.events)
    assert first == third != second
    assert len({event["caller"] for event in world.events}) == 1


def test_a_direct_request():
    """An invocation without HTTP has no header, and is answered."""
    world, edge = served(session={"header": "x-session-id"})
    assert "prediction" in edge.handle({"features": HOUSE}, None)
    assert "session" not in world.events[0]


def test_a_call_without_event():
    """A request that no event came with names nobody."""
    world, service = recognising(session={"header": "x-session-id"})
    assert service.respond("POST", "/predict", BODY.encode()).status == 200
    assert "session" not in world.events[0]
    named = FeatureSet.from_json(
        {**feature_set("house-price").to_json(), "contract": "feature-set.v2", "caller": {"header": "x-desk"}}
    )
    assert Recogniser(named).marked("{}", {"features": HOUSE}, None) == "{}"


def test_values_of_features():
    """A category tells sessions by its text, and a missing value tells none."""
    mixed = {"flag": True, "colour": "green", "shop": "north", "size": None, "constant": 7, "load": 0.5}
    world, edge = served(model="mixed", session={"feature": "shop"}, caller={"feature": "size"})
    assert sent(edge, body=json.dumps({"features": mixed})) == 200
    (event,) = world.events
    assert event["session"] == pseudonym("mixed", "session", "north")
    assert "caller" not in event


def test_a_classifier_names_sessions():
    """The lines of a classifier have the members too."""
    scored = BUNDLES.parent / "scored_bundles"
    world, edge = served(bundles=scored, model="late", session={"header": "x-session-id"})
    example = open_bundles(Settings(bundles=str(scored), model="late"))["late"].feature_set.example
    assert sent(edge, {"x-session-id": "a1"}, body=json.dumps({"features": example})) == 200
    assert world.events[0]["session"] == pseudonym("late", "session", "a1")


def test_sources_in_words():
    """A place reads as words."""
    places = [Source(header="x-a"), Source(feature="shop"), Source(context="/a/b")]
    assert list(map(str, places)) == ["the header x-a", "the feature shop", "/a/b of the request context"]


def test_the_description_names_headers():
    """The service's own description has the headers that a model reads, on both paths."""
    chosen = open_bundles(Settings(bundles=str(BUNDLES), model="mixed"))["mixed"].feature_set
    recognised = {"contract": "feature-set.v2", "session": {"header": "x-session-id"}}
    paths = document([FeatureSet.from_json({**chosen.to_json(), **recognised})])["paths"]
    for path in ("/predict", "/models/mixed/predict/batch"):
        assert [each["name"] for each in paths[path]["post"]["parameters"]] == ["x-session-id"]
