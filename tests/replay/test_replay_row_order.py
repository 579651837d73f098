"""Sorted rows and learnt rows are told apart from drift, and drift is not taken for either."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from drift_contracts import feature_set
from drift_ml.baseline import Channel
from drift_ml.replay.commands import replay
from drift_ml.replay.evidence import replay_windows
from drift_ml.replay.outcome import conclude, page
from drift_ml.replay.row_order import cancels_out
from drift_ml.replay.training_rows import TrainingRows
from drift_ml.tables.row_digests import Comparison
from drift_ml.window import Window

HOUSES = feature_set("house-price")
ROWS, SIZE = 2000, 50
#: What a file has in common with the training data: nothing, and everything.
OTHER_ROWS = TrainingRows(Comparison(ROWS, 0, 0, 0.001, 800, 0))
LEARNT_ROWS = TrainingRows(Comparison(ROWS, 1600, 400, 0.001, 800, 0))
MOSTLY_LEARNT = TrainingRows(Comparison(ROWS, 1440, 360, 0.001, 800, 0))


@pytest.fixture
def outcome_of(made, houses):
    """Replay rows whose living area, order and answers a test chooses, by the second if timed."""

    def conclude_rows(*, order=None, late=0.0, answers=0.0, timed=False, training_rows=OTHER_ROWS):
        columns = houses(ROWS, seed=9, shift=late, begin=ROWS - 200)
        places = np.arange(ROWS) if order is None else np.argsort(columns[order], kind="stable")
        columns = {name: values[places] for name, values in columns.items()}
        matrix = np.column_stack([columns[name] for name in feature_set("house-price").names])
        predictions = made.forest.predict(matrix) + answers * 80_000
        windows = []
        for start in range(0, ROWS, SIZE):
            part = slice(start, start + SIZE)
            window = Window.empty(made.baseline, "0" * 12)
            times = 1_790_000_000_000 + 1000 * np.arange(ROWS)[part] if timed else None
            window.observe_rows({name: values[part] for name, values in columns.items()}, predictions[part], times)
            windows.append(window)
        replayed = replay_windows(made.baseline, windows)
        return conclude(made.baseline, windows, replayed, training_rows=training_rows)

    return conclude_rows


def test_sorted_rows(outcome_of, made):
    """Rows sorted by a feature are no drift in it, and the report says how that would be."""
    outcome = outcome_of(order="sqft")
    (words,) = outcome.verdict.others
    assert (outcome.exit_code, outcome.replay.alarms) == (0, ())
    assert outcome.to_json()["explained"]["sqft"] == "order"
    assert "sqft" in words
    assert "--time-column" in words
    html = page(outcome, made.baseline, feature_set("house-price"), source="houses.csv", made="now")
    assert "sorted or grouped" in html
    assert "never reached the bar" not in html


def test_sorted_times(outcome_of):
    """Rows that have times are in the order of the traffic, and drift as it does."""
    outcome = outcome_of(order="sqft", timed=True)
    assert (outcome.exit_code, outcome.explained) == (1, {})


def test_seasons_of_training(outcome_of):
    """Training rows that go up and down with time are no drift, and have their times already."""
    outcome = outcome_of(order="sqft", timed=True, training_rows=LEARNT_ROWS)
    assert outcome.exit_code == 0
    assert "--time-column" not in "".join(outcome.verdict.others)


def test_late_drift(outcome_of):
    """A drift of the last tenth is found where rows have no times."""
    outcome = outcome_of(late=1.5)
    assert outcome.exit_code == 1
    assert "sqft" in outcome.verdict.headline


def test_short_drift_among_many(outcome_of):
    """A drift is found though most of its windows are as in training."""
    assert outcome_of(late=-1.0, training_rows=MOSTLY_LEARNT).exit_code == 1


def test_changed_training_rows(outcome_of):
    """Rows that count as training rows, and differ as a whole, drift."""
    assert outcome_of(late=-4.0, training_rows=LEARNT_ROWS).exit_code == 1


@pytest.mark.parametrize(("last", "cancels"), [((0, 50), True), ((50, 0), False)], ids=["sorted", "moved"])
def test_categories(last, cancels):
    """A category that comes first and then no more cancels out; one that comes more often does not."""
    shop = Channel("shop", "categories", ("shop",), (500, 500), categories=("a", "b"))
    windows = [SimpleNamespace(channel_counts=lambda: {"shop": (50, 0)}) for _ in range(10)]
    windows += [SimpleNamespace(channel_counts=lambda: {"shop": last}) for _ in range(10)]
    assert cancels_out(shop, windows) is cancels


def test_learnt_answers(outcome_of):
    """Answers to rows that were learnt are no drift; the same of other rows is one."""
    learnt = outcome_of(answers=1.0, training_rows=LEARNT_ROWS)
    assert (learnt.exit_code, learnt.explained["prediction"].name) == (0, "LEARNT")
    assert "held-out" in "".join(learnt.verdict.others)
    assert outcome_of(answers=1.0).exit_code == 1


def test_unlabelled_rows(made, houses, tmp_path):
    """Rows without target, which lack features too, are left out and counted where that is asked for."""
    columns = houses(200, seed=4)
    lines = [",".join([*columns, HOUSES.target.name])]
    for row in range(200):
        values = {name: f"{values[row]:g}" for name, values in columns.items()}
        has_target = row % 10 != 3
        lines.append(",".join([*(values.values() if has_target else [""] * len(values)), "5" if has_target else ""]))
    path = tmp_path / "houses.csv"
    path.write_text("\n".join(lines) + "\n")
    words = ["--data", str(path), "--baseline", str(made.folder)]
    assert CliRunner().invoke(replay, words).exit_code == 2
    result = CliRunner().invoke(replay, [*words, "--drop-unlabelled"])
    assert result.exit_code == 0, result.output
    assert "left out 20 rows without price" in result.stderr
    assert "in 180 events" in result.stdout
