"""Whatever a caller sends, what is refused never comes back: not in the answer, not in the log."""

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.houses import HOUSE

MARKER = "s3cret-0f-the-caller"
MIXED = {"flag": True, "colour": "green", "shop": "north", "size": 1.25, "constant": 7, "load": -0.5}
VALUES = st.sampled_from([MARKER, [MARKER], {MARKER: 1}, {"features": MARKER}, f"x{MARKER}x", None, 1])
KEYS = st.sampled_from(["features", "prediction_id", "instances", "age", "sqft", "colour", MARKER])
MODELS = st.sampled_from([("/predict", HOUSE), ("/models/mixed/predict", MIXED)])


@st.composite
def documents(draw):
    """A request in which the marker stands somewhere: as a value, as a name, at any level."""
    path, features = draw(MODELS)
    features = {**features, **draw(st.dictionaries(KEYS | st.sampled_from(sorted(features)), VALUES, max_size=3))}
    features.pop("shop", None) if draw(st.booleans()) else features
    document = {"features": features, **draw(st.dictionaries(KEYS, VALUES, max_size=2))}
    if draw(st.booleans()):
        return f"{path}/batch", {"instances": [document, document], **draw(st.dictionaries(KEYS, VALUES, max_size=1))}
    return path, document


@st.composite
def events(draw):
    path, document = draw(documents())
    body = json.dumps(document)
    if draw(st.booleans()):
        body = body[: draw(st.integers(0, len(body)))] + draw(st.sampled_from(["", MARKER]))
    path = draw(st.sampled_from([path, f"/{MARKER}", f"/models/{MARKER}/predict", "/health"]))
    method = draw(st.sampled_from(["POST", "GET", MARKER]))
    headers = {"content-type": draw(st.sampled_from(["application/json", MARKER])), MARKER: MARKER}
    event = {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": MARKER,
        "headers": headers,
        "requestContext": {"http": {"method": method}, "stage": "$default"},
        "body": body,
        "isBase64Encoded": draw(st.booleans()),
    }
    return draw(st.sampled_from([event, document, {**document, "source": MARKER}, {MARKER: document}]))


def allowed(text):
    """A text without the features of valid requests, the one place where a value may stand."""
    document = json.loads(text) if isinstance(text, str) else text
    document.pop("features", None)
    document.pop("features_received", None)
    return json.dumps(document)


@pytest.mark.no_cover
@settings(max_examples=int(os.environ.get("DRIFT_FUZZ_EXAMPLES", "300")))
@given(events())
def test_secrecy(worlds, event):
    """A marker anywhere in the input is in no problem and no line."""
    world, edge = worlds
    world.lines.clear()
    answer = edge.handle(event, None)
    body = answer["body"] if "body" in answer else json.dumps(answer)
    assert MARKER not in allowed(body)
    assert not any(MARKER in allowed(line) for line in world.lines)
    assert answer.get("statusCode", answer.get("status")) != 500


def test_search_works(worlds):
    """The search would find a marker that came back."""
    world, edge = worlds
    world.lines.clear()
    answer = edge.handle({"features": {**HOUSE}, "prediction_id": "00000000-0000-0000-0000-00000000feed"}, None)
    assert "feed" in allowed(answer) + allowed(world.lines[0])
