"""The service: what is asked at which path, and what is written down about it. Knows no AWS."""

from __future__ import annotations

import json
import traceback

from drift_contracts import DriftError

from drift_predictor import problems
from drift_predictor.answers import Model, Ports
from drift_predictor.journal import Journal
from drift_predictor.packing import LAMBDA
from drift_predictor.problems import Problem
from drift_predictor.reports import health, model_card, openapi, served
from drift_predictor.stamps import timestamp, uuid7

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from drift_contracts import MonitoringSpec, Violation
    from drift_engine.bundle import Bundle

    from drift_predictor.packing import Room
    from drift_predictor.settings import Settings

    Action = Callable[[bytes, Room, Any], bytes]

REQUEST_LIMIT = 1024 * 1024
BATCH_LIMIT = 5 * 1024 * 1024
SHOWN_FAULTS = 10
JSON = "application/json"


class Reply:
    """An answer: HTTP status, media type, body, and what the headers Allow and Accept-Encoding say ("" for none)."""

    __slots__ = ("accept_encoding", "allow", "body", "media_type", "status")

    def __init__(self, status: int, media_type: str, body: bytes, allow: str = "", accept_encoding: str = "") -> None:
        self.status = status
        self.media_type = media_type
        self.body = body
        self.allow = allow
        self.accept_encoding = accept_encoding


class Endpoint:
    """What one path does. limit: bytes that a body may have, packed and unpacked, 0 where none is read."""

    __slots__ = ("action", "allow", "limit", "method", "model")

    def __init__(self, method: str, model: Model, action: Action, limit: int = 0) -> None:
        self.method = method
        self.model = model
        self.action = action
        self.limit = limit
        self.allow = method if limit else f"{method}, HEAD"

    def answer(self, method: str, body: bytes, media_type: str, encoding: str, room: Room, context: Any) -> bytes:
        """Return the body of the response. Raises Problem."""
        if method != self.method and (self.limit or method != "HEAD"):
            raise problems.method_not_allowed(self.allow)
        if self.limit:
            if len(body) > self.limit:
                raise problems.too_large(self.limit)
            if media_type != JSON and not _is_json(media_type):
                raise problems.unsupported_media_type()
            if encoding:
                from drift_predictor.bodies import decoded  # noqa: PLC0415 - most callers pack nothing

                body = decoded(body, encoding, self.limit)
            return self.action(body, room, context)  # predictions are measured before they are recorded
        answer = self.action(body, room, context)
        if not room.holds(answer):
            raise problems.answer_too_large(room.limit, 0)
        return answer


class Service:
    """Answers requests for one or several models, and writes one line per prediction or failed request.

    bundles: by model name. settings.model: the one behind `/predict`; may be "" where there is only one. clock:
    nanoseconds since 1970. timer: nanoseconds that never run backwards. random_bytes: so many of them. write: takes
    one line, without its end; may fail. Raises DriftError where the monitoring spec asks for what is not measured.
    """

    def __init__(
        self,
        bundles: Mapping[str, Bundle],
        settings: Settings,
        spec: MonitoringSpec,
        *,
        clock: Callable[[], int],
        timer: Callable[[], int],
        random_bytes: Callable[[int], bytes],
        write: Callable[[str], object],
    ) -> None:
        ports = Ports(clock, timer, random_bytes)
        self.models = {name: Model(bundle, settings, spec, ports) for name, bundle in bundles.items()}
        self.default = self.models[settings.model or next(iter(self.models))]
        self.stack = settings.stack
        self.path_prefix = settings.path_prefix
        self.rejected = 0
        self.errors = 0
        self._clock = clock
        self._random_bytes = random_bytes
        self.journal = Journal(write, lambda count: self._count(self.default, {"LinesLost": count}, {}))
        #: the OpenAPI document, empty until somebody asks for it: composing it takes milliseconds, on whoever's time
        self._description = b""
        self._endpoints = dict(self._listed())

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that is answered."""
        return tuple(self._endpoints)

    def respond(  # noqa: PLR0913 - what there is to a request
        self,
        method: str,
        path: str,
        body: bytes = b"",
        media_type: str = JSON,
        request_id: str = "",
        encoding: str = "",
        room: Room = LAMBDA,
        *,
        context: Any = None,
    ) -> Reply:
        """Return the answer to a request; never raises.

        encoding: the content encoding of the body, "" for none. room: what the answer may take where it leaves.
        context: the HTTP event's request context, None for a caller who may mark requests as synthetic.
        """
        endpoint = self._endpoints.get(path)
        if endpoint is None:
            return self.refuse(problems.not_found(self._endpoints, self.path_prefix), request_id, room)
        try:
            answer = endpoint.answer(method, body, media_type, encoding, room, context)
        except Problem as problem:
            return self._refused(problem, endpoint.model, request_id, room)
        except Exception as error:
            return self._failed(error, endpoint.model, request_id)
        return Reply(200, JSON, b"" if method == "HEAD" else answer)

    def new_id(self) -> str:
        """An id for a request that came without one."""
        return uuid7(self._clock() // 1_000_000, self._random_bytes)

    def refuse(self, problem: Problem, request_id: str, room: Room = LAMBDA) -> Reply:
        """Return the answer to what could not even be read as a request."""
        return self._refused(problem, self.default, request_id, room)

    def fail(self, error: Exception, request_id: str) -> Reply:
        """The answer where something broke that should not."""
        return self._failed(error, self.default, request_id)

    def tell_ready(self) -> None:
        """Write a line that says what is served, by which engine."""
        milliseconds = self._clock() // 1_000_000
        facts = {"timestamp": timestamp(milliseconds), "level": "INFO", "message": "ready", "stack": self.stack}
        self.journal.write(json.dumps({**facts, **served(self.default.name, self.models)}, separators=(",", ":")))

    def _listed(self) -> Iterator[tuple[str, Endpoint]]:
        yield from self._model_paths("", self.default)
        yield "/health", Endpoint("GET", self.default, lambda *_: self._health())
        yield "/openapi.json", Endpoint("GET", self.default, lambda *_: self._openapi())
        for name, model in self.models.items():
            yield from self._model_paths(f"/models/{name}", model)
            yield self._card(f"/models/{name}", model)

    def _health(self) -> bytes:
        """Return the answer to a health check, with what was counted since the start."""
        counters = {"rejected": self.rejected, "errors": self.errors, "lines_lost": self.journal.lost}
        return health(self.stack, self.default.name, self.models, counters)

    def _openapi(self) -> bytes:
        """Return the OpenAPI document; it is composed once, at the first request for it."""
        if not self._description:
            self._description = openapi(self.default.name, self.models)
        return self._description

    def _model_paths(self, prefix: str, model: Model) -> Iterator[tuple[str, Endpoint]]:
        write = self.journal.write

        def predict(body: bytes, room: Room, context: Any) -> bytes:
            return model.predict(body, write, room, context)

        def predict_batch(body: bytes, room: Room, context: Any) -> bytes:
            return self._batch(model, body, room, context)

        yield f"{prefix}/predict", Endpoint("POST", model, predict, REQUEST_LIMIT)
        yield f"{prefix}/predict/batch", Endpoint("POST", model, predict_batch, BATCH_LIMIT)
        yield self._card(f"{prefix}/model", model)

    def _card(self, path: str, model: Model) -> tuple[str, Endpoint]:
        return path, Endpoint("GET", model, lambda *_: model_card(model))

    def _batch(self, model: Model, body: bytes, room: Room, context: Any) -> bytes:
        response, faults = model.predict_batch(body, self.journal.write, room, context)
        if faults:
            self.rejected += len(faults)
            first = [fault.violations[0] for fault in faults[:SHOWN_FAULTS]]
            self._tell(model, {"Rejected": len(faults)}, {"level": "WARNING", "errors": _places(first)})
        return response

    def _refused(self, problem: Problem, model: Model, request_id: str, room: Room) -> Reply:
        self.rejected += 1
        facts: dict[str, Any] = {"level": "WARNING", "request_id": request_id}
        facts |= {"problem": problem.kind, "status": problem.status, "errors": _places(problem.violations)}
        counts = {"Rejected": 1}
        if problem.kind == "synthetic-refused":
            counts["SyntheticRefused"] = 1
        self._tell(model, counts, facts)
        return _reply(problem, request_id, room)

    def _failed(self, error: Exception, model: Model, request_id: str) -> Reply:
        self.errors += 1
        facts = {"level": "ERROR", "request_id": request_id, "problem": "internal-error", "status": 500}
        self._tell(model, {"Errors": 1}, facts | {"error": _chain(error)})
        return _reply(problems.internal_error(), request_id, LAMBDA)

    def _tell(self, model: Model, counts: Mapping[str, int], facts: Mapping[str, Any]) -> None:
        self.journal.write(self._count(model, counts, facts))

    def _count(self, model: Model, counts: Mapping[str, int], facts: Mapping[str, Any]) -> str:
        milliseconds = self._clock() // 1_000_000
        return model.lines.count(milliseconds, counts, {"timestamp": timestamp(milliseconds), **facts})


def _reply(problem: Problem, request_id: str, room: Room) -> Reply:
    document = problem.document(request_id, room)
    return Reply(problem.status, problems.MEDIA_TYPE, document, problem.allow, problem.accept_encoding)


def _is_json(media_type: str) -> bool:
    """Whether a content type is JSON in UTF-8.

    >>> _is_json("Application/JSON; charset=utf-8"), _is_json("text/plain")
    (True, False)
    """
    if "," in media_type:  # sent twice: both must say the same
        return all(map(_is_json, media_type.split(",")))
    kind, *parameters = (part.strip().lower() for part in media_type.split(";"))
    return kind == JSON and all(not one.startswith("charset=") or one[8:].strip('"') == "utf-8" for one in parameters)


def _places(violations: Sequence[Violation]) -> list[dict[str, str]]:
    return [{"pointer": one.pointer, "rule": one.rule} for one in violations[:SHOWN_FAULTS]]


def _chain(error: BaseException | None) -> list[dict[str, Any]]:
    """An error and what it came of: types and places. Only our own errors promise a message without values."""
    told: list[dict[str, Any]] = []
    while error is not None and len(told) < SHOWN_FAULTS:
        frames = [f"{one.filename}:{one.lineno} {one.name}" for one in traceback.extract_tb(error.__traceback__)]
        message = {"message": str(error)} if isinstance(error, DriftError) else {}
        told.append({"type": type(error).__name__, **message, "traceback": frames})
        error = error.__cause__ or error.__context__
    return told
