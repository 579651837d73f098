"""A classifier's past traffic: labels, scores, margins and entropies are replayed and shown."""

from __future__ import annotations

import json
import re

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from drift_ml.replay.answering import column_answers, model_answers
from drift_ml.replay.backtest import Request, backtest
from drift_ml.replay.class_plots import calibration_plot, mix_plot
from drift_ml.replay.commands import replay as command
from drift_ml.replay.errors import ReplayError
from drift_ml.replay.outcome import conclude, page
from drift_ml.replay.reference_detectors import answer_column
from drift_ml.replay.stored import counted_detections
from drift_ml.window import Window
from pyarrow import csv

from tests.replay.test_replay_page import read
from tests.support.delays import THREE, TWO, flights, make_delays, matrix


@pytest.fixture(scope="module", params=[TWO, THREE], ids=["two", "three"])
def delays(request, tmp_path_factory):
    """A classifier of two classes, then one of three."""
    return make_delays(tmp_path_factory.mktemp("delays"), request.param)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A classifier of two classes."""
    return make_delays(tmp_path_factory.mktemp("two"), TWO)


@pytest.fixture
def write(tmp_path):
    """Writes columns to a file of values with commas."""

    def write(columns, name="traffic.csv", **more):
        path = tmp_path / name
        csv.write_csv(
            pa.table({**{key: pa.array(value, from_pandas=True) for key, value in columns.items()}, **more}), path
        )
        return path

    return write


def joined(first, second):
    return {name: np.concatenate([first[name], second[name]]) for name in first}


def test_parts_counted(delays, write):
    """The windows of a replay count every part of what the model answers to their rows."""
    columns = flights(600, 7)
    found = backtest(delays.bundle, Request(write(columns), window=200))
    answers = delays.answers(columns)
    whole = Window.empty(delays.baseline, delays.bundle.manifest["model_version"])
    whole.observe_rows(
        columns,
        answers.predictions,
        labels=answers.labels,
        margins=answers.margins,
        entropies=answers.entropies,
    )
    total = found.windows[0] + found.windows[1] + found.windows[2]
    assert total.channel_counts() == whole.channel_counts()
    assert (
        total.channel_counts()["label"] == np.bincount(answers.labels, minlength=len(delays.baseline.classes)).tolist()
    )
    assert found.predicted
    assert not found.replay.alarms


def test_drift_of_the_answers_is_found(delays, write):
    """Stronger wind is found, and the answers move with it."""
    columns = joined(flights(1500, 8), flights(1500, 9, wind=4.0))
    found = backtest(delays.bundle, Request(write(columns)))
    outcome = conclude(delays.baseline, found.windows, found.replay, found.detections)
    assert outcome.exit_code == 1
    drifted = set(outcome.report["verdict"]["drifted"])
    assert {"wind", "label", "score"} <= drifted
    assert answer_column(delays.baseline) == "score"
    assert any(detection.row is not None for detection in found.detections)
    assert counted_detections(delays.baseline, found.windows)[0].column is not None


def test_column_of_two_classes(two, write):
    """For two classes a file's probabilities are as good as the model's answers."""
    columns = flights(400, 10)
    answers = two.answers(columns)
    found = backtest(two.bundle, Request(write(columns, prediction=answers.predictions), window=400))
    assert not found.predicted
    own = backtest(two.bundle, Request(write(columns, "own.csv"), window=400))
    assert found.windows[0].channel_counts()["label"] == own.windows[0].channel_counts()["label"]
    margins = found.windows[0].channel_counts()["margin"]
    assert sum(margins) == 400


def test_positive_class(tmp_path):
    """The score is of the positive class at any place, and a threshold decides the label."""
    made = make_delays(tmp_path, TWO, positive="on-time", threshold=0.9)
    rows = matrix(flights(300, 11))
    answers = model_answers(made.bundle, rows)
    scores = np.array(made.bundle.model.scores_many(rows.tolist()))
    assert answers.predictions.tolist() == scores[:, 0].tolist()
    assert answers.labels.tolist() == np.where(scores[:, 0] >= 0.9, 0, 1).tolist()
    again = column_answers(made.bundle, answers.predictions)
    assert again.labels.tolist() == answers.labels.tolist()
    np.testing.assert_allclose(again.margins, answers.margins, atol=1e-12)


def test_column_of_three_classes(two, tmp_path):
    """For three classes, or with gaps, a label's probability is counted alone."""
    three = make_delays(tmp_path, THREE)
    assert column_answers(three.bundle, np.array([0.5, 0.9])).labels is None
    gaps = column_answers(two.bundle, np.array([0.5, np.nan]))
    assert gaps.labels is None
    assert gaps.part(0, 1).predictions.tolist() == [0.5]
    with pytest.raises(ReplayError, match="between 0 and 1"):
        column_answers(two.bundle, np.array([0.5, 1.5]))


def made_page(delays, windows, replay):
    outcome = conclude(delays.baseline, windows, replay)
    return page(outcome, delays.baseline, delays.feature_set, source="traffic.csv", made="now", predicted=True)


def test_page(delays, write):
    """The page has classes over time, the rule of the label and the calibration."""
    columns = flights(3000, 12)
    found = backtest(delays.bundle, Request(write(columns)))
    text = made_page(delays, found.windows, found.replay)
    reader = read(text)
    words = " ".join(reader.texts)
    assert "Classes over time" in words
    assert "Calibration on held-out rows" in words
    for name in delays.feature_set.target.classes:
        assert name in reader.texts or re.search(rf"{name}\s", words)
    for name in ("label", "score", "margin", "entropy"):
        assert name in reader.texts
    assert ("by the library's own rule" in words or "library's own rule" in words) == (
        len(delays.baseline.classes) == 2
    )
    assert "the bundle's model answers" in words
    assert "http" not in re.sub(r"http-equiv", "", text)


def test_the_page_names_the_threshold(tmp_path, write):
    """A threshold of the feature set is said."""
    made = make_delays(tmp_path, TWO, threshold=0.25)
    found = backtest(made.bundle, Request(write(flights(200, 13))))
    assert "The label is late from a score of 0.25 on." in made_page(made, found.windows, found.replay)


def test_plot_columns(delays, write):
    """Each column of the drawing is full, whatever its classes are."""
    columns = flights(600, 14)
    times = pa.array(1_790_000_000_000 + 60_000 * np.arange(600))
    path = write(columns, time=times)
    found = backtest(delays.bundle, Request(path, time="time", window=100, cycles=False))
    plot = mix_plot(delays.baseline, found.windows)
    heights = {}
    for block in plot.blocks:
        heights[block.x] = heights.get(block.x, 0.0) + block.height
    assert len(heights) == 6
    assert all(height == pytest.approx(100) for height in heights.values())
    assert all(block.words.startswith("2026-09-21") for block in plot.blocks)
    assert len(plot.ticks) == 2
    assert [share.name for share in plot.classes] == list(delays.baseline.classes)


def test_no_class_plot(two, made):
    """A regressor, and windows without labels, have no mix of classes."""
    assert mix_plot(made.baseline, []) is None
    window = Window.empty(two.baseline)
    window.observe({"wind": 1.0}, 0.5)
    assert mix_plot(two.baseline, [window]) is None
    assert mix_plot(two.baseline, []) is None
    assert calibration_plot(()) is None


def test_the_command_reports_a_classifier(two, write, tmp_path):
    """`driftctl replay` takes a classifier's bundle, prints its channels and writes the page."""

    html = tmp_path / "report.html"
    options = ["--data", str(write(flights(500, 15))), "--baseline", str(two.folder)]
    result = CliRunner().invoke(command, [*options, "--html", str(html), "--json"])
    assert result.exit_code == 0, result.output
    channels = {channel["name"] for channel in json.loads(result.stdout)["report"]["channels"]}
    assert {"label", "score", "margin", "entropy"} <= channels
    assert "Classes over time" in html.read_text("utf-8")
