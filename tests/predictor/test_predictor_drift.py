import json
from math import inf, nan
from statistics import fmean

import pytest
from drift_predictor.drift import GREATEST, DriftJudge, severity
from hypothesis import given
from hypothesis import strategies as st

NAMES = ("a", "b", "c")
FACTS = {"a": {"mean": 3.0, "std": 1.5}, "b": {"mean": -10, "std": 4}, "c": {"mean": 0.0, "std": 1e-3}}
NUMBERS = st.floats(-1e5, 1e5)


def judged(row, features=FACTS, threshold=2.0):
    score, text = DriftJudge(tuple(features), features, threshold)(row)
    return score, json.loads(text)


@given(st.tuples(NUMBERS, NUMBERS, NUMBERS), st.floats(0.1, 10))
def test_the_score_is_the_mean_magnitude_of_z_and_the_drifted_are_those_over_the_threshold(row, threshold):
    score, drift = judged(row, threshold=threshold)
    z = {name: (x - FACTS[name]["mean"]) / FACTS[name]["std"] for name, x in zip(NAMES, row, strict=True)}
    assert drift["z"] == pytest.approx(z, rel=5.1e-9, abs=0)
    assert score == pytest.approx(fmean(map(abs, z.values())))
    assert drift["drifted"] == [name for name, one in z.items() if abs(one) > threshold]
    assert drift["severity"] == severity(score)


def test_a_row_worked_by_hand():
    score, drift = judged((6.0, -2.0, 0.0))
    assert drift == {"z": {"a": 2.0, "b": 2.0, "c": 0.0}, "drifted": [], "severity": "moderate"}
    assert score == 4 / 3


@pytest.mark.parametrize(
    ("facts", "value"),
    [
        ({"mean": 7.0, "std": 0.0}, 8.0),
        ({"mean": 7.0, "std": None}, 8.0),
        ({"mean": None, "std": None}, 8.0),
        ({}, 1.0),
        ({"mean": 7.0, "std": 1.0}, nan),
    ],
    ids=["constant in training", "one row in training", "missing in training", "category", "null"],
)
def test_a_feature_without_z_is_null_and_no_part_of_the_score(facts, value):
    score, drift = judged((value, -2.0), {"a": facts, "b": FACTS["b"]})
    assert drift == {"z": {"a": None, "b": 2.0}, "drifted": [], "severity": "moderate"}
    assert score == 2.0


@given(st.lists(st.tuples(NUMBERS | st.integers(-3, 3).map(float) | st.just(nan), NUMBERS), min_size=1, max_size=20))
def test_a_row_is_judged_alike_whatever_was_judged_before_it(rows):
    facts = {name: FACTS[name] for name in ("a", "b")}
    judge = DriftJudge(("a", "b"), facts, 2.0)
    assert [judge(row) for row in rows] == [DriftJudge(("a", "b"), facts, 2.0)(row) for row in rows]


def test_where_nothing_has_a_z_the_score_is_zero():
    assert judged((1.0,), {"a": {}}) == (0.0, {"z": {"a": None}, "drifted": [], "severity": "normal"})


@pytest.mark.parametrize("value", [3.4e38, -3.4e38, 1e300])
def test_a_z_beyond_all_measure_is_held_so_that_the_answer_stays_json(value):
    score, drift = judged((3.0, -10.0, value))
    assert abs(drift["z"]["c"]) == GREATEST
    assert drift["drifted"] == ["c"]
    assert drift["severity"] == "high"
    assert score == GREATEST / 3 < inf


@pytest.mark.parametrize(
    ("score", "word"),
    [(0.0, "normal"), (0.9999999, "normal"), (1.0, "moderate"), (2.0, "moderate"), (2.0000001, "high")],
)
def test_severity_has_its_bounds_at_one_and_two(score, word):
    assert severity(score) == word
