"""The OpenAPI document: composed from the contracts, in step with the committed copy, true of the real service."""

import json
import runpy
import sys
from pathlib import Path

import pytest
from drift_contracts import UnknownName, feature_set, openapi
from drift_contracts.schemas import compiled, request_schema, violations
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

DOCUMENT = openapi.document()
HOUSE = feature_set("house-price")


def operations(document=DOCUMENT):
    """Every operation with its path and method."""
    return [(path, method, one) for path, item in document["paths"].items() for method, one in item.items()]


def resolved(node, document=DOCUMENT):
    """A node with every reference put in place."""
    if isinstance(node, list):
        return [resolved(item, document) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = document
        for key in node["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        return resolved(target, document)
    return {name: resolved(value, document) for name, value in node.items()}


def test_committed_copy():
    """The committed OpenAPI document is the generated one."""
    assert Path("contracts/openapi.json").read_text("utf-8") == openapi.text()


def test_module_prints_copy(monkeypatch, capsys):
    """`python -m drift_contracts.openapi` prints the committed document."""
    monkeypatch.delitem(sys.modules, "drift_contracts.openapi")
    monkeypatch.setattr(sys, "argv", ["openapi"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module("drift_contracts.openapi", run_name="__main__")
    assert capsys.readouterr().out == openapi.text()


def test_references():
    """Every reference can be resolved within the document."""
    assert "$ref" not in json.dumps(resolved(DOCUMENT))
    assert '"$defs"' not in json.dumps(DOCUMENT)


def test_operation_ids():
    """Each operation has an id of its own."""
    names = [one["operationId"] for _, _, one in operations()]
    assert len(set(names)) == len(names)
    assert {"predict", "predict_batch", "health", "model", "predict_diabetes", "openapi"} <= set(names)


def test_schemas_and_examples():
    """Every schema is valid JSON Schema, and every example keeps its schema."""
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for path, method, one in operations():
        for kind, content in one.get("requestBody", {}).get("content", {}).items():
            assert kind == "application/json"
            assert violations(compiled(resolved(content["schema"])), content["example"]) == [], (path, method)


def test_request_component():
    """The schema of a request is the one that the validator is made of."""
    component = DOCUMENT["components"]["schemas"]["PredictionRequest_house_price"]
    composed = request_schema(HOUSE)
    assert component == {name: value for name, value in composed.items() if name not in ("$id", "$schema")}


@pytest.mark.no_cover
def test_failures_are_problems():
    """Every failure is a problem document with its status."""
    for path, _, one in operations():
        for status, answer in one["responses"].items():
            content = resolved(answer)["content"]
            if status == "200":
                assert list(content) == ["application/json"], path
            else:
                schema = compiled(content["application/problem+json"]["schema"])
                problem = {"type": "about:blank", "title": "t", "status": int(status)}
                assert violations(schema, problem) == []
                assert violations(schema, {**problem, "status": 599})


def test_problems_described():
    """All problems of the service are described."""
    statuses = {"400", "403", "404", "405", "413", "415", "422", "500"}
    assert set(openapi.PROBLEMS) == statuses
    assert {name for name, _ in openapi.PROBLEMS.values()} == set(DOCUMENT["components"]["responses"])
    assert "Allow" in DOCUMENT["components"]["responses"]["MethodNotAllowed"]["headers"]


def test_served_models():
    """The models that are served decide the paths."""
    only = openapi.document([feature_set("diabetes")], server="https://api.example", version="2.0.0")
    assert "/models/house-price/predict" not in only["paths"]
    assert only["paths"]["/predict"]["post"]["summary"] == "Predict one instance with diabetes"
    assert only["servers"] == [{"url": "https://api.example"}]
    assert only["info"]["version"] == "2.0.0"
    both = openapi.document([HOUSE, feature_set("diabetes")], "diabetes")
    assert both["paths"]["/predict"] == only["paths"]["/predict"]


def test_unserved_default():
    """A default model that is not served is refused."""
    with pytest.raises(UnknownName, match="'diabetes'; there is house-price"):
        openapi.document([HOUSE], "diabetes")


SERVED = openapi.document([HOUSE])
BODIES = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([b"", b"{}", b"[]", b'{"features": {}}', b'{"instances": []}', b'{"instances": [1]}']),
    st.fixed_dictionaries({}, optional={name: st.floats() | st.text(max_size=2) for name in HOUSE.names}).map(
        lambda features: json.dumps({"features": {**HOUSE.example, **features}}).encode()
    ),
)  # fmt: skip


@pytest.mark.no_cover
@given(st.sampled_from(operations(SERVED)), BODIES, st.sampled_from(["application/json", "text/plain", ""]))
@settings(max_examples=200, deadline=None)
def test_real_answers(service, operation, body, kind):
    """The real service answers as the document describes."""
    path, method, one = operation
    reply = service.respond(method.upper(), path, body, kind, "request-1")
    described = resolved(one["responses"][str(reply.status)], SERVED)
    assert violations(compiled(described["content"][reply.media_type]["schema"]), json.loads(reply.body)) == []


@pytest.mark.parametrize(
    ("path", "limit"), [("/predict", openapi.PREDICT_BYTES), ("/predict/batch", openapi.BATCH_BYTES)]
)
def test_body_limits(service, path, limit):
    """The limits of bodies are those of the service."""
    assert service.respond("POST", path, b" " * limit).status == 400
    assert service.respond("POST", path, b" " * (limit + 1)).status == 413


def test_real_documents(service):
    """The service's own documents are served, and its OpenAPI document is this one."""
    for path in ("/health", "/model", "/models/house-price", "/openapi.json"):
        assert service.respond("GET", path).status == 200
    assert json.loads(service.respond("GET", "/openapi.json").body) == SERVED
