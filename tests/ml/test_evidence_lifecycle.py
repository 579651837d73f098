"""The life cycle of an alarm: raised once, standing while its drift lasts, recovered, and armed again."""

from __future__ import annotations

from math import inf

import pytest
from drift_ml.baseline import Channel
from drift_ml.evidence import Budget, MixtureDetector, Settings, Transition, observe_window

ROOMS = Channel("rooms", "values", ("rooms",), (2000,) * 5)
EVEN, HIGH = {"rooms": [4, 4, 4, 4, 4]}, {"rooms": [0, 0, 5, 5, 10]}


@pytest.fixture
def detector() -> MixtureDetector:
    return MixtureDetector(Settings([ROOMS], Budget(10_000)))


def until(detector: MixtureDetector, counts: dict[str, list[int]], member: str) -> Transition:
    """Return the first transition that has a member set; at most 400 windows are taken in."""
    for _ in range(400):
        step = observe_window(detector, counts, events=20)
        if getattr(step, member):
            return step
    pytest.fail(f"{member}: never")


def test_alarm_once(detector: MixtureDetector) -> None:
    """The window that raises an alarm holds its finding, and those after it raise no further one."""
    step = until(detector, HIGH, "raised")
    (alarm,) = step.raised
    assert alarm.finding is detector.alarm
    assert step.evidence == alarm.finding.evidence >= detector.needed
    assert step.crossed
    assert not any(observe_window(detector, HIGH, events=20).raised for _ in range(50))
    assert detector.alarm is alarm.finding


def test_recovery(detector: MixtureDetector) -> None:
    """After a recovery, which names the alarm, the next drift raises the next alarm."""
    raised = until(detector, HIGH, "raised").raised
    step = until(detector, EVEN, "recovered")
    assert step.recovered == raised
    assert (detector.alarm, detector.evidence) == (None, -inf)
    assert until(detector, HIGH, "raised").raised


def test_evidence_under_alarm(detector: MixtureDetector) -> None:
    """Evidence that reaches the threshold again under its alarm is reported as reaching it."""
    until(detector, HIGH, "raised")
    steps = [observe_window(detector, HIGH, events=20) for _ in range(50)]
    crossed = [step for step in steps if step.crossed]
    assert crossed
    assert min(step.evidence for step in crossed) >= detector.needed
    assert {step.evidence for step in steps if not step.crossed} == {-inf}


def test_empty_window(detector: MixtureDetector) -> None:
    """Before the first event there is no evidence, and an empty window adds none."""
    assert observe_window(detector, {}, events=0) == Transition(-inf, crossed=False)
