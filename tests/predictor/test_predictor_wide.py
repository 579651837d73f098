"""Models of many features, and of categories with many levels."""

import json
from math import nan

import pytest
from drift_contracts.environment import MOST_METRIC_FEATURES
from drift_contracts.metric_lines import MOST_METRICS
from drift_predictor import read_settings
from drift_predictor.drift import LARGEST, DriftScorer, WideScorer, scorer_of
from drift_predictor.lines import MEASURES

from tests.support.wide import NORMAL, answered, wide


@pytest.mark.parametrize("features", [91, 500, 2000])
def test_ten_largest(world, features):
    """Above 90 features answer and line have the ten largest z, the largest first."""
    values = {place: (-1.0) ** place * (2.5 + place) for place in range(12)}
    answer, event = answered(world, wide(features), values)
    expected = {f"n{place}": (-1.0) ** place * (2.5 + place) for place in range(11, 1, -1)}
    assert list(answer["drift"]["z"].items()) == list(expected.items())
    assert answer["drift"] == event["drift"]
    assert answer["drift"]["drifted"] == [f"n{place}" for place in range(12)]
    assert answer["drift_score"] == pytest.approx(sum(map(abs, values.values())) / features)
    assert len(event["features"]) == features


@pytest.mark.parametrize("features", [1, 89, 90])
def test_narrow_answer(world, features):
    """Up to 90 features each has its z."""
    answer, _ = answered(world, wide(features), {0: 3.0})
    assert list(answer["drift"]["z"]) == [f"n{place}" for place in range(features)]


def test_wide_scores():
    """The score of many features is that of few, of nulls and absurd values too."""
    names = [f"n{place}" for place in range(100)]
    facts = dict.fromkeys(names, NORMAL)
    row = tuple([nan if place % 3 == 0 else 1e9 if place % 3 == 1 else place / 10 for place in range(100)])
    narrow, text = DriftScorer(names, facts, 2.0).score(row)
    score, largest = WideScorer(names, facts, 2.0).score(row)
    assert score == narrow
    every, ten = json.loads(text), json.loads(largest)
    assert ten.pop("z") == {f"n{place}": 100.0 for place in range(1, 31, 3)}
    del every["z"]
    assert ten == every


def test_wide_nulls():
    """A row without any z has none, and no score."""
    names = [f"n{place}" for place in range(91)]
    score, text = WideScorer(names, dict.fromkeys(names, NORMAL), 2.0).score((nan,) * 91)
    assert (score, json.loads(text)) == (0.0, {"z": {}, "drifted": [], "severity": "normal"})
    assert scorer_of(91) is WideScorer
    assert LARGEST == 10


@pytest.mark.parametrize(("most", "features"), [(0, 40), (1, 40), (30, 2000), (30, 30), (90, 91)])
def test_metric_features(world, most, features):
    """So many features have metrics, the first ones where nothing tells them apart."""
    _, event = answered(world, wide(features), {0: 1.5}, metric_features=most)
    measured = [name for name in event if name.startswith("Feature_")]
    assert measured == [f"Feature_n{place}" for place in range(min(most, features))]
    (directive,) = event["_aws"]["CloudWatchMetrics"]
    assert [metric["Name"] for metric in directive["Metrics"]] == [*MEASURES, *measured]
    assert len(directive["Metrics"]) <= MOST_METRICS


def test_important_features(world):
    """The most important features have metrics, in the model's order; their values are theirs."""
    importances = {
        f"n{place}": {"value": value, "low": None, "high": None}
        for place, value in [(5, 0.1), (39, 2.0), (7, None), (20, 1.0)]
    }
    values = {20: 2.0, 39: 3.0}
    _, event = answered(world, wide(40, importances), values, metric_features=2)
    measured = {name: value for name, value in event.items() if name.startswith("Feature_")}
    assert list(measured.items()) == [("Feature_n20", 2.0), ("Feature_n39", 3.0)]


def test_measured_nulls(world):
    """A null of a feature with a metric is left out of the line, and others are as they were."""
    _, event = answered(world, wide(40, nullable=True), {0: None, 35: None}, metric_features=2)
    assert [name for name in event if name.startswith("Feature_")] == ["Feature_n1"]


@pytest.mark.parametrize("text", ["-1", "91", "1.5", "all"])
def test_metric_features_refused(text):
    """A number of features that a line cannot hold is refused with the range."""
    with pytest.raises(
        Exception, match=f"DRIFT_METRIC_FEATURES: expected a whole number from 0 to {MOST_METRIC_FEATURES}"
    ):
        read_settings({"DRIFT_METRIC_FEATURES": text})
    assert read_settings({"DRIFT_METRIC_FEATURES": "5"}).metric_features == 5


def test_many_levels(world):
    """Of a category with 10,000 levels the last one is answered, and a wrong one's refusal is short."""
    levels = [f"level {place:05}" for place in range(10_000)]
    members = {"type": "category", "unit": "none", "categories": levels, "example": levels[0], "description": "Many."}
    bundle = wide(1, **members)
    service = world.service(loaded={"wide": bundle}, model="wide")

    def status(value):
        body = json.dumps({"features": {"n0": value}}).encode()
        reply = service.respond("POST", "/predict", body, "application/json", "request-1")
        return reply.status, reply.body

    assert status(levels[-1])[0] == 200
    refused, body = status("level of no shop")
    assert refused == 422
    assert len(body) < 1000
    assert b"and 9990 more" in body
    assert b"no shop" not in body
