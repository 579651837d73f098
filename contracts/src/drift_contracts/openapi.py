"""The OpenAPI 3.1 document of the prediction API, composed from the contracts and the feature sets it serves.

`python -m drift_contracts.openapi` prints it for the feature sets that ship.
"""

from __future__ import annotations

import json
import sys

from drift_contracts import documents
from drift_contracts.compose import plain, request_schema
from drift_contracts.errors import UnknownName
from drift_contracts.features import feature_set
from drift_contracts.requests import ANSWER_BYTES, BATCH_BYTES, BATCH_INSTANCES, PREDICT_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from drift_contracts.features import FeatureSet

    Json = dict[str, Any]

SHIPPED = ("house-price", "diabetes")
COMPONENTS = {
    "PredictionResponse": "prediction.response.v1",
    "BatchRequest": "prediction.batch.request.v1",
    "BatchResponse": "prediction.batch.response.v1",
    "Problem": "problem.v1",
    "Health": "health.v1",
    "ModelCard": "model.card.v1",
}
PROBLEMS = {
    "400": ("NotJson", "The body is not strict JSON in UTF-8, or not the gzip that it claims to be."),
    "403": ("SyntheticRefused", "The caller may not mark requests as synthetic."),
    "404": ("NotFound", "There is nothing at this path."),
    "405": ("MethodNotAllowed", "The path has other methods; the Allow header names them."),
    "413": (
        "TooLarge",
        "The body is larger than this operation takes, or its answer than a caller gets: "
        f"{ANSWER_BYTES:,} bytes. Then nothing was recorded, and for a batch `errors` names the "
        "number of instances whose answer fits.",
    ),
    "415": (
        "UnsupportedMediaType",
        "The Content-Type is not application/json, or the Content-Encoding neither gzip nor identity.",
    ),
    "422": (
        "BrokenContract",
        "The body breaks its contract; `errors` says where, which rule, what was expected.",
    ),
    "500": ("InternalError", "The service failed; the log knows the request by `request_id`."),
}
ABOUT = (
    "Predictions of the models served here, each with a drift score: how unlike the training data the "
    "instance is. Bodies are application/json in UTF-8; a name given twice in an object, NaN and numbers "
    "that overflow are refused. Every error is a problem document (RFC 9457) which never repeats a value "
    "of the request. Paths that are not listed answer 404, methods that are not listed 405."
)


def document(
    feature_sets: Sequence[FeatureSet] | None = None,
    default: str | None = None,
    *,
    version: str = "1.0.0",
    server: str | None = None,
) -> Json:
    """The OpenAPI document of a service with these models; of those that ship when none are given.

    `default` is the model that /predict, /predict/batch and /model speak of: the first one if absent. Raises
    UnknownName for a default that is not served.

    >>> sorted(document([feature_set("diabetes")])["paths"])[:3]
    ['/health', '/model', '/models/diabetes']
    """
    served = tuple(map(feature_set, SHIPPED)) if feature_sets is None else tuple(feature_sets)
    names = [one.name for one in served]
    chosen = names[0] if default is None else default
    if chosen not in names:
        raise UnknownName("model", chosen, names)
    paths: Json = {
        "/health": {"get": _get("health", "Whether the service answers, and with what", "Health")},
        "/openapi.json": {"get": _description_of_itself()},
    }
    paths |= _model_paths(served[names.index(chosen)], "", "/model", "")
    for one in served:
        paths |= _model_paths(one, f"/models/{one.name}", f"/models/{one.name}", "_" + one.name.replace("-", "_"))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Drift Monitor prediction API", "version": version, "description": ABOUT},
        **({"servers": [{"url": server}]} if server else {}),
        "paths": paths,
        "components": {"schemas": _schemas(served), "responses": _responses()},
    }


def _schemas(served: Sequence[FeatureSet]) -> Json:
    shared = {component: plain(documents.schema(name)) for component, name in COMPONENTS.items()}
    return shared | {_component(one): plain(request_schema(one)) for one in served}


def _component(one: FeatureSet) -> str:
    return "PredictionRequest" + _suffix(one)


def _suffix(one: FeatureSet) -> str:
    return "_" + one.name.replace("-", "_")


def _responses() -> Json:
    return {
        name: {
            "description": description,
            "content": {"application/problem+json": {"schema": _problem(int(status))}},
            **_response_headers(status),
        }
        for status, (name, description) in PROBLEMS.items()
    }


def _response_headers(status: str) -> Json:
    names = {"405": "Allow", "415": "Accept-Encoding"}
    return {"headers": {names[status]: {"schema": {"type": "string"}}}} if status in names else {}


def _problem(status: int) -> Json:
    return {
        "allOf": [
            {"$ref": "#/components/schemas/Problem"},
            {"type": "object", "properties": {"status": {"const": status}}},
        ]
    }


def _refused(*statuses: str) -> Json:
    return {status: {"$ref": f"#/components/responses/{PROBLEMS[status][0]}"} for status in statuses}


def _json(schema: Json, **more: Any) -> Json:
    return {"application/json": {"schema": schema, **more}}


def _to(component: str) -> Json:
    return {"$ref": f"#/components/schemas/{component}"}


def _get(operation: str, summary: str, component: str) -> Json:
    answers = {"200": {"description": summary + ".", "content": _json(_to(component))}}
    return {"operationId": operation, "summary": summary, "responses": answers | _refused("500")}


def _description_of_itself() -> Json:
    answers = {"200": {"description": "An OpenAPI 3.1 document.", "content": _json({"type": "object"})}}
    return {"operationId": "openapi", "summary": "This document", "responses": answers | _refused("500")}


def _post(operation: str, summary: str, limit: int, asked: Json, answered: str) -> Json:
    answers = {"200": {"description": "The answer.", "content": _json(_to(answered))}}
    return {
        "operationId": operation,
        "summary": summary,
        "description": (
            f"Content-Type application/json is required. The body has at most {limit:,} bytes, also when it is "
            "unpacked: Content-Encoding may be gzip."
        ),
        "requestBody": {"required": True, "content": asked},
        "responses": answers | _refused("400", "403", "413", "415", "422", "500"),
    }


def _model_paths(one: FeatureSet, prefix: str, card: str, suffix: str) -> Json:
    example = {"features": one.example}
    predict = _post(
        f"predict{suffix}",
        f"Predict one instance with {one.name}",
        PREDICT_BYTES,
        _json(_to(_component(one)), example=example),
        "PredictionResponse",
    )
    batch = _post(
        f"predict_batch{suffix}",
        f"Predict up to {BATCH_INSTANCES:,} instances with {one.name}",
        BATCH_BYTES,
        _json(_to("BatchRequest"), example={"instances": [example]}),
        "BatchResponse",
    )
    return {
        f"{prefix}/predict": {"post": predict},
        f"{prefix}/predict/batch": {"post": batch},
        card: {"get": _get(f"model{suffix}", f"What {one.name} is and what it was trained on", "ModelCard")},
    }


def text() -> str:
    """The document of the shipped feature sets as it is committed."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Print the document."""
    import argparse  # noqa: PLC0415 - the service composes documents too, and starts cold

    argparse.ArgumentParser(prog="python -m drift_contracts.openapi", description=__doc__).parse_args()
    sys.stdout.write(text())


if __name__ == "__main__":
    from drift_contracts.exits import run

    run(main)
