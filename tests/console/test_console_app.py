"""The application: true HTTP API events in, answers out, guarded; the page's API beside it."""

import asyncio
import base64
import json

import httpx
import pytest
from drift_console import app as app_module
from drift_console import gateway
from drift_console.app import Api, App, ConsoleApi, NotFound
from drift_console.security import HEADERS, host_allowed, is_same_origin
from drift_console.state_cache import ShownState
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_795_435_200.123


def echo(event, _context):
    """An edge that answers with the event it got."""
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(event)}


async def read_state(model, minutes):
    if model not in (None, "house-price"):
        raise NotFound("model: expected one of house-price")
    document = {"now": "x", "model": model or "house-price", "minutes": minutes, "series": {"times": [1]}}
    return ShownState.of(document)


async def run_scenario(name, _model):
    if name != "high":
        raise NotFound("scenario: expected one of high")
    return {"scenario": name, "sent": 4, "average_drift_score": 5.0, "severity": "high"}


async def replay(model, minutes, asked):
    return {
        "asked": [
            model,
            minutes,
            asked.budget,
            asked.minimum_effect,
            asked.minimum_effects,
            asked.muted,
            asked.false_alarm_days,
            asked.psi_alarm,
        ]
    }


async def acknowledge(alert_id, asked):
    return {"alert_id": alert_id, "who": asked.who, "why": asked.why, "undone": asked.undo}


@pytest.fixture
def app():
    return App(
        Api(echo, lambda: NOW),
        ConsoleApi(read_state, run_scenario, replay, acknowledge, lambda: True),
        bound_to="127.0.0.1",
    )


@pytest.fixture
def call(app):
    def request(method, path, **options):
        async def once():
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8123") as client:
                return await client.request(method, path, **options)

        return asyncio.run(once())

    return request


def test_event(call):
    """A request becomes an event of payload format 2."""
    response = call(
        "POST",
        "/models/a%20b/predict?x=1&x=2&y=",
        content=b'{"a": 1}',
        headers={"content-type": "application/json", "cookie": "c=1; d=2", "user-agent": "test"},
    )
    event = response.json()
    assert event["version"] == "2.0"
    assert event["routeKey"] == "$default"
    assert event["rawPath"] == "/models/a b/predict"
    assert event["rawQueryString"] == "x=1&x=2&y="
    assert event["queryStringParameters"] == {"x": "1,2", "y": ""}
    assert event["cookies"] == ["c=1", "d=2"]
    assert "cookie" not in event["headers"]
    assert (event["body"], event["isBase64Encoded"]) == ('{"a": 1}', False)
    context = event["requestContext"]
    assert context["http"] == {
        "method": "POST",
        "path": "/models/a b/predict",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "test",
    }
    assert context["timeEpoch"] == 1_795_435_200_123
    assert context["time"] == "23/Nov/2026:12:00:00 +0000"


@pytest.mark.parametrize("content_type", ["application/octet-stream", "", "image/png"])
def test_binary_body(call, content_type):
    """A body that is no text arrives in base64."""
    event = call("POST", "/predict", content=b"\x00\xff", headers={"content-type": content_type}).json()
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == b"\x00\xff"


def test_text_in_another_encoding(call):
    """Text that is not UTF-8 arrives in base64."""
    event = call("POST", "/predict", content=b'"\xff"', headers={"content-type": "application/json"}).json()
    assert event["isBase64Encoded"] is True


def test_no_body(call):
    """A request without a body has none in its event."""
    event = call("GET", "/health").json()
    assert "body" not in event
    assert "queryStringParameters" not in event


def test_security_headers(call):
    """Every answer carries the security headers."""
    for path in ("/health", "/", "/console/api/state", "/static/none.js", "/console/none"):
        headers = call("GET", path).headers
        for name, value in HEADERS:
            assert headers[name.decode()] == value.decode()


def test_content_policy():
    """The policy allows nothing from elsewhere and nothing inline."""
    policy = dict(HEADERS)[b"content-security-policy"].decode()
    assert "unsafe" not in policy
    assert "http" not in policy
    assert policy.startswith("default-src 'none'")


def test_announced_length(call):
    """A body over the limit is refused by its announced length."""
    response = call("POST", "/predict", content=b"x" * (gateway.BODY_LIMIT + 1))
    assert response.status_code == 413
    assert response.json()["type"] == "urn:drift:problem:too-large"


def test_body_limit():
    """A body over the limit is refused while it is read."""
    asked = 0

    async def receive():
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b"x" * 10, "more_body": True}

    async def read():
        with pytest.raises(gateway.TooLarge):
            await gateway.read_body(receive, {}, limit=35)

    asyncio.run(read())
    assert asked == 4


def test_client_that_leaves(app):
    """A client that goes away is not answered."""
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": "/predict", "method": "POST", "headers": [(b"host", b"localhost")]}
    asyncio.run(app(scope, receive, send))
    assert sent == []


@pytest.mark.parametrize("host", ["localhost", "localhost:8123", "127.0.0.1:1", "[::1]:8123", "127.1.2.3", "LOCALHOST"])
def test_own_names(call, host):
    """This machine is answered under its names."""
    assert call("GET", "/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example.com", "evil.example.com:8123", "", "localhost.evil.com", "10.0.0.1", "[bad"]
)
@pytest.mark.parametrize("path", ["/predict", "/", "/console/api/state", "/static/app.js"])
def test_rebound_name(call, host, path):
    """A rebound name is not answered."""
    assert call("GET", path, headers={"host": host}).status_code == 421


def test_any_name():
    """A server for others answers under any name."""
    assert host_allowed("drift.example.com", bound_to="0.0.0.0")


def test_state(call):
    """The state of a model and a span is returned."""
    assert call("GET", "/console/api/state?model=house-price&minutes=5").json()["minutes"] == 5
    assert call("GET", "/console/api/state").json()["minutes"] == 30


@pytest.mark.parametrize("minutes", ["0", "-1", "x", "1.5", "99999999", "", "٣"])
def test_bad_span(call, minutes):
    """A span that is none is refused."""
    response = call("GET", "/console/api/state", params={"minutes": minutes})
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    [
        "/console/api/state?model=none",
        "/console/api/stream?model=none",
        "/console/api/none",
        "/console/none",
        "/static/none.js",
    ],
)
def test_not_found(call, path):
    """What does not exist is answered with 404 and a problem."""
    response = call("GET", path)
    assert response.status_code == 404
    assert response.json()["status"] == 404


def test_method_not_allowed(call):
    """A method that is not offered is answered with 405 and a problem."""
    response = call("POST", "/console/api/state")
    assert response.status_code == 405
    assert response.json()["status"] == 405


def test_scenario(call):
    """A scenario of the console's page is run."""
    headers = {"origin": "http://127.0.0.1:8123", "sec-fetch-site": "same-origin"}
    response = call("POST", "/console/api/scenarios/high", headers=headers)
    assert response.json() == {"scenario": "high", "sent": 4, "average_drift_score": 5.0, "severity": "high"}


def test_unknown_scenario(call):
    """A scenario that does not exist is answered with the choices."""
    assert "high" in call("POST", "/console/api/scenarios/none").json()["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example.com"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
    ],
)
def test_scenario_of_another_site(call, headers):
    """Another site's page cannot run a scenario."""
    assert call("POST", "/console/api/scenarios/high", headers=headers).status_code == 403


def test_scenario_of_a_tool():
    """A command line tool may run a scenario."""
    assert is_same_origin({"host": "127.0.0.1:8123"})


def streamed(read, ended, path="/console/api/stream"):
    """The answer of a stream that ends at the first True of `ended`."""
    console = ConsoleApi(read, run_scenario, replay, acknowledge, iter(ended).__next__)
    transport = httpx.ASGITransport(app=App(Api(echo, lambda: NOW), console, bound_to="127.0.0.1"))

    async def once():
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path)

    return asyncio.run(once())


def test_stream():
    """The stream begins with the state and ends when the server stops."""
    response = streamed(read_state, [False, True], "/console/api/stream?model=house-price")
    assert response.headers["content-type"].startswith("text/event-stream")
    event, data = response.text.split("\n\n")[1].split("\n")
    assert event == "event: state"
    assert json.loads(data.removeprefix("data: "))["model"] == "house-price"


def test_stream_of_what_changed(monkeypatch):
    """A page is sent a state that differs, and not one whose times alone went on."""
    monkeypatch.setattr(app_module, "STREAM_POLL", 0.0)
    told = iter([(1, "a"), (1, "a"), (2, "a"), (3, "b")])

    async def going_on(_model, _minutes):
        now, value = next(told)
        return ShownState.of({"now": now, "value": value, "series": {"times": [now]}})

    response = streamed(going_on, [False, False, False, True])
    sent = [json.loads(line.removeprefix("data: ")) for line in response.text.splitlines() if line[:5] == "data:"]
    assert [(each["now"], each["value"]) for each in sent] == [(1, "a"), (3, "b")]


def test_base64_answer():
    """A base64 answer is sent as bytes with its cookies."""
    answer = gateway.http_response(
        {
            "statusCode": 201,
            "headers": {"X": "1", "Content-Length": "99"},
            "body": "AP8=",
            "isBase64Encoded": True,
            "cookies": ["a=1"],
        }
    )
    assert (answer.status, answer.body) == (201, b"\x00\xff")
    assert answer.headers == [(b"x", b"1"), (b"set-cookie", b"a=1"), (b"content-length", b"2")]


def test_broken_base64():
    """An answer that is no base64 is refused."""
    with pytest.raises(ValueError, match="base64"):
        gateway.http_response({"statusCode": 200, "body": "?", "isBase64Encoded": True})


@given(st.binary(max_size=60), st.sampled_from(["application/json", "text/plain", "application/x", ""]))
def test_any_body(body, content_type):
    """Any body arrives unchanged."""
    scope = {
        "path": "/",
        "query_string": b"",
        "method": "POST",
        "http_version": "1.1",
        "client": ("1.2.3.4", 5),
    }
    event = gateway.http_event(scope, {"content-type": content_type}, body, now=NOW)
    text = event.get("body", "")
    assert (base64.b64decode(text) if event["isBase64Encoded"] else text.encode()) == body


def test_time_left():
    """The context knows the time that is left."""
    assert gateway.Context("id", deadline=0).get_remaining_time_in_millis() == 0


def test_replay(call):
    """A replay is asked with numbers in their bounds."""
    answer = call("GET", "/console/api/replay?model=house-price&minutes=5&budget=1e4&minimum_effect=0.5")
    assert answer.json() == {"asked": ["house-price", 5, 10_000.0, 0.5, {}, {}, None, 0.0]}
    more = "minimum_effects=age=1, sqft=2&muted_features=rooms=1970-01-02, age=1970-01-03&psi_alarm=0.2"
    asked = call("GET", f"/console/api/replay?false_alarm_days=30&minimum_effect=0.5&{more}").json()["asked"]
    assert asked[2:] == [None, 0.5, {"age": 1.0, "sqft": 2.0}, {"rooms": 86_400.0, "age": 172_800.0}, 30.0, 0.2]


ACKNOWLEDGE = "/console/api/alerts/one/acknowledgement?model=house-price"
JSON = {"content-type": "application/json"}


def test_acknowledge(call):
    """Who and why reach the store, and so does taking it back."""
    answer = call("POST", ACKNOWLEDGE, headers=JSON, content='{"who": "Ada", "why": " a sale ", "undo": true}')
    assert answer.json() == {"alert_id": "one", "who": "Ada", "why": "a sale", "undone": True}


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({**JSON, "sec-fetch-site": "cross-site"}, '{"who": "a", "why": "b"}', 403),
        ({**JSON, "origin": "http://evil.example"}, '{"who": "a", "why": "b"}', 403),
        ({"content-type": "text/plain"}, '{"who": "a", "why": "b"}', 415),
        (JSON, "[]", 400),
        (JSON, "[" * 5000, 400),
        (JSON, '{"who": "a"}', 400),
        (JSON, '{"who": "a", "why": "  "}', 400),
        (JSON, '{"who": 1, "why": "b"}', 400),
        (JSON, '{"who": "a", "why": "b", "undo": 1}', 400),
        (JSON, '{"who": "a", "why": "b", "new_normal": "yes"}', 400),
        (JSON, " " * 10_000, 400),
    ],
)
def test_acknowledge_refused(call, headers, content, status):
    """Other sites, other media and other bodies are refused."""
    assert call("POST", ACKNOWLEDGE, headers=headers, content=content).status_code == status


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("minimum_effects=age", "minimum_effects"),
        ("minimum_effects=age=11", "minimum_effects"),
        ("muted_features=" + "a," * 2001, "muted_features"),
        ("muted_features=age=tomorrow", "muted_features"),
        ("muted_features=age=", "muted_features"),
        ("psi_alarm=-1", "psi_alarm"),
        ("false_alarm_days=30", "budget, false_alarm_days"),
    ],
)
def test_replay_of_features(call, query, name):
    """Settings of single features are refused by name where they cannot be."""
    answer = call("GET", f"/console/api/replay?budget=1000&minimum_effect=0.1&{query}")
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(f"{name}: expected ")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("", "budget"),
        ("budget=99&minimum_effect=0", "budget"),
        ("budget=nan&minimum_effect=0", "budget"),
        ("budget=1000", "minimum_effect"),
        ("false_alarm_days=0&minimum_effect=0", "false_alarm_days"),
        ("budget=1000&minimum_effect=-1", "minimum_effect"),
        ("budget=1000&minimum_effect=much", "minimum_effect"),
    ],
)
def test_replay_out_of_bounds(call, query, name):
    """A number out of its bounds is refused by its name."""
    answer = call("GET", f"/console/api/replay?{query}")
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(f"{name}: expected a number from ")
