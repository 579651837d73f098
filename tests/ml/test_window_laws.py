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


@given(EVENTS, EVENTS, EVENTS)
def test_addition_is_associative_and_commutative_with_the_empty_window_as_zero(houses, one, two, three):
    a, b, c = (observed(houses, each) for each in (one, two, three))
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a + Window.empty(houses) == a


@given(EVENTS, st.integers(0, 12), st.randoms(use_true_random=False))
def test_observing_in_any_split_and_order_is_the_same(houses, events, split, random):
    shuffled = random.sample(events, len(events))
    assert observed(houses, shuffled[:split]) + observed(houses, shuffled[split:]) == observed(houses, events)


@given(EVENTS)
def test_rows_at_once_are_the_same_as_one_at_a_time(houses, events):
    window = Window.empty(houses)
    of = {name: np.array([event[0][name] for event in events], dtype=object) for name in VALUES}
    window.observe_rows(of, [event[1] for event in events], [event[2] for event in events])
    assert window == observed(houses, events)


@given(EVENTS)
def test_json_reads_back_equal_and_keeps_the_contract(houses, events):
    window = observed(houses, events)
    document = json.loads(json.dumps(window.to_json()))
    schemas.check("window.state.v1", document)
    assert Window.from_json(document, houses) == window
    assert Window.from_json(document, houses) + window == window + window


@given(EVENTS)
def test_every_event_is_in_each_missing_channel_once(houses, events):
    counts = observed(houses, events).channel_counts()
    for name in VALUES:
        assert sum(counts[f"missing:{name}"]) == len(events)
        own = sum(counts[name]) + (counts["new:heating"][1] if name == "heating" else 0)
        assert own == counts[f"missing:{name}"][0]


def test_the_training_rows_themselves_give_the_reference_counts(houses, make):
    of = make.columns(1, 600)
    window = Window.empty(houses)
    window.observe_rows(of)
    estimated = {"new:rooms", "out_of_range:area", "out_of_range:ground", "prediction"}
    for channel in houses.channels:
        if channel.name not in estimated:
            assert tuple(window.channel_counts()[channel.name]) == channel.counts, channel.name


def test_many_rows_are_the_same_as_one_at_a_time(houses, make):
    of = make.columns(9, 20_000)
    predicted = make.predictions(of)
    rows, single = Window.empty(houses), Window.empty(houses)
    rows.observe_rows(of, predicted)
    for features, prediction in make.events(of, predicted):
        single.observe(features, prediction)
    assert rows == single


def test_moments_are_deviations_in_units_of_the_baseline(houses):
    summary = houses.features["area"]
    window = Window.empty(houses)
    window.observe({"area": summary.mean + 2 * summary.std})
    window.observe({"area": 1e300})
    area = window.to_json()["moments"]["area"]
    assert area == [2, 2 * 4096 + 100 * 4096, (2 * 4096) ** 2 + (100 * 4096) ** 2]


def test_timestamps_keep_the_first_and_the_last(houses):
    window = Window.empty(houses)
    for moment in (50, 10, 70):
        window.observe({}, None, moment)
    window.observe({})
    assert (window.first_ms, window.last_ms, window.events) == (10, 70, 4)


def test_absent_features_and_columns_are_missing(houses):
    one, rows = Window.empty(houses), Window.empty(houses)
    one.observe({"area": 90.0})
    rows.observe_rows({"area": [90.0]})
    assert one == rows
    assert one.channel_counts()["missing:rooms"] == [0, 1]


def test_no_rows_change_nothing(houses):
    window = Window.empty(houses)
    window.observe_rows({})
    window.observe_rows({"area": []}, [], [])
    assert window == Window.empty(houses)


def test_a_feature_that_the_reference_never_had_counts_as_present_or_missing(make):
    baseline = fit_baseline(make.feature_set("area", "heating"), {"area": [np.nan], "heating": [None]})
    one, rows = Window.empty(baseline), Window.empty(baseline)
    one.observe({"area": 5.0, "heating": "gas"})
    rows.observe_rows({"area": [5.0], "heating": ["gas"]})
    assert one == rows
    assert one.channel_counts() == {"missing:area": [1, 0], "missing:heating": [1, 0]}


def test_other_than_true_and_false_is_in_no_bin(houses):
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
def test_an_event_of_another_type_is_refused_and_changes_nothing(houses, features, prediction, where):
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
def test_rows_that_do_not_fit_are_refused(houses, of, predicted, message):
    window = Window.empty(houses)
    with pytest.raises(WindowError, match=message):
        window.observe_rows(of, predicted)
    assert window == Window.empty(houses)


def test_windows_of_different_baselines_do_not_add(houses, make):
    other = fit_baseline(make.feature_set("area"), {"area": [1.0, 2.0]})
    with pytest.raises(WindowError, match="same baseline"):
        Window.empty(houses) + Window.empty(other)


def test_windows_of_different_model_versions_do_not_add(houses):
    with pytest.raises(WindowError, match="same model version; these are of 3f9a1c2b4d5e and None"):
        Window.empty(houses, "3f9a1c2b4d5e") + Window.empty(houses)


def test_a_window_equals_no_other_thing_and_has_no_hash(houses):
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
def test_another_document_is_refused(houses, change, message):
    with pytest.raises(WindowError, match=message):
        Window.from_json(Window.empty(houses).to_json() | change, houses)


def test_a_document_with_other_bins_is_refused(houses):
    document = Window.empty(houses).to_json()
    document["counts"]["garden"] = [0, 0, 0]
    with pytest.raises(WindowError, match="as many bins"):
        Window.from_json(document, houses)
