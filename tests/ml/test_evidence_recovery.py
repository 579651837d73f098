"""How an alarm ends: not while its drift lasts, soon after it is over, and the same after a restart."""

from __future__ import annotations

import json

import numpy as np
import pytest
from drift_ml.baseline import Channel
from drift_ml.evidence import Budget, DayVariation, EvidenceError, MixtureDetector, Seasonality, Settings

from benchmarks.simulate.coding import counted
from benchmarks.simulate.mixture import Watched
from benchmarks.simulate.streams import drifted, normals

BUDGET = 100_000
ROOMS = Channel("rooms", "values", ("rooms",), (2000,) * 5)
HEATING = Channel("heating", "categories", ("heating",), (7000, 2990, 10), categories=("gas", "oil", "wood"))
SETTINGS = Settings([ROOMS, HEATING], Budget(10_000))
EVEN, HIGH = [4, 4, 4, 4, 4], [0, 0, 5, 5, 10]
USUAL, WOODEN = [14, 6, 0], [12, 5, 3]


def alarmed(channel: str, drift: list[int], settings: Settings = SETTINGS) -> MixtureDetector:
    detector = MixtureDetector(settings)
    while not detector.update({"rooms": EVEN, "heating": USUAL} | {channel: drift}):
        pass
    assert detector.alarm is not None
    assert detector.alarm.channel == channel
    return detector


def batches_until_recovered(detector: MixtureDetector, counts: dict[str, list[int]], most: int = 400) -> int:
    for step in range(1, most):
        detector.update(counts)
        if detector.recovered:
            return step
    return most


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("kind", "size", "rows"),
    [
        ("mean", 0.25, 100_000),
        ("mean", 0.5, 1000),
        ("mean", 1.0, 10_000),
        ("variance", 1.5, 10_000),
        ("correlation", 0.6, 10_000),
        ("missing", 0.05, 10_000),
    ],
)
def test_single_alarm(kind: str, size: float, rows: int) -> None:
    """A drift raises a single alarm, which ends after the drift, and without a false end."""
    rng = np.random.default_rng(round(100 * size))
    watched = Watched(normals(rng, rows))
    for _ in range(4):
        detector = MixtureDetector(Settings(watched.channels, Budget(BUDGET)))
        for counts in counted(watched.baseline, drifted(normals(rng, 6000), kind, size, rng), 60):
            detector.update(counts)
            # Another feature may have a false alarm, which ends on its own.
            detector.end_recovered()
        first = detector.alarms[0]
        assert first.raised_s == 0.0
        ended = []
        for counts in counted(watched.baseline, normals(rng, 6000), 60):
            detector.update(counts)
            ended += detector.end_recovered()
        assert first in ended


def test_budget_and_recovery() -> None:
    """The larger the budget, the longer it takes until a drift is called over."""
    good = {"rooms": EVEN, "heating": USUAL}
    hasty, patient = (alarmed("rooms", HIGH, Settings([ROOMS, HEATING], Budget(events))) for events in (1000, 1e6))
    assert batches_until_recovered(hasty, good) < batches_until_recovered(patient, good)


def test_drift_of_other_kind() -> None:
    """A drift of another kind in the same channel is no recovery."""
    detector = alarmed("rooms", HIGH)
    assert batches_until_recovered(detector, {"rooms": [7, 3, 0, 3, 7], "heating": USUAL}) == 400


def test_category_recovery() -> None:
    """The drift of a category is over when that category's share is back."""
    detector = alarmed("heating", WOODEN)
    assert detector.alarm is not None
    assert detector.alarm.direction == "wood up"
    assert batches_until_recovered(detector, {"rooms": EVEN, "heating": WOODEN}) == 400
    assert 5 < batches_until_recovered(detector, {"rooms": EVEN, "heating": USUAL}) < 400


def test_end_of_weak_chart() -> None:
    """An end disproves at most the whole change that the strongest chart of a drift looks for."""
    gone = Channel("missing:rooms", "missing", ("rooms",), (1900, 100))
    least = []
    # Both are more than the strongest chart's 0.19, and less than the 0.265 that is found.
    for minimum_effect in (0.24, 0.26):
        settings = Settings([gone], Budget(10_000), minimum_effect=minimum_effect)
        detector = MixtureDetector(settings)
        while not detector.update({"missing:rooms": [20, 0]}):
            pass
        detector.update({"missing:rooms": [19, 1]})
        (alarm,) = detector.to_json()["alarms"]
        least.append(min(alarm["drifts"][0]["recovery"]["log"]))
    assert least[0] == least[1]


def test_unseen_channel() -> None:
    """A channel that does not occur in the traffic does not recover."""
    detector = alarmed("rooms", HIGH)
    assert batches_until_recovered(detector, {"heating": USUAL}) == 400
    for _ in range(1000):
        detector.update_event({"heating": 0})
    assert not detector.recovered


def test_single_event_recovery() -> None:
    """A drift recovers event by event too."""
    detector = alarmed("rooms", HIGH)
    for step in range(4000):
        detector.update_event({"rooms": step % 5, "heating": 0 if step % 10 < 7 else 1})
        if detector.recovered:
            break
    assert detector.recovered


def test_found_again() -> None:
    """A drift that is found again starts its recovery anew."""
    detector, good = alarmed("rooms", HIGH), {"rooms": EVEN, "heating": USUAL}
    needed = batches_until_recovered(alarmed("rooms", HIGH), good)
    for _ in range(needed - 1):
        detector.update(good)
    first = detector.alarm
    detector.update({"rooms": HIGH, "heating": USUAL})
    while detector.peak == -np.inf:
        detector.update({"rooms": HIGH, "heating": USUAL})
    assert detector.alarm is first
    assert batches_until_recovered(detector, good) == needed


@pytest.mark.parametrize("good", [0, 1, 10])
def test_json_recovers(good: int) -> None:
    """A detector that was restored from JSON recovers equally."""
    counts = {"rooms": EVEN, "heating": USUAL}
    detector = alarmed("rooms", HIGH)
    for _ in range(good):
        detector.update(counts)
    again = MixtureDetector.from_json(json.loads(json.dumps(detector.to_json())), SETTINGS)
    assert again.to_json() == detector.to_json()
    assert batches_until_recovered(again, counts) == batches_until_recovered(detector, counts)


def test_state_without_recovery() -> None:
    """A stored state without a recovery begins one."""
    detector, counts = alarmed("rooms", HIGH), {"rooms": EVEN, "heating": USUAL}
    detector.update({"heating": USUAL})
    document = detector.to_json()
    assert document["alarms"][0]["drifts"][0]["recovery"]["log"] == []
    assert batches_until_recovered(MixtureDetector.from_json(document, SETTINGS), counts) < 400


def test_other_capital_length() -> None:
    """A recovery's capital of another length is refused."""
    detector = alarmed("rooms", HIGH)
    detector.update({"rooms": EVEN})
    document = detector.to_json()
    for values in document["alarms"][0]["drifts"][0]["recovery"].values():
        values.pop()
    with pytest.raises(EvidenceError, match="/alarms: recovery"):
        MixtureDetector.from_json(document, SETTINGS)


def test_seasonal_recovery() -> None:
    """With a learned seasonality a drift recovers by the distribution of the hour."""
    hours = ([8, 5, 4, 2, 1], [1, 2, 4, 5, 8])
    good = [(3600.0 * hour, {"rooms": [20 * n for n in hours[hour % 24 // 12]]}) for hour in range(24 * 14)]
    seasonality = Seasonality.learn([ROOMS], good, strata=2)
    detector = MixtureDetector(Settings([ROOMS], Budget(10_000), seasonality=seasonality))
    while not detector.update({"rooms": hours[1]}, timestamp_s=0.0):
        pass
    for _ in range(200):
        detector.update({"rooms": hours[1]}, timestamp_s=0.0)
        assert not detector.recovered
    for hour in range(400):
        detector.update({"rooms": hours[hour % 24 // 12]}, timestamp_s=3600.0 * hour)
    assert detector.recovered


def wandering(variance, inflation, events):
    """Return settings whose days differ, over a reference that is traffic itself."""
    days = DayVariation(variance, inflation, events)
    counts = ({"rooms": ROOMS.counts, "heating": HEATING.counts},)
    seasonality = Seasonality(86_400.0, counts, {}, {"rooms": days}, {"rooms": inflation})
    assert Seasonality.from_json(seasonality.to_json()) == seasonality
    return Settings([ROOMS, HEATING], Budget(10_000), seasonality=seasonality)


def test_days_take_longer():
    """Where days differ, a drift is told later and its end too, and a restart changes neither."""
    settings = wandering(0.02, 6.0, 400.0)
    still, moving = MixtureDetector(SETTINGS), MixtureDetector(settings)
    for detector in (still, moving):
        while not detector.update({"rooms": HIGH, "heating": USUAL}):
            pass
    assert moving.events > still.events
    usual = {"rooms": EVEN, "heating": USUAL}
    assert batches_until_recovered(moving, usual) > batches_until_recovered(still, usual)
    again = MixtureDetector.from_json(moving.to_json(), settings)
    for detector in (moving, again):
        detector.update_event({"rooms": 4, "heating": 0})
    assert again.to_json() == moving.to_json()


def test_renewed_reference():
    """Under another reference an alarm stays, and the test of its end begins anew where it is another test."""
    detector = alarmed("heating", WOODEN)
    detector.update({"rooms": EVEN, "heating": USUAL})
    settings = wandering(0.02, 6.0, 400.0)
    document = {**detector.to_json(), "settings": settings.digest}
    document["alarms"][0]["drifts"][0]["recovery"]["log"].append(0.0)
    with pytest.raises(EvidenceError, match="recovery"):
        MixtureDetector.from_json(document, settings)
    renewed = MixtureDetector.from_json(document, settings, is_renewed=True)
    assert [alarm.finding for alarm in renewed.alarms] == [alarm.finding for alarm in detector.alarms]
    names, since = renewed.changed(renewed.alarms[0])
    assert (names, since) == ({"heating"}, renewed.alarms[0].finding.since)


def test_ended_by_word():
    """An alarm that is ended by word has no evidence left, and its drift is found again if it lasts."""
    detector = alarmed("rooms", HIGH)
    detector.end(["heating"])
    assert detector.explained_channels == {"rooms"}
    detector.end(["rooms"])
    assert (detector.alarms, detector.explained_channels) == ((), set())
    assert not detector.update({"rooms": EVEN, "heating": USUAL})
    while not detector.update({"rooms": HIGH, "heating": USUAL}):
        pass
    assert detector.alarm.channel == "rooms"


def test_change_of_answers():
    """A change of the answers alone dates from its own onset."""
    answers = Channel("prediction", "values", ("prediction",), (2000,) * 5)
    detector = MixtureDetector(Settings([answers], Budget(1000)))
    while not detector.update({"prediction": HIGH}, timestamp_s=60.0):
        pass
    (alarm,) = detector.alarms
    assert detector.changed(alarm) == ({"prediction"}, alarm.finding.since)


def test_whole_days_beside():
    """Channels that are held against whole days have no days that wander, those beside them do."""
    days = {name: DayVariation(0.02, 6.0, 400.0) for name in ("rooms", "heating")}
    counts = ({"rooms": ROOMS.counts, "heating": HEATING.counts},)
    seasonality = Seasonality(86_400.0, counts, {}, days)
    settings = Settings([ROOMS, HEATING], Budget(10_000), seasonality=seasonality, whole_days=("heating",))
    detector = MixtureDetector(settings)
    for hour in range(48):
        detector.update({"rooms": HIGH, "heating": USUAL}, timestamp_s=hour * 3_600.0)
    (alarm,) = detector.alarms
    assert alarm.finding.channel == "rooms"
    assert detector.changed(alarm)[0] == {"rooms"}
