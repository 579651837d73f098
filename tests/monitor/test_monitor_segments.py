"""Segments: each has windows and a detector of its own, one alert tells one cause, and names its segment."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from drift_contracts import FeatureSet, SettingsError, feature_set, schemas
from drift_ml.baseline.fit import fit_baseline
from drift_ml.segments import Segment
from drift_ml.segments.fit import HeldOutAnswers, fit_segments
from drift_ml.window import Window
from drift_monitor.alerts import recovery_id
from drift_monitor.keys import Series, WindowKey
from drift_monitor.policy import Policy
from drift_monitor.reference import Reference, with_parts, without_segments
from drift_monitor.segments import reconcile
from drift_monitor.settings import read_settings
from drift_monitor.shelf import KeptReferences
from drift_monitor.state import SeriesState
from drift_monitor.stores import Fragment, MemoryStore
from drift_monitor.verification import verify

from tests.monitor.test_monitor_evaluate import NOON, World
from tests.support.house_tables import columns, price
from tests.support.series import SERIES

BUDGET = 100_000
#: Of a muting, in seconds since 1970.
END = (NOON + 10_000) * 60.0


@pytest.fixture(scope="module")
def cut_reference():
    """Return the reference of houses whose traffic is cut by the location: a tenth, and the rest."""
    document = feature_set("house-price").to_json() | {"contract": "feature-set.v2"}
    houses = FeatureSet.from_json(document | {"segments": [{"feature": "location_score", "cuts": [1.9]}]})
    table = columns(20_000, seed=1)
    prices = price(table)
    baseline = fit_baseline(houses, table, predictions=prices)
    segments = fit_segments(houses, table, baseline, HeldOutAnswers(table, predictions=prices))
    return Reference(houses, baseline, segments=segments)


class CutWorld(World):
    """Traffic of which a part may be older or larger than in training."""

    def moved(self, minutes, *, low=0.0, rest=0.0, older=False, rows=500):
        """Minutes of counted traffic; areas are moved, in square feet, by the segment of the house.

        Houses of the low segment may all be of the older half.
        """
        found = []
        for _ in range(minutes):
            self.seed += 1
            table = columns(rows, self.seed)
            is_low = table["location_score"] < 1.9
            table["sqft"] = table["sqft"] + np.where(is_low, low, rest)
            if older:
                table["age"] = np.where(is_low, 25 + table["age"] // 2, table["age"])
            self.count(table, {SERIES: is_low | True, **dict(zip(parts_of(self), (is_low, ~is_low), strict=True))})
            self.minute += 1
            found += self.evaluator.run()
        return found

    def count(self, table, rows_of):
        """Store the windows of a minute, each of its rows of the table."""
        baselines = {SERIES: self.reference.baseline}
        baselines |= {part: segment.baseline for part, segment in self.reference.parts(SERIES).items()}
        fragments = []
        for series, rows in rows_of.items():
            window = Window.empty(baselines[series], series.release)
            some = {name: values[rows] for name, values in table.items()}
            window.observe_rows(some, price(some))
            fragments.append(Fragment(WindowKey(series, self.minute), str(self.seed), window.to_json()))
        self.store.add(str(self.seed), fragments)


@pytest.fixture
def world(cut_reference, make_events, as_logs):
    made = CutWorld(cut_reference, MemoryStore(), make_events, as_logs)
    made.evaluator = made.evaluator_of(Policy(BUDGET))
    return made


def parts_of(world):
    low, rest = world.reference.parts(SERIES)
    return low, rest


def test_windows_by_segment(world):
    """Each event is in the window of the whole and in that of its segment, which add up."""
    lines = world.make(200, start=NOON * 60.0)
    world.aggregator.handle(world.pack(lines))
    world.minute += 3
    list(world.evaluator.run())
    low, rest = parts_of(world)
    whole, *parts = [world.store.window(WindowKey(series, NOON)).window for series in (SERIES, low, rest)]
    assert sum(part["events"] for part in parts) == whole["events"] == 200
    assert 5 < parts[0]["events"] < 40
    assert parts[0]["model_version"] == SERIES.version
    for part in parts:
        schemas.check(part["contract"], part)


def test_drift_in_segment(world):
    """A drift of a tenth of the traffic is one alert, which names the segment, and it ends once."""
    world.moved(3)
    found = world.moved(4, low=500)
    (alert,) = world.sent
    schemas.check("alert.v2", alert)
    assert alert["segment"]["name"] == "location_score"
    assert alert["segment"]["value"] == "below 1.9"
    assert alert["segment"]["share"] == pytest.approx(0.1, abs=0.02)
    assert alert["model_version"] == SERIES.version
    assert alert["drift"]["of"] == ["sqft"]
    assert "location_score below 1.9" in alert["title"]
    low, _ = parts_of(world)
    grounds = alert["drift"]["windows"]
    windows = world.store.windows(low, grounds["first"], grounds["last"])
    assert verify(alert, windows, world.reference.parts(SERIES)[low].baseline).agreement == "identical"
    state, other, rest = found[-1].segments
    assert found[-1].alarm
    assert state.alarm
    assert not other.alarm
    assert not rest.segment.baseline
    world.moved(4, rows=5_000)
    ended = world.sent[1:]
    assert [notice["state"] for notice in ended] == ["OK"]
    assert ended[0]["segment"] == alert["segment"]


def test_drift_of_whole(world):
    """A drift of all traffic is one alert of the whole; its segments join and are not told."""
    world.moved(3)
    found = world.moved(6, low=400, rest=400)
    (alert,) = world.sent
    assert "segment" not in alert
    assert all(state.alarm for state in found[-1].segments[:2])
    world.moved(5, rows=4_000)
    assert [notice["state"] for notice in world.sent] == ["ALARM", "OK"]


def test_whole_after_segment(world):
    """A drift that spreads from a segment to all traffic is told of both, and names the segment."""
    world.moved(4)
    world.moved(4, low=500)
    world.moved(6, low=500, rest=150)
    first, second = world.sent
    assert "segment" in first
    assert "segment" not in second
    assert "Strongest in location_score below 1.9" in second["reason"]


def test_second_drift_in_segment(world):
    """Another feature that drifts in the segment later is told beside the first."""
    world.moved(4)
    world.moved(4, low=500)
    world.moved(5, low=500, older=True)
    assert [alert["drift"]["of"] for alert in world.sent] == [["sqft"], ["age"]]
    assert world.sent[1]["segment"]["value"] == "below 1.9"


def test_muted_in_segment(world):
    """A muted feature is muted in each segment."""
    world.evaluator = world.evaluator_of(Policy(BUDGET, muted=dict.fromkeys(["sqft", "location_score"], END)))
    world.moved(4)
    found = world.moved(5, low=500)
    assert world.sent == []
    assert "below 1.9" in [alert.get("segment", {}).get("value") for alert in found[-1].muted]


def test_budget_is_shared(world):
    """The whole and its segments are together wrong as rarely as the budget says."""
    world.moved(1)
    whole, low, _ = [world.store.state(series).state["budget"] for series in (SERIES, *parts_of(world))]
    assert 1 / whole + 1 / low == pytest.approx(1 / BUDGET)


def test_segment_that_fails(world):
    """A damaged state of a segment keeps nobody from being told of the whole, and is reported."""
    world.moved(1)
    low, _ = parts_of(world)
    stored = world.store.state(low)
    world.store.save(low, stored.revision, {"cursor": 1, "unknown": 2})
    with pytest.raises(Exception, match="newer than this release"):
        world.moved(1)
    for _ in range(7):
        with pytest.raises(Exception, match="newer than this release"):
            world.moved(1, low=500, rest=500)
    assert [alert.get("segment") for alert in world.sent] == [None]


def test_series_of_parts(cut_reference):
    """Every series that has windows is listed, so that old ones are forgotten."""
    listed = with_parts({SERIES: cut_reference})
    assert len(listed) == 3
    assert {series.release for series in listed} == {SERIES.version}


def test_kept_segments(cut_reference):
    """The table keeps segments with their version, for a monitor that watches them."""
    documents = {
        "feature_set": cut_reference.feature_set.to_json(),
        "baseline": cut_reference.baseline.to_json(),
        "segments": cut_reference.segments.to_json(),
    }
    shelf = SimpleNamespace(find={SERIES: documents}.get)
    bundled = {Series(SERIES.model, "0" * 12): cut_reference}
    kept = KeptReferences(bundled, shelf, lambda: 0.0)[SERIES]
    assert kept.parts(SERIES).keys() == cut_reference.parts(SERIES).keys()
    assert KeptReferences(bundled, shelf, lambda: 0.0, watch_segments=False)[SERIES].segments is None
    assert without_segments({SERIES: kept})[SERIES].shares.whole(BUDGET) == BUDGET


def test_setting_of_segments():
    """Segments are watched unless the setting says off; another word is refused."""
    assert read_settings({}).segments == "watch"
    assert read_settings({"DRIFT_SEGMENTS": "off"}).segments == "off"
    with pytest.raises(SettingsError, match="DRIFT_SEGMENTS"):
        read_settings({"DRIFT_SEGMENTS": "maybe"})


def test_segments_that_are_not_watched(make_events, as_logs, cut_reference):
    """Where every segment has too few rows, the whole has all of the budget, and the page lists them."""
    few = [replace(segment, baseline=None) for segment in cut_reference.segments]
    cut = replace(cut_reference.segments.cuts[0], segments=tuple(few))
    bare = replace(cut_reference, segments=replace(cut_reference.segments, cuts=(cut,)))
    world = CutWorld(bare, MemoryStore(), make_events, as_logs)
    world.aggregator.handle(world.pack(world.make(30, start=NOON * 60.0)))
    world.minute += 3
    (evaluation,) = world.evaluator.run()
    assert [state.to_json()["watched"] for state in evaluation.segments] == [False, False, False]
    assert evaluation.window.events == 30
    assert world.store.state(SERIES).state["budget"] == 50_000


LOW, MID = SERIES.part("low"), SERIES.part("mid")


def said(name, effect, *, since=5, at=9, share=None, of="sqft", state="ALARM"):
    """Return an alert with what decides whether it is sent."""
    document = {
        "alert_id": name,
        "state": state,
        "reason": name,
        "timestamp": f"2026-06-21T00:{at:02}:00Z",
        "drift": {"channel": of, "of": [of], "effect": effect, "since": f"2026-06-21T00:{since:02}:00Z"},
    }
    return document if share is None else document | {"segment": {"name": "a", "value": "b", "share": share}}


def decided(**states):
    """Save states of the whole (`whole`), `low` and `mid`, and return them once it is decided what is sent."""
    store, places = MemoryStore(), {"whole": SERIES, "low": LOW, "mid": MID}
    for name, place in places.items():
        sent, unsent, joined = states.get(name, ([], [], []))
        standing = {alert["drift"]["channel"]: alert for alert in [*sent, *unsent] if alert["state"] == "ALARM"}
        joins = {alert["drift"]["channel"]: alert for alert in joined}
        store.save(place, 0, SeriesState(9, 1, alerts=standing, outbox=list(unsent), joined=joins).to_json())
    low, mid = Segment("a", "low", 600, 0.1, None), Segment("a", "mid", 600, 0.1, None)
    made = reconcile(store, SERIES, {LOW: low, MID: mid}, {LOW: None, MID: None})
    return {name: made[place] for name, place in places.items()}


def names(alerts):
    return [alert["alert_id"] for alert in alerts]


def test_diluted_whole():
    """The whole that is moved by one segment alone joins the alert of that segment."""
    states = decided(low=([said("low", 1.0, share=0.1)], [], []), whole=([], [said("whole", 0.15)], []))
    assert names(states["whole"].outbox) == []
    assert states["whole"].joined["sqft"]["alert_id"] == "whole"
    at_once = decided(low=([], [said("low", 1.0, share=0.1)], []), whole=([], [said("whole", 0.15)], []))
    assert (names(at_once["low"].outbox), names(at_once["whole"].outbox)) == (["low"], [])


def test_second_segment():
    """The drift of a second segment makes the joined alert of the whole heard in its place."""
    states = decided(
        low=([said("low", 1.0, share=0.1)], [], []),
        whole=([], [], [said("whole", 0.15)]),
        mid=([], [said("mid", 0.9, share=0.1)], []),
    )
    assert names(states["whole"].outbox) == ["whole"]
    assert names(states["mid"].outbox) == []
    assert "sqft" in states["mid"].joined


def test_end_of_what_was_joined():
    """An alert that had joined one which has ended ends with it, and nothing is sent."""
    states = decided(low=([], [], [said("low", 0.4, share=0.1)]))
    assert (states["low"].over, states["low"].joined, states["low"].outbox) == (["sqft"], {}, [])


def test_ended_before_it_was_sent():
    """An alert of a segment that began and ended before it was sent is not sent where the whole says it."""
    low, ended = said("low", 0.4, share=0.1), said(recovery_id({"alert_id": "low"}), 0.4, share=0.1, state="OK")
    states = decided(whole=([said("whole", 0.4)], [], []))
    assert states["whole"].outbox == []
    store = MemoryStore()
    store.save(SERIES, 0, SeriesState(9, 1, alerts={"sqft": said("whole", 0.4)}).to_json())
    store.save(LOW, 0, SeriesState(9, 1, outbox=[low, ended]).to_json())
    made = reconcile(store, SERIES, {LOW: Segment("a", "low", 600, 0.1, None)}, {LOW: None})
    assert (made[LOW].outbox, made[LOW].joined) == ([], {})
