"""What can go wrong between a caller and the service.

::

    DriftError
    ├── ContractError              the features break the model's contract; nothing was sent
    └── ClientError                `.operation` says which call
        ├── Unreachable            no answer within the attempts: no connection, or none in time
        ├── BrokenResponse         an answer that breaks its contract: `.contract`, `.violations`
        └── ServiceError           a problem document: `.status`, `.title`, `.detail`, `.request_id`
            ├── RequestRefused     the request is at fault (4xx); sending it again will not help
            └── ServiceFailed      the service is at fault or busy (429, 5xx), after the attempts
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_contracts.errors import DriftError, Violation
from drift_contracts.exits import REFUSED, UNREACHABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_contracts.types import ProblemV1


class ClientError(DriftError):
    """The root of what the client raises once something was sent."""

    exit_code = REFUSED

    def __init__(self, operation: str, reason: str) -> None:
        #: method and path, such as `POST /predict`
        self.operation = operation
        super().__init__(f"{operation}: {reason}")


class Unreachable(ClientError):
    """No answer came within the attempts."""

    exit_code = UNREACHABLE

    def __init__(self, operation: str, reason: str, attempts: int) -> None:
        #: what the last attempt ended in, such as `ConnectError`
        self.reason = reason
        self.attempts = attempts
        super().__init__(operation, f"no answer in {attempts} attempts, the last ended in {reason}")


class BrokenResponse(ClientError):
    """An answer breaks its contract. The message names the place and the rule, never the value."""

    def __init__(self, operation: str, contract: str, violations: Sequence[Violation]) -> None:
        self.contract = contract
        self.violations = tuple(violations)
        sentences = "; ".join(map(str, self.violations))
        super().__init__(operation, f"the answer breaks {contract}: {sentences}")


class ServiceError(ClientError):
    """The service answered with a problem document."""

    def __init__(self, operation: str, status: int, problem: ProblemV1) -> None:
        self.status = status
        self.title = problem["title"]
        self.detail = problem.get("detail")
        self.request_id = problem.get("request_id")
        self.violations = tuple(
            Violation(error["pointer"], error["rule"], error["expected"])
            for error in problem.get("errors", ())
        )
        reason = f"{status} {self.title}"
        if self.request_id:
            reason += f" (request {self.request_id})"
        if self.detail:
            reason += f": {self.detail}"
        super().__init__(operation, reason)


class RequestRefused(ServiceError):
    """The request is at fault; sending it again will not help."""


class ServiceFailed(ServiceError):
    """The service is at fault, or busy, and stayed so for all attempts."""
