"""Events of APIs, direct requests, pings, and what is none of these."""

import base64
import json
from types import SimpleNamespace
from uuid import UUID

import pytest
from drift_predictor import Edge


def rest(method, path, document=None, **members):
    """A REST API event, payload 1.0."""
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {"Content-Type": "application/json"},
        "requestContext": {
            "stage": "prod",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "path": f"/prod{path}",
        },
        "body": None if document is None else json.dumps(document),
        "isBase64Encoded": False,
        **members,
    }


def test_http_api(edge, http, context, house):
    """An event of an HTTP API is answered with a proxy response."""
    answer = edge.handle(http("POST", "/predict", {"features": house}), context)
    assert answer["statusCode"] == 200
    assert answer["headers"] == {"content-type": "application/json", "cache-control": "no-store"}
    assert answer["isBase64Encoded"] is False
    assert json.loads(answer["body"])["features_received"] == house


def test_rest_api(edge, context, house):
    """An event of a REST API is answered alike."""
    answer = edge.handle(rest("POST", "/predict", {"features": house}), context)
    assert (answer["statusCode"], json.loads(answer["body"])["features_received"]) == (200, house)


@pytest.mark.parametrize("name", ["Content-Type", "content-type", "CONTENT-TYPE"])
def test_header_case(edge, context, house, name):
    """Header names are read in any case."""
    event = rest("POST", "/predict", {"features": house}, headers={"Accept": "*/*", name: "application/json"})
    assert edge.handle(event, context)["statusCode"] == 200


@pytest.mark.parametrize("headers", [None, {}, {"Accept": "*/*"}])
def test_no_content_type(edge, context, house, headers):
    """A body without a content type is a 415."""
    event = rest("POST", "/predict", {"features": house}, headers=headers)
    assert edge.handle(event, context)["statusCode"] == 415


def test_base64(edge, http, context, house):
    """A body in base64 is read."""
    body = base64.b64encode(json.dumps({"features": house}).encode()).decode()
    answer = edge.handle(http("POST", "/predict", body=body, isBase64Encoded=True), context)
    assert answer["statusCode"] == 200


@pytest.mark.parametrize(("body", "encoded"), [("###", True), ("\u00e4", True), ("{}\ud800", False)])
def test_bad_base64(edge, http, context, body, encoded):
    """A body that cannot be decoded is a 400."""
    answer = edge.handle(http("POST", "/predict", body=body, isBase64Encoded=encoded), context)
    assert (answer["statusCode"], json.loads(answer["body"])["type"]) == (400, "urn:drift:problem:bad-event")


@pytest.mark.parametrize(
    ("stage", "path"),
    [
        ("$default", "/health"),
        ("prod", "/prod/health"),
        ("prod", "/health"),
        (None, "/health"),
        ("health", "/health/health"),
    ],
)
def test_stage(edge, http, context, stage, path):
    """The stage is no part of the path."""
    assert edge.handle(http("GET", path, stage=stage), context)["statusCode"] == 200


def test_stage_alone(edge, http, context):
    """A stage alone is not a path, and neither is a longer word."""
    assert edge.handle(http("GET", "/prod", stage="prod"), context)["statusCode"] == 404
    assert edge.handle(http("GET", "/production/health", stage="prod"), context)["statusCode"] == 404


def test_allow(edge, http, context):
    """A wrong method is a 405 with the header Allow."""
    answer = edge.handle(http("PUT", "/predict"), context)
    assert (answer["statusCode"], answer["headers"]["allow"]) == (405, "POST")
    assert answer["headers"]["content-type"] == "application/problem+json"


def test_head(edge, http, context):
    """The answer to HEAD has no body."""
    answer = edge.handle(http("HEAD", "/health"), context)
    assert (answer["statusCode"], answer["body"]) == (200, "")


def test_direct(edge, context, house):
    """A direct request is answered with the response itself."""
    answer = edge.handle({"features": house}, context)
    assert answer["features_received"] == house
    batch = edge.handle({"instances": [{"features": house}, 3]}, context)
    assert (len(batch["predictions"]), batch["errors"][0]["pointer"]) == (1, "/instances/1")


def test_direct_problem(edge, context, house):
    """A direct request that is wrong is answered with the problem itself."""
    problem = edge.handle({"features": {**house, "age": float("nan")}}, context)
    assert (problem["status"], problem["type"]) == (400, "urn:drift:problem:not-json")
    problem = edge.handle({"features": {**house, "age": -1}}, context)
    assert (problem["status"], problem["errors"][0]["pointer"]) == (422, "/features/age")
    assert problem["request_id"] == context.aws_request_id


def nested(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return {"features": value}


STRANGE = [
    None,
    5,
    "text",
    [],
    {},
    {"requestContext": 5},
    {"requestContext": {}},
    {"requestContext": {"http": {}}},
    nested(100_000),
]


@pytest.mark.parametrize(
    "event", STRANGE, ids=["null", "number", "text", "list", "empty", "5", "bare", "bare http", "deep"]
)
def test_strange_event(edge, context, event):
    """An event of no form that is read is a 400."""
    answer = edge.handle(event, context)
    assert answer.get("statusCode", answer.get("status")) == 400


@pytest.mark.parametrize(
    "event",
    [
        {"warmup": True},
        {"source": "serverless-plugin-warmup"},
        {"source": "aws.events", "detail-type": "Scheduled Event"},
    ],
)
def test_ping(edge, world, service, context, event):
    """A ping is answered and writes no line."""
    answer = edge.handle(event, context)
    assert answer == {"status": "warm", "models": {name: model.version for name, model in service.models.items()}}
    assert world.lines == []


def test_request_id(edge, http):
    """The request id is Lambda's, then the API's, then a new one."""

    def request_id(event, context):
        return json.loads(edge.handle(event, context)["body"])["request_id"]

    event = http("GET", "/nowhere")
    assert request_id(event, SimpleNamespace(aws_request_id="abc-1")) == "abc-1"
    assert request_id(event, None) == "JKJaXmPLvHcESHA="
    event["requestContext"]["requestId"] = "no id <b>"
    assert UUID(request_id(event, None)).version == 7
    assert UUID(edge.handle(5, None)["request_id"]).version == 7


def test_broken_service(world, http, context):
    """An error of the edge itself is a 500 too."""
    service = world.service()
    service.answer = None
    for event in (http("GET", "/health"), {"features": {}}):
        answer = Edge(service).handle(event, context)
        assert answer.get("statusCode", answer.get("status")) == 500
        assert world.events[-1]["Errors"] == 1
