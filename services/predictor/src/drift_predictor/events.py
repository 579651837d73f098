"""Read what Lambda hands over: requests in HTTP events of any source, and events that are none.

Sources: "AWS Lambda proxy integrations for HTTP APIs" (payloads 1.0 and 2.0) and "Input format of a
Lambda function for proxy integration" in the API Gateway Developer Guide, "Lambda functions as
targets" in the guide of Application Load Balancers, "Invoking Lambda function URLs" and "Lambda
event source mappings" in the Lambda Developer Guide.
"""

from __future__ import annotations

import base64

from drift_contracts import DriftError

from drift_predictor import problems
from drift_predictor.values import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping
    from typing import Any

    #: AWS's own document. No schema of it is checked: whoever sends another one gets a 400 from the
    #: place where a member is missing or of another type.
    Event = Mapping[str, Any]

EXPECTED = "an event of an HTTP source, with features or instances, or to warm up"
BODY = "a body in UTF-8, or in base64 where isBase64Encoded says so"
#: What a record names as its source, and its name for people: no text of an event is repeated.
SOURCES = {
    "aws:sqs": "an SQS queue",
    "aws:sns": "an SNS topic",
    "aws:kinesis": "a Kinesis stream",
    "aws:dynamodb": "a DynamoDB stream",
    "aws:s3": "an S3 bucket",
    "aws:kafka": "a Kafka topic",
    "SelfManagedKafka": "a Kafka topic",
    "aws:mq": "an MQ broker",
    "aws:rmq": "an MQ broker",
    "aws:docdb": "a DocumentDB stream",
}
#: A member of an event's top level that only one source writes.
MEMBERS = {
    "requestPayload": "a destination of another function",
    "detail-type": "EventBridge",
    "awslogs": "CloudWatch Logs",
    "alarmArn": "a CloudWatch alarm",
    "deliveryStreamArn": "a delivery stream",
}


class WrongSource(DriftError):
    """An event whose sender waits for no answer; raised, so that the sender keeps it."""

    def __init__(self, source: str) -> None:
        #: What sent it, in words.
        self.source = source
        super().__init__(
            f"expected {EXPECTED}; this one is of {source}, which the predictor does not read: "
            "remove the mapping, subscription, rule or notification that names this function"
        )

    def __reduce__(self) -> tuple[type[WrongSource], tuple[str]]:
        return type(self), (self.source,)


def is_http(event: object) -> bool:
    """Return whether an event comes from something that wants an HTTP answer."""
    if not isinstance(event, dict):
        return False
    # A failed call that a destination delivers has the context of that call.
    return "requestContext" in event and "requestPayload" not in event


def is_balancers(event: Event) -> bool:
    """Return whether an HTTP event comes from an Application Load Balancer."""
    context = event["requestContext"]
    return isinstance(context, dict) and "elb" in context


def read_request(event: Event, paths: Container[str], prefix: str) -> Request:
    """Return the request in an HTTP event.

    Args:
        event: of an API, a function URL or a load balancer.
        paths: those that are answered.
        prefix: the path below which they may be, such as `/v1`, "" for none.

    Raises:
        Problem: the event holds no request.
    """
    try:
        context = event["requestContext"]
        if "http" in context:
            method, path = context["http"]["method"], event["rawPath"]
        else:
            method, path = event["httpMethod"], event["path"]
        if path not in paths:
            path = _resolved(event, path, paths, prefix)
        body = event.get("body")
        if not body:
            data = b""
        elif event.get("isBase64Encoded"):
            data = base64.b64decode(body, validate=True)
        else:
            data = body.encode()
        media_type, encoding = _content_headers(event)
        # A method that is no text would not be refused by the service but break it.
        return Request(method + "", path, data, media_type, encoding, context, event)
    except ValueError:  # binascii.Error and UnicodeEncodeError are of this kind
        raise problems.bad_event(BODY) from None
    except (LookupError, TypeError, AttributeError):
        raise problems.bad_event(EXPECTED) from None


def header_of(event: object, name: str) -> str:
    """Return a header's value, "" for one that is absent or no text; never raises.

    Args:
        event: of any HTTP source, or none.
        name: in small letters.

    >>> header_of({"headers": {"X-Session-Id": "a1"}}, "x-session-id")
    'a1'
    """
    if not isinstance(event, dict):
        return ""
    for mapping in (event.get("headers"), event.get("multiValueHeaders")):
        if not isinstance(mapping, dict):
            continue
        for listed, value in mapping.items():
            if isinstance(listed, str) and listed.lower() == name:
                return _text(value)
    return ""


def source_of(event: object) -> str:
    """Return what sends an event without waiting for an answer, in words; "" for anything else.

    >>> source_of({"Records": [{"EventSource": "aws:sns"}]}), source_of({"Records": 5})
    ('an SNS topic', '')
    """
    # EventBridge Pipes hand over a bare list.
    first = _first(event)
    if not isinstance(first, dict):
        return ""
    for member, source in MEMBERS.items():
        if member in first:
            return source
    records = first.get("Records")
    if not isinstance(records, list):
        return _named_source(first)
    return _named_source(_first(records)) or _named_source(first)


def _first(value: object) -> object:
    """Return the first member of a list that has one, anything else as it is."""
    if isinstance(value, list) and value:
        return value[0]
    return value


def _named_source(record: object) -> str:
    """Return the source that a record names; every AWS service writes one of three members."""
    if not isinstance(record, dict):
        return ""
    name = record.get("eventSource") or record.get("EventSource")
    if not isinstance(name, str) and "eventSourceARN" not in record:
        return ""
    return SOURCES.get(str(name), "another AWS service")


def _without_stage(path: str, stage: Any) -> str:
    """Return a path without the name of its stage, which HTTP APIs put first unless it is $default.

    >>> _without_stage("/prod/predict", "prod"), _without_stage("/predict", "$default")
    ('/predict', '/predict')
    """
    if not stage or stage == "$default":
        return path
    first = f"/{stage}"
    if path == first or path.startswith(f"{first}/"):
        return path[len(first) :]
    return path


def _resolved(event: Event, path: str, paths: Container[str], prefix: str) -> str:
    """Return the path that is answered below a custom domain's prefix, or the path as it is.

    REST APIs put the prefix into `path`; what comes after it is the resource that matched, so the
    event itself tells the two apart. The route `$default` of an HTTP API, function URLs and load
    balancers match anything: there the prefix must be configured.
    """
    path = _without_stage(path, event["requestContext"].get("stage"))
    for matched in _matched(event):
        if matched in paths and path.endswith(matched):
            return matched
    below = path.removeprefix(prefix)
    if below in paths:
        return below
    return path


def _matched(event: Event) -> Iterator[str]:
    """Yield the paths that the API's own routing has matched, without any prefix."""
    parameters = event.get("pathParameters")
    if not isinstance(parameters, dict):
        parameters = {}
    for member in ("resource", "routeKey"):
        template = event.get(member)
        if not isinstance(template, str):
            continue
        matched = template.rpartition(" ")[2]  # a route key begins with a method
        for name, text in parameters.items():
            # A greedy parameter, which takes several segments, has a plus sign.
            for place in (f"{{{name}+}}", f"{{{name}}}"):
                matched = matched.replace(place, str(text))
        yield matched


def _content_headers(event: Event) -> tuple[str, str]:
    """Return content type and content encoding, "" for one that is absent or no text."""
    headers = event.get("headers")
    if headers and event.get("version") == "2.0":
        # All names are small there, so that two look-ups do; a tool may write them otherwise.
        media_type, encoding = headers.get("content-type"), headers.get("content-encoding")
        if media_type.__class__ is str:
            if encoding:
                encoding = _text(encoding)
            return media_type, encoding or ""
    texts = {"content-type": "", "content-encoding": ""}
    # Of a header that is sent twice, `headers` holds one value and `multiValueHeaders` all.
    for mapping in (headers, event.get("multiValueHeaders")):
        if not isinstance(mapping, dict):
            continue
        for name, value in mapping.items():
            small = name.lower()
            if small in texts:
                texts[small] = _text(value) or texts[small]
    return texts["content-type"], texts["content-encoding"]


def _text(value: object) -> str:
    """Return a header's value, the values of one that is sent several times with commas between.

    >>> _text(["gzip", "br"]), _text(5)
    ('gzip,br', '')
    """
    if isinstance(value, list):
        return ",".join([text for text in value if isinstance(text, str)])
    if isinstance(value, str):
        return value
    return ""
