"""The state document: what the page shows follows from the store, bucket by bucket."""

import json

import pytest
from drift_console.database import connect
from drift_console.frame import BUCKETS, Frame
from drift_console.ingest import Ingester
from drift_console.linelog import LineWriter
from drift_console.settings import Settings
from drift_console.specification import Specification
from drift_console.state import ModelView, StateReader
from drift_contracts import FeatureSet
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_795_435_200.0
FEATURES = FeatureSet.from_json(
    {
        "contract": "feature-set.v1",
        "name": "house-price",
        "version": "1.0.0",
        "description": "One feature.",
        "target": {"name": "price", "unit": "USD", "description": "Sale price."},
        "features": [
            {
                "name": "sqft",
                "type": "number",
                "unit": "square feet",
                "exclusive_minimum": 0,
                "maximum": 1e6,
                "usual": [500, 3500],
                "example": 2000,
                "description": "Living area.",
            }
        ],
    }
)
BASELINE = {
    "features": {"sqft": {"mean": 2000.0, "std": 500.0, "min": 0.0, "max": 4000.0}},
    "channels": [{"name": "sqft", "kind": "quantiles", "edges": [1500.0, 2000.0, 2500.0], "counts": [1, 3, 3, 1]}],
}
MANIFEST = {
    "model_version": "3f9a1c2b4d5e",
    "estimator": {"kind": "RandomForestRegressor"},
    "training": {"rows": 10000},
    "scores": {"r2": {"value": 0.97}},
    "feature_set": "1.0.0",
}
KEYS = {
    *("now", "stack", "fast", "model", "models", "target", "threshold", "totals", "series", "features", "alarms"),
    *("history", "recent", "model_card", "scenarios", "evidence"),
}


@pytest.fixture
def state(tmp_path):
    """A function that stores lines and gives the state document after them."""
    specification = Specification(Settings())
    connection = connect(tmp_path / "console.sqlite")
    (tmp_path / "events").mkdir()
    view = ModelView.of(FEATURES, BASELINE, MANIFEST, alarms=specification.alarms, suite=None)
    reader = StateReader(
        connection,
        namespace=specification.namespace,
        stack="local",
        threshold=2.0,
        fast=False,
        models={"house-price": view},
    )

    def after(*lines, minutes=30):
        writer = LineWriter(tmp_path / "events")
        for line in lines:
            writer.write(line)
        writer.close()
        ingester = Ingester(connection, tmp_path / "events")
        while ingester.ingest():
            pass
        return reader.state("house-price", minutes, NOW)

    yield after
    connection.close()


def test_silence(state):
    """A silent console shows every field and no data."""
    shown = state()
    assert set(shown) == KEYS
    assert shown["totals"] == {"predictions": 0, "drifted": 0, "errors": 0, "rejected": 0}
    assert shown["series"]["prediction"]["average"] == [None] * 120
    assert shown["recent"] == shown["history"] == []
    assert shown["features"][0]["live"]["mean"] is None
    assert {alarm["state"] for alarm in shown["alarms"]} == {"INSUFFICIENT_DATA"}
    assert shown["model_card"]["rows"] == 10000
    assert shown["model_card"]["warnings"] is None
    json.dumps(shown, allow_nan=False)


def test_traffic(state, event_line):
    """Traffic is counted in its bucket."""
    shown = state(*(event_line(NOW - 20, drift=drift, prediction=100.0 * drift) for drift in (1.0, 2.0, 3.0, 6.0)))
    series = shown["series"]
    bucket = series["times"].index(int(NOW) - 30)
    assert series["bucket_seconds"] == 15
    assert series["count"][bucket] == sum(series["count"]) == 4
    assert series["drift_score"]["average"][bucket] == 3.0
    assert series["drift_score"]["maximum"][bucket] == 6.0
    assert series["prediction"]["p10"][bucket] == 100.0
    assert series["prediction"]["p90"][bucket] == pytest.approx(600.0, rel=0.004)
    assert shown["totals"]["predictions"] == 4
    assert shown["totals"]["drifted"] == 2


def test_feature(state, event_line):
    """A feature is shown over its baseline."""
    shown = state(event_line(NOW - 5, Feature_sqft=3000.0), event_line(NOW - 5, Feature_sqft=1000.0))
    feature = shown["features"][0]
    live, bins = feature["live"], feature["baseline"]["bins"]
    assert (live["count"], live["mean"], live["z"], live["mean_abs_z"]) == (
        *(2, 2000.0, 0.0),
        pytest.approx(2.0, rel=0.01),
    )
    assert len(live["share"]) == len(bins) <= 24
    assert sum(live["share"]) == pytest.approx(1.0)
    shares = {one["low"]: share for share, one in zip(live["share"], bins, strict=True) if one["low"]}
    assert shares[max(low for low in shares if low <= 3000)] == 0.5
    assert [value for value in feature["series"]["average"] if value is not None] == [2000.0]


def test_largest_z(state, event_line):
    """One absurd value does not make a mean of millions."""
    live = state(event_line(NOW - 5, Feature_sqft=1e6))["features"][0]["live"]
    assert (live["z"], live["mean_abs_z"]) == (100.0, 100.0)


def test_recent(state, event_line):
    """Recent predictions come newest first and are at most fifty."""
    recent = state(*(event_line(NOW - 60 + number, number=number) for number in range(60)))["recent"]
    assert [one["prediction_id"] for one in recent] == [f"id-{number}" for number in range(59, 9, -1)]
    assert set(recent[0]) == {
        "timestamp",
        "prediction_id",
        "prediction",
        "drift_score",
        "severity",
        "drifted",
        "features",
    }


def test_errors(state):
    """Errors and rejections are summed."""
    document = {
        "_aws": {
            "Timestamp": (NOW - 5) * 1000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "MLOpsDriftMonitor",
                    "Dimensions": [["Stack", "Model"]],
                    "Metrics": [{"Name": "Errors"}, {"Name": "Rejected"}],
                }
            ],
        },
        "Stack": "local",
        "Model": "house-price",
        "Errors": 1,
        "Rejected": 2,
    }
    totals = state(json.dumps(document), json.dumps(document))["totals"]
    assert (totals["errors"], totals["rejected"]) == (2, 4)


def test_alarms(state):
    """Alarms show what they watch."""
    alarms = {alarm["name"]: alarm for alarm in state()["alarms"]}
    drift, share, composite = alarms["high-drift"], alarms["error-share"], alarms["needs-attention"]
    assert (drift["metric"], drift["statistic"], drift["threshold"], drift["period"]) == (
        "DriftScore",
        "Average",
        2.0,
        300,
    )
    assert share["metric"].startswith("100 * FILL(")
    assert share["statistic"] is None
    assert 'ALARM("high-drift")' in composite["rule"]
    assert composite["metric"] is None


@given(st.floats(1e9, 2e9), st.integers(1, 10_080))
def test_frame(now, minutes):
    """A frame ends with the bucket of now and has a bounded number of buckets."""
    frame = Frame.ending(now, minutes)
    end = frame.start + frame.width * frame.count
    assert end - frame.width <= now < end
    assert 1 <= frame.count <= BUCKETS
    assert frame.start % frame.width == 0
    assert frame.width * frame.count <= minutes * 60 < frame.width * (frame.count + 1)


@given(st.floats(1e9, 2e9), st.integers(181, 10_080))
def test_long_frame(now, minutes):
    """A frame that reaches beyond the kept seconds is made of minutes."""
    frame = Frame.ending(now, minutes)
    assert frame.width % 60 == frame.start % 60 == 0


class Speaking:
    """Evidence that names features."""

    def __init__(self, finding, *standing):
        self.parts = {"finding": finding and {"of": finding}, "standing": [{"of": of} for of in standing]}

    def document(self, *_arguments):
        """Return the findings."""
        return self.parts


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (None, ["n0", "n1"]),
        (Speaking(None), ["n0", "n1"]),
        (Speaking(["n7"], ["n3", "n1"], ["prediction"], [*"abc", "n5"]), ["n0", "n1", "n3", "n7"]),
    ],
    ids=["no evidence", "nothing found", "found and standing"],
)
def test_shown_features(tmp_path, evidence, expected):
    """The page shows the features that have metrics and those that the evidence names."""
    document = FEATURES.to_json()
    (sqft,) = document["features"]
    wide = FeatureSet.from_json({**document, "features": [{**sqft, "name": f"n{place}"} for place in range(9)]})
    (channel,) = BASELINE["channels"]
    baseline = {
        "features": dict.fromkeys(wide.names, BASELINE["features"]["sqft"]),
        "channels": [{**channel, "name": name} for name in wide.names],
    }
    view = ModelView.of(wide, baseline, MANIFEST, alarms=[], suite=None, metric_features=2)
    reader = StateReader(
        connect(tmp_path / "console.sqlite"), namespace="N", stack="local", threshold=2.0, fast=False,
        models={"house-price": view}, evidence=evidence,
    )  # fmt: skip
    assert [feature["name"] for feature in reader.state("house-price", 30, NOW)["features"]] == expected
