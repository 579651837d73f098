"""The OpenAPI 3.1 document of the prediction API, composed from contracts and feature sets.

`python -m drift_contracts.openapi` prints it for the feature sets that ship.
"""

from __future__ import annotations

import json
import sys

from drift_contracts import documents
from drift_contracts.compose import request_schema, response_schema, self_contained
from drift_contracts.errors import UnknownName
from drift_contracts.features import feature_set
from drift_contracts.problems import MEDIA_TYPE
from drift_contracts.requests import ANSWER_BYTES, BATCH_BYTES, BATCH_INSTANCES, PREDICT_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_contracts.features import FeatureSet
    from drift_contracts.json_types import JsonObject, JsonValue

SHIPPED = ("house-price", "diabetes", "flight-delay")
#: The contract of each component that all models share.
COMPONENTS = {
    "BatchRequest": "prediction.batch.request.v1",
    "Problem": "problem.v1",
    "Health": "health.v2",
    "ModelCard": "model.card.v2",
}
#: The contracts of answers, without their versions. Models of one number share their component;
#: all others have one of their own, which names their classes or outputs.
ANSWERS = {
    "PredictionResponse": "prediction.response",
    "BatchResponse": "prediction.batch.response",
}
#: The component and the description of the problems of each status.
PROBLEMS = {
    "400": (
        "NotJson",
        "The body is not strict JSON in UTF-8, or not the gzip that it claims to be.",
    ),
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
        "The Content-Type is not application/json, or the Content-Encoding neither gzip nor "
        "identity.",
    ),
    "422": (
        "BrokenContract",
        "The body breaks its contract; `errors` says where, which rule, what was expected.",
    ),
    "500": ("InternalError", "The service failed; the log knows the request by `request_id`."),
}
#: What a header of a problem's answer says, by the problem's status.
PROBLEM_HEADERS = {"405": "Allow", "415": "Accept-Encoding"}
ABOUT = (
    "Predictions of the models served here, each with a drift score: how unlike the training data "
    "the instance is. Bodies are application/json in UTF-8; a name given twice in an object, NaN "
    "and numbers that overflow are refused. Every error is a problem document (RFC 9457) which "
    "never repeats a value of the request. Paths that are not listed answer 404, methods that are "
    "not listed 405."
)


def document(
    feature_sets: Sequence[FeatureSet] | None = None,
    default: str | None = None,
    *,
    version: str = "1.0.0",
    server: str | None = None,
) -> JsonObject:
    """Return the OpenAPI document of a service.

    Args:
        feature_sets: Those of the models that it serves; those that ship if absent.
        default: The model behind /predict, /predict/batch and /model; the first if absent.
        version: Of the API.
        server: The address of the service, if it is known.

    Raises:
        UnknownName: The default is not served; the message has the choices.

    >>> sorted(document([feature_set("diabetes")])["paths"])[:3]
    ['/health', '/model', '/models/diabetes']
    """
    served = tuple(map(feature_set, SHIPPED)) if feature_sets is None else tuple(feature_sets)
    names = [model.name for model in served]
    chosen = names[0] if default is None else default
    if chosen not in names:
        raise UnknownName("model", chosen, names)
    paths: JsonObject = {
        "/health": {"get": _get("health", "Whether the service answers, and with what", "Health")},
        "/openapi.json": {"get": _description_of_itself()},
    }
    paths |= _model_paths(served[names.index(chosen)], "", "/model", "")
    for model in served:
        prefix = f"/models/{model.name}"
        paths |= _model_paths(model, prefix, prefix, _suffix(model))
    described: JsonObject = {
        "openapi": "3.1.0",
        "info": {"title": "Drift Monitor prediction API", "version": version, "description": ABOUT},
    }
    if server:
        described["servers"] = [{"url": server}]
    described["paths"] = paths
    described["components"] = {"schemas": _schemas(served), "responses": _responses()}
    return described


def _schemas(served: Sequence[FeatureSet]) -> JsonObject:
    """Return the schemas that the paths refer to."""
    schemas: JsonObject = {}
    for component, contract in COMPONENTS.items():
        schemas[component] = self_contained(documents.schema(contract))
    for model in served:
        version = model.target.answers_version
        for component, contract in ANSWERS.items():
            schema = response_schema(model, f"{contract}.v{version}")
            schemas[_answer(component, model)] = self_contained(schema)
        schemas[_component(model)] = self_contained(request_schema(model))
    return schemas


def _component(model: FeatureSet) -> str:
    """Return the name of the schema of a model's requests."""
    return "PredictionRequest" + _suffix(model)


def _answer(component: str, model: FeatureSet) -> str:
    """Return the name of the schema of a model's answers."""
    return component if model.target.is_number else component + _suffix(model)


def _suffix(model: FeatureSet) -> str:
    """Return what tells a model's components and operations from those of others."""
    return "_" + model.name.replace("-", "_")


def _responses() -> JsonObject:
    """Return the answers that are problem documents, by the names of their components."""
    responses: JsonObject = {}
    for status, (name, description) in PROBLEMS.items():
        response: JsonObject = {
            "description": description,
            "content": {MEDIA_TYPE: {"schema": _problem(int(status))}},
        }
        if status in PROBLEM_HEADERS:
            header: JsonObject = {"schema": {"type": "string"}}
            response["headers"] = {PROBLEM_HEADERS[status]: header}
        responses[name] = response
    return responses


def _problem(status: int) -> JsonObject:
    return {
        "allOf": [
            {"$ref": "#/components/schemas/Problem"},
            {"type": "object", "properties": {"status": {"const": status}}},
        ]
    }


def _problems(*statuses: str) -> JsonObject:
    """Return references to the answers that are problem documents."""
    return {
        status: {"$ref": f"#/components/responses/{PROBLEMS[status][0]}"} for status in statuses
    }


def _json(schema: JsonObject, **members: JsonValue) -> JsonObject:
    """Return the content of a body that is JSON."""
    return {"application/json": {"schema": schema, **members}}


def _reference(component: str) -> JsonObject:
    return {"$ref": f"#/components/schemas/{component}"}


def _get(operation: str, summary: str, component: str) -> JsonObject:
    """Return an operation that reads a document.

    Args:
        operation: Its id.
        summary: What the document says.
        component: The schema of the document.
    """
    success: JsonObject = {
        "description": summary + ".",
        "content": _json(_reference(component)),
    }
    return {
        "operationId": operation,
        "summary": summary,
        "responses": {"200": success, **_problems("500")},
    }


def _description_of_itself() -> JsonObject:
    success: JsonObject = {
        "description": "An OpenAPI 3.1 document.",
        "content": _json({"type": "object"}),
    }
    return {
        "operationId": "openapi",
        "summary": "This document",
        "responses": {"200": success, **_problems("500")},
    }


def _post(
    operation: str, summary: str, limit: int, request: JsonObject, response: str
) -> JsonObject:
    """Return an operation that predicts.

    Args:
        operation: Its id.
        summary: What it predicts.
        limit: Bytes that the body may have.
        request: The content of the body.
        response: The schema of the answer.
    """
    success: JsonObject = {
        "description": "The answer.",
        "content": _json(_reference(response)),
    }
    return {
        "operationId": operation,
        "summary": summary,
        "description": (
            f"Content-Type application/json is required. The body has at most {limit:,} bytes, "
            "also when it is unpacked: Content-Encoding may be gzip."
        ),
        "requestBody": {"required": True, "content": request},
        "responses": {"200": success, **_problems("400", "403", "413", "415", "422", "500")},
    }


def _model_paths(model: FeatureSet, prefix: str, card: str, suffix: str) -> JsonObject:
    """Return the paths of a model.

    Args:
        model: Its feature set.
        prefix: What the paths of predictions begin with.
        card: The path of the model's card.
        suffix: What the ids of the operations end with.
    """
    example: JsonObject = {"features": dict(model.example)}
    predict = _post(
        f"predict{suffix}",
        f"Predict one instance with {model.name}",
        PREDICT_BYTES,
        _json(_reference(_component(model)), example=example),
        _answer("PredictionResponse", model),
    )
    batch = _post(
        f"predict_batch{suffix}",
        f"Predict up to {BATCH_INSTANCES:,} instances with {model.name}",
        BATCH_BYTES,
        _json(_reference("BatchRequest"), example={"instances": [example]}),
        _answer("BatchResponse", model),
    )
    headers = [*map(_header, _headers_by_kind(model).items())]
    if headers:
        predict["parameters"] = [*headers]
        batch["parameters"] = [*headers]
    summary = f"What {model.name} is and what it was trained on"
    return {
        f"{prefix}/predict": {"post": predict},
        f"{prefix}/predict/batch": {"post": batch},
        card: {"get": _get(f"model{suffix}", summary, "ModelCard")},
    }


def _headers_by_kind(model: FeatureSet) -> dict[str, str]:
    """Return the headers that a feature set names, by what they tell."""
    sources = model.sources.items()
    return {kind: source.header for kind, source in sources if source.header is not None}


def _header(named: tuple[str, str]) -> JsonObject:
    """Return the parameter of a header.

    Args:
        named: What it tells, and its name.
    """
    kind, name = named
    return {
        "name": name,
        "in": "header",
        "required": False,
        "schema": {"type": "string"},
        "description": f"Names the {kind}: the event of a prediction has a digest of it.",
    }


def text() -> str:
    """Return the document of the shipped feature sets as it is committed."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Print the document."""
    # the service composes documents too, and starts cold
    import argparse  # noqa: PLC0415

    program = "python -m drift_contracts.openapi"
    argparse.ArgumentParser(prog=program, description=__doc__).parse_args()
    sys.stdout.write(text())


if __name__ == "__main__":
    from drift_contracts.exits import run

    run(main)
