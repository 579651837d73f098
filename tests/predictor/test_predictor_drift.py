"""The score of one row."""

import json
from importlib.resources import files
from math import inf, nan
from statistics import fmean

import pytest
from drift_contracts.severity import severity
from drift_engine.scale import FARTHEST
from drift_predictor.drift import DriftScorer
from hypothesis import given
from hypothesis import strategies as st

NAMES = ("a", "b", "c")
FACTS = {"a": {"mean": 3.0, "std": 1.5}, "b": {"mean": -10, "std": 4}, "c": {"mean": 0.0, "std": 1e3}}
NUMBERS = st.floats(-1e3, 1e3)


def held(z):
    """Return a z as answers show it: within 100 standard deviations."""
    return max(-FARTHEST, min(z, FARTHEST))


def scored(row, features=FACTS, threshold=2.0):
    score, text = DriftScorer(tuple(features), features, threshold).score(row)
    return score, json.loads(text)


@given(st.tuples(NUMBERS, NUMBERS, NUMBERS), st.floats(0.1, 10))
def test_score(row, threshold):
    """The score is the mean |z|, and the drifted features are those over the threshold."""
    score, drift = scored(row, threshold=threshold)
    facts = zip(NAMES, row, strict=True)
    z = {name: held((x - FACTS[name]["mean"]) / FACTS[name]["std"]) for name, x in facts}
    assert drift["z"] == pytest.approx(z, rel=5.1e-9, abs=0)
    assert score == pytest.approx(fmean(map(abs, z.values())))
    assert drift["drifted"] == [name for name, one in z.items() if abs(one) > threshold]
    assert drift["severity"] == severity(score)


def test_worked_by_hand():
    """A row that was worked by hand has that score."""
    score, drift = scored((6.0, -2.0, 0.0))
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
        ({"mean": 0.3, "std": 2.8e-17, "min": 0.3, "max": 0.1 + 0.2}, 0.31),
        ({"mean": -5e12, "std": 4e3, "min": -5e12 - 1e4, "max": -5e12 + 1e4}, 0.0),
    ],
    ids=[
        "constant in training",
        "one row in training",
        "missing in training",
        "category",
        "null",
        "the noise of a float sum",
        "a spread under 1e-9 of the magnitude",
    ],
)
def test_no_z(facts, value):
    """A feature without a z is null and no part of the score."""
    score, drift = scored((value, -2.0), {"a": facts, "b": FACTS["b"]})
    assert drift == {"z": {"a": None, "b": 2.0}, "drifted": [], "severity": "moderate"}
    assert score == 2.0


def test_nothing_measured():
    """A row of which no feature has a z has the score 0."""
    score, drift = scored((1.0, nan), {"a": {}, "b": {"mean": 7.0, "std": 0.0}})
    assert drift == {"z": {"a": None, "b": None}, "drifted": [], "severity": "normal"}
    assert score == 0.0


def test_measured_among_others():
    """Features without a z leave the others' z and names as they are."""
    row = (5.0, 6.0, 1.0, -42.0, 2.0)
    score, drift = scored(row, {"x": {}, "a": FACTS["a"], "y": {}, "b": FACTS["b"], "z": {}})
    assert drift["z"] == {"x": None, "a": 2.0, "y": None, "b": -8.0, "z": None}
    assert (score, drift["drifted"]) == (5.0, ["b"])


@given(st.lists(st.tuples(NUMBERS | st.integers(-3, 3).map(float) | st.just(nan), NUMBERS), min_size=1, max_size=20))
def test_no_memory(rows):
    """The score of a row does not depend on the rows before it."""
    facts = {name: FACTS[name] for name in ("a", "b")}
    scorer = DriftScorer(("a", "b"), facts, 2.0)
    assert [scorer.score(row) for row in rows] == [DriftScorer(("a", "b"), facts, 2.0).score(row) for row in rows]


def test_no_z_at_all():
    """Where no feature has a z the score is 0."""
    assert scored((1.0,), {"a": {}}) == (0.0, {"z": {"a": None}, "drifted": [], "severity": "normal"})


@pytest.mark.parametrize("value", [1.001e5, -1.001e5, 3.4e38, -3.4e38, 1e300, inf])
def test_largest_z(value):
    """A z is limited to 100."""
    score, drift = scored((3.0, -10.0, value))
    assert abs(drift["z"]["c"]) == FARTHEST == 100.0
    assert drift["drifted"] == ["c"]
    assert drift["severity"] == "high"
    assert score == FARTHEST / 3


def test_largest_score():
    """No score is over 100."""
    assert scored((1e300, -1e300, 1e300))[0] == 100.0


def test_smallest_std():
    """The smallest standard deviation that is usable gives a z."""
    assert scored((2e9,), {"a": {"mean": 1e9, "std": 1.0, "min": 1e9 - 3, "max": 1e9}})[0] == 100.0


def test_limit_of_each():
    """The limit is one of each z, not of their sum: 90 features that are 2 away score 2."""
    facts = {f"f{place}": {"mean": 0.0, "std": 1.0} for place in range(90)}
    score, drift = scored((2.0,) * 90, facts)
    assert score == 2.0
    assert set(drift["z"].values()) == {2.0}


def test_scenarios(bundles):
    """The limits change nothing of a score of the scenario suite's requests."""
    baseline = json.loads((bundles / "house-price" / "baseline.json").read_text())
    suite = json.loads(files("drift_contracts").joinpath("scenarios/house-price.json").read_text())
    facts = baseline["features"]
    for scenario in suite["scenarios"]:
        for request in scenario["requests"]:
            zs = [(request[name] - facts[name]["mean"]) / facts[name]["std"] for name in facts]
            row = tuple(map(float, map(request.__getitem__, facts)))
            score, drift = scored(row, facts)
            assert score == sum(map(abs, zs)) / len(zs)
            assert drift["z"] == {name: float(f"{z:.9g}") for name, z in zip(facts, zs, strict=True)}


@pytest.mark.parametrize(
    ("score", "word"),
    [(0.0, "normal"), (0.9999999, "normal"), (1.0, "moderate"), (2.0, "moderate"), (2.0000001, "high")],
)
def test_severity(score, word):
    """The severity's thresholds are 1 and 2."""
    assert severity(score) == word
