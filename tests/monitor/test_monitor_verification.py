"""Anybody can check an alert: its evidence is computed again from the stored windows."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner
from drift_console.verify import verify as command
from drift_monitor.policy import Policy
from drift_monitor.stores import MemoryStore, SqliteStore
from drift_monitor.verification import CannotVerify, Verification, verify

from tests.monitor.test_monitor_evaluate import SERIES, World


@pytest.fixture
def world(reference, make_events, as_logs, tmp_path):
    return World(reference, SqliteStore(tmp_path / "console.sqlite"), make_events, as_logs)


@pytest.fixture
def bundled(reference, monkeypatch):
    """Let the command find the reference as the baseline of the model's bundle."""
    monkeypatch.setattr("drift_console.verify.bundle_names", lambda _: [SERIES.model])
    monkeypatch.setattr("drift_console.verify.load_baseline", lambda path: (path, None, reference.baseline))


def stored(world, alert):
    grounds = alert["drift"]["windows"]
    return world.store.windows(SERIES, grounds["first"], grounds["last"])


def test_same_bits(world, reference):
    """The evidence is the alert's to the last bit, and the course ends where the alarm was raised."""
    world.traffic(30)
    world.traffic(15, shift=0.5)
    (alert,) = world.sent
    result = verify(alert, stored(world, alert), reference.baseline)
    assert (result.agreement, result.holds, result.changed) == ("identical", True, ())
    channel = alert["drift"]["channel"]
    assert result.course[-1][1][channel] == alert["drift"]["evidence"]["value"]
    assert len(result.course) == alert["drift"]["windows"]["windows"]


def test_every_alert(world, reference):
    """A second alert, and one after the first has ended, under budgets that moved, are checked alike."""
    world.evaluator = world.evaluator_of(Policy(50_000, budget_days=1.0, minimum_effects={"bedrooms": 0.3}))
    world.traffic(70)
    world.traffic(15, shift=0.5)
    world.traffic(15, shift=0.5, years=20)
    world.traffic(80)
    world.traffic(20, shift=0.5)
    alarms = [alert for alert in world.sent if alert["state"] == "ALARM"]
    assert len(alarms) >= 3
    for alert in alarms:
        result = verify(alert, stored(world, alert), reference.baseline)
        assert (result.agreement, result.holds) == ("identical", True)


@pytest.mark.usefixtures("bundled")
def test_changed_window(world, reference, tmp_path, monkeypatch):
    """A changed window is found by its digest, and the command ends with 1."""
    world.traffic(30)
    world.traffic(15, shift=0.5)
    (alert,) = world.sent
    windows = stored(world, alert)
    place = len(windows) - 3
    document = json.loads(json.dumps(windows[place].window))
    changed = replace(windows[place], window=stored(world, alert)[place - 1].window)
    assert document != changed.window
    result = verify(alert, [*windows[:place], changed, *windows[place + 1 :]], reference.baseline)
    (part,) = result.changed
    assert (part.evaluated, part.stored, result.holds) == (1, 1, False)
    fewer = verify(alert, windows[1:], reference.baseline)
    assert fewer.changed[0].stored == fewer.changed[0].evaluated - 1
    (tmp_path / "alert.json").write_text(json.dumps(alert))
    words = [str(tmp_path / "alert.json"), "--windows", str(tmp_path)]
    whole = CliRunner().invoke(command, words)
    assert whole.exit_code == 0, whole.output
    assert "to the last bit" in " ".join(whole.output.split())
    monkeypatch.setattr(SqliteStore, "windows", lambda *_: windows[1:])
    broken = CliRunner().invoke(command, words)
    assert broken.exit_code == 1
    assert "not those that were evaluated" in " ".join(broken.output.split())


@pytest.mark.usefixtures("bundled")
def test_damaged_store(world, tmp_path):
    """A store that is no store is refused with 5, a file that is not there with 2."""
    world.traffic(30)
    world.traffic(15, shift=0.5)
    (tmp_path / "alert.json").write_text(json.dumps(world.sent[0]))
    (tmp_path / "bad.sqlite").write_text("no store" * 1000)
    words = [str(tmp_path / "alert.json"), "--windows"]
    assert CliRunner().invoke(command, [*words, str(tmp_path / "bad.sqlite")]).exit_code == 5
    assert CliRunner().invoke(command, [*words, str(tmp_path / "none")]).exit_code == 2
    assert CliRunner().invoke(command, words[:1]).exit_code == 2


def test_other_machine():
    """Another processor may change the last bits, and no more."""
    near = Verification(12.0, 12.0 * (1 + 1e-12), 11.0, (), ())
    far = replace(near, evidence=12.001)
    none = replace(near, evidence=None)
    assert [result.agreement for result in (near, far, none)] == ["close", "different", "different"]


def test_cannot_verify(reference, make_events, as_logs):
    """An alert that does not say what it rests on, or of another bundle, is refused."""
    world = World(reference, MemoryStore(), make_events, as_logs)
    world.traffic(20)
    world.traffic(15, shift=0.5)
    (alert,) = world.sent
    bare = {**alert, "drift": {name: value for name, value in alert["drift"].items() if name != "windows"}}
    with pytest.raises(CannotVerify, match="earlier releases"):
        verify(bare, [], reference.baseline)
    other = {**alert, "drift": {**alert["drift"], "detector": {**alert["drift"]["detector"], "baseline": "0" * 64}}}
    with pytest.raises(CannotVerify, match="another baseline"):
        verify(other, [], reference.baseline)
