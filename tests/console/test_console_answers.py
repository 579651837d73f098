"""What the page's state says of a classifier: classes over time, the score, calibration, labels of scenarios."""

import json

import numpy as np
import pytest
from drift_console.frame import Frame
from drift_console.monitoring.class_mix import class_mix_entry
from drift_console.scenario_runner import ScenarioRunner
from drift_console.state import ModelView
from drift_console.suites import Scenario, Suite
from drift_ml.window import Window

from tests.console.test_console_monitor import BASELINE, START, Machine, drift_alerts
from tests.monitor.test_monitor_classes import event_lines
from tests.support.delays import THREE, TWO, flights, make_delays


class Flights(Machine):
    """A console of one classifier, whose clock and worker move only when they are told to."""

    def __init__(self, folder, delays):
        self.delays = delays
        super().__init__(folder, fast=False, bundles={delays.baseline.model: delays.bundle})

    def fly(self, minutes, *, rows=60, **changed):
        """Let minutes of flights be answered, each minute evaluated when it is over."""
        for _ in range(minutes):
            self.sent += 1
            minute = int(self.now // 60)
            columns = flights(rows, self.sent, **changed)
            for line in event_lines(self.delays, columns, minute=minute):
                self.storage.writer.write(self._measured(json.loads(line)))
            self.now += 60
            while self.console.worker.step():
                pass

    def _measured(self, event):
        """Return an event as a metric record, as the predictor writes it."""
        values = {"Prediction": event["Prediction"], "DriftScore": 0.5, "Latency": 0.05}
        directive = {
            "Namespace": "MLOpsDriftMonitor",
            "Dimensions": [["Stack", "Model"]],
            "Metrics": [{"Name": name} for name in values],
        }
        classes, label = self.delays.baseline.classes, event["label"]
        probabilities = {name: 1.0 if name == label else 0.0 for name in classes}
        facts = {"drift": {"z": {}, "drifted": [], "severity": "normal"}, "probabilities": probabilities}
        moment = {"Timestamp": round(self.now * 1000), "CloudWatchMetrics": [directive]}
        return json.dumps(event | values | facts | {"_aws": moment, "Stack": "local"})


@pytest.fixture(scope="module", params=[TWO, THREE], ids=["two", "three"])
def delays(request, tmp_path_factory):
    """A classifier of two classes, then one of three."""
    return make_delays(tmp_path_factory.mktemp("delays"), request.param)


@pytest.fixture
def console(tmp_path, delays):
    running = Flights(tmp_path / "data", delays)
    yield running
    running.stop()


def test_before_traffic(console, delays):
    """Classes, rule and calibration are known before any traffic; shares are zeros."""
    state = console.state()
    answers = state["answers"]
    assert state["target"] == {"name": "delay", "unit": ""}
    assert answers["classes"] == list(delays.baseline.classes)
    assert answers["positive"] == ("late" if len(answers["classes"]) == 2 else None)
    assert answers["threshold"] is None
    assert answers["calibration"] == delays.bundle.manifest["calibration"]
    assert answers["mix"]["live"] == [0.0] * len(answers["classes"])
    assert sum(answers["mix"]["baseline"]) == pytest.approx(1)
    assert answers["score"]["live"]["count"] == 0
    assert "class_scores" in state["model_card"]
    assert state["model_card"]["held_out"] == {"by": "random"}
    assert "exactness" not in state["model_card"]
    assert "importances" not in state["model_card"]
    json.dumps(state, allow_nan=False)


def test_classes_over_time(console, delays):
    """Each window has its shares, and the span the sum of them."""
    console.fly(8)
    mix = console.state()["answers"]["mix"]
    filled = [place for place, value in enumerate(mix["course"][0]) if value is not None]
    assert mix["count"] == 60 * len(filled)
    assert len(filled) >= 5
    for place in filled:
        assert mix["times"][place] % 60 == 0
        assert sum(shares[place] for shares in mix["course"]) == pytest.approx(1)
    minute = int(mix["times"][filled[0]] - START) // 60 + 1
    answers = delays.answers(flights(60, minute))
    expected = np.bincount(answers.labels, minlength=len(delays.baseline.classes)) / 60
    assert [shares[filled[0]] for shares in mix["course"]] == pytest.approx(expected.tolist())
    assert sum(mix["live"]) == pytest.approx(1)


def test_mix_of_new_window(console):
    """The mix of classes is read again once another window was decided."""
    console.fly(4)
    before = console.state()["answers"]["mix"]["count"]
    assert console.state()["answers"]["mix"]["count"] == before
    console.fly(3)
    assert console.state()["answers"]["mix"]["count"] > before


def test_score_and_newest_answers(console, delays):
    """The score is drawn over that of the held-out rows; the newest answers have label and probabilities."""
    console.fly(3)
    state = console.state()
    score = state["answers"]["score"]
    assert score["baseline"]["mean"] == delays.baseline.prediction.mean
    assert score["live"]["count"] == 180
    assert sum(score["live"]["share"]) == pytest.approx(1)
    whose = "late" if len(delays.baseline.classes) == 2 else "the label"
    assert score["description"] == f"Probability of {whose}"
    newest = state["recent"][0]
    assert newest["label"] in delays.baseline.classes
    assert newest["probabilities"][newest["label"]] == 1.0


def test_drift_of_the_answers(console):
    """Effects and leading channels name the parts of the answer."""
    console.fly(12)
    assert drift_alerts(console) == []
    effects = {effect["feature"] for effect in console.state()["evidence"]["effects"]}
    assert {"label", "score", "margin", "entropy", "wind"} <= effects
    console.fly(8, wind=6.0)
    (alert,) = drift_alerts(console)
    assert {channel["name"] for channel in alert["drift"]["channels"]} & {"score", "label", "margin", "entropy"}
    top = {item["channel"]: item["feature"] for item in console.state()["evidence"]["top"]}
    for name in top.keys() & {"score", "label", "margin", "entropy"}:
        assert top[name] is None


def test_a_regressor_has_no_mix():
    """Without labels there is nothing to mix."""
    window = Window.empty(BASELINE)
    assert class_mix_entry(BASELINE, [(int(START), window)], Frame.ending(START, 5)) is None


def test_windows_before_span(delays):
    """A window that begins before the span counts in none of its buckets."""
    window = Window.empty(delays.baseline)
    window.observe({"wind": 1.0}, 0.5, label="late")
    frame = Frame.ending(START, 5)
    mix = class_mix_entry(delays.baseline, [(frame.start - 60, window), (frame.start, window)], frame)
    assert mix["count"] == 1


def test_a_view_without_held_out_rows(delays):
    """A baseline without a score has nothing to draw, and calibration may stand in the baseline alone."""
    document = delays.bundle.baseline
    channels = [channel for channel in document["channels"] if channel["name"] != "score"]
    manifest = {name: value for name, value in delays.bundle.manifest.items() if name != "calibration"}
    view = ModelView.of(delays.feature_set, {**document, "channels": channels}, manifest, alarms=[], suite=None)
    assert view.score_bins is None
    assert view.calibration == document["calibration"]


def test_importances_on_the_card(delays):
    """The card lists the most important features, the largest first."""
    listed = {f"f{place}": {"value": place / 10, "low": 0.0, "high": 3.0} for place in range(30)}
    manifest = {**delays.bundle.manifest, "importances": listed}
    view = ModelView.of(delays.feature_set, delays.bundle.baseline, manifest, alarms=[], suite=None)
    assert [*view.card["importances"]] == [f"f{place}" for place in range(29, 9, -1)]


def test_a_scenario_counts_labels():
    """A classifier's scenario says how often each class was answered."""
    labels = iter(["late", "on-time", "late"])

    def handle(_event, _context):
        body = json.dumps({"drift_score": 0.5, "label": next(labels)})
        return {"statusCode": 200, "headers": {}, "body": body, "isBase64Encoded": False}

    scenario = Scenario("high", "High", {"severity": "high"}, ({"wind": 1.0},) * 3)
    suite = Suite("small-delays", 2.0, (scenario,))
    result = ScenarioRunner(handle, lambda: START).run("small-delays", suite, "high")
    assert result["labels"] == {"late": 2, "on-time": 1}
