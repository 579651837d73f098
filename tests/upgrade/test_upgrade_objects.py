"""Objects of the prediction log, sent in again, count each event once in its own minute."""

from __future__ import annotations

import base64
import gzip
import json

import pytest
from drift_contracts import schemas
from drift_monitor.aggregate import Aggregator
from drift_monitor.stores import MemoryStore

from tests.upgrade.watched import FAR, references_of


class Recount:
    """Counts objects of the prediction log into windows; `rejected` holds the dead letters."""

    def __init__(self, bundles, now):
        self.references = references_of(bundles)
        self.store = MemoryStore()
        self.rejected = []
        self.aggregator = Aggregator(self.references, self.store, self.rejected.extend, lambda: now)

    def take(self, objects):
        """Count the objects, each as one record of a stream that is named after its key."""
        records = []
        for key, data in objects.items():
            payload = {"sequenceNumber": key, "data": base64.b64encode(data).decode()}
            records.append({"eventSource": "aws:kinesis", "eventID": key, "kinesis": payload})
        return self.aggregator.handle({"Records": records})

    def by_minute(self):
        """The events by model and minute."""
        counted = {}
        for series in self.references:
            for fragment in self.store.fragments(series, FAR, FAR):
                place = (series.model, fragment.key.minute)
                counted[place] = counted.get(place, 0) + fragment.window["events"]
        return counted


def events_of(data):
    """The events of an object."""
    return [json.loads(line) for line in gzip.decompress(data).splitlines()]


@pytest.fixture
def recount(bundles, facts):
    return Recount(bundles, facts["saved_at"] + 86_400)


def test_lines_are_events(state):
    """Every line is an event by its contract."""
    for key, data in state.objects.items():
        for event in events_of(data):
            schemas.check("prediction.event.v1", event)
            assert f"model={event['Model']}/" in key


def test_events_counted(state, recount, facts):
    """Every event counts once, in its minute."""
    recount.take(state.objects)
    again = recount.take(state.objects)
    assert again.counts["repeated"] == len(state.objects)
    assert recount.rejected == []
    counted = recount.by_minute()
    for (model, minute), events in counted.items():
        # The last saved minute was answered, but not taken in by the console yet.
        stored = facts["console"]["windows"][model].get(str(minute), facts["not_taken_in"] / 2)
        assert events == stored
    assert sum(counted.values()) == sum(len(events_of(data)) for data in state.objects.values())


def test_late_events(state):
    """Events that arrived hours late are among them."""
    late = 0
    for key, data in state.objects.items():
        hour = key.partition("hour=")[2][:2]
        late += sum(event["timestamp"][11:13] != hour for event in events_of(data))
    assert late == 2


DAMAGES = {
    "cut in half": lambda data: data[: len(data) // 2],
    "first byte changed": lambda data: b"\x00" + data[1:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_object(state, recount, damage):
    """A damaged object becomes a dead letter as a whole, and the others count."""
    key, *others = state.objects
    damaged = damage(state.objects[key])
    outcome = recount.take({**state.objects, key: damaged})
    assert (outcome.counts["rejected"], outcome.failed) == (1, ())
    (letter,) = recount.rejected
    assert key in letter.delivery
    assert "could not be opened" in letter.reason
    assert base64.b64decode(letter.text) == damaged
    whole = sum(len(events_of(state.objects[other])) for other in others)
    assert sum(recount.by_minute().values()) == whole
