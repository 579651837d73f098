"""docs/odd-values.md says what each odd value gets: every cell is sent to the predictor."""

import json
import re
from pathlib import Path

import pytest
from drift_contracts import FeatureSet
from drift_engine.bundle import Bundle
from drift_engine.forest import Forest
from drift_engine.forest.writer import Tree, encode

PAGE = (Path(__file__).parents[2] / "docs/odd-values.md").read_text("utf-8")
STUMP = Tree([1, -1, -1], [2, -1, -1], [0, -2, -2], [0.5, -2.0, -2.0], [0.0, 1.0, 2.0], [0, 0, 0])
ANSWERED = "answered"
EXAMPLES = {
    "number": {"type": "number", "example": 0.5},
    "integer": {"type": "integer", "example": 3},
    "boolean": {"type": "boolean", "example": True},
    "category": {"type": "category", "example": "red", "categories": ["red", "blue"]},
    "open category": {"type": "category", "example": "red", "categories": ["red", "blue"], "other": True},
}


def cells():
    """Yield the value, the column, whether it is nullable, and what the page says of it."""
    header, _, *rows = re.findall(r"^\| (.*) \|$", PAGE, re.MULTILINE)
    kinds = header.split(" | ")[1:]
    for row in rows:
        value, *verdicts = row.split(" | ")
        for kind, verdict in zip(kinds, verdicts, strict=True):
            yield value, kind, verdict


def sent(world, value, kind, *, nullable):
    """Return the status and the body of the answer to a value of a feature of that kind."""
    feature = {"name": "x", "unit": "none", "description": "Odd.", "nullable": nullable, **EXAMPLES[kind]}
    feature_set = FeatureSet.from_json({
        "contract": "feature-set.v1", "name": "odd", "version": "1.0.0", "description": "Odd values.",
        "target": {"name": "y", "unit": "none", "description": "Nothing."}, "features": [feature],
    })  # fmt: skip
    baseline = {"features": {"x": {"mean": 0.0, "std": 1.0}}}
    model = Forest.from_bytes(encode([STUMP], features=1))
    bundle = Bundle({"model_version": "0123456789ab"}, feature_set, baseline, model)
    service = world.service(loaded={"odd": bundle}, model="odd")
    member = "" if value == "absent" else f'"x": {value}'
    body = f'{{"features": {{{member}}}}}'.encode()
    reply = service.respond("POST", "/predict", body, "application/json", "request-1")
    return reply.status, json.loads(reply.body)


@pytest.mark.no_cover
@pytest.mark.parametrize(("value", "kind", "verdict"), list(cells()))
def test_odd_value(world, value, kind, verdict):
    """What the page says of a value is what the service answers."""
    nullable = value.endswith(", nullable")
    text = value.removesuffix(", nullable").strip("`")
    status, body = sent(world, text, kind, nullable=nullable)
    if verdict == ANSWERED:
        assert status == 200
        return
    code, _, expected = verdict.partition(": ")
    assert status == int(code)
    assert [error["expected"] for error in body.get("errors", [])] == ([expected] if expected else [])


def test_every_kind():
    """The page has a column for each kind of feature, and a row for each value once."""
    seen = [(value, kind) for value, kind, _ in cells()]
    assert len(seen) == len(set(seen)) >= 100
    assert {kind for _, kind in seen} == set(EXAMPLES)
