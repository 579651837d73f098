"""The ways in which a request can fail, each a problem document (RFC 9457) that never echoes the input."""

from __future__ import annotations

import json

from drift_contracts import DriftError, Violation

from drift_predictor.faults import MOST_SHOWN, Fault, shown
from drift_predictor.packing import LAMBDA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from drift_contracts import ContractError, NotJson

    from drift_predictor.packing import Room

MEDIA_TYPE = "application/problem+json"

LONGEST_DETAIL = 2000
ENCODINGS = ("gzip", "identity")

KINDS = {
    "not-json": (400, "The body is not strict JSON"),
    "not-gzip": (400, "The body is not the gzip that its content encoding names"),
    "bad-event": (400, "The event is none that the service answers"),
    "synthetic-refused": (403, "The caller may not mark requests as synthetic"),
    "not-found": (404, "There is nothing at this path"),
    "method-not-allowed": (405, "The path does not take this method"),
    "too-large": (413, "The body or its answer is too large"),
    "unsupported-media-type": (415, "The body is of another type or encoding than the path takes"),
    "invalid-request": (422, "The request does not match its contract"),
    "internal-error": (500, "The service failed"),
}


class Problem(DriftError):
    """A request that is not answered.

    kind: a key of KINDS. allow, accept_encoding: what the headers of these names say, "" for none.
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        violations: Sequence[Violation] = (),
        allow: str = "",
        accept_encoding: str = "",
    ) -> None:
        self.kind = kind
        self.status, self.title = KINDS[kind]
        self.detail = detail if len(detail) <= LONGEST_DETAIL else detail[: LONGEST_DETAIL - 4] + " ..."
        self.violations = tuple(violations)
        self.allow = allow
        self.accept_encoding = accept_encoding
        super().__init__(f"{self.title}: {detail}")

    def __reduce__(self) -> tuple[type[Problem], tuple[str, str, tuple[Violation, ...], str, str]]:
        facts = (self.kind, self.detail, self.violations, self.allow, self.accept_encoding)
        return type(self), facts

    def document(self, request_id: str, room: Room = LAMBDA) -> bytes:
        """Return the document, as `problem.v1` says, with no more violations than an answer has room for."""
        most = MOST_SHOWN
        while True:
            document = self._document(request_id, most)
            if room.holds(document) or most == 1:
                return document
            most //= 2

    def _document(self, request_id: str, most: int) -> bytes:
        members: dict[str, Any] = {
            "type": f"urn:drift:problem:{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "request_id": request_id,
        }
        if self.violations:
            everything = Fault(0, self.violations, len(self.violations))
            members["errors"] = [violation.to_json() for _, violation in shown([everything], most)]
        return json.dumps(members).encode()


def not_json(error: NotJson) -> Problem:
    """400: the body cannot be read."""
    return Problem("not-json", str(error))


def bad_event(expected: str) -> Problem:
    """400: a Lambda event that no rule of the edge fits."""
    return Problem("bad-event", f"expected {expected}")


def not_gzip() -> Problem:
    """400: the body cannot be unpacked."""
    return Problem("not-gzip", "expected a whole gzip body, with nothing after it and at most 1000 members")


def not_found(paths: Iterable[str], prefix: str = "") -> Problem:
    """404: no such path, no such model in it, or below another prefix than `prefix`, which may stand before each."""
    below = f"; each may stand below {prefix}" if prefix else ""
    return Problem("not-found", "expected one of " + ", ".join(paths) + below)


def synthetic_refused(pointer: str) -> Problem:
    """403: marked as synthetic by a caller that the stack does not name. `pointer`: the request's own place."""
    expected = "a request without it: DRIFT_SYNTHETIC_CALLERS (of a stack, syntheticCallers) names who may set it"
    place = f"{pointer}/synthetic"
    return Problem(
        "synthetic-refused", f"expected {expected}; nothing was recorded", [Violation(place, "caller", expected)]
    )


def method_not_allowed(allow: str) -> Problem:
    """405, with the header Allow."""
    return Problem("method-not-allowed", f"expected {allow.replace(', ', ' or ')}", allow=allow)


def too_large(limit: int) -> Problem:
    """413: longer than `limit` bytes."""
    return Problem("too-large", f"expected at most {limit} bytes")


def answer_too_large(limit: int, rows: int) -> Problem:
    """413: the answer would have more than `limit` bytes as it is packed; that to the first `rows` rows would not."""
    answer = f"an answer has at most {limit} bytes"
    if not rows:
        return Problem("too-large", f"expected a request with a shorter answer: {answer}; nothing was recorded")
    detail = f"expected at most {rows} instances: {answer}; nothing was recorded"
    return Problem("too-large", detail, [Violation("/instances", "maxItems", f"at most {rows} items")])


def unsupported_media_type() -> Problem:
    """415: anything but JSON in UTF-8."""
    return Problem("unsupported-media-type", "expected the content type application/json in UTF-8")


def unsupported_encoding() -> Problem:
    """415: packed in another way than gzip, with the header Accept-Encoding."""
    detail = f"expected the content encoding {' or '.join(ENCODINGS)}"
    return Problem("unsupported-media-type", detail, accept_encoding=", ".join(ENCODINGS))


def invalid(error: ContractError) -> Problem:
    """422, with the place and the rule of every violation."""
    return Problem("invalid-request", str(error), error.violations)


def internal_error() -> Problem:
    """500: the log has the rest under the request id."""
    return Problem("internal-error", "the request could not be answered; the log has the reason under the request id")
