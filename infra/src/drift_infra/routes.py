"""Routes of the API, read from its OpenAPI document, and what an access log line holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drift_contracts import feature_set, openapi

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

METHODS = ("get", "put", "post", "delete", "patch", "head", "options")

ACCESS_LOG = {
    "requestId": "$context.requestId",
    "requestTime": "$context.requestTime",
    "sourceIp": "$context.identity.sourceIp",
    "routeKey": "$context.routeKey",
    "status": "$context.status",
    "responseLength": "$context.responseLength",
    "responseLatency": "$context.responseLatency",
    "integrationLatency": "$context.integrationLatency",
    "integrationError": "$context.integrationErrorMessage",
    "error": "$context.error.message",
}


@dataclass(frozen=True)
class Route:
    """One operation: method and path, and the name the document gives it."""

    method: str
    path: str
    #: Its id in the OpenAPI document.
    operation: str

    @property
    def key(self) -> str:
        """Return the route as API Gateway writes it: `POST /predict`."""
        return f"{self.method} {self.path}"

    @property
    def slug(self) -> str:
        """Return the route as a resource name writes it: `post-predict`."""
        return re.sub(r"[^a-z0-9]+", "-", self.key.lower()).strip("-")


# Any: an OpenAPI document; no contract of ours describes one.
def routes(document: Mapping[str, Any]) -> tuple[Route, ...]:
    """Return the operations of an OpenAPI document, in its order.

    >>> routes({"paths": {"/health": {"get": {"operationId": "health"}}}})[0].key
    'GET /health'
    """
    return tuple(
        Route(method.upper(), path, operation.get("operationId", f"{method} {path}"))
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    )


def served(models: Sequence[str]) -> dict[str, Any]:
    """Return the OpenAPI document of an API that serves these models, the first by default."""
    return openapi.document([feature_set(model) for model in models], models[0])
