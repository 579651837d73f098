"""The ways in which a request can fail.

Each is a problem document (RFC 9457) that never echoes the input.
"""

from __future__ import annotations

import json

from drift_contracts import DriftError, Violation
from drift_contracts.problems import INTERNAL_ERROR, SERVICE_KINDS, problem_document, shortened

from drift_predictor.faults import MOST_SHOWN, Fault, shown
from drift_predictor.packing import LAMBDA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from drift_contracts import ContractError, NotJson
    from drift_contracts.json_types import ReadableJson

    from drift_predictor.packing import Room

ENCODINGS = ("gzip", "identity")
NOTHING_RECORDED = "nothing was recorded"


class Problem(DriftError):
    """A request that is not answered."""

    def __init__(
        self,
        kind: str,
        detail: str,
        violations: Sequence[Violation] = (),
        allow: str = "",
        accept_encoding: str = "",
    ) -> None:
        """Describe what is wrong.

        Args:
            kind: a key of `drift_contracts.problems.SERVICE_KINDS`.
            detail: what was expected, and the way out; never a value of the request.
            violations: places and rules.
            allow: the header Allow, "" for none.
            accept_encoding: the header Accept-Encoding, "" for none.
        """
        facts = SERVICE_KINDS[kind]
        self.kind = kind
        self.status = facts.status
        self.title = facts.title
        self.detail = shortened(detail)
        self.violations = tuple(violations)
        self.allow = allow
        self.accept_encoding = accept_encoding
        super().__init__(f"{self.title}: {detail}")

    def __reduce__(self) -> tuple[type[Problem], tuple[str, str, tuple[Violation, ...], str, str]]:
        facts = (self.kind, self.detail, self.violations, self.allow, self.accept_encoding)
        return type(self), facts

    def document(self, request_id: str, room: Room = LAMBDA) -> bytes:
        """Return the document (`problem.v1`).

        Args:
            request_id: what the log calls the request.
            room: what the answer may take: so many violations are listed as fit.
        """
        most = MOST_SHOWN
        while True:
            document = self._document(request_id, most)
            if room.holds(document) or most == 1:
                return document
            most //= 2

    def _document(self, request_id: str, most: int) -> bytes:
        members: dict[str, ReadableJson] = {**problem_document(self.kind, self.detail)}
        # Also where it is empty: a problem of the service has its id.
        members["request_id"] = request_id
        if self.violations:
            everything = Fault(0, self.violations, len(self.violations))
            listed = shown([everything], most)
            members["errors"] = [violation.to_json() for _, violation in listed]
        return json.dumps(members).encode()


def not_json(error: NotJson) -> Problem:
    """Return 400: the body cannot be read."""
    return Problem("not-json", str(error))


def bad_event(expected: str) -> Problem:
    """Return 400: a Lambda event that no rule of the edge fits."""
    return Problem("bad-event", f"expected {expected}")


def not_gzip() -> Problem:
    """Return 400: the body cannot be unpacked."""
    expected = "a whole gzip body, with nothing after it and at most 1000 members"
    return Problem("not-gzip", f"expected {expected}")


def not_found(paths: Iterable[str], prefix: str = "") -> Problem:
    """Return 404: no such path, or no such model in it.

    Args:
        paths: those that are answered.
        prefix: what may be before each, "" for nothing.
    """
    below = ""
    if prefix:
        below = f"; each may stand below {prefix}"
    return Problem("not-found", f"expected one of {', '.join(paths)}{below}")


def synthetic_refused(pointer: str) -> Problem:
    """Return 403: marked as synthetic by a caller that the stack does not name.

    Args:
        pointer: the request's own place in the body.
    """
    expected = (
        "a request without it: DRIFT_SYNTHETIC_CALLERS (of a stack, syntheticCallers) names who"
        " may set it"
    )
    violation = Violation(f"{pointer}/synthetic", "caller", expected)
    return Problem("synthetic-refused", f"expected {expected}; {NOTHING_RECORDED}", [violation])


def method_not_allowed(allow: str) -> Problem:
    """Return 405, with the header Allow."""
    expected = allow.replace(", ", " or ")
    return Problem("method-not-allowed", f"expected {expected}", allow=allow)


def too_large(limit: int) -> Problem:
    """Return 413: longer than `limit` bytes."""
    return Problem("too-large", f"expected at most {limit} bytes")


def answer_too_large(limit: int, rows: int) -> Problem:
    """Return 413: the answer would be too long.

    Args:
        limit: bytes that it may have as it is packed.
        rows: how many of the first rows have an answer that is not; 0 for a single request.
    """
    answer = f"an answer has at most {limit} bytes; {NOTHING_RECORDED}"
    if not rows:
        return Problem("too-large", f"expected a request with a shorter answer: {answer}")
    violation = Violation("/instances", "maxItems", f"at most {rows} items")
    return Problem("too-large", f"expected at most {rows} instances: {answer}", [violation])


def too_many_rows(most: int) -> Problem:
    """Return 413: a batch of more instances than this service answers at once."""
    violation = Violation("/instances", "maxItems", f"at most {most} items")
    detail = f"expected at most {most} instances a request; {NOTHING_RECORDED}"
    return Problem("too-large", detail, [violation])


def unsupported_media_type() -> Problem:
    """Return 415: anything but JSON in UTF-8."""
    expected = "the content type application/json in UTF-8"
    return Problem("unsupported-media-type", f"expected {expected}")


def unsupported_encoding() -> Problem:
    """Return 415: packed in another way than gzip, with the header Accept-Encoding."""
    detail = f"expected the content encoding {' or '.join(ENCODINGS)}"
    return Problem("unsupported-media-type", detail, accept_encoding=", ".join(ENCODINGS))


def invalid(error: ContractError) -> Problem:
    """Return 422, with the place and the rule of every violation."""
    return Problem("invalid-request", str(error), error.violations)


def internal_error() -> Problem:
    """Return 500: the log has the cause under the request id."""
    detail = "the request could not be answered; the log has the reason under the request id"
    return Problem(INTERNAL_ERROR, detail)
