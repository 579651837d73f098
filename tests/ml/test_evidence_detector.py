"""The mixture detector: state, alarms, attribution, recovery, seasonality."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from math import inf, isinf

import numpy as np
import pytest
from drift_ml.baseline import Channel
from drift_ml.evidence import (
    Budget,
    Capital,
    DriftFinding,
    EvidenceError,
    MixtureDetector,
    Seasonality,
    Settings,
    log_mixture,
)
from hypothesis import given, settings
from hypothesis import strategies as st

ROOMS = Channel("rooms", "values", ("rooms",), (2000, 2000, 2000, 2000, 2000))
GONE = Channel("missing:rooms", "missing", ("rooms",), (10_000, 0))
SETTINGS = Settings([ROOMS, GONE], Budget(10_000))

batch = st.lists(st.integers(0, 30), min_size=5, max_size=5)


def even(size: int = 20) -> dict[str, list[int]]:
    return {"rooms": [size // 5] * 5, "missing:rooms": [size, 0]}


def high(size: int = 20) -> dict[str, list[int]]:
    return {"rooms": [0, 0, size // 4, size // 4, size // 2], "missing:rooms": [size, 0]}


def raised(settings_: Settings = SETTINGS) -> MixtureDetector:
    detector = MixtureDetector(settings_)
    for minute in range(50):
        detector.update(even(), timestamp_s=60.0 * minute)
    for minute in range(50, 60):
        detector.update(high(), timestamp_s=60.0 * minute)
    return detector


@settings(max_examples=30, deadline=None)
@given(before=st.lists(batch, max_size=8), after=st.lists(batch, max_size=8))
def test_json_continues(before: list[list[int]], after: list[list[int]]) -> None:
    """A detector that was restored from JSON continues equally."""
    detector = MixtureDetector(SETTINGS)
    for counts in before:
        detector.update({"rooms": counts})
    again = MixtureDetector.from_json(json.loads(json.dumps(detector.to_json())), SETTINGS)
    for counts in after:
        detector.update({"rooms": counts})
        again.update({"rooms": counts})
    assert again.to_json() == detector.to_json()


def test_empty_batch() -> None:
    """An empty batch changes nothing."""
    detector = MixtureDetector(SETTINGS)
    before = detector.to_json()
    assert detector.update({}) is False
    assert detector.update({"rooms": [0] * 5}) is False
    assert detector.to_json() == before
    assert isinf(detector.evidence)
    assert detector.finding() is None
    assert detector.reason is None


def test_alarm_facts() -> None:
    """The alarm states feature, direction, size and onset."""
    alarm = raised().alarm
    assert alarm is not None
    assert (alarm.channel, alarm.kind, alarm.direction) == ("rooms", "location", "up")
    assert 50 * 60 - 120 <= alarm.since <= 53 * 60
    assert 0.5 < alarm.size < 1.6
    assert sum(alarm.shares.values()) == pytest.approx(1.0)
    assert str(alarm).startswith("rooms: location up")


def test_rare_indicator() -> None:
    """An alarm of a rare indicator names its channel."""
    detector = MixtureDetector(SETTINGS)
    for _ in range(10):
        detector.update({"rooms": [3, 4, 4, 4, 4], "missing:rooms": [19, 1]})
    assert detector.alarm is not None
    assert (detector.alarm.channel, detector.alarm.kind) == ("missing:rooms", "share")


def test_scale() -> None:
    """A drift of the variance is reported as a factor above 1."""
    detector = MixtureDetector(SETTINGS)
    while not detector.update({"rooms": [8, 1, 2, 1, 8]}):
        pass
    assert detector.alarm is not None
    assert detector.alarm.kind == "scale"
    assert detector.alarm.size > 1


def test_slight_scale() -> None:
    """A variance that grows less than the charts look for is a factor just above 1."""
    detector = MixtureDetector(Settings([ROOMS], Budget(10_000)))
    detector.update({"rooms": [22, 19, 18, 19, 22]})
    finding = detector.finding()
    assert finding is not None
    assert (finding.kind, finding.direction) == ("scale", "up")
    assert 1 < finding.size < 1.25


def test_order_of_shares() -> None:
    """The channel that holds most of the evidence is the first of the shares."""
    alarm = raised().alarm
    assert alarm is not None
    assert list(alarm.shares) == ["rooms", "missing:rooms"]


def test_alarm_until_reset() -> None:
    """An alarm stays until reset."""
    detector = raised()
    assert detector.update(even())
    assert detector.reason
    detector.reset()
    assert detector.alarm is None
    assert detector.events == 0
    assert not detector.update(even())


def test_recovered() -> None:
    """A drift that ends is recovered, and one that lasts is not."""
    gone, lasting = raised(), raised()
    for _ in range(100):
        gone.update(even())
        lasting.update(high())
    assert gone.recovered
    assert not lasting.recovered
    assert not MixtureDetector(SETTINGS).recovered


def test_minimum_effect() -> None:
    """Evidence of less than the minimum effect raises no alarm."""
    demanding = Settings([ROOMS, GONE], Budget(10_000), minimum_effect=3.0)
    detector = raised(demanding)
    assert detector.evidence > detector.needed
    assert detector.alarm is None
    finding = detector.finding()
    assert finding is not None
    assert finding.effect < 3.0


def test_single_events() -> None:
    """A drift is found event by event too."""
    detector = MixtureDetector(SETTINGS)
    steps = 0
    while not detector.update_event({"rooms": 4, "missing:rooms": 0}):
        steps += 1
    assert steps < 30


def test_batch_size() -> None:
    """The number of events of a batch may be stated."""
    detector = MixtureDetector(SETTINGS)
    detector.update({"rooms": [1, 1, 1, 1, 1]}, events=7)
    assert detector.events == 7


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"contract": "window.state.v1"}, "expected the state of a 'mixture'"),
        ({"detector": "cusum"}, "expected the state of a 'mixture'"),
        ({"settings": "0" * 64}, "at /settings"),
        ({"capital": {"log": [0.0], "age": [0.0], "ratio": [0.0], "born": [0.0]}}, "at /capital"),
    ],
)
def test_other_state(change: dict, expected: str) -> None:
    """The state of something else is refused."""
    with pytest.raises(EvidenceError, match=expected):
        MixtureDetector.from_json(MixtureDetector(SETTINGS).to_json() | change, SETTINGS)


def test_shiryaev_roberts() -> None:
    """With an exact reference the recursion is Shiryaev and Roberts's."""
    rng = np.random.default_rng(1)
    capital, plain = Capital.empty(3), np.zeros(3)
    for _ in range(50):
        gain = rng.normal(size=3)
        capital.advance(gain, 1, np.float64(inf), np.float64(1.0))
        plain = (plain + 1) * np.exp(gain)
    assert np.allclose(np.exp(capital.log), plain)
    assert np.isclose(float(log_mixture(capital.log, np.log(np.full(3, 1 / 3)))), np.log(plain.mean()))


def test_copies_cleared_alone() -> None:
    """Clearing a copy of a capital leaves the others."""
    capital = Capital.empty(2, 3)
    capital.advance(np.ones((2, 3)), 1, np.float64(100.0), np.float64(1.0))
    capital.clear(0)
    assert np.isinf(capital.log[0]).all()
    assert np.isfinite(capital.log[1]).all()


def good_days(rng: np.random.Generator, days: int, swing: float) -> list[tuple[float, dict[str, list[int]]]]:
    found = []
    for hour in range(24 * days):
        tilt = np.exp(swing * np.sin(2 * np.pi * hour / 24) * np.arange(-2, 3))
        found.append((3600.0 * hour, {"rooms": rng.multinomial(200, tilt / tilt.sum()).tolist()}))
    return found


def test_seasonality() -> None:
    """With a learned seasonality the hour of the day is no drift."""
    rng = np.random.default_rng(2)
    seasonality = Seasonality.learn([ROOMS, GONE], good_days(rng, 14, 0.4))
    blind, learned = (
        MixtureDetector(SETTINGS),
        MixtureDetector(Settings([ROOMS, GONE], Budget(10_000), seasonality=seasonality)),
    )
    for timestamp_s, counts in good_days(rng, 7, 0.4):
        blind.update(counts, timestamp_s=timestamp_s)
        learned.update(counts, timestamp_s=timestamp_s)
    assert blind.alarm is not None
    assert learned.alarm is None


def test_drift_with_seasonality() -> None:
    """With a learned seasonality from JSON a drift is still found."""
    rng = np.random.default_rng(3)
    seasonality = Seasonality.learn([ROOMS, GONE], good_days(rng, 14, 0.4))
    again = Seasonality.from_json(json.loads(json.dumps(seasonality.to_json())))
    assert again == seasonality
    detector = MixtureDetector(Settings([ROOMS, GONE], Budget(10_000), seasonality=again))
    assert any(detector.update(high(200), timestamp_s=3600.0 * hour) for hour in range(12))


def test_learned_inflation() -> None:
    """The learned variance inflation of dependent events is near the true one."""
    rng = np.random.default_rng(4)
    batches = []
    for minute in range(2000):
        centre = rng.normal(0, 0.3)
        rows = np.clip(np.round(2 + centre * 1.4 + rng.normal(size=20) * 1.4), 0, 4).astype(int)
        batches.append((60.0 * minute, {"rooms": np.bincount(rows, minlength=5).tolist()}))
    seasonality = Seasonality.learn([ROOMS, GONE], batches, strata=1)
    assert 1.8 < seasonality.variance_inflation["rooms"] < 5
    assert seasonality.variance_inflation["missing:rooms"] == 1.0


def test_hour_without_traffic() -> None:
    """An hour without traffic has the baseline's counts."""
    batches = [(60.0 * i, {"rooms": [4, 4, 4, 4, 4]}) for i in range(64)]
    seasonality = Seasonality.learn([ROOMS, GONE], batches)
    assert seasonality.strata[5]["rooms"] == ROOMS.counts
    assert seasonality.strata[0]["rooms"] == (240,) * 5


def test_too_few_batches() -> None:
    """A seasonality is not learned from fewer than 64 batches."""
    with pytest.raises(EvidenceError, match="64 batches"):
        Seasonality.learn([ROOMS], [(0.0, {"rooms": [1, 1, 1, 1, 1]})])


def test_finding_is_frozen() -> None:
    """A finding is a value."""
    finding = DriftFinding(
        channel="age", kind="share", direction="up", size=2.0, effect=0.1, since=0.0,
        events=10.0, evidence=1.0, needed=1.0, shares={},
    )  # fmt: skip
    with pytest.raises(FrozenInstanceError):
        finding.size = 3.0  # type: ignore[misc]
