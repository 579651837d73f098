"""The kinds of problem documents (RFC 9457, `problem.v1`): one status and one title for each."""

from __future__ import annotations

from drift_contracts.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    Problem = dict[str, str | int]

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:drift:problem:"
#: Characters, as `problem.v1` says.
LONGEST_DETAIL = 2000
INTERNAL_ERROR = "internal-error"


class ProblemKind(Record):
    """What all problems of a kind have in common."""

    #: HTTP status
    status: int
    #: the kind in words
    title: str


#: What the prediction service answers, by kind; docs/api.md has a row for each.
SERVICE_KINDS: Mapping[str, ProblemKind] = {
    "not-json": ProblemKind(400, "The body is not strict JSON"),
    "not-gzip": ProblemKind(400, "The body is not the gzip that its content encoding names"),
    "bad-event": ProblemKind(400, "The event is none that the service answers"),
    "synthetic-refused": ProblemKind(403, "The caller may not mark requests as synthetic"),
    "not-found": ProblemKind(404, "There is nothing at this path"),
    "method-not-allowed": ProblemKind(405, "The path does not take this method"),
    "too-large": ProblemKind(413, "The body or its answer is too large"),
    "unsupported-media-type": ProblemKind(
        415, "The body is of another type or encoding than the path takes"
    ),
    "invalid-request": ProblemKind(422, "The request does not match its contract"),
    INTERNAL_ERROR: ProblemKind(500, "The service failed"),
}
#: What only the console answers, which stands in front of the service on one machine.
CONSOLE_KINDS: Mapping[str, ProblemKind] = {
    "bad-request": ProblemKind(400, "The request cannot be read"),
    "forbidden": ProblemKind(403, "Requests of other pages are refused"),
    "timeout": ProblemKind(408, "The request was not complete in time"),
    "wrong-host": ProblemKind(421, "The Host header names another machine"),
    "head-too-large": ProblemKind(431, "The request's head is too large"),
    "not-ready": ProblemKind(503, "The console is not ready"),
    "overloaded": ProblemKind(503, "There is too much to do at once"),
}
KINDS: Mapping[str, ProblemKind] = {**SERVICE_KINDS, **CONSOLE_KINDS}


def problem_document(kind: str, detail: str, request_id: str = "") -> Problem:
    """Return a problem document without violations.

    Args:
        kind: A key of `KINDS`.
        detail: What was expected, and the way out; never a value of the request. It is cut at
            2,000 characters.
        request_id: What the log calls the request; left out if empty.
    """
    facts = KINDS[kind]
    document: Problem = {
        "type": TYPE_PREFIX + kind,
        "title": facts.title,
        "status": facts.status,
        "detail": shortened(detail),
    }
    return {**document, "request_id": request_id} if request_id else document


def shortened(detail: str) -> str:
    """Return a detail that is short enough for `problem.v1`; dots show where it was cut.

    >>> len(shortened("x" * 3000)), shortened("expected JSON")
    (2000, 'expected JSON')
    """
    if len(detail) <= LONGEST_DETAIL:
        return detail
    return detail[: LONGEST_DETAIL - 4] + " ..."
