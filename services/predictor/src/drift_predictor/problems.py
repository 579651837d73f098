"""The ways in which a request can fail, each a problem document (RFC 9457) that never echoes the input."""

from __future__ import annotations

import json

from drift_contracts import DriftError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from drift_contracts import ContractError, NotJson, Violation

MEDIA_TYPE = "application/problem+json"

LONGEST_DETAIL = 2000

KINDS = {
    "not-json": (400, "The body is not strict JSON"),
    "bad-event": (400, "The event is none that the service answers"),
    "not-found": (404, "There is nothing at this path"),
    "method-not-allowed": (405, "The path does not take this method"),
    "too-large": (413, "The body is too large"),
    "unsupported-media-type": (415, "The body is of another type than the path takes"),
    "invalid-request": (422, "The request does not match its contract"),
    "internal-error": (500, "The service failed"),
}


class Problem(DriftError):
    """A request that is not answered. `kind` is a key of KINDS, `allow` what the header of that name says."""

    def __init__(self, kind: str, detail: str, violations: Sequence[Violation] = (), allow: str = "") -> None:
        self.kind = kind
        self.status, self.title = KINDS[kind]
        self.detail = detail if len(detail) <= LONGEST_DETAIL else detail[: LONGEST_DETAIL - 4] + " ..."
        self.violations = tuple(violations)
        self.allow = allow
        super().__init__(f"{self.title}: {detail}")

    def __reduce__(self) -> tuple[type[Problem], tuple[str, str, tuple[Violation, ...], str]]:
        return type(self), (self.kind, self.detail, self.violations, self.allow)

    def document(self, request_id: str) -> bytes:
        """The document, as `problem.v1` says."""
        members: dict[str, Any] = {
            "type": f"urn:drift:problem:{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "request_id": request_id,
        }
        if self.violations:
            members["errors"] = [violation.to_json() for violation in self.violations]
        return json.dumps(members).encode()


def not_json(error: NotJson) -> Problem:
    """400: the body cannot be read."""
    return Problem("not-json", str(error))


def bad_event(expected: str) -> Problem:
    """400: a Lambda event that no rule of the edge fits."""
    return Problem("bad-event", f"expected {expected}")


def not_found(paths: Iterable[str]) -> Problem:
    """404: no such path, or no such model in it."""
    return Problem("not-found", "expected one of " + ", ".join(paths))


def method_not_allowed(allow: str) -> Problem:
    """405, with the header Allow."""
    return Problem("method-not-allowed", f"expected {allow.replace(', ', ' or ')}", allow=allow)


def too_large(limit: int) -> Problem:
    """413: longer than `limit` bytes."""
    return Problem("too-large", f"expected at most {limit} bytes")


def unsupported_media_type() -> Problem:
    """415: anything but JSON in UTF-8."""
    return Problem("unsupported-media-type", "expected the content type application/json in UTF-8")


def invalid(error: ContractError) -> Problem:
    """422, with the place and the rule of every violation."""
    return Problem("invalid-request", str(error), error.violations)


def internal_error() -> Problem:
    """500: the log has the rest under the request id."""
    return Problem("internal-error", "the request could not be answered; the log has the reason under the request id")
