"""Requests and answers, recorded and asked again.

The typed client sends what it can; every problem and Lambda's events are sent by hand.

An exchange is kept as a document: `name`, `door`, `request` and `answer`. Doors:

- `http`      the console's application, as its server calls it
- `broken`    the same, over a model whose forest fails
- `lambda`    the Lambda edge, called with an event
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
from drift_client import Client, ClientError, Environment, Retry
from drift_engine.bundle import Bundle

from tests.support.houses import HOUSE
from tests.upgrade.running import Running
from tests.upgrade.story import BEGIN, HOUSES, MODELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

ADDRESS = "http://127.0.0.1:8123"
PALACE = {"bedrooms": 15, "bathrooms": 8, "sqft": 8000, "age": 150, "location_score": 0.1}
JSON = {"content-type": "application/json"}
MEGABYTE = 1024 * 1024

#: Members that only people read; an old client shows them and decides nothing by them.
WORDS = ("title", "detail", "expected")
#: Members that differ from one answer to the next, or from one machine to the next.
VOLATILE = ("timestamp", "request_id", "engine", "latency_ms")
#: Headers that are made of the body's length or of the moment.
VOLATILE_HEADERS = ("content-length", "date")
GENERATED = "(made by the service)"


class BrokenForest:
    """A forest that fails at every row."""

    def __init__(self, forest: Any) -> None:
        self.engine = forest.engine
        self.features = forest.features

    def predict(self, _row: object) -> float:
        """Fail."""
        raise RuntimeError("planted")

    def predict_many(self, _rows: object) -> list[float]:
        """Fail."""
        raise RuntimeError("planted")


def break_forest(bundle: Bundle) -> Bundle:
    """Return the bundle with a forest that fails."""
    return Bundle(
        manifest=bundle.manifest,
        feature_set=bundle.feature_set,
        baseline=bundle.baseline,
        model=BrokenForest(bundle.model),
    )


@dataclass
class Doors:
    """The service of one release, to be asked at each of its doors."""

    whole: Running
    broken: Running

    @classmethod
    def open(cls, folder: Path, bundles: Mapping[str, Bundle]) -> Doors:
        """Start both consoles in new data folders."""
        failing = {name: break_forest(bundle) for name, bundle in bundles.items()}
        return cls(
            Running(folder / "whole", dict(bundles), BEGIN),
            Running(folder / "broken", failing, BEGIN),
        )

    def close(self) -> None:
        """Stop both."""
        self.whole.stop()
        self.broken.stop()

    def ask(self, door: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to a kept request."""
        if door == "lambda":
            return {"document": self.whole.edge.handle(request["event"], None)}
        running = self.broken if door == "broken" else self.whole
        with AppTransport(running.application()) as transport:
            answer = transport.handle_request(_request(request))
            return _kept_answer(answer, answer.read())


class AppTransport(httpx.BaseTransport):
    """Hands requests of a blocking client to an ASGI application."""

    def __init__(self, application: Callable[..., Any]) -> None:
        self._application = application

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the application's answer."""
        return asyncio.run(self._answer(request, request.read()))

    async def _answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        messages: list[dict[str, Any]] = []
        scope = {
            "type": "http",
            "method": request.method,
            "path": request.url.path,
            "raw_path": request.url.raw_path,
            "query_string": request.url.query,
            "http_version": "1.1",
            "scheme": "http",
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 8123),
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            messages.append(message)

        await self._application(scope, receive, send)
        start, *parts = messages
        content = b"".join(part.get("body", b"") for part in parts)
        return httpx.Response(start["status"], headers=start["headers"], content=content)


@dataclass
class Recorder(httpx.BaseTransport):
    """Passes requests on and keeps each with its answer."""

    transport: httpx.BaseTransport
    #: What the exchanges at hand are called; several get a number.
    name: str = ""
    exchanges: list[dict[str, Any]] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer that the other transport gives."""
        body = request.read()
        answer = self.transport.handle_request(request)
        names = [each["name"] for each in self.exchanges]
        again = sum(name.startswith(self.name) for name in names)
        kept = {
            "name": f"{self.name}, request {again + 1}" if again else self.name,
            "door": "http",
            "request": _kept_request(request, body),
            "answer": _kept_answer(answer, answer.read()),
        }
        self.exchanges.append(kept)
        return answer


def record(folder: Path, bundles: Mapping[str, Bundle]) -> list[dict[str, Any]]:
    """Return every exchange, in the order in which they are to be asked again."""
    doors = Doors.open(folder, bundles)
    exchanges = _by_client(doors, bundles)
    for name, door, request in _by_hand():
        answer = doors.ask(door, request)
        exchanges.append({"name": name, "door": door, "request": request, "answer": answer})
    doors.close()
    return exchanges


def _by_client(doors: Doors, bundles: Mapping[str, Bundle]) -> list[dict[str, Any]]:
    """Use everything that the typed client can do."""
    recorder = Recorder(AppTransport(doors.whole.application()))
    numbers = iter(range(1, 1_000))
    outside = Environment(
        transport=recorder, sleep=lambda _: None, new_id=lambda: UUID(int=next(numbers))
    )
    for model in (None, *MODELS):
        example = bundles[model or HOUSES].feature_set.example
        address = model or "the default model"
        with Client(ADDRESS, model=model, environment=outside) as client:
            for operation, call in {
                "health": client.health,
                "model": client.model,
                "predict": lambda client=client, example=example: client.predict(example),
                "predict with an id": lambda client=client, example=example: client.predict(
                    example, str(UUID(int=7))
                ),
                "predict many": lambda client=client, example=example: client.predict_many(
                    [example] * 3
                ),
            }.items():
                recorder.name = f"client: {operation} of {address}"
                call()
    with Client(ADDRESS, model="nobody", environment=outside, retry=Retry(attempts=1)) as client:
        recorder.name = "client: a model that is not served"
        with suppress(ClientError):
            client.model()
    return recorder.exchanges


def _by_hand() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield name, door and request of each problem and of Lambda's events."""
    good = {"features": HOUSE, "prediction_id": str(UUID(int=9))}
    without_age = {name: value for name, value in HOUSE.items() if name != "age"}
    posts: dict[str, tuple[str, Any]] = {
        "a palace, drifted": ("/predict", {"features": PALACE}),
        "a synthetic request": ("/predict", {"features": PALACE, "synthetic": True}),
        "a missing feature": ("/predict", {"features": without_age}),
        "a further feature": ("/predict", {"features": {**HOUSE, "garage": 1}}),
        "a feature of the wrong type": ("/predict", {"features": {**HOUSE, "age": "ten"}}),
        "a feature out of its bounds": ("/predict", {"features": {**HOUSE, "location_score": -1}}),
        "no features": ("/predict", {}),
        "an array for a request": ("/predict", []),
        "a batch with a bad instance": (
            "/predict/batch",
            {"instances": [good, {"features": without_age}]},
        ),
        "an empty batch": ("/predict/batch", {"instances": []}),
        "patients asked about a house": ("/models/diabetes/predict", good),
    }
    for name, (path, body) in posts.items():
        yield name, "http", _post(path, json.dumps(body))
    yield "not JSON", "http", _post("/predict", "{")
    yield "a number that is none", "http", _post("/predict", '{"features": {"age": NaN}}')
    yield "a key twice", "http", _post("/predict", '{"features": {}, "features": {}}')
    yield (
        "another media type",
        "http",
        _post("/predict", json.dumps(good), {"content-type": "text/csv"}),
    )
    packed = {**JSON, "content-encoding": "gzip"}
    yield "a body that is not packed as it says", "http", _post("/predict", "{}", packed)
    yield "another method", "http", _get("/predict")
    yield "a model card posted to", "http", _post("/model", "{}")
    yield "a head of health", "http", {**_get("/health"), "method": "HEAD"}
    yield "nothing there", "http", _get("/predictions")
    yield "the default model's card", "http", _get("/model")
    yield "the description", "http", _get("/openapi.json")
    yield "a body too large for a request", "http", _large("/predict", MEGABYTE + 1)
    yield "a body too large for a batch", "http", _large("/predict/batch", 5 * MEGABYTE + 1)
    yield "a body too large for the console", "http", _large("/predict", 6 * MEGABYTE + 1)
    yield "another host", "http", {**_get("/health"), "headers": {"host": "example.com"}}
    yield "a failing model", "broken", _post("/predict", json.dumps(good))
    yield (
        "a failing model's batch",
        "broken",
        _post("/predict/batch", json.dumps({"instances": [good]})),
    )
    events: dict[str, Any] = {
        "features": good,
        "instances": {"instances": [good]},
        "an incomplete request": {"features": without_age},
        "a warm-up": {"warmup": True},
        "an event of no kind": {"Records": []},
        "no object": [],
        "REST API": {
            "httpMethod": "POST",
            "path": "/predict",
            "headers": {"Content-Type": "application/json"},
            "requestContext": {"requestId": "rest-1"},
            "body": json.dumps(good),
        },
        "HTTP API, marked as synthetic by somebody": {
            "rawPath": "/predict",
            "headers": JSON,
            "requestContext": {"http": {"method": "POST"}},
            "body": json.dumps({**good, "synthetic": True}),
        },
        "HTTP API with a stage": {
            "rawPath": "/prod/health",
            "headers": {},
            "requestContext": {"http": {"method": "GET"}, "stage": "prod"},
        },
        "HTTP API with broken base64": {
            "rawPath": "/predict",
            "headers": JSON,
            "requestContext": {"http": {"method": "POST"}},
            "isBase64Encoded": True,
            "body": "%",
        },
    }
    for name, event in events.items():
        yield f"event: {name}", "lambda", {"event": event}


def _post(path: str, text: str, headers: Mapping[str, str] = JSON) -> dict[str, Any]:
    return {
        "method": "POST",
        "path": path,
        "headers": dict(headers),
        "body": {"text": text, "times": 1},
    }


def _get(path: str) -> dict[str, Any]:
    return {"method": "GET", "path": path, "headers": {}, "body": {"text": "", "times": 1}}


def _large(path: str, length: int) -> dict[str, Any]:
    return {
        "method": "POST",
        "path": path,
        "headers": dict(JSON),
        "body": {"text": " ", "times": length},
    }


def _request(kept: Mapping[str, Any]) -> httpx.Request:
    body = kept["body"]["text"] * kept["body"]["times"]
    return httpx.Request(
        kept["method"], ADDRESS + kept["path"], headers=kept["headers"], content=body
    )


def _kept_request(request: httpx.Request, body: bytes) -> dict[str, Any]:
    return {
        "method": request.method,
        "path": request.url.raw_path.decode(),
        "headers": {
            name: value for name, value in request.headers.items() if name != "content-length"
        },
        "body": {"text": body.decode(), "times": 1},
    }


def _kept_answer(answer: httpx.Response, body: bytes) -> dict[str, Any]:
    headers = {
        name: value for name, value in answer.headers.items() if name not in VOLATILE_HEADERS
    }
    kept: dict[str, Any] = {"status": answer.status_code, "headers": headers}
    if "json" in headers.get("content-type", "") and body:
        return kept | {"document": json.loads(body)}
    return kept | {"text": body.decode()}


def comparable(exchange: Mapping[str, Any], answer: Any) -> Any:
    """Return an answer without words for people and without what is made anew each time."""
    sent = json.dumps(exchange["request"])
    return _neutral(answer, sent)


def _neutral(value: Any, sent: str) -> Any:
    if isinstance(value, list):
        return [_neutral(each, sent) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: _neutral_member(name, each, sent) for name, each in value.items()}


def _neutral_member(name: str, value: Any, sent: str) -> Any:
    if isinstance(value, str):
        if name in WORDS:
            return "(words)"
        if name in VOLATILE or (name == "prediction_id" and value not in sent):
            return GENERATED
        if name == "body" and value.startswith(
            "{"
        ):  # a proxy response of Lambda holds its document as text
            return _neutral(json.loads(value), sent)
    return _neutral(value, sent)
