"""Windows add exactly, whatever the split, the order and the road."""

import json
import math

import numpy as np
import pytest
from drift_contracts import schemas
from drift_ml.baseline.fit import fit_baseline
from drift_ml.window import Window, WindowError
from hypothesis import given
from hypothesis import strategies as st

VALUES = {
    "rooms": st.one_of(st.none(), st.integers(-3, 20), st.just(2.5)),
    "area": st.one_of(st.none(), st.just(math.nan), st.floats(allow_nan=False)),
    "garden": st.sampled_from([None, True, False, 0, 1]),
    "heating": st.sampled_from([None, "gas", "oil", "wood", "heat pump", ""]),
    "ground": st.one_of(st.none(), st.floats(0, 1e4)),
}
EVENT = st.tuples(st.fixed_dictionaries(VALUES), st.one_of(st.none(), st.floats(-1e5, 1e5)), st.integers(0, 2**45))
EVENTS = st.lists(EVENT, max_size=12)


def observed(baseline, events):
    window = Window.empty(baseline)
    for features, prediction, timestamp in events:
        window.observe(features, prediction, timestamp)
    return window


@pytest.mark.no_cover
@given(EVENTS, EVENTS, EVENTS)
def test_addition(houses, one, two, three):
    """Addition is associative and commutative, with the empty window as zero."""
    a, b, c = (observed(houses, each) for each in (one, two, three))
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a + Window.empty(houses) == a


@pytest.mark.no_cover
@given(EVENTS, st.integers(0, 12), st.randoms(use_true_random=False))
def test_any_split_and_order(houses, events, split, random):
    """Observing in any split and order gives the same window."""
    shuffled = random.sample(events, len(events))
    assert observed(houses, shuffled[:split]) + observed(houses, shuffled[split:]) == observed(houses, events)


@pytest.mark.no_cover
@given(EVENTS)
def test_rows_at_once(houses, events):
    """Observing rows at once gives the same window as one at a time."""
    window = Window.empty(houses)
    of = {name: np.array([event[0][name] for event in events], dtype=object) for name in VALUES}
    window.observe_rows(of, [event[1] for event in events], [event[2] for event in events])
    assert window == observed(houses, events)


@pytest.mark.no_cover
@given(EVENTS)
def test_json_round_trip(houses, events):
    """A window comes back equal from its JSON, which keeps the contract."""
    window = observed(houses, events)
    document = json.loads(json.dumps(window.to_json()))
    schemas.check(document["contract"], document)
    assert Window.from_json(document, houses) == window
    assert Window.from_json(document, houses) + window == window + window


@pytest.mark.no_cover
@given(EVENTS)
def test_missing_channels(houses, events):
    """Every event is in each missing channel exactly once."""
    counts = observed(houses, events).channel_counts()
    for name in VALUES:
        assert sum(counts[f"missing:{name}"]) == len(events)
        own = sum(counts[name]) + (counts["new:heating"][1] if name == "heating" else 0)
        assert own == counts[f"missing:{name}"][0]


def test_training_rows(houses, make):
    """The training rows give the reference counts."""
    of = make.columns(1, 600)
    window = Window.empty(houses)
    window.observe_rows(of)
    estimated = {"new:rooms", "out_of_range:area", "out_of_range:ground", "prediction"}
    for channel in houses.channels:
        if channel.name not in estimated:
            assert tuple(window.channel_counts()[channel.name]) == channel.counts, channel.name


@pytest.mark.no_cover
def test_many_rows(houses, make):
    """Twenty thousand rows at once give the same window as one at a time."""
    of = make.columns(9, 20_000)
    predicted = make.predictions(of)
    rows, single = Window.empty(houses), Window.empty(houses)
    rows.observe_rows(of, predicted)
    for features, prediction in make.events(of, predicted):
        single.observe(features, prediction)
    assert rows == single


def test_moments(houses):
    """Moments are deviations in units of the baseline's, limited to 100."""
    summary = houses.features["area"]
    window = Window.empty(houses)
    window.observe({"area": summary.mean + 2 * summary.std})
    window.observe({"area": 1e300})
    area = window.to_json()["moments"]["area"]
    assert area == [2, 2 * 4096 + 100 * 4096, (2 * 4096) ** 2 + (100 * 4096) ** 2]


def test_timestamps(houses):
    """The first and the last timestamp are stored, in any order."""
    window = Window.empty(houses)
    for moment in (50, 10, 70):
        window.observe({}, None, moment)
    window.observe({})
    assert (window.first_ms, window.last_ms, window.events) == (10, 70, 4)


def test_absent_features(houses):
    """Absent features and columns are missing."""
    one, rows = Window.empty(houses), Window.empty(houses)
    one.observe({"area": 90.0})
    rows.observe_rows({"area": [90.0]})
    assert one == rows
    assert one.channel_counts()["missing:rooms"] == [0, 1]


def test_no_rows(houses):
    """No rows change nothing."""
    window = Window.empty(houses)
    window.observe_rows({})
    window.observe_rows({"area": []}, [], [])
    assert window == Window.empty(houses)


def test_empty_reference(make):
    """A feature that the reference never had counts as present or missing only."""
    baseline = fit_baseline(make.feature_set("area", "heating"), {"area": [np.nan], "heating": [None]})
    one, rows = Window.empty(baseline), Window.empty(baseline)
    one.observe({"area": 5.0, "heating": "gas"})
    rows.observe_rows({"area": [5.0], "heating": ["gas"]})
    assert one == rows
    assert one.channel_counts() == {"missing:area": [1, 0], "missing:heating": [1, 0]}


def test_other_boolean(houses):
    """A boolean other than 0 and 1 is in no bin."""
    one, rows = Window.empty(houses), Window.empty(houses)
    one.observe({"garden": 0.5})
    rows.observe_rows({"garden": [0.5]})
    assert one == rows
    assert one.channel_counts()["garden"] == [0, 0]


@pytest.mark.parametrize(
    ("features", "prediction", "where"),
    [
        ({"area": "wide"}, None, "/features/area"),
        ({"heating": ["gas"]}, None, "/features/heating"),
        ({"area": 10**400}, None, "/features/area"),
        ({}, "dear", "/prediction"),
    ],
)
def test_other_type(houses, features, prediction, where):
    """An event of another type is refused and changes nothing."""
    window = Window.empty(houses)
    with pytest.raises(WindowError, match=where):
        window.observe({"rooms": 3} | features, prediction)
    assert window == Window.empty(houses)


@pytest.mark.parametrize(
    ("of", "predicted", "message"),
    [
        ({"area": [1.0], "rooms": [1, 2]}, None, "of one length"),
        ({"area": [1.0]}, [1.0, 2.0], "of one length"),
        ({"area": ["wide"]}, None, "'area'"),
        ({"heating": [[1.0]]}, None, "'heating'"),
    ],
)
def test_refused_rows(houses, of, predicted, message):
    """Rows that do not fit are refused and change nothing."""
    window = Window.empty(houses)
    with pytest.raises(WindowError, match=message):
        window.observe_rows(of, predicted)
    assert window == Window.empty(houses)


def test_other_baseline(houses, make):
    """Windows of different baselines do not add."""
    other = fit_baseline(make.feature_set("area"), {"area": [1.0, 2.0]})
    with pytest.raises(WindowError, match="same baseline"):
        Window.empty(houses) + Window.empty(other)


def test_other_model_version(houses):
    """Windows of different model versions do not add."""
    with pytest.raises(WindowError, match=r"version; .* 3f9a1c2b4d5e and None"):
        Window.empty(houses, "3f9a1c2b4d5e") + Window.empty(houses)


def test_equality(houses):
    """A window equals nothing but windows, and has no hash."""
    assert Window.empty(houses) != "window"
    with pytest.raises(TypeError):
        hash(Window.empty(houses))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"contract": "baseline.v1"}, "expected 'window.state.v1'"),
        ({"baseline": "0" * 64}, "at /baseline: expected"),
        ({"counts": {}}, "not of the shape"),
        ({"moments": {"rooms": [1]}}, "not of the shape"),
    ],
)
def test_other_document(houses, change, message):
    """The document of something else is refused."""
    with pytest.raises(WindowError, match=message):
        Window.from_json(Window.empty(houses).to_json() | change, houses)


def test_other_bins(houses):
    """A document with other bins is refused."""
    document = Window.empty(houses).to_json()
    document["counts"]["garden"] = [0, 0, 0]
    with pytest.raises(WindowError, match="as many bins"):
        Window.from_json(document, houses)
