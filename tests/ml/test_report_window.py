"""What a report says of a window."""

import json

import numpy as np
import pytest
from drift_contracts import schemas
from drift_ml.baseline.fit import fit_baseline
from drift_ml.report import NATS, differences, window_report
from drift_ml.window import Window


def report(baseline, of, predicted=None, timestamps=None):
    window = Window.empty(baseline, "3f9a1c2b4d5e")
    window.observe_rows(of, predicted, timestamps)
    document = window_report(baseline, window)
    schemas.check("window.report.v1", document)
    assert json.loads(json.dumps(document)) == document
    return document


def channel(document, name):
    return next(each for each in document["channels"] if each["name"] == name)


def test_same_traffic(houses, make):
    """Traffic like the baseline's is reported as such."""
    of = make.columns(5, 2000)
    document = report(houses, of, make.predictions(of))
    assert document["verdict"]["level"] == "none"
    # The sum of all features is watched for evidence, and has no place in window.report.v1.
    reported = [channel for channel in houses.channels if channel.kind != "sum"]
    assert document["verdict"]["words"] == f"all {len(reported)} channels are as in the baseline, over 2000 events"
    assert {each["level"] for each in document["channels"]} == {"none"}


def test_shifted_feature(houses, make):
    """A shifted feature comes first, with its size and direction."""
    document = report(houses, make.columns(5, 2000, shift=-1.0))
    first = document["channels"][0]
    assert (first["name"], first["rank"], first["level"]) == ("area", 1, "large")
    assert first["words"].startswith("area is 1.0")
    assert "standard deviations lower" in first["words"]
    assert first["mean"]["low"] < -1.0 < first["mean"]["high"] + 0.1
    assert document["verdict"]["drifted"][0] == "area"
    assert "first: area is" in document["verdict"]["words"]


def test_wider_feature(houses, make):
    """A feature of larger variance is reported to spread."""
    of = make.columns(5, 3000)
    of["area"] = 90 + 2 * (of["area"] - 90)
    words = channel(report(houses, of), "area")["words"]
    assert words.startswith("area spreads")
    assert words.endswith("times as widely as in the baseline")


def test_other_shape(houses, make):
    """A feature of another shape is described by its bin."""
    of = make.columns(5, 3000)
    of["area"] = 90 + 20 * np.sign(of["area"] - 90)
    assert "the share of values 108.9 to 112.2 rose" in channel(report(houses, of), "area")["words"]


def test_missing_percent(houses, make):
    """Missing values are reported in percent."""
    of = make.columns(5, 2000)
    of["rooms"] = np.where(np.arange(2000) % 5 == 0, np.nan, of["rooms"])
    found = channel(report(houses, of), "missing:rooms")
    assert found["words"] == "rooms: 20 % of the values are missing, 0 % in training"
    assert found["share"]["difference"] == pytest.approx(0.2)
    assert found["test"]["name"] == "fisher"


def test_changed_mix(houses, make):
    """A changed mix names the category."""
    of = make.columns(5, 2000)
    of["heating"] = np.array(["gas"] * 1500 + ["oil"] * 250 + ["wood"] * 250, dtype=object)
    found = channel(report(houses, of), "heating")
    assert found["words"].startswith("heating: the share of gas rose from")
    assert found["test"]["name"] == "chi-square"


def test_lost_correlation(make):
    """A lost correlation is reported for its pair, and a moved feature is not taken for one."""
    random = np.random.default_rng(0)
    features = make.feature_set("area", "ground")
    area = random.normal(size=3000)
    baseline = fit_baseline(features, {"area": area, "ground": area + 0.5 * random.normal(size=3000)})
    apart = {"area": random.normal(size=3000), "ground": 1.12 * random.normal(size=3000)}
    words = channel(report(baseline, apart), "product:area:ground")["words"]
    assert words == "area with ground: move together less than in the baseline"
    more = channel(report(baseline, {"area": area, "ground": 1.12 * area}), "product:area:ground")["words"]
    assert more == "area with ground: move together more than in the baseline"
    moved = {"area": area + 2, "ground": area + 0.5 * random.normal(size=3000)}
    words = channel(report(baseline, moved), "product:area:ground")["words"]
    assert words == "area with ground: changed along with area"


@pytest.mark.parametrize(("factor", "where"), [(2.0, "farther from"), (0.4, "closer to")])
def test_all_features(make, factor, where):
    """A change of all features is reported by the sum of squares."""
    random = np.random.default_rng(0)
    names = ["area", "ground"]
    baseline = fit_baseline(make.feature_set(*names), {name: random.normal(size=3000) for name in names})
    found = channel(report(baseline, {name: factor * random.normal(size=3000) for name in names}), "sum_of_squares")
    assert found["words"] == f"all features together are {where} their middle than in the baseline"


def test_no_events(houses):
    """A window without events is reported as such."""
    document = report(houses, {})
    assert document["verdict"] == {"level": "none", "words": "no events", "drifted": []}
    assert document["window"] == {"events": 0, "first": None, "last": None}
    assert channel(document, "area")["words"] == "area: no events"
    assert channel(document, "sum_of_squares")["words"] == "all features together: no events"


def test_constant_baseline(make):
    """A baseline without a deviation has no shift to report."""
    baseline = fit_baseline(make.feature_set("area"), {"area": [1.0] * 50})
    document = report(baseline, {"area": [2.0] * 50})
    assert "mean" not in channel(document, "area")
    assert document["verdict"]["drifted"] == ["new:area", "out_of_range:area"]


def test_constant_window(houses):
    """A constant window has a shift and no ratio of variances."""
    found = channel(report(houses, {"area": [120.0] * 50}), "area")
    assert "mean" in found
    assert "variance" not in found


def test_times(houses):
    """Times are in UTC with milliseconds."""
    document = report(houses, {"area": [90.0, 91.0]}, None, [1795435200123, 1795435260000])
    assert document["window"] == {"events": 2, "first": "2026-11-23T12:00:00.123Z", "last": "2026-11-23T12:01:00.000Z"}


def test_shares(houses, make):
    """Shares add up to 1, with a label for each."""
    for each in report(houses, make.columns(5, 500))["channels"]:
        assert len(each["labels"]) == len(each["baseline"]) == len(each["window"])
        assert sum(each["baseline"]) == pytest.approx(1, abs=1e-4)
        if each["events"]:
            assert sum(each["window"]) == pytest.approx(1, abs=1e-4)


@pytest.mark.no_cover
def test_false_drift(make):
    """Channels without drift are seldom reported as drifted."""
    of = make.columns(1, 1500)
    baseline = fit_baseline(make.feature_set(), of, predictions=make.predictions(of))
    called = 0
    for seed in range(100, 140):
        now = make.columns(seed, 500)
        called += report(baseline, now, make.predictions(now))["verdict"]["level"] != "none"
    assert called <= 4


def test_differences(houses, make):
    """What differs is told with its size and interval, and dependent events count for fewer."""
    of = make.columns(5, 2000, shift=0.25)
    window = Window.empty(houses, "3f9a1c2b4d5e")
    window.observe_rows(of, make.predictions(of))
    (found,) = [each for each in differences(houses, window, {}) if each.channel == "area"]
    assert found.low < 0.25 < found.high
    assert found.unit != NATS
    assert differences(houses, window, {channel.name: 60.0 for channel in houses.channels}) == []


def test_differences_of_shares(houses, make):
    """A share differs by a share, a category by PSI."""
    of = make.columns(5, 2000)
    of["area"] = np.where(np.arange(2000) % 4 == 0, np.nan, of["area"])
    of["heating"] = np.where(np.arange(2000) % 3 == 0, "gas", of["heating"])
    window = Window.empty(houses, "3f9a1c2b4d5e")
    window.observe_rows(of, make.predictions(of))
    found = {each.channel: each for each in differences(houses, window, {})}
    assert found["missing:area"].size == pytest.approx(0.25, abs=0.01)
    assert (found["missing:area"].unit, found["missing:area"].of) == ("share", ("area",))
    assert (found["heating"].unit, found["heating"].low) == (NATS, found["heating"].size)
