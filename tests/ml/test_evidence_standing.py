"""Several drifts at a time: each cause is told once, beside what stands, and ends on its own."""

from __future__ import annotations

import json

import numpy as np
import pytest
from drift_contracts import FeatureSet
from drift_ml.baseline import Channel
from drift_ml.baseline.fit import fit_baseline
from drift_ml.evidence import Budget, MixtureDetector, Settings, observe_window
from drift_ml.evidence._standing import Causes
from drift_ml.window import Window

from benchmarks.simulate.coding import counted
from benchmarks.simulate.mixture import Watched
from benchmarks.simulate.streams import normals

BATCH = 20
ROWS = 10_000
SETTINGS = Settings([Channel(name, "values", (name,), (2000,) * 5) for name in ("a", "b", "c")], Budget(10_000))
EVEN, HIGH, SLIGHT = [40, 40, 40, 40, 40], [0, 0, 50, 50, 100], [32, 36, 40, 44, 48]
#: About half of what is the least effect below.
REST = [20, 30, 40, 50, 60]


def even(**changed):
    """Return a window in which all but some channels are as in the reference."""
    return {"a": EVEN, "b": EVEN, "c": EVEN} | changed


def alarms_of(detector, rows, start=0, *, baseline):
    """Return (event, channel) of every alarm that rows raise, and (event, channel) of every end."""
    raised, ended = [], []
    for number, counts in enumerate(counted(baseline, rows, BATCH)):
        event = start + (number + 1) * BATCH
        step = observe_window(detector, counts, events=BATCH, timestamp_s=float(event - BATCH))
        raised += [(event, alarm.finding.channel) for alarm in step.raised]
        ended += [(event, alarm.finding.channel) for alarm in step.recovered]
    return raised, ended


@pytest.mark.parametrize("size", [0.5, 2.0])
def test_second_drift_is_told(size):
    """A drift of another feature is told under a standing alarm, and about as soon as alone."""
    for seed in range(3):
        rng = np.random.default_rng([21, seed])
        watched = Watched(normals(rng, ROWS))
        detector = MixtureDetector(Settings(watched.channels, Budget(100_000)))
        rows = normals(rng, 3000)
        rows[:, 0] += 0.5
        rows[1500:, 3] += size
        raised, ended = alarms_of(detector, rows, baseline=watched.baseline)
        assert [channel for _, channel in raised] == ["x0", "x3"]
        assert raised[1][0] - 1500 <= 300
        assert not ended


def test_each_alarm_ends_on_its_own():
    """The first alarm ends when its drift does, while the second stands, and the other way round."""
    rng = np.random.default_rng(22)
    watched = Watched(normals(rng, ROWS))
    detector = MixtureDetector(Settings(watched.channels, Budget(100_000)))
    rows = normals(rng, 6000)
    rows[:2000, 0] += 1.0
    rows[1000:4500, 3] += 1.0
    raised, ended = alarms_of(detector, rows, baseline=watched.baseline)
    assert [channel for _, channel in raised] == ["x0", "x3"]
    assert [channel for _, channel in ended] == ["x0", "x3"]
    assert 2000 < ended[0][0] < 4500 < ended[1][0]
    assert detector.alarms == ()


def test_correlated_features_are_one_cause():
    """Features that move together in training and begin to drift together raise one alarm."""
    rng = np.random.default_rng(23)

    def linked(rows):
        """Return rows whose first two features are correlated."""
        rows[:, 1] = 0.6 * rows[:, 0] + 0.8 * rows[:, 1]
        return rows

    watched = Watched(linked(normals(rng, ROWS)))
    detector = MixtureDetector(Settings(watched.channels, Budget(100_000)))
    rows = linked(normals(rng, 2000))
    rows[:, 0] += 1.0
    rows[:, 1] += 0.6
    raised, _ = alarms_of(detector, rows, baseline=watched.baseline)
    assert [channel for _, channel in raised] == ["x0"]
    assert detector.alarms[0].channels == ("x0", "x1")


def test_predictions_follow_features():
    """The model's answers move with the features: their drift joins the alarm of a feature."""
    rng = np.random.default_rng(24)
    feature = {"type": "number", "unit": "none", "description": "-", "example": 0}
    features = FeatureSet.from_json(
        {
            "contract": "feature-set.v1", "name": "line", "version": "1.0.0", "description": "-",
            "target": {"name": "y", "unit": "none", "description": "-"},
            "features": [{"name": name, **feature} for name in ("a", "b")],
        }
    )  # fmt: skip
    rows = rng.standard_normal((ROWS, 2))
    columns = {"a": rows[:, 0], "b": rows[:, 1]}
    baseline = fit_baseline(features, columns, predictions=rows.sum(axis=1))
    detector = MixtureDetector(Settings(baseline.channels, Budget(10_000)))
    raised = []
    for number in range(40):
        window = Window.empty(baseline)
        for a, b in rng.normal((1.0, 0.0), 1.0, (50, 2)):
            window.observe({"a": float(a), "b": float(b)}, float(a + b), timestamp_ms=number)
        step = observe_window(detector, window.channel_counts(), events=50, timestamp_s=float(number))
        raised += step.raised
    assert len(raised) == 1
    assert set(raised[0].channels) == {"a", "prediction"}


def test_independent_features_are_two_causes():
    """Two features that the training data do not link raise two alarms, also in one window."""
    detector = MixtureDetector(SETTINGS)
    raised = []
    for _ in range(20):
        raised += observe_window(detector, even(a=HIGH, c=HIGH), events=200).raised
    assert [alarm.channels for alarm in raised] == [("a",), ("c",)]
    assert detector.alarm is raised[0].finding


def test_small_effect():
    """A change below the minimum effect raises no alarm, and does not hide others."""
    settings = Settings(SETTINGS.channels, Budget(1000), minimum_effect=0.6)
    detector = MixtureDetector(settings)
    for _ in range(400):
        observe_window(detector, even(a=SLIGHT), events=200)
    assert detector.evidence > detector.needed
    assert detector.alarms == ()
    raised = []
    for _ in range(10):
        raised += observe_window(detector, even(a=SLIGHT, b=HIGH), events=200).raised
    assert [alarm.finding.channel for alarm in raised] == ["b"]


def test_slight_rest():
    """What is left of a drift below the minimum effect does not start its recovery anew."""
    detector = MixtureDetector(Settings(SETTINGS.channels, Budget(1000), minimum_effect=0.6))
    while not detector.alarms:
        observe_window(detector, even(a=HIGH), events=200)
    steps = [observe_window(detector, even(a=REST), events=200) for _ in range(5)]
    assert detector.alarms
    assert not any(step.crossed for step in steps)


def test_pairs_of_one_feature():
    """Two pairs that share a feature may move together, two that share none may not."""
    names = [("a", "b"), ("a", "c"), ("c", "d")]
    pairs = [
        Channel(f"product:{first}:{second}", "product", (first, second), (10, 10), edges=(0,), scores=(-1, 1))
        for first, second in names
    ]
    causes = Causes(pairs, [])
    assert causes.same("product:a:b", ["product:a:c"])
    assert not causes.same("product:a:b", ["product:c:d"])


def test_every_channel_may_stand():
    """Where all channels drift nothing is left to be found, and nothing fails."""
    detector = MixtureDetector(SETTINGS)
    for _ in range(30):
        observe_window(detector, even(a=HIGH, b=HIGH, c=HIGH), events=200)
    assert len(detector.alarms) == 3
    assert detector.evidence == -np.inf
    assert detector.finding() is None


def test_state_goes_on_equally():
    """A state with two alarms continues as if never interrupted."""
    detector = MixtureDetector(SETTINGS)
    for _ in range(20):
        observe_window(detector, even(a=HIGH, c=HIGH), events=200)
    observe_window(detector, even(c=HIGH), events=200)
    again = MixtureDetector.from_json(json.loads(json.dumps(detector.to_json())), SETTINGS)
    assert again.to_json() == detector.to_json()
    for one in (detector, again):
        for _ in range(60):
            observe_window(one, even(c=HIGH), events=200)
    assert again.to_json() == detector.to_json()
    assert [alarm.channels for alarm in again.alarms] == [("c",)]


FORMER = {
    "contract": "detector.state.v1",
    "detector": "mixture",
    "settings": SETTINGS.digest,
    "events": 400.0,
    "quiet": 0.0,
    "alarm": None,
    "capital": {"log": [], "age": [], "ratio": [], "born": []},
}


def former_state(*, recovery):
    """Return a state as releases before this one wrote it: an alarm about a, and its evidence."""
    detector = MixtureDetector(SETTINGS)
    while detector.alarm is None:
        observe_window(detector, even(a=HIGH), events=200)
    observe_window(detector, even(a=HIGH), events=200)
    document = detector.to_json()
    parts = dict(document["capital"])
    if recovery:
        more = document["alarms"][0]["drifts"][0]["recovery"]
        parts = {name: parts[name] + more[name] for name in parts}
    log = [-1.0 if value is None else value for value in parts["log"]]
    return {**FORMER, "alarm": document["alarms"][0]["finding"], "capital": {**parts, "log": log}}


@pytest.mark.parametrize("recovery", [True, False])
def test_former_alarm_stands(recovery):
    """A state of the version before keeps its alarm, whose end is found as before."""
    detector = MixtureDetector.from_json(former_state(recovery=recovery), SETTINGS)
    assert [alarm.channels for alarm in detector.alarms] == [("a",)]
    ended = []
    for _ in range(60):
        ended += observe_window(detector, even(), events=200).recovered
    assert [alarm.finding.channel for alarm in ended] == ["a"]


def test_former_evidence_goes_on():
    """A state of the version before without an alarm keeps its evidence."""
    detector = MixtureDetector(SETTINGS)
    observe_window(detector, even(b=SLIGHT), events=200)
    capital = detector.to_json()["capital"]
    again = MixtureDetector.from_json({**FORMER, "capital": capital}, SETTINGS)
    assert again.evidence == detector.evidence
    assert MixtureDetector.from_json(FORMER, SETTINGS).evidence == -np.inf


VARIED = Settings(
    [Channel("a", "values", ("a",), (2000,) * 5, values=(1.0, 2.0, 3.0, 4.0, 5.0)), *SETTINGS.channels[1:]],
    Budget(10_000),
)


def without_new_charts(state):
    """Return the capital of a state without the charts of frozen values, which came later."""
    frozen = range(12, 17)
    return {
        name: [value for place, value in enumerate(values) if place not in frozen]
        for name, values in state["capital"].items()
    }


def test_former_charts_go_on():
    """Evidence of the version before goes on in its charts; those that came later begin with none."""
    detector = MixtureDetector(VARIED)
    observe_window(detector, even(a=SLIGHT, b=SLIGHT), events=200)
    state = detector.to_json()
    former = without_new_charts(state)
    again = MixtureDetector.from_json({**FORMER, "settings": VARIED.digest, "capital": former}, VARIED)
    assert without_new_charts(again.to_json()) == former
    assert again.to_json()["capital"]["log"][12:17] == [None] * 5
    observe_window(again, even(a=SLIGHT), events=200)
    assert None not in again.to_json()["capital"]["log"]


def test_former_alarm_among_new_charts():
    """An alarm of the version before stands, and ends with its drift, where there are more charts."""
    detector = MixtureDetector(VARIED)
    while detector.alarm is None:
        observe_window(detector, even(a=HIGH), events=200)
    observe_window(detector, even(a=HIGH), events=200)
    state = detector.to_json()
    parts = without_new_charts(state)
    more = state["alarms"][0]["drifts"][0]["recovery"]
    whole = {name: parts[name] + more[name] for name in parts}
    whole["log"] = [-1.0 if value is None else value for value in whole["log"]]
    former = {**FORMER, "settings": VARIED.digest, "capital": whole, "alarm": state["alarms"][0]["finding"]}
    again = MixtureDetector.from_json(former, VARIED)
    assert [alarm.channels for alarm in again.alarms] == [("a",)]
    ended = []
    for _ in range(60):
        ended += observe_window(again, even(), events=200).recovered
    assert [alarm.finding.channel for alarm in ended] == ["a"]
