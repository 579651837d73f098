"""What is not answered, and why."""

import json
import pickle
from types import SimpleNamespace

import pytest
from drift_contracts import ContractError, Violation
from drift_contracts.problems import LONGEST_DETAIL, SERVICE_KINDS
from drift_engine.bundle import Bundle
from drift_engine.forest import BadRow, Forest
from drift_engine.forest.writer import Tree, encode
from drift_predictor import Problem
from drift_predictor.problems import invalid

GOOD = json.dumps({"features": {"bedrooms": 3, "bathrooms": 2, "sqft": 2000, "age": 10, "location_score": 7}}).encode()
MEGABYTE = 1024 * 1024

REFUSED = [
    ("no such path", "GET", "/nowhere", b"", "application/json", 404),
    ("a path with a slash too many", "POST", "/predict/", GOOD, "application/json", 404),
    ("a model that is not there", "POST", "/models/other/predict", GOOD, "application/json", 404),
    ("a method that the path does not take", "GET", "/predict", b"", "application/json", 405),
    ("a method that no path takes", "BREW", "/health", b"", "application/json", 405),
    ("HEAD where there is no GET", "HEAD", "/predict", b"", "application/json", 405),
    ("a body that is too large", "POST", "/predict", b" " * (MEGABYTE + 1), "application/json", 413),
    ("a batch that is too large", "POST", "/predict/batch", b" " * (5 * MEGABYTE + 1), "application/json", 413),
    ("a form", "POST", "/predict", GOOD, "application/x-www-form-urlencoded", 415),
    ("no content type", "POST", "/predict", GOOD, "", 415),
    ("another encoding", "POST", "/predict", GOOD, "application/json; charset=latin-1", 415),
    ("no body", "POST", "/predict", b"", "application/json", 400),
    ("half a document", "POST", "/predict", b'{"features":', "application/json", 400),
    ("NaN", "POST", "/predict", GOOD.replace(b"2000", b"NaN"), "application/json", 400),
    ("a member named twice", "POST", "/predict", b'{"features":1,"features":2}', "application/json", 400),
    ("bytes that are not UTF-8", "POST", "/predict", b"\xff\xfe", "application/json", 400),
    ("half a batch", "POST", "/predict/batch", b"[", "application/json", 400),
    ("a string for a number", "POST", "/predict", GOOD.replace(b"2000", b'"2000"'), "application/json", 422),
    ("true for a number", "POST", "/predict", GOOD.replace(b"2000", b"true"), "application/json", 422),
    ("a negative area", "POST", "/predict", GOOD.replace(b"2000", b"-1"), "application/json", 422),
    ("an id that is none", "POST", "/predict", GOOD[:-1] + b',"prediction_id":"x"}', "application/json", 422),
    ("a batch without instances", "POST", "/predict/batch", b"{}", "application/json", 422),
    ("an empty batch", "POST", "/predict/batch", b'{"instances":[]}', "application/json", 422),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "media_type", "status"),
    [case[1:] for case in REFUSED],
    ids=[case[0] for case in REFUSED],
)
def test_refused(service, world, method, path, body, media_type, status):
    """What cannot be answered is a problem with its status, and counts as rejected."""
    reply = service.respond(method, path, body, media_type, "request-1")
    problem = json.loads(reply.body)
    assert (reply.status, reply.media_type) == (status, "application/problem+json")
    assert (problem["status"], problem["request_id"]) == (status, "request-1")
    assert problem["type"].startswith("urn:drift:problem:")
    assert problem["detail"].startswith(("expected", "prediction."))
    assert [event.get("Rejected") for event in world.events] == [1]


@pytest.mark.parametrize(("path", "allow"), [("/predict", "POST"), ("/health", "GET, HEAD")])
def test_allowed_methods(service, path, allow):
    """A wrong method is a 405 that names those that are allowed."""
    reply = service.respond("DELETE", path)
    assert (reply.status, reply.allow) == (405, allow)


def test_not_found(service):
    """A path that is not there is a 404 that names those that are."""
    assert "/models/mixed/predict" in json.loads(service.respond("GET", "/x").body)["detail"]


def test_violations(post, house):
    """A request that breaks its contract gets place and rule of every violation."""
    status, problem = post("/predict", {"features": {**house, "age": "old", "sqft": 0}})
    assert status == 422
    assert problem["errors"] == [
        {"pointer": "/features/sqft", "rule": "exclusiveMinimum", "expected": "more than 0"},
        {"pointer": "/features/age", "rule": "type", "expected": "a number"},
    ]


@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON", 'application/json; charset="UTF-8"', "application/json;a=b"]
)
def test_media_types(service, media_type):
    """Every way of writing JSON in UTF-8 is accepted."""
    assert service.respond("POST", "/predict", GOOD, media_type).status == 200


class Secret(Exception):
    """Its message holds a value."""


def test_internal_error(world):
    """An error inside is a 500 without its message, and a line with types and places."""

    def broken(_row):
        try:
            raise KeyError("marker")
        except KeyError as error:
            raise Secret("marker") from error

    service = with_forest(world, broken)
    reply = service.respond("POST", "/predict", GOOD, "application/json", "request-1")
    assert (reply.status, json.loads(reply.body)["request_id"]) == (500, "request-1")
    (event,) = world.events
    assert (event["Errors"], event["level"], event["request_id"]) == (1, "ERROR", "request-1")
    assert [one["type"] for one in event["error"]] == ["Secret", "KeyError"]
    assert any(
        "test_predictor_refusals.py" in frame and frame.endswith("broken") for frame in event["error"][0]["traceback"]
    )
    assert "marker" not in world.lines[0] + reply.body.decode()
    assert b"Secret" not in reply.body


def test_own_errors(service, world):
    """Of our own errors the message is logged too."""
    service.fail(ContractError("baseline.v1", [Violation("/rows", "type", "an integer")]), "request-1")
    assert world.events[0]["error"][0]["message"] == "baseline.v1: type at /rows: expected an integer"


def with_forest(world, predict):
    """Return a service whose forest predicts with this function."""
    name = "house-price"
    bundle = world.service().models[name].bundle
    forest = SimpleNamespace(predict=predict, engine="python")
    broken = Bundle(bundle.manifest, bundle.feature_set, bundle.baseline, forest)
    return world.service(loaded={name: broken})


def refuse(_row):
    raise BadRow("forest: expected something else")


def test_bad_row(world, house):
    """A row that the forest refuses, and that has no null, is a 500."""
    reply = with_forest(world, refuse).respond("POST", "/predict", json.dumps({"features": house}).encode())
    assert reply.status == 500
    assert world.events[0]["error"][0]["type"] == "BadRow"


@pytest.fixture
def never_null(world, service):
    """A model whose features may be null, with a forest that was fitted without any."""
    bundle = service.models["mixed"].bundle
    stump = Tree([1, -1, -1], [2, -1, -1], [5, -2, -2], [0.0, -2.0, -2.0], [15.0, 10.0, 20.0])
    forest = Forest.from_bytes(encode([stump], features=6))
    return world.service(
        loaded={"mixed": Bundle(bundle.manifest, bundle.feature_set, bundle.baseline, forest)}, model="mixed"
    )


def test_unseen_null(never_null, mixed):
    """A null that the model has never seen is a 422."""
    reply = never_null.respond("POST", "/predict", json.dumps({"features": {**mixed, "size": None}}).encode())
    assert reply.status == 422
    expected = "a value: the model has never seen a null"
    assert json.loads(reply.body)["errors"] == [{"pointer": "/features/size", "rule": "type", "expected": expected}]


def test_unseen_null_in_batch(never_null, mixed):
    """In a batch it costs only its own row, and the faults stay in order."""
    null = {"features": {**mixed, "shop": None, "size": None}}
    instances = [null, {"features": mixed}, {"features": 1}, null]
    reply = never_null.respond("POST", "/predict/batch", json.dumps({"instances": instances}).encode())
    answer = json.loads(reply.body)
    assert (reply.status, [one["index"] for one in answer["predictions"]]) == (200, [1])
    assert [(one["index"], one["pointer"]) for one in answer["errors"]] == [
        (0, "/instances/0/features/shop"),
        (0, "/instances/0/features/size"),
        (2, "/instances/2/features"),
        (3, "/instances/3/features/shop"),
        (3, "/instances/3/features/size"),
    ]


def test_long_detail():
    """A long detail is cut to what the contract allows."""
    problem = invalid(
        ContractError("prediction.request.v1", [Violation("/features/x", "enum", "one of " + "a" * 3000)])
    )
    assert len(problem.detail) == LONGEST_DETAIL
    assert problem.detail.endswith(" ...")


@pytest.mark.parametrize("kind", SERVICE_KINDS)
def test_pickled_problem(kind):
    """A problem survives pickling."""
    problem = pickle.loads(pickle.dumps(Problem(kind, "expected more", [Violation("", "type", "an object")], "GET")))
    assert (problem.kind, problem.detail, problem.allow, len(problem.violations)) == (kind, "expected more", "GET", 1)
