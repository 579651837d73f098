"""The request validator equals jsonschema on the composed schema, in verdict, places, rules and words."""

import copy
import json
import math
from pathlib import Path

import numpy as np
import pytest
from drift_contracts import ContractError, FeatureSet, NotJson, RequestValidator, feature_set, parse_json
from drift_contracts.schemas import compiled, request_schema, violations
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.houses import PREDICTION_ID as ID

EVERY_KIND = FeatureSet.load(Path(__file__).parent / "every-kind.json")
SHIPPED = [feature_set(name) for name in ("house-price", "diabetes", "flight-delay")]
SETS = {one.name: one for one in (*SHIPPED, EVERY_KIND)}
VALIDATORS = {name: RequestValidator(one) for name, one in SETS.items()}
PUBLISHED = {name: compiled(request_schema(one)) for name, one in SETS.items()}

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(10**15, 10**320),
    st.floats(),
    st.text(max_size=3),
    st.sampled_from(
        [0, -0.0, 1, 1.0, 2.5, -1, 5e-324, 0.9999999999999999, 1e308, 10**308, 10**400, -(10**400), math.nan]
    ),
    st.sampled_from([math.inf, -math.inf, True, False, 2**53, 2**53 + 1, 2**53 + 2]),
    st.sampled_from(["3", "red", "dark", "a", "z", "", "x" * 129, ID, ID + "\n", ID.upper()]),
)
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=2),
    st.dictionaries(st.sampled_from(["features", "age", "x"]), SCALARS, max_size=2),
)


@st.composite
def mutated(draw):
    """A feature set's name and a request of it with up to four things changed, anywhere."""
    name = draw(st.sampled_from(sorted(SETS)))
    features = dict(SETS[name].example)
    request = {"features": features}
    for change in draw(
        st.lists(st.sampled_from(["value", "drop", "extra", "id", "beside", "wrap", "replace"]), max_size=4)
    ):
        key = draw(st.sampled_from(SETS[name].names))
        if change == "value":
            features[key] = draw(VALUES)
        elif change == "drop":
            features.pop(key, None)
        elif change == "extra":
            features[draw(st.text(max_size=2))] = draw(VALUES)
        elif change == "id" and isinstance(request, dict):
            request["prediction_id"] = draw(st.just(ID) | VALUES)
        elif change == "beside" and isinstance(request, dict):
            request[draw(st.sampled_from(["x", "prediction_id", "features"]))] = draw(VALUES)
        elif change == "wrap":
            request = draw(st.sampled_from([{"features": request}, [request], features]))
        elif change == "replace":
            request = draw(VALUES | st.just({"features": features}))
    return name, request


def verdicts(name, request):
    """The violations that both find, as sets; None where a request is accepted."""
    try:
        VALIDATORS[name].row(request)
        ours = set()
    except ContractError as error:
        ours = set(error.violations)
    return ours, set(violations(PUBLISHED[name], request))


@pytest.mark.no_cover
@given(mutated())
@settings(max_examples=400, deadline=None)
@example(("every-kind", {"features": {**EVERY_KIND.example, "whole": 9007199254740993}}))
@example(("every-kind", {"features": {**EVERY_KIND.example, "whole": 9007199254740992}}))
@example(("every-kind", {"features": {**EVERY_KIND.example, "open": 1}}))
@example(("every-kind", {"features": {**EVERY_KIND.example, "open": "x" * 128}}))
@example(("every-kind", {"features": {**EVERY_KIND.example, "open": "x" * 129}}))
@example(("every-kind", {"features": {**EVERY_KIND.example, "open": ""}}))
@example(("every-kind", {"features": {**EVERY_KIND.example, "free": None}}))
@example(("flight-delay", {"features": {**SETS["flight-delay"].example, "carrier": "XX"}}))
@example(("flight-delay", {"features": {**SETS["flight-delay"].example, "carrier": None}}))
@example(("every-kind", {"features": {**EVERY_KIND.example, "free": math.nan}}))
@example(("house-price", {"features": feature_set("house-price").example, "prediction_id": ID + "\n"}))
@example(("house-price", {"features": feature_set("house-price").example, "other": ID}))
def test_published_schema(pair):
    """The validator accepts exactly what the published schema accepts."""
    ours, published = verdicts(*pair)
    assert ours == published


@pytest.mark.no_cover
@given(mutated())
@settings(max_examples=200, deadline=None)
def test_row_of_floats(pair):
    """An accepted request becomes a row of floats with its values."""
    name, request = pair
    try:
        row = VALIDATORS[name].row(request)
    except ContractError:
        return
    assert all(type(value) is float for value in row)
    expected = [encoded(feature, request["features"][feature.name]) for feature in SETS[name].features]
    assert np.array_equal(row, expected, equal_nan=True)


def encoded(feature, value):
    """The encoding as ARCHITECTURE states it, written down once more."""
    if value is None:
        return math.nan
    if feature.type == "category":
        return float(feature.categories.index(value)) if value in feature.categories else float(len(feature.categories))
    return float(value)


@pytest.mark.no_cover
@given(mutated())
@settings(max_examples=100, deadline=None)
def test_request_unchanged(pair):
    """Validating leaves the request as it was."""
    name, request = pair
    before = repr(request)
    verdicts(name, request)
    assert repr(request) == before


@pytest.mark.no_cover
@given(mutated())
@settings(max_examples=200, deadline=None)
def test_parsed_requests_agree(pair):
    """On parsed requests, validator and schema agree without exception."""
    name, request = pair
    try:
        request = parse_json(json.dumps(request))
    except NotJson:
        return
    ours, published = verdicts(name, request)
    assert ours == published


def read(name, body):
    """What the two steps say of a text: the request and its row, or the error's type and words."""
    return outcome(lambda: (request := parse_json(body), VALIDATORS[name].row(request)))


def outcome(act):
    try:
        return repr(act())
    except (ContractError, NotJson) as error:
        return type(error), str(error)


@st.composite
def texts(draw):
    """A feature set's name and the JSON of a request of it, as it was or damaged as text."""
    name, request = draw(mutated())
    body = json.dumps(request, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(body)))
        put = draw(st.sampled_from(PIECES) | st.text(max_size=2))
        body = body[:at] + put + body[at + draw(st.integers(0, 2)) :]
    return name, body.encode("utf-8", "surrogatepass")


PIECES = [
    " ",
    "\n",
    "\ufeff",
    "\u00a0",
    "NaN",
    "1e999",
    "9" * 310,
    "[" * 40,
    '"features": {}, ',
    '"age": 3, ',
    ":",
    "\\u003a",
    '"',
]


@pytest.mark.no_cover
@given(texts())
@settings(max_examples=300, deadline=None)
@example(
    ("house-price", b' {"features": {"bedrooms": 3, "bathrooms": 2, "sqft": 2000, "age": 10, "location_score": 7}}\n')
)
@example(
    (
        "house-price",
        b'{"features": {}, "features": {"bedrooms": 3, "bathrooms": 2, "sqft": 2, "age": 1, "location_score": 7}}',
    )
)
@example(
    (
        "house-price",
        b'{"features": {"age": 1, "bedrooms": 3, "bathrooms": 2, "sqft": 2, "age": 1, "location_score": 7}}',
    )
)
@example(
    ("house-price", b'{"features": {"bedrooms": 3, "bathrooms": 2, "sqft": 1e999, "age": 1, "location_score": 7}}')
)
@example(("house-price", b'{"features": {"bedrooms": 3, "bathrooms": 2, "sqft": NaN, "age": 1, "location_score": 7}}'))
@example(
    ("house-price", b'{"features": {"bedrooms": 3, "bathrooms": 2, "sqft": 2, "\\u0061ge": 1, "location_score": 7}}')
)
@example(("house-price", b"[" * 100_000))
@example(("house-price", b"9" * 5000))
@example(("house-price", b"\xff"))
@example(("house-price", b""))
def test_parse_at_once(pair):
    """Parsing and validating at once gives what parsing first and validating next gives."""
    name, body = pair
    assert outcome(lambda: VALIDATORS[name].parse(body)) == read(name, body)


def test_duplicate_names():
    """A name that occurs twice is refused at any place."""
    good = json.dumps({"features": feature_set("house-price").example, "prediction_id": ID})
    VALIDATORS["house-price"].parse(good.encode())
    for once in ('"features": ', '"age": ', '"prediction_id": '):
        for earlier in ("3", "{}", '{"age": 3}', f'"{ID}"'):
            body = good.replace(once, f"{once}{earlier}, {once}").encode()
            with pytest.raises(NotJson, match="twice"):
                VALIDATORS["house-price"].parse(body)


def test_encoding():
    """Each kind of value has its code."""
    row = VALIDATORS["every-kind"].row({"features": EVERY_KIND.example, "prediction_id": ID})
    assert row[:3] == (0.0, 0.0, 9007199254740994.0)
    assert math.isnan(row[3])
    assert row[4:8] == (0.0, 0.0, 2.0, 1.0)
    assert math.isnan(row[8])


def test_known_categories():
    """Known categories and booleans are encoded as they are."""
    features = {**EVERY_KIND.example, "maybe": 2, "maker": "b", "pool": False}
    assert VALIDATORS["every-kind"].row({"features": features}) == (0, 0, 2**53 + 2, 2, 0, 0, 1, 1, 0)


def test_numpy_numbers():
    """Numbers of numpy are numbers, as jsonschema has it."""
    features = feature_set("house-price").example | {"sqft": np.float64(1800.5)}
    assert VALIDATORS["house-price"].row({"features": features})[2] == 1800.5


def test_batch_pointer():
    """The pointers of a violation begin with the instance's place in its batch."""
    with pytest.raises(ContractError) as caught:
        VALIDATORS["house-price"].row({"features": {}}, "/instances/7")
    assert {violation.pointer for violation in caught.value.violations} == {"/instances/7/features"}


def test_no_values_in_message():
    """No message holds a value or an unknown name of the request."""
    features = dict.fromkeys(feature_set("house-price").names, "Ada Lovelace, 12 St James's Square")
    with pytest.raises(ContractError) as caught:
        VALIDATORS["house-price"].row({"features": features | {"secret-name": 1}})
    assert "Ada" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert len(caught.value.violations) == 6


def test_batch_instances():
    """The validator returns the instances of a batch unvalidated."""
    document = {"instances": [None, {"features": {}}]}
    assert VALIDATORS["house-price"].instances(copy.deepcopy(document)) == document["instances"]
