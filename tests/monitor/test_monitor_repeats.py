"""Requests that are sent again, and sessions, from the log line to the evidence, the words and the check."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest
from drift_contracts import schemas
from drift_ml.window import Window
from drift_monitor.aggregate import Aggregator
from drift_monitor.metrics import evaluation_values
from drift_monitor.policy import Policy
from drift_monitor.reference import Reference
from drift_monitor.settings import read_settings
from drift_monitor.stores import MemoryStore
from drift_monitor.verification import verify

from tests.monitor.test_monitor_evaluate import SERIES, World

#: Seconds, which spread a delivery over more minutes than are stored at once.
DAY = 86_400.0


class Repeated(World):
    """A service whose requests come several times each, in sessions that are named or not."""

    times, named = 5, False

    def traffic(self, minutes, *, rows=12, shift=0.0):
        found = []
        for _ in range(minutes):
            self.seed += 1
            lines = []
            for line in self.make(rows, start=self.minute * 60.0, seed=self.seed, shift=shift):
                event = json.loads(line)
                for turn in range(self.times):
                    event["prediction_id"] = f"{event['prediction_id'][:-4]}{turn:04d}{len(lines)}"
                    if self.named:
                        event["session"] = f"{self.seed} {len(lines) // self.times}"
                        event["features"]["sqft"] += 1e-3 * turn
                    lines.append(json.dumps(event))
            self.aggregator.handle(self.pack(lines))
            self.minute += 1
            found += self.evaluator.run()
        return found


def world_of(reference, make_events, as_logs, *, named=False, policy=None):
    """Return a service whose requests repeat."""
    world = Repeated(reference, MemoryStore(), make_events, as_logs)
    world.named = named
    world.evaluator = world.evaluator_of(policy or Policy(budget_events=50_000))
    return world


@pytest.mark.parametrize("named", [False, True])
def test_repeats_raise_no_alarm(reference, make_events, as_logs, named):
    """Sessions of five that are alike raise none from the first minute on, and the words say how they count."""
    world = world_of(reference, make_events, as_logs, named=named)
    found = world.traffic(16)
    assert world.sent == []
    assert 4 < evaluation_values(found[-1])["Repetition"] < 6
    kind = "requests of a session" if named else "rows"
    assert found[-1].repeats.startswith(f"{kind} repeat each other: 1,000 requests count as 2")


def test_repeats_in_full(reference, make_events, as_logs):
    """Switched off, the same traffic raises an alarm, which says so and is computed again to the last bit."""
    policy = Policy(budget_events=50_000, allows_for_repeats=False)
    world = world_of(reference, make_events, as_logs, policy=policy)
    found = world.traffic(16)
    alert = world.sent[0]
    schemas.check("alert.v2", alert)
    assert alert["drift"]["detector"]["repeats"] is False
    assert found[-1].repeats.endswith("switched off")
    assert checked(world, alert).agreement == "identical"


def test_a_drift_among_repeats(reference, make_events, as_logs):
    """A drift is told among repeats, and its evidence is computed again to the last bit."""
    world = world_of(reference, make_events, as_logs)
    world.traffic(4)
    world.traffic(22, shift=1.5)
    alert = world.sent[0]
    assert alert["drift"]["of"] == ["sqft"]
    assert "repeats" not in alert["drift"]["detector"]
    assert checked(world, alert).agreement == "identical"


def checked(world, alert):
    """Return what the stored windows say of an alert."""
    grounds = alert["drift"]["windows"]
    windows = world.store.windows(SERIES, grounds["first"], grounds["last"])
    return verify(alert, windows, world.reference.baseline)


def test_plain_traffic(reference, make_events, as_logs):
    """Traffic without repeats is said to have none; a baseline of an earlier release cannot tell."""
    assert World(reference, MemoryStore(), make_events, as_logs).traffic(2)[-1].repeats == "none beyond chance"
    former = Reference(reference.feature_set, replace(reference.baseline, tie_rate=None))
    world = World(former, MemoryStore(), make_events, as_logs)
    assert world.traffic(4)[-1].repeats.startswith("not told apart")
    window = world.store.windows(SERIES, world.minute - 9, world.minute)[0]
    assert window.window["contract"] == "window.state.v1"


@pytest.mark.parametrize("rows", [3, 60])
def test_one_id_twice(reference, make_events, as_logs, rows):
    """An event whose id and features come twice in a delivery counts once, however the delivery is cut."""
    store = MemoryStore()
    aggregator = Aggregator({SERIES: reference}, store, list, lambda: 29_700_000 * 60.0 + 600)
    lines = make_events(rows, start=29_700_000 * 60.0 - DAY, seconds=DAY)
    other = json.loads(lines[0])
    other["features"]["age"] += 1
    del (unnamed := json.loads(lines[1]))["prediction_id"]
    sent = [*lines, lines[0], json.dumps(other), json.dumps(unnamed), json.dumps(unnamed)]
    counts = aggregator.handle(as_logs(sent)).counts
    assert counts == Counter(events=rows + 3, duplicates=1)


def test_a_session_that_is_no_text(reference, make_events, as_logs):
    """An event whose session is no text is set aside."""
    letters = []
    aggregator = Aggregator({SERIES: reference}, MemoryStore(), letters.extend, lambda: 29_700_000 * 60.0)
    (line,) = make_events(1, start=29_700_000 * 60.0, session=7)
    aggregator.handle(as_logs([line]))
    assert letters[0].reason.startswith("session: ")


def test_windows_of_both_versions(reference, make_events, as_logs):
    """A stored window of an earlier release is read, and adds to one with sketches."""
    world = World(reference, MemoryStore(), make_events, as_logs)
    world.traffic(5)
    first, second = world.store.windows(SERIES, world.minute - 9, world.minute)[:2]
    former = {name: value for name, value in first.window.items() if name != "sketches"}
    former["contract"] = "window.state.v1"
    total = Window.from_json(former, reference.baseline) + Window.from_json(second.window, reference.baseline)
    assert total.events == 120
    assert total.sketches.rows.events == 60


def test_the_setting():
    """The evaluator's variable switches repeats off."""
    assert read_settings({}).repeats == "allow"
    assert read_settings({"DRIFT_REPEATS": "off"}).repeats == "off"
