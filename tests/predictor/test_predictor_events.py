"""HTTP events of every source, a custom domain's prefix, odd shapes, and events that are no requests."""

import json
import os
import pickle
from types import SimpleNamespace

import pytest
from drift_contracts import DriftError
from drift_predictor import Edge
from drift_predictor.events import WrongSource
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.houses import HOUSE

MARKER = "s3cret-0f-the-caller"
JSON = "application/json"
BODY = json.dumps({"features": HOUSE})


def rest(path="/predict", **members):
    """A REST API's event (payload 1.0) as it comes from the execute-api address."""
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": "POST",
        "headers": {"Content-Type": JSON},
        "multiValueHeaders": {"Content-Type": [JSON]},
        "pathParameters": {"proxy": path[1:]},
        "requestContext": {"resourcePath": "/{proxy+}", "stage": "prod", "path": f"/prod{path}"},
        "body": BODY,
        "isBase64Encoded": False,
        **members,
    }


def payload_1(path="/predict", **members):
    """An HTTP API's event in payload format 1.0."""
    context = {"httpMethod": "POST", "path": path, "resourcePath": "/predict", "stage": "$default"}
    return rest(path, version="1.0", resource="/predict", pathParameters=None, requestContext=context, **members)


def function_url(path="/predict", **members):
    """The event of a function URL: payload 2.0 with the route $default."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": JSON, "x-forwarded-proto": "https"},
        "requestContext": {
            "accountId": "anonymous",
            "domainName": "abc.lambda-url.us-east-1.on.aws",
            "http": {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
            "routeKey": "$default",
            "stage": "$default",
        },
        "body": BODY,
        "isBase64Encoded": False,
        **members,
    }


def balancer(path="/predict", *, several=False, **members):
    """The event of an Application Load Balancer; several: with multi-value headers on."""
    headers = {"multiValueHeaders": {"content-type": [JSON]}} if several else {"headers": {"content-type": JSON}}
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/a/b"}},
        "httpMethod": "POST",
        "path": path,
        "queryStringParameters": {},
        **headers,
        "body": BODY,
        "isBase64Encoded": False,
        **members,
    }


SOURCES = {"rest": rest, "payload 1.0": payload_1, "function url": function_url, "balancer": balancer}


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_sources(edge, make):
    """The same request gets the same prediction from every source of HTTP events."""
    answer = edge.handle(make(), None)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["features_received"] == HOUSE


def test_balancer(edge):
    """A load balancer gets a reason beside the status, and headers as it sent them."""
    answer = edge.handle(balancer(), None)
    assert (answer["statusCode"], answer["statusDescription"]) == (200, "200 OK")
    assert answer["isBase64Encoded"] is False
    assert (answer["headers"]["content-type"], "multiValueHeaders" in answer) == (JSON, False)
    answer = edge.handle(balancer(several=True, body="{"), None)
    assert (answer["statusCode"], answer["statusDescription"]) == (400, "400 Bad Request")
    assert answer["multiValueHeaders"]["content-type"] == ["application/problem+json"]
    assert "headers" not in answer
    answer = edge.handle(balancer(httpMethod="GET", path="/health"), None)
    assert (answer["statusCode"], json.loads(answer["body"])["status"]) == (200, "ok")


@pytest.mark.parametrize("name", ["content-type", "Content-Type", "CONTENT-TYPE"])
@pytest.mark.parametrize("headers", [None, {}, {"accept": "*/*"}])
def test_header_lists(edge, name, headers):
    """A source with multi-value headers may send no others."""
    event = rest(headers=headers, multiValueHeaders={name: [JSON], "accept": ["*/*", "text/html"]})
    assert edge.handle(event, None)["statusCode"] == 200


@pytest.mark.parametrize(
    ("values", "status"), [([JSON, JSON], 200), ([JSON, "text/plain"], 415), ([], 415), ([None], 415), ("text", 415)]
)
def test_header_twice(edge, values, status):
    """Two content types that differ are a 415."""
    event = rest(headers=None, multiValueHeaders={"content-type": values})
    assert edge.handle(event, None)["statusCode"] == status
    joined = ",".join(value for value in values if value) if isinstance(values, list) else values
    assert edge.handle(function_url(headers={"content-type": joined}), None)["statusCode"] == status


@pytest.mark.parametrize("name", ["content-encoding", "Content-Encoding"])
@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_encoding_of_sources(edge, make, name):
    """An encoding that is not accepted is refused from every source."""
    key = "Content-Type" if name[0] == "C" else "content-type"
    event = make(headers={key: JSON, name: "br"}, multiValueHeaders={key: [JSON], name: ["br"]})
    assert edge.handle(event, None)["statusCode"] == 415


PREFIXED = {
    "rest, a proxy": rest("/v1/predict", pathParameters={"proxy": "predict"}),
    "rest, a resource": rest("/v1/predict", resource="/predict", pathParameters=None),
    "rest, a parameter": rest(
        "/ml/v1/models/house-price/predict",
        resource="/models/{name}/predict",
        pathParameters={"name": "house-price"},
    ),
    "payload 1.0": payload_1("/v1/predict"),
    "payload 1.0 with a stage": payload_1("/dev/predict") | {"requestContext": {"stage": "dev"}, "resource": "x"},
    "payload 2.0, a route": function_url("/dev/v1/predict", routeKey="POST /predict"),
    "payload 2.0, a greedy route": function_url(
        "/v1/predict", routeKey="ANY /{proxy+}", pathParameters={"proxy": "predict"}
    ),
}


@pytest.mark.parametrize("event", PREFIXED.values(), ids=PREFIXED)
def test_prefix_in_event(edge, event):
    """What the API's own routing matched is separated from the prefix before it."""
    assert edge.handle(event, None)["statusCode"] == 200


@pytest.mark.parametrize("make", [function_url, balancer], ids=["function url", "balancer"])
def test_prefix_configured(world, make):
    """The configured prefix is taken off, and paths without it are answered too."""
    edge = Edge(world.service(path_prefix="/ml/v1"))
    for path in ("/ml/v1/predict", "/predict", "/ml/v1/models/mixed/model"):
        status = 405 if path.endswith("model") else 200
        assert edge.handle(make(path), None)["statusCode"] == status


@pytest.mark.parametrize(
    "path", ["/v2/predict", "/ml/v1predict", "/ml/v1", "/ml/v1/", "/ml/v1/ml/v1/predict", "predict"]
)
@pytest.mark.parametrize("make", [function_url, balancer, rest], ids=["function url", "balancer", "rest"])
def test_prefix_unknown(world, make, path):
    """An unknown prefix is a 404 that names every path and the prefix."""
    answer = Edge(world.service(path_prefix="/ml/v1")).handle(make(path), None)
    detail = json.loads(answer["body"])["detail"]
    assert answer["statusCode"] == 404
    assert "/predict, " in detail
    assert "/ml/v1" in detail
    assert "v2" not in detail


QUEUES = {
    "sqs": {"Records": [{"messageId": MARKER, "body": MARKER, "eventSource": "aws:sqs"}]},
    "sns": {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": MARKER}}]},
    "kinesis": {"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": MARKER}}]},
    "dynamodb": {"Records": [{"eventSource": "aws:dynamodb", "dynamodb": {"Keys": MARKER}}]},
    "a window without records": {"Records": [], "eventSourceARN": MARKER, "isFinalInvokeForWindow": True},
    "s3": {"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": MARKER}}}]},
    "ses": {"Records": [{"eventSource": "aws:ses", "ses": MARKER}]},
    "kafka": {"eventSource": "aws:kafka", "records": {MARKER: []}},
    "mq": {"eventSource": "aws:mq", "messages": [MARKER]},
    "eventbridge": {"version": "0", "source": MARKER, "detail-type": MARKER, "detail": {"features": HOUSE}},
    "alarm": {"source": "aws.cloudwatch", "alarmArn": MARKER, "alarmData": {}},
    "logs": {"awslogs": {"data": MARKER}},
    "firehose": {"invocationId": MARKER, "deliveryStreamArn": MARKER, "records": []},
    "pipe": [{"messageId": MARKER, "body": BODY, "eventSource": "aws:sqs"}],
    "destination": {"version": "1.0", "requestContext": {"condition": MARKER}, "requestPayload": {"features": HOUSE}},
}


@pytest.mark.parametrize("event", QUEUES.values(), ids=QUEUES)
def test_wrong_source(edge, world, context, event):
    """An event of a queue is raised, so that its source retains it, without its values."""
    with pytest.raises(WrongSource) as caught:
        edge.handle(event, context)
    assert isinstance(caught.value, DriftError)
    assert "remove" in str(caught.value)
    (line,) = world.events
    assert (line["Rejected"], line["problem"], line["request_id"]) == (1, "bad-event", context.aws_request_id)
    assert MARKER not in str(caught.value) + world.lines[0]


def test_wrong_source_pickled():
    """The error survives pickling and names the source."""
    error = pickle.loads(pickle.dumps(WrongSource("an SQS queue")))
    assert error.source == "an SQS queue"
    assert "an SQS queue" in str(error)


class Broken:
    """A context that cannot even be asked for its id."""

    @property
    def aws_request_id(self):
        raise RuntimeError(MARKER)


class Endless:
    """A context whose id is no text."""

    aws_request_id = 5


@pytest.mark.parametrize("context", [Broken(), Endless(), None, 5, SimpleNamespace(aws_request_id=[])])
def test_broken_context(edge, context):
    """With a context that is broken the request is answered under the API's id."""
    event = function_url("/nowhere")
    event["requestContext"]["requestId"] = "id-1"
    answer = edge.handle(event, context)
    assert (answer["statusCode"], json.loads(answer["body"])["request_id"]) == (404, "id-1")


ODD = [[], {}, ["/predict"], {"a": 1}, None, 5, 1.5, True, b"/predict", "", (), frozenset()]


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_odd_members(edge, world, make, odd):
    """No value in the place of a path, method, header or body is a 500."""
    for member in ("rawPath", "path", "httpMethod", "headers", "multiValueHeaders", "body", "isBase64Encoded"):
        answer = edge.handle(make() | {member: odd}, None)
        assert answer["statusCode"] in (200, 400, 404, 405, 415), (member, answer)
    for member in ("requestContext", "pathParameters", "resource", "routeKey", "version"):
        answer = edge.handle(make("/x/predict") | {member: odd}, None)
        assert answer["statusCode"] in (200, 400, 404), (member, answer)
    for name in ("content-type", "content-encoding"):
        answer = edge.handle(make(headers={"content-type": JSON, name: odd}), None)
        assert answer["statusCode"] in (200, 415), (name, answer)
    assert not any("Errors" in event for event in world.events)


@pytest.mark.parametrize("odd", [{1, 2}, b"x", 5j, object()], ids=["set", "bytes", "complex", "object"])
def test_not_json_in_event(edge, odd):
    """Values that JSON does not have, in an event made by code, are a 400."""
    answer = edge.handle({"features": {"age": odd}}, None)
    assert (answer["status"], answer["type"]) == (400, "urn:drift:problem:bad-event")


@pytest.mark.parametrize(
    "event", [{"Records": 5}, {"Records": []}, {"Records": [5]}, {"eventSource": 5}, [5], {"detail": 1}]
)
def test_no_source(edge, event):
    """What only looks like an event of a source is a 400."""
    assert edge.handle(event, None)["status"] == 400


NUMBERS = st.integers() | st.floats()
LEAVES = st.none() | st.booleans() | NUMBERS | st.text(max_size=5) | st.sampled_from(["/predict", BODY])
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "http",
                    "method",
                    "path",
                    "stage",
                    "elb",
                    "requestId",
                    "content-type",
                    "content-encoding",
                    "proxy",
                    "x",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)
MEMBERS = st.sampled_from(
    [
        "version",
        "rawPath",
        "path",
        "httpMethod",
        "headers",
        "multiValueHeaders",
        "requestContext",
        "pathParameters",
        "resource",
        "routeKey",
        "body",
        "isBase64Encoded",
        "features",
        "instances",
        "Records",
        "eventSource",
        "detail",
        "awslogs",
        "warmup",
        "source",
        "requestPayload",
    ]
)


@pytest.mark.no_cover
@settings(max_examples=int(os.environ.get("DRIFT_FUZZ_EXAMPLES", "300")))
@example(function_url, {"rawPath": ["/predict"]})
@example(function_url, {"rawPath": {"x": 1}})
@example(function_url, {"headers": {"content-type": 5}})
@example(function_url, {"headers": {"content-type": [JSON]}})
@example(function_url, {"headers": {"content-type": None}})
@example(rest, {"headers": None, "multiValueHeaders": {"content-type": [JSON]}})
@example(rest, {"multiValueHeaders": [JSON]})
@example(dict, {"features": {"x": {1, 2}}})
@example(dict, {"features": {"x": b"y"}})
@given(st.sampled_from([*SOURCES.values(), dict]), st.dictionaries(MEMBERS, VALUES, max_size=6))
def test_random_events(worlds, make, changes):
    """Random events of every source get a proper answer, or the error that retains them."""
    world, edge = worlds
    world.lines.clear()
    try:
        answer = edge.handle(make() | changes, None)
    except WrongSource:
        return
    assert json.dumps(answer)
    assert answer.get("statusCode", answer.get("status", 200)) != 500
    assert not any("Errors" in event for event in world.events)
