"""An alarm of PSI, for those who insist: measured over a thousand events, and off by default."""

from __future__ import annotations

import logging

import pytest
from drift_monitor.metrics import evaluation_values
from drift_monitor.policy import Policy
from drift_monitor.psi_meter import PsiMeter
from drift_monitor.stores import MemoryStore

from tests.monitor.test_monitor_evaluate import NOON, SERIES, World

ALARM = Policy(50_000, psi_alarm=0.2)


@pytest.fixture
def world(reference, make_events, as_logs):
    return World(reference, MemoryStore(), make_events, as_logs)


def measured(evaluations):
    values = [evaluation_values(evaluation) for evaluation in evaluations]
    return [each["LargestPsi"] for each in values if "LargestPsi" in each]


def test_psi_of_a_block(world, caplog):
    """A thousand events are measured once, whatever the runs, and the log names the feature."""
    world.evaluator = world.evaluator_of(ALARM)
    with caplog.at_level(logging.INFO, "drift_monitor"):
        assert measured(world.traffic(6, rows=300)) == pytest.approx([0.0], abs=0.1)
        (high,) = measured(world.traffic(6, rows=300, shift=1.0))
    assert high > 0.2
    assert "PSI of sqft" in caplog.text
    (state,) = [world.store.state(SERIES).state]
    assert 0 < state["psi"]["events"] < 1_000


def test_no_psi_by_default(world):
    """Nothing is measured where no alarm is chosen, and what was kept is dropped."""
    assert measured(world.traffic(8, rows=300, shift=1.0)) == []
    world.evaluator = world.evaluator_of(ALARM)
    world.traffic(1, rows=300)
    world.evaluator = world.evaluator_of(Policy(50_000))
    world.traffic(1, rows=300)
    assert "psi" not in world.store.state(SERIES).state


def test_psi_of_muted_features(world):
    """A muted feature is left out until its day."""
    muted = dict.fromkeys(("sqft", "prediction"), (NOON + 1_000) * 60.0)
    world.evaluator = world.evaluator_of(Policy(50_000, psi_alarm=0.2, muted=muted))
    assert max(measured(world.traffic(8, rows=300, shift=1.0))) < 0.2


def test_psi_of_other_bins(reference):
    """A block of other bins begins anew."""
    meter = PsiMeter(reference.baseline, SERIES.version, {"contract": "window.state.v1"})
    assert (meter.to_json(), meter.largest) == ({}, None)
