"""The words of the report."""

from __future__ import annotations

import pytest
from drift_ml.evidence import DriftFinding
from drift_ml.replay.texts import change, figure, percent, place, tick

DAY = 86_400_000


@pytest.mark.parametrize(
    ("kind", "direction", "size", "words"),
    [
        ("location", "down", -0.5, "mean down by 0.5 standard deviations"),
        ("scale", "up", 1.6, "spread up, to 1.6 times"),
        ("correlation", "down", -0.3, "correlation down by 0.3"),
        ("together", "up", 2.0, "farther from the middle together"),
        ("together", "down", -0.5, "closer to the middle together"),
        ("share", "blue up", 3.0, "the share of blue rose"),
        ("share", "up", 0.1, "the share rose"),
    ],
)
def test_changes(kind, direction, size, words):
    """Each kind of change has its text."""
    assert change(DriftFinding("f", kind, direction, size, 0.5, 0.0, 1.0, 1.0, 1.0, {})) == words


def test_short_texts():
    """Figures, places and ticks are short."""
    assert (figure(0), percent(None), percent(0.5)) == ("0", "-", "50 %")
    assert place(7, 0) == "1970-01-01 00:00 (row 7)"
    assert (tick(DAY, DAY), tick(DAY, 30 * DAY)) == ("00:00", "Jan 2")
