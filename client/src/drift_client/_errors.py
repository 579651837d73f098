"""What can go wrong between a caller and the service.

::

    DriftError
    ├── ContractError              the caller's features break the model's contract; nothing was sent
    └── ClientError                `.operation` says which call
        ├── Unreachable            no answer within the attempts: no connection, or none in time
        ├── BrokenResponse         an answer that breaks its contract: `.contract`, `.violations`
        └── ServiceError           a problem document: `.status`, `.title`, `.detail`, `.request_id`, `.violations`
            ├── RequestRefused     the request is at fault (4xx); sending it again will not help
            └── ServiceFailed      the service is at fault or busy (429, 5xx), after the attempts
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drift_contracts.errors import DriftError, Violation
from drift_contracts.exits import REFUSED, UNREACHABLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ClientError(DriftError):
    """The root of what the client raises once something was sent."""

    exit_code = REFUSED

    def __init__(self, operation: str, says: str) -> None:
        self.operation = operation
        super().__init__(f"{operation}: {says}")


class Unreachable(ClientError):
    """No answer within the attempts; `.attempts` counts them, `.reason` names the last failure."""

    exit_code = UNREACHABLE

    def __init__(self, operation: str, reason: str, attempts: int) -> None:
        self.reason = reason
        self.attempts = attempts
        super().__init__(operation, f"no answer in {attempts} attempts, the last ended in {reason}")


class BrokenResponse(ClientError):
    """An answer that breaks its contract. The message names the place and the rule, never what was there."""

    def __init__(self, operation: str, contract: str, violations: Sequence[Violation]) -> None:
        self.contract = contract
        self.violations = tuple(violations)
        told = "; ".join(map(str, self.violations))
        super().__init__(operation, f"the answer breaks {contract}: {told}")


class ServiceError(ClientError):
    """The service answered with a problem document."""

    def __init__(self, operation: str, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.title: str = problem["title"]
        self.detail: str | None = problem.get("detail")
        self.request_id: str | None = problem.get("request_id")
        self.violations = tuple(Violation(**error) for error in problem.get("errors", ()))
        request = f" (request {self.request_id})" if self.request_id else ""
        super().__init__(operation, f"{status} {self.title}{request}" + (f": {self.detail}" if self.detail else ""))


class RequestRefused(ServiceError):
    """The request is at fault; sending it again will not help."""


class ServiceFailed(ServiceError):
    """The service is at fault, or busy, and stayed so for all attempts."""
