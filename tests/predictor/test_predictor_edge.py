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


def test_an_http_api_event_is_answered_with_a_proxy_response(edge, http, context, house):
    answer = edge.handle(http("POST", "/predict", {"features": house}), context)
    assert answer["statusCode"] == 200
    assert answer["headers"] == {"content-type": "application/json", "cache-control": "no-store"}
    assert answer["isBase64Encoded"] is False
    assert json.loads(answer["body"])["features_received"] == house


def test_a_rest_api_event_is_answered_alike(edge, context, house):
    answer = edge.handle(rest("POST", "/predict", {"features": house}), context)
    assert (answer["statusCode"], json.loads(answer["body"])["features_received"]) == (200, house)


@pytest.mark.parametrize("name", ["Content-Type", "content-type", "CONTENT-TYPE"])
def test_header_names_are_read_in_any_case(edge, context, house, name):
    event = rest("POST", "/predict", {"features": house}, headers={"Accept": "*/*", name: "application/json"})
    assert edge.handle(event, context)["statusCode"] == 200


@pytest.mark.parametrize("headers", [None, {}, {"Accept": "*/*"}])
def test_a_body_without_a_content_type_is_refused(edge, context, house, headers):
    event = rest("POST", "/predict", {"features": house}, headers=headers)
    assert edge.handle(event, context)["statusCode"] == 415


def test_a_base64_body_is_read(edge, http, context, house):
    body = base64.b64encode(json.dumps({"features": house}).encode()).decode()
    answer = edge.handle(http("POST", "/predict", body=body, isBase64Encoded=True), context)
    assert answer["statusCode"] == 200


@pytest.mark.parametrize(("body", "encoded"), [("###", True), ("\u00e4", True), ("{}\ud800", False)])
def test_a_body_that_cannot_be_decoded_is_a_400(edge, http, context, body, encoded):
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
def test_the_stage_is_no_part_of_the_path(edge, http, context, stage, path):
    assert edge.handle(http("GET", path, stage=stage), context)["statusCode"] == 200


def test_a_stage_alone_is_not_a_path(edge, http, context):
    assert edge.handle(http("GET", "/prod", stage="prod"), context)["statusCode"] == 404
    assert edge.handle(http("GET", "/production/health", stage="prod"), context)["statusCode"] == 404


def test_a_wrong_method_carries_the_header_allow(edge, http, context):
    answer = edge.handle(http("PUT", "/predict"), context)
    assert (answer["statusCode"], answer["headers"]["allow"]) == (405, "POST")
    assert answer["headers"]["content-type"] == "application/problem+json"


def test_head_has_no_body(edge, http, context):
    answer = edge.handle(http("HEAD", "/health"), context)
    assert (answer["statusCode"], answer["body"]) == (200, "")


def test_a_direct_request_is_answered_with_the_response_itself(edge, context, house):
    answer = edge.handle({"features": house}, context)
    assert answer["features_received"] == house
    batch = edge.handle({"instances": [{"features": house}, 3]}, context)
    assert (len(batch["predictions"]), batch["errors"][0]["pointer"]) == (1, "/instances/1")


def test_a_direct_request_that_is_wrong_is_answered_with_the_problem_itself(edge, context, house):
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
def test_an_event_that_is_none_of_ours_is_a_400(edge, context, event):
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
def test_a_warm_up_ping_is_answered_and_leaves_no_trace(edge, world, service, context, event):
    answer = edge.handle(event, context)
    assert answer == {"status": "warm", "models": {name: model.version for name, model in service.models.items()}}
    assert world.lines == []


def test_the_request_id_is_lambdas_then_the_apis_then_a_new_one(edge, http):
    def request_id(event, context):
        return json.loads(edge.handle(event, context)["body"])["request_id"]

    event = http("GET", "/nowhere")
    assert request_id(event, SimpleNamespace(aws_request_id="abc-1")) == "abc-1"
    assert request_id(event, None) == "JKJaXmPLvHcESHA="
    event["requestContext"]["requestId"] = "no id <b>"
    assert UUID(request_id(event, None)).version == 7
    assert UUID(edge.handle(5, None)["request_id"]).version == 7


def test_what_breaks_in_the_edge_itself_is_a_500_too(world, http, context):
    service = world.service()
    service.respond = None
    for event in (http("GET", "/health"), {"features": {}}):
        answer = Edge(service).handle(event, context)
        assert answer.get("statusCode", answer.get("status")) == 500
        assert world.events[-1]["Errors"] == 1
