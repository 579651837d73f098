"""The service: what is answered at which path, and what is logged about it. Knows no AWS."""

from __future__ import annotations

import traceback

from drift_contracts import DriftError
from drift_contracts.metric_lines import json_text
from drift_contracts.problems import INTERNAL_ERROR, MEDIA_TYPE
from drift_contracts.records import Record
from drift_contracts.requests import BATCH_BYTES, PREDICT_BYTES
from drift_contracts.timestamps import utc_text

from drift_predictor import problems
from drift_predictor.answers import Model, Ports
from drift_predictor.identifiers import uuid7
from drift_predictor.journal import Journal
from drift_predictor.packing import LAMBDA
from drift_predictor.problems import Problem
from drift_predictor.reports import health, model_card, openapi, served
from drift_predictor.values import NS_PER_MS, Reply, Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from drift_contracts import MonitoringSpec, Violation
    from drift_contracts.json_types import ReadableJson, ReadableObject
    from drift_engine.bundle import Bundle

    from drift_predictor.packing import Room
    from drift_predictor.settings import Settings

    #: Of the body, what the answer may take, and the request itself.
    Action = Callable[[bytes, Room, Request], bytes]

#: Violations, and errors of a chain, that a line lists.
MOST_LISTED = 10
JSON = "application/json"
CHARSET = "charset="


class Endpoint(Record):
    """What one path does."""

    method: str
    #: The model that its lines are about.
    model: Model
    action: Action
    #: Bytes that a body may have, packed and unpacked; 0 where none is read.
    limit: int

    @property
    def allow(self) -> str:
        """Return the header Allow."""
        if self.limit:
            return self.method
        return f"{self.method}, HEAD"

    def answer(self, request: Request, room: Room) -> bytes:
        """Return the body of the response.

        Args:
            request: to the endpoint's path.
            room: what the answer may take.

        Raises:
            Problem: the request cannot be answered.
        """
        method, body = request.method, request.body
        limit, action = self.limit, self.action
        if method != self.method and (limit or method != "HEAD"):
            raise problems.method_not_allowed(self.allow)
        if limit:
            if len(body) > limit:
                raise problems.too_large(limit)
            if request.media_type != JSON and not _is_json(request.media_type):
                raise problems.unsupported_media_type()
            if request.encoding:
                # Imported here because most callers pack nothing.
                from drift_predictor.bodies import decoded  # noqa: PLC0415

                body = decoded(body, request.encoding, limit)
            return action(body, room, request)  # measured before it is recorded
        answer = action(body, room, request)
        if not room.holds(answer):
            raise problems.answer_too_large(room.limit, 0)
        return answer


class Service:
    """Answers requests for one or several models.

    It writes one line per prediction or failed request.
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
        """Make models ready.

        Args:
            bundles: by model name.
            settings: `settings.model` is the one behind `/predict`; "" where there is only one.
            spec: the metrics that are written.
            clock: nanoseconds since 1970.
            timer: nanoseconds that never run backwards.
            random_bytes: returns so many random bytes.
            write: takes one line, without its end; may fail.

        Raises:
            DriftError: the monitoring spec asks for what is not measured.
        """
        self.journal = Journal(write, self._lost_lines)
        ports = Ports(clock, timer, random_bytes, self.journal)
        self.models = {
            name: _ready(bundle, settings, spec, ports) for name, bundle in bundles.items()
        }
        self.default = self.models[settings.model or next(iter(self.models))]
        self.stack = settings.stack
        self.path_prefix = settings.path_prefix
        #: Requests and rows that were refused since the start.
        self.rejected = 0
        #: Requests that failed since the start.
        self.errors = 0
        self._clock = clock
        self._random_bytes = random_bytes
        #: The OpenAPI document, empty until it is asked for: composing it takes milliseconds.
        self._description = b""
        self._endpoints = dict(self._listed())

    @property
    def paths(self) -> tuple[str, ...]:
        """Return every path that is answered."""
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

        Args:
            method: such as POST.
            path: one of `paths`.
            body: as it was sent.
            media_type: the header Content-Type.
            request_id: what log and problem documents call the request.
            encoding: the content encoding of the body, "" for none.
            room: what the answer may take where it leaves.
            context: the HTTP event's request context, None for a caller who may mark requests as
                synthetic.
        """
        request = Request(method, path, body, media_type, encoding, context)
        return self.answer(request, request_id, room)

    def answer(self, request: Request, request_id: str, room: Room) -> Reply:
        """Return the answer to a request; never raises.

        Args:
            request: as `respond` describes it.
            request_id: what log and problem documents call the request.
            room: what the answer may take where it leaves.
        """
        endpoint = self._endpoints.get(request.path)
        if endpoint is None:
            problem = problems.not_found(self._endpoints, self.path_prefix)
            return self.refuse(problem, request_id, room)
        try:
            answer = endpoint.answer(request, room)
        except Problem as problem:
            return self._refused(problem, endpoint.model, request_id, room)
        except Exception as error:
            return self._failed(error, endpoint.model, request_id)
        if request.method == "HEAD":
            answer = b""
        return Reply(200, JSON, answer)

    def new_id(self) -> str:
        """Return an id for a request that came without one."""
        return uuid7(self._clock() // NS_PER_MS, self._random_bytes)

    def refuse(self, problem: Problem, request_id: str, room: Room = LAMBDA) -> Reply:
        """Return the answer to what could not even be read as a request.

        Args:
            problem: what is wrong.
            request_id: what log and problem document call it.
            room: what the answer may take where it leaves.
        """
        return self._refused(problem, self.default, request_id, room)

    def fail(self, error: Exception, request_id: str) -> Reply:
        """Return the answer where something broke that should not.

        Args:
            error: what was raised.
            request_id: what log and problem document call the request.
        """
        return self._failed(error, self.default, request_id)

    def write_ready(self) -> None:
        """Write a line that says what is served, by which engine."""
        line = {
            "timestamp": utc_text(self._clock() // NS_PER_MS),
            "level": "INFO",
            "message": "ready",
            "stack": self.stack,
            **served(self.default.name, self.models),
        }
        self.journal.write(json_text(line))

    def _listed(self) -> Iterator[tuple[str, Endpoint]]:
        """Yield paths and what they do."""
        yield from self._model_paths("", self.default)
        yield "/health", Endpoint("GET", self.default, self._health, 0)
        yield "/openapi.json", Endpoint("GET", self.default, self._openapi, 0)
        for name, model in self.models.items():
            yield from self._model_paths(f"/models/{name}", model)
            yield self._card(f"/models/{name}", model)

    def _health(self, *_request: object) -> bytes:
        """Return the answer to a health check, with what was counted since the start."""
        counters = {
            "rejected": self.rejected,
            "errors": self.errors,
            "lines_lost": self.journal.lost,
        }
        return health(self.stack, self.default.name, self.models, counters)

    def _openapi(self, *_request: object) -> bytes:
        """Return the OpenAPI document; it is composed once, at the first request for it."""
        if not self._description:
            self._description = openapi(self.default.name, self.models)
        return self._description

    def _model_paths(self, prefix: str, model: Model) -> Iterator[tuple[str, Endpoint]]:
        def predict_batch(body: bytes, room: Room, call: Request) -> bytes:
            return self._batch(model, body, room, call)

        yield f"{prefix}/predict", Endpoint("POST", model, model.predict, PREDICT_BYTES)
        yield f"{prefix}/predict/batch", Endpoint("POST", model, predict_batch, BATCH_BYTES)
        yield self._card(f"{prefix}/model", model)

    def _card(self, path: str, model: Model) -> tuple[str, Endpoint]:
        return path, Endpoint("GET", model, lambda *_request: model_card(model), 0)

    def _batch(self, model: Model, body: bytes, room: Room, call: Request) -> bytes:
        response = model.predict_batch(body, room, call)
        count = len(response.faults)
        if count:
            self.rejected += count
            first = [fault.violations[0] for fault in response.faults[:MOST_LISTED]]
            facts: ReadableObject = {"level": "WARNING", "errors": _places(first)}
            self._write_count(model, {"Rejected": count}, facts)
        return response.body

    def _refused(self, problem: Problem, model: Model, request_id: str, room: Room) -> Reply:
        self.rejected += 1
        facts: ReadableObject = {
            "level": "WARNING",
            "request_id": request_id,
            "problem": problem.kind,
            "status": problem.status,
            "errors": _places(problem.violations),
        }
        counts = {"Rejected": 1}
        if problem.kind == "synthetic-refused":
            counts["SyntheticRefused"] = 1
        self._write_count(model, counts, facts)
        return _reply(problem, request_id, room)

    def _failed(self, error: Exception, model: Model, request_id: str) -> Reply:
        self.errors += 1
        problem = problems.internal_error()
        facts: ReadableObject = {
            "level": "ERROR",
            "request_id": request_id,
            "problem": INTERNAL_ERROR,
            "status": problem.status,
            "error": _chain(error),
        }
        self._write_count(model, {"Errors": 1}, facts)
        return _reply(problem, request_id, LAMBDA)

    def _write_count(self, model: Model, counts: Mapping[str, int], facts: ReadableObject) -> None:
        self.journal.write(self._count(model, counts, facts))

    def _lost_lines(self, count: int) -> str:
        return self._count(self.default, {"LinesLost": count}, {})

    def _count(self, model: Model, counts: Mapping[str, int], facts: ReadableObject) -> str:
        timestamp_ms = self._clock() // NS_PER_MS
        timestamp = {"timestamp": utc_text(timestamp_ms)}
        return model.lines.count(timestamp_ms, counts, {**timestamp, **facts})


def _ready(bundle: Bundle, settings: Settings, spec: MonitoringSpec, ports: Ports) -> Model:
    """Return a bundle made ready to answer; arguments and errors as those of `Model`."""
    if bundle.feature_set.target.is_number:
        return Model(bundle, settings, spec, ports)
    # Imported here because most services serve numbers alone.
    from drift_predictor.scored import ScoredModel  # noqa: PLC0415

    return ScoredModel(bundle, settings, spec, ports)


def _reply(problem: Problem, request_id: str, room: Room) -> Reply:
    document = problem.document(request_id, room)
    return Reply(problem.status, MEDIA_TYPE, document, problem.allow, problem.accept_encoding)


def _is_json(media_type: str) -> bool:
    """Return whether a content type is JSON in UTF-8.

    >>> _is_json("Application/JSON; charset=utf-8"), _is_json("text/plain")
    (True, False)
    """
    if "," in media_type:  # sent twice: both must say the same
        return all(map(_is_json, media_type.split(",")))
    kind, *parameters = [part.strip().lower() for part in media_type.split(";")]
    charsets = [text for text in parameters if text.startswith(CHARSET)]
    names = {text.removeprefix(CHARSET).strip('"') for text in charsets}
    return kind == JSON and names <= {"utf-8"}


def _places(violations: Sequence[Violation]) -> list[dict[str, str]]:
    return [
        {"pointer": violation.pointer, "rule": violation.rule}
        for violation in violations[:MOST_LISTED]
    ]


def _chain(error: BaseException | None) -> list[dict[str, ReadableJson]]:
    """Return an error and its causes: types and places."""
    errors: list[dict[str, ReadableJson]] = []
    while error is not None and len(errors) < MOST_LISTED:
        facts: dict[str, ReadableJson] = {"type": type(error).__name__}
        # Only our own errors promise a message without values of the request.
        if isinstance(error, DriftError):
            facts["message"] = str(error)
        frames = traceback.extract_tb(error.__traceback__)
        facts["traceback"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        errors.append(facts)
        error = error.__cause__ or error.__context__
    return errors
