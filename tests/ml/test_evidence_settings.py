"""What a detector's settings decide, and what is left of its evidence when they change."""

from __future__ import annotations

from dataclasses import replace
from math import inf, isclose

import numpy as np
import pytest
from drift_ml.baseline import Channel
from drift_ml.evidence import Budget, EvidenceError, MixtureDetector, Seasonality, Settings, observe_window

EVEN, HIGH = [40, 40, 40, 40, 40], [0, 0, 50, 50, 100]
SINGLE = [Channel(name, "values", (name,), (2000,) * 5) for name in ("a", "b", "c")]
PAIR = Channel("product:a:b", "product", ("a", "b"), (2000,) * 5)
ALL = Channel("sum_of_squares", "sum_of_squares", ("a", "b", "c"), (2000,) * 5)
SETTINGS = Settings([*SINGLE, PAIR, ALL], Budget(10_000), minimum_effect=0.1)
LEAST = {"a": 0.5, "b": 0.3}


@pytest.mark.parametrize(
    ("channel", "least"), [("a", 0.5), ("b", 0.3), ("c", 0.1), ("product:a:b", 0.5), ("sum_of_squares", 0.1)]
)
def test_least_effect(channel, least):
    """A pair takes the larger minimum of its features, and the channel of all of them the common one."""
    assert replace(SETTINGS, minimum_effects=LEAST).least_effect(channel) == least
    assert SETTINGS.least_effect(channel) == 0.1


def test_digest_of_minimum_effects():
    """Minimum effects of features are part of what a state belongs to; none leave it as it was."""
    assert replace(SETTINGS, minimum_effects=LEAST).digest != SETTINGS.digest
    assert replace(SETTINGS, minimum_effects={}).digest == SETTINGS.digest


def test_evidence_by_channel():
    """The parts of all channels make up the evidence, and the one that drifts has nearly all of it."""
    detector = MixtureDetector(Settings(SINGLE, Budget(10_000)))
    observe_window(detector, {"a": EVEN, "b": [30, 35, 40, 45, 50], "c": EVEN}, events=200)
    parts = detector.evidence_by_channel()
    assert isclose(np.logaddexp.reduce(list(parts.values())), detector.evidence)
    assert max(parts, key=parts.get) == "b"


def test_forgotten_evidence():
    """An alarm stands when the evidence beside it begins anew."""
    detector = MixtureDetector(Settings(SINGLE, Budget(10_000)))
    for _ in range(3):
        observe_window(detector, {"a": HIGH, "b": EVEN, "c": EVEN}, events=200)
    assert detector.evidence > -inf
    detector.forget_evidence()
    assert detector.evidence == -inf
    assert detector.alarm.channel == "a"


def test_references_of_few_rows():
    """An alarm stands under references of so few rows that its end has fewer alternatives; a test of it begins anew."""
    rooms = Channel("rooms", "values", ("rooms",), (500,) * 12, values=tuple(range(12)))
    detector = MixtureDetector(Settings([rooms], Budget(1000)))
    for _ in range(12):
        detector.update({"rooms": [5] * 6 + [8] * 6})
    detector.update({"rooms": [2] * 12})
    state = detector.to_json()
    hours = Seasonality(86_400.0, tuple({"rooms": (5,) * 12} for _ in range(24)), {})
    settings = Settings([rooms], Budget(1000), seasonality=hours)
    state["settings"] = settings.digest
    with pytest.raises(EvidenceError, match="recovery"):
        MixtureDetector.from_json(state, settings)
    moved = MixtureDetector.from_json(state, settings, is_renewed=True)
    assert (moved.alarm.channel, moved.recovered) == ("rooms", False)
