"""A classifier's events: labels, scores, margins and entropies are counted, judged and named in alerts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from math import isnan

import pytest
from drift_contracts import schemas
from drift_ml.evidence import DriftFinding
from drift_ml.window import Window
from drift_monitor.aggregate import Aggregator
from drift_monitor.alerts import AlertSource, Grounds, drift_alert
from drift_monitor.evaluate import Evaluator
from drift_monitor.event_search import search_events
from drift_monitor.keys import Series
from drift_monitor.policy import Policy
from drift_monitor.reference import Reference
from drift_monitor.stores import MemoryStore

from tests.support.delays import THREE, TWO, flights, make_delays

NOON = 29_700_000
START = NOON * 60.0


@pytest.fixture(scope="module", params=[TWO, THREE], ids=["two", "three"])
def delays(request, tmp_path_factory):
    """A classifier of two classes, then one of three."""
    return make_delays(tmp_path_factory.mktemp("delays"), request.param)


def event_lines(delays, columns, *, minute, **change):
    """Events of the second version, as the predictor writes them."""
    answers = delays.answers(columns)
    classes = delays.baseline.classes
    lines = []
    for row in range(len(answers.predictions)):
        moment = datetime.fromtimestamp(minute * 60.0 + 59 * row / len(answers.predictions), UTC)
        features = {name: column[row] for name, column in columns.items()}
        wind = float(features["wind"])
        event = {
            "contract": "prediction.event.v2",
            "Stack": "test",
            "Model": delays.baseline.model,
            "model_version": delays.bundle.manifest["model_version"],
            "prediction_id": f"{minute}-{row}",
            "timestamp": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "Prediction": float(answers.predictions[row]),
            "label": classes[answers.labels[row]],
            "margin": float(answers.margins[row]),
            "entropy": float(answers.entropies[row]),
            "features": {
                "wind": None if isnan(wind) else wind,
                "distance": float(features["distance"]),
                "carrier": str(features["carrier"]),
            },
        }
        lines.append(json.dumps(event | change))
    return lines


class Watched:
    """An aggregator and an evaluator of one classifier."""

    def __init__(self, delays):
        self.delays = delays
        self.series = Series(delays.baseline.model, delays.bundle.manifest["model_version"])
        references = {self.series: Reference(delays.feature_set, delays.baseline)}
        self.minute, self.letters, self.alerts = NOON, [], []
        self.store = MemoryStore()
        self.aggregator = Aggregator(references, self.store, self.letters.extend, lambda: self.minute * 60.0)
        self.evaluator = Evaluator(
            references,
            self.store,
            self.alerts.append,
            lambda: self.minute * 60.0 + 1,
            stack="test",
            policy=Policy(budget_events=50_000),
            links={},
        )

    def traffic(self, as_logs, minutes, *, rows=100, **changed):
        """Let minutes of traffic come and be judged."""
        for _ in range(minutes):
            columns = flights(rows, self.minute, **changed)
            self.aggregator.handle(as_logs(event_lines(self.delays, columns, minute=self.minute)))
            self.minute += 1
            list(self.evaluator.run())


def test_every_part_is_counted(delays, as_logs):
    """The windows are those of the very answers."""
    watched = Watched(delays)
    columns = flights(200, 3)
    watched.aggregator.handle(as_logs(event_lines(delays, columns, minute=NOON)))
    (fragment,) = watched.store.fragments(watched.series, NOON + 1, 10)
    answers = delays.answers(columns)
    expected = Window.empty(delays.baseline, watched.series.version)
    expected.observe_rows(
        columns, answers.predictions, labels=answers.labels, margins=answers.margins, entropies=answers.entropies
    )
    assert Window.from_json(fragment.window, delays.baseline).channel_counts() == expected.channel_counts()
    assert watched.letters == []


def test_event_of_version_1(delays, as_logs):
    """An event of version 1, which has no label, counts by its number alone."""
    watched = Watched(delays)
    lines = event_lines(delays, flights(5, 3), minute=NOON, contract="prediction.event.v1")
    watched.aggregator.handle(as_logs(lines))
    (fragment,) = watched.store.fragments(watched.series, NOON + 1, 10)
    assert sum(fragment.window["counts"]["score"]) == 5
    assert sum(fragment.window["counts"]["label"]) == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"label": "diverted"}, "expected one of the baseline's classes"),
        ({"label": 1}, "expected one of the baseline's classes"),
        ({"margin": "wide"}, "margin and entropy: expected numbers"),
        ({"entropy": None}, "margin and entropy: expected numbers"),
    ],
)
def test_broken_answer(delays, as_logs, change, reason):
    """An answer of another model's form becomes a dead letter, whose reason does not repeat it."""
    watched = Watched(delays)
    watched.aggregator.handle(as_logs(event_lines(delays, flights(1, 3), minute=NOON, **change)))
    assert reason in watched.letters[0].reason
    assert "diverted" not in watched.letters[0].reason


def test_missing_label(delays, as_logs):
    """An event of version 2 without a label becomes a dead letter."""
    watched = Watched(delays)
    event = json.loads(event_lines(delays, flights(1, 3), minute=NOON)[0])
    del event["label"]
    watched.aggregator.handle(as_logs([json.dumps(event)]))
    assert watched.letters[0].reason == "the event has no label"


def test_segment_of_answer(delays):
    """Of a classifier's answers the category that holds their drift is found, by events of either side."""
    classes = delays.baseline.classes
    lines = []
    for minutes in (-9, 1):
        columns = flights(1_000, minutes + 20)
        is_moved = (columns["carrier"] == columns["carrier"][0]) & (minutes > 0)
        for line, moved in zip(event_lines(delays, columns, minute=NOON + minutes), is_moved, strict=True):
            event = json.loads(line)
            lines.append(event | {"label": classes[-1]} if moved else event)
    version = delays.bundle.manifest["model_version"]
    reference = Reference(delays.feature_set, delays.baseline)
    source = AlertSource("test", Series(delays.baseline.model, version), reference, {})
    finding = DriftFinding("label", "share", f"{classes[-1]} up", 0.5, 0.5, START, 100, 12.0, 11.0, {"label": 1.0})
    alert = drift_alert(source, finding, Grounds(NOON + 9, 50_000))
    found = search_events(alert, reference, lines)
    assert (found.before, found.since) == (1_000, 1_000)
    assert found.best.stands_out
    assert (found.best.feature, found.best.value) == ("carrier", columns["carrier"][0])


def test_quiet_then_drift(delays, as_logs):
    """Answers as in training raise no alarm, and stronger wind is found."""
    watched = Watched(delays)
    watched.traffic(as_logs, 20)
    assert watched.alerts == []
    watched.traffic(as_logs, 12, wind=4.0)
    (alert,) = watched.alerts
    schemas.check("alert.v2", alert)
    shares = {channel["name"] for channel in alert["drift"]["channels"]}
    assert shares & {"score", "label", "margin", "entropy"}


@pytest.mark.parametrize(
    ("channel", "kind", "unit"),
    [
        ("score", "location", "probability"),
        ("entropy", "location", "nats"),
        ("label", "share", "share of events"),
        ("wind", "location", "m"),
    ],
)
def test_alerts_of_answers(delays, channel, kind, unit):
    """An alert says what of the answer changed, in its unit, and what to look at."""
    watched = Watched(delays)
    finding = _finding(channel, kind)
    reference = Reference(delays.feature_set, delays.baseline)
    alert = drift_alert(AlertSource("test", watched.series, reference, {}), finding, Grounds(NOON, 50_000))
    schemas.check("alert.v2", alert)
    assert alert["drift"]["unit"] == unit
    is_answer = channel != "wind"
    assert ("classes and the score" in alert["next"][0]) == is_answer
    if kind == "location":
        summary = delays.baseline.summary_of(delays.baseline.channel(channel))
        assert alert["drift"]["after"] == pytest.approx(summary.mean + 0.5 * summary.std)


def _finding(channel, kind):
    direction = "late up" if kind == "share" else "up"
    return DriftFinding(channel, kind, direction, 0.5, 0.5, START, 100, 12.0, 11.0, {channel: 1.0})
