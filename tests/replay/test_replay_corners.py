"""What the other tests of replay do not come by: settings, files and windows that are rare."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from drift_contracts import FeatureSet, feature_set
from drift_ml.baseline.fit import fit_baseline
from drift_ml.replay.backtest import rows_per_window
from drift_ml.replay.commands import replay
from drift_ml.replay.errors import ReplayError
from drift_ml.replay.evidence import budget_of, replay_windows
from drift_ml.replay.outcome import conclude
from drift_ml.replay.reference_detectors import ReferenceDetectors
from drift_ml.replay.shown import show
from drift_ml.replay.texts import percent, signed, tick, time_text
from drift_ml.window import Window
from rich.console import Console

HOUSES = feature_set("house-price")


START_MS = 1_790_000_000_000


def house_rows(rows, seed):
    """Rows as the baseline has them."""
    random = np.random.default_rng(seed)
    return {name: random.uniform(1, 5, rows) for name in HOUSES.names}


@pytest.mark.parametrize(("rows", "size"), [(0, 50), (10_000, 50), (30_000, 100), (1_000_000, 2000)])
def test_at_most_500_windows(rows, size):
    """There are at most 500 windows, of round sizes."""
    assert rows_per_window(rows) == size


@pytest.mark.parametrize(
    ("options", "hint"), [(["--encoding", "none-such"], "--encoding"), (["--sort"], "--time-column")]
)
def test_wrong_options(tmp_path, options, hint):
    """Options that cannot work are refused before anything is read."""
    result = CliRunner().invoke(replay, ["--data", "x.csv", "--baseline", str(tmp_path), *options])
    assert result.exit_code == 2
    assert hint in result.output


def test_budget_without_times(made):
    """A budget in days needs times, since nobody knows the traffic of a day without."""
    window = Window.empty(made.baseline)
    with pytest.raises(ReplayError, match="in days"):
        budget_of(None, 30.0, [window])
    window.observe_rows(house_rows(50, seed=1), np.zeros(50), np.full(50, START_MS))
    with pytest.raises(ReplayError, match="in days"):
        budget_of(None, 30.0, [window])
    assert budget_of(5000.0, None, [window]).events == 5000


def test_recovered_alarm(made, cut):
    """An alarm that recovered shows until when, and no table of detectors where none ran."""
    windows = [*cut(rows=2600, size=100, shift=1.0, begin=2000), *cut(rows=4000, size=100, seed=9)]
    outcome = conclude(made.baseline, windows, replay_windows(made.baseline, windows))
    text = io.StringIO()
    show(Console(file=text, width=200), outcome)
    assert ", until " in text.getvalue()
    assert "CUSUM" not in text.getvalue()


def test_other_drifts(made, cut):
    """What drifts beside the headline has a line of its own."""
    windows = cut(rows=4000, size=100, shift=1.0, begin=2000)
    outcome = conclude(made.baseline, windows, replay_windows(made.baseline, windows))
    others = ("age: the mean rose from 20 to 30 years",)
    text = io.StringIO()
    show(Console(file=text, width=200), replace(outcome, verdict=replace(outcome.verdict, others=others)))
    assert others[0] in text.getvalue()


def test_no_mean_score():
    """A baseline without numbers has no mean score, as there is nothing to standardise."""
    document = HOUSES.to_json()
    colour = {"name": "colour", "type": "category", "unit": "none", "description": "Colour."}
    document["features"] = [{**colour, "categories": ["red", "white"], "example": "red"}]
    colours = np.array(["red", "white"] * 300, dtype=object)
    detectors = ReferenceDetectors(fit_baseline(FeatureSet.from_json(document), {"colour": colours}))
    detectors.take({"colour": colours}, np.zeros(600))
    assert detectors.detections() == ()


def test_first_alarm_only(made):
    """A detector that has fired is not asked again, so that its first alarm stays."""
    detectors = ReferenceDetectors(made.baseline)
    columns = {name: np.full(3000, 1e6) for name in HOUSES.names}
    detectors.take(columns, np.full(3000, 1e9))
    first = detectors.detections()
    detectors.take(columns, np.full(3000, 1e9))
    assert detectors.detections() == first
    assert first[-1].row is not None


def test_missing_texts():
    """A missing value is a hyphen, a tiny share has a limit, and a day's axis has hours."""
    assert (signed(None), percent(None), tick(0, 3_600_000)) == ("-", "-", "00:00")
    assert (percent(0.00004), time_text(None)) == ("< 0.01 %", "")
