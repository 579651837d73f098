"""Settings of a replay: single features' minimum effects, and muted features with an end date."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import click
import pytest
from click.testing import CliRunner
from drift_contracts.exits import FINDING, SUCCESS
from drift_ml.days import day_of
from drift_ml.detection_options import detection_options
from drift_ml.replay.command_line import ReportOptions
from drift_ml.replay.evidence import replay_windows
from drift_ml.replay.outcome import conclude, mutable_names, page
from drift_ml.replay.shown import show
from rich.console import Console

from tests.replay.conftest import HOUSES

DAY = 86_400


@pytest.fixture
def drifting(cut):
    return cut(rows=4000, size=100, shift=1.0, begin=2000)


def test_muted_replay(made, drifting):
    """A drift of a muted feature is shown with the day, and the exit code is that of no drift."""
    replay = replay_windows(made.baseline, drifting)
    end_s = drifting[-1].last_ms / 1000 + DAY
    muted = dict.fromkeys(mutable_names(made.baseline), end_s)
    outcome = conclude(made.baseline, drifting, replay, muted=muted)
    assert outcome.exit_code == SUCCESS
    assert outcome.verdict.level == "watch"
    assert day_of(end_s) in outcome.verdict.headline
    assert not outcome.to_json()["drift"]


def test_psi_of_replay(made, drifting):
    """PSI is shown beside the verdict, which it leaves as it is."""
    replay = replay_windows(made.baseline, drifting)
    plain = conclude(made.baseline, drifting, replay)
    options = ReportOptions(None, False, 0.1, None, None, psi_alarm=0.2)
    outcome = replace(plain, psi=options.psi_of(made.baseline, drifting))
    assert replace(options, psi_alarm=None).psi_of(made.baseline, drifting) is None
    assert (outcome.verdict, outcome.exit_code) == (plain.verdict, plain.exit_code)
    assert (plain.psi, plain.to_json()["psi_alarm"]) == (None, None)
    assert [row for row, _ in outcome.psi.above] == [2000, 3000]
    shown = page(outcome, made.baseline, HOUSES, source="a", made="b")
    assert outcome.psi.words in shown
    terminal = Console(width=200, record=True, file=StringIO())
    show(terminal, outcome)
    assert outcome.psi.words in terminal.export_text()


def test_muting_over(made, drifting):
    """A drift that stands after the muting is an alarm."""
    replay = replay_windows(made.baseline, drifting)
    muted = dict.fromkeys(mutable_names(made.baseline), drifting[-1].first_ms / 1000 - DAY)
    assert conclude(made.baseline, drifting, replay, muted=muted).exit_code == FINDING


def test_minimum_of_feature(made, drifting):
    """A feature's own minimum keeps its drift from being an alarm."""
    names = mutable_names(made.baseline)
    replay = replay_windows(made.baseline, drifting, minimum_effects=dict.fromkeys(names, 5.0))
    assert [alarm for alarm in replay.alarms if alarm.finding.channel == "sqft"] == []


@click.command()
@detection_options
def command(**options):
    """Print the options."""
    click.echo(repr(options))


def test_options():
    """Pairs become mappings; a day begins in UTC."""
    words = ["--minimum-effects", "age=0.5", "--muted-features", "age=1970-01-02", "--mute", "sqft=1970-01-03"]
    result = CliRunner().invoke(command, words)
    assert result.exit_code == 0
    assert "{'age': 86400.0, 'sqft': 172800.0}" in result.output
    assert "'minimum_effects': {'age': 0.5}" in result.output


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--muted-features", "age"),
        ("--muted-features", "age=tomorrow"),
        ("--muted-features", "age=2026-02-30"),
        ("--muted-features", "=2026-12-01"),
        ("--minimum-effects", "age=-1"),
        ("--minimum-effects", "age=nan"),
        ("--minimum-effects", "age=11"),
        ("--minimum-effect", "nan"),
    ],
)
def test_refused_options(option, value):
    """What is no pair, no day or no size is refused."""
    result = CliRunner().invoke(command, [option, value])
    assert result.exit_code == 2
    assert option in result.output


@pytest.mark.parametrize("name", ["minimum_effects", "muted"])
def test_unknown_feature(name):
    """A feature that the model does not have is refused with the choices."""
    options = ReportOptions(None, False, 0.1, None, None, **{name: {"colour": 1.0}})
    with pytest.raises(click.BadParameter, match="expected one of age, sqft"):
        options.check_features(["age", "sqft"])
