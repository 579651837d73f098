"""The prediction log of a stack is searched around the onset, within bounds, and says what it could not read."""

from __future__ import annotations

import gzip
import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ReadTimeoutError
from drift_contracts.prediction_log import place
from drift_monitor import event_search
from drift_monitor.cloud import LogBucket
from drift_monitor.errors import BadLog
from drift_monitor.prediction_log import Bounds, search_log

from tests.support.moved_events import ONSET, alert_of_all, moved_events
from tests.support.series import SERIES

ONSET_AT = datetime.fromtimestamp(ONSET, UTC)


class Log:
    """A bucket that objects are put into by the time at which they arrived; `opened` are the keys that were read."""

    def __init__(self, s3):
        self.s3, self.name, self.opened = s3, f"log-{uuid.uuid4().hex}", []
        s3.create_bucket(Bucket=self.name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        self.bucket = LogBucket(self, self.name)

    def __getattr__(self, name):
        return getattr(self.s3, name)

    def get_object(self, **words):
        """Answer as S3 does, and remember the key."""
        self.opened.append(words["Key"])
        return self.s3.get_object(**words)

    def put(self, lines, *, minutes=0, model=SERIES.model, damage=bytes):
        """Put lines as one object that arrived some minutes after the onset; its key."""
        at = ONSET_AT + timedelta(minutes=minutes)
        folder = place(model, f"{at:%Y-%m-%d}", f"{at:%H}")
        key = f"{folder}stream-1-{at:%Y-%m-%d-%H-%M-%S}-{uuid.uuid4()}.gz"
        data = gzip.compress("\n".join(lines).encode())
        self.s3.put_object(Bucket=self.name, Key=key, Body=damage(data))
        return key


@pytest.fixture
def log(aws):
    return Log(aws("s3"))


@pytest.fixture(scope="module")
def alert(reference):
    return alert_of_all(reference)


@pytest.fixture
def searched(log, alert, reference):
    """Return what a search says, within bounds if any."""

    def search(clock=lambda: 0.0, **bounds):
        return search_log(log.bucket, alert, reference, Bounds(**bounds), clock)

    return search


BEFORE, SINCE = moved_events()[:600], moved_events()[600:]


def test_segment_found(log, searched):
    """The segment is named from objects of several hours, packed and named as Firehose does."""
    log.put(BEFORE[:300], minutes=-40)
    log.put(BEFORE[300:] + SINCE[:300], minutes=-1)
    log.put(SINCE[300:], minutes=50)
    found = searched()
    assert (found.search.before, found.search.since) == (600, 600)
    assert str(found).startswith("The segment that holds it: age below")
    assert "driftctl" not in str(found)


def test_newest_first(log, searched):
    """From the alert back to the onset, then back from there, each object once; others are left alone."""
    keys = [log.put(SINCE[:9], minutes=minutes) for minutes in (58, 30, -1, -90, -1500)]
    log.put(SINCE, minutes=-90, model="another")
    for minutes in (-8 * 1440, 3 * 60):
        log.put(SINCE, minutes=minutes)
    searched()
    assert log.opened == keys


def test_enough_is_enough(log, searched, monkeypatch):
    """No more is read than is looked at, and that is no part but all that is needed."""
    monkeypatch.setattr(event_search, "MOST_EVENTS", 300)
    log.put(BEFORE[:300], minutes=-200)
    last = log.put(BEFORE[300:], minutes=-90)
    log.put(SINCE[:300], minutes=10)
    newest = log.put(SINCE[300:], minutes=20)
    found = searched()
    assert log.opened == [newest, last]
    assert (found.search.before, found.search.since) == (300, 300)
    assert found.is_whole
    assert str(found).startswith("The segment that holds it: age below")


def test_late_object(log, searched, monkeypatch):
    """Of an object that is read late the newest events are kept, whatever their order."""
    monkeypatch.setattr(event_search, "MOST_EVENTS", 500)
    log.put([*reversed(BEFORE), *reversed(SINCE)])
    found = searched()
    assert (found.search.before, found.search.since) == (500, 500)
    assert "age below" in str(found)


def test_wide_model(log, searched, monkeypatch):
    """Of a model of many features fewer events are kept, for the memory."""
    monkeypatch.setattr(event_search, "MOST_VALUES", 5 * 150)
    monkeypatch.setattr(event_search, "LEAST_EVENTS", 100)
    log.put(BEFORE + SINCE)
    found = searched()
    assert (found.search.before, found.search.since) == (150, 150)


def test_empty_log(searched):
    """An empty log says that there are no events, that they may be on their way, and how to ask again."""
    said = str(searched())
    assert "0 events before the change and 0 since" in said
    assert "within some minutes: `driftctl segments ALERT`" in said


def test_events_on_their_way(log, searched):
    """Where the newest have not arrived, the alert says so."""
    log.put(BEFORE + SINCE[:50])
    said = str(searched())
    assert "600 events before the change and 50 since" in said
    assert "within some minutes: `driftctl segments ALERT`" in said


def test_other_lines(log, searched):
    """Lines that are no events, of another version, or whose time is none count for nothing."""
    event = json.loads(SINCE[0])
    odd = [event | {"model_version": "000000000000"}, event | {"timestamp": "soon"}, event | {"timestamp": 5}]
    odd += [event | {"features": None}, {}]
    lines = ["no event", "[1]", "[" * 100_000, "", *map(json.dumps, odd)]
    log.put([*lines, *BEFORE, *SINCE])
    found = searched()
    assert (found.search.before, found.search.since) == (600, 600)


def test_versions_of_events(log, searched):
    """Events of the first contract and of the second are searched together."""
    second = [json.loads(line) | {"contract": "prediction.event.v2", "session": "0" * 16} for line in SINCE[300:]]
    for event in second:
        event["features"]["bedrooms"] = None
    log.put([*BEFORE, *SINCE[:300], *map(json.dumps, second)])
    assert "age below" in str(searched())


DAMAGES = {
    "cut": lambda data: data[:-9],
    "no gzip": lambda data: b"\x00" + data[1:],
    "a byte changed": lambda data: data[:12] + bytes([data[12] ^ 0xFF]) + data[13:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_object(log, searched, damage):
    """A damaged object is counted, and the others are searched."""
    log.put(BEFORE + SINCE)
    log.put(SINCE[:50], minutes=5, damage=damage)
    found = searched()
    assert found.unreadable == 1
    assert "age below" in str(found)
    assert "1 object of the log could not be read: `driftctl segments ALERT`" in str(found)


def test_object_without_bytes(log, searched):
    """An object of no bytes has no events, and nothing is wrong with it."""
    log.put(BEFORE + SINCE)
    log.put([], minutes=5, damage=lambda _data: b"")
    assert searched().unreadable == 0


class Refusing:
    """A client of S3 that refuses some calls."""

    def __init__(self, s3, **refused):
        self.s3, self.refused = s3, refused

    def __getattr__(self, name):
        return self.refused.get(name) or getattr(self.s3, name)


class Pages:
    """Pages of a listing, with what was deleted since."""

    def __init__(self, pages, deleted):
        self.pages, self.deleted = pages, deleted

    def paginate(self, **words):
        """Yield the pages; one more for objects."""
        yield from self.pages.paginate(**words)
        if "Delimiter" not in words:
            yield self.deleted


class Stuck:
    """An object's body whose first read does not come in time."""

    def read(self, _size):
        raise ReadTimeoutError(endpoint_url="https://s3.example.com")

    def close(self):
        pass


def test_vanished_object(log, alert, reference):
    """An object that is deleted between listing and reading, or does not come in time, is counted."""
    log.put(BEFORE + SINCE)
    keys = [log.put(SINCE[:9], minutes=minutes) for minutes in (3, 6)]

    log.s3.delete_object(Bucket=log.name, Key=keys[0])
    listed = {"Contents": [{"Key": key} for key in keys]}

    def get(**words):
        return {"Body": Stuck()} if words["Key"] == keys[1] else log.s3.get_object(**words)

    def paginator(_operation):
        return Pages(log.s3.get_paginator("list_objects_v2"), listed)

    bucket = LogBucket(Refusing(log.s3, get_object=get, get_paginator=paginator), log.name)
    found = search_log(bucket, alert, reference, Bounds())
    assert found.unreadable == 2
    assert "2 objects" in str(found)


def test_absent_bucket(aws, alert, reference):
    """A bucket that cannot be listed is an error with AWS's code."""
    with pytest.raises(BadLog, match="NoSuchBucket"):
        search_log(LogBucket(aws("s3"), "absent"), alert, reference, Bounds())


def test_bound_of_objects(log, searched):
    """Half of the objects may be of the time since the onset; where that is not all, the alert says so."""
    for minute in range(10):
        log.put(SINCE[minute * 60 :][:60], minutes=10 + minute)
        log.put(BEFORE[minute * 60 :][:60], minutes=-100 - minute)
    found = searched(objects=8)
    assert (found.search.before, found.search.since) == (240, 240)
    assert len(log.opened) == 8
    assert "a part of the log was read" in str(found).lower()
    assert "`driftctl segments ALERT`" in str(found)


def test_bound_of_bytes(log, searched):
    """Reading ends within an object where its bytes are too many."""
    log.put(SINCE, minutes=10)
    log.put(BEFORE, minutes=-100)
    size = len("\n".join(SINCE).encode())
    found = searched(bytes=size)
    assert 250 < found.search.since < 350
    assert 250 < found.search.before < 350
    assert not found.is_whole


def test_bound_of_time(log, searched):
    """Reading ends when its time is over, and what was read is searched."""
    log.put(SINCE, minutes=10)
    log.put(BEFORE, minutes=-100)
    ticks = iter(range(10_000))
    found = searched(clock=lambda: float(next(ticks)), seconds=600)
    assert 250 < found.search.since < 350
    assert 250 < found.search.before < 350
    assert not found.is_whole
    late = iter([0.0, *[99.0] * 10])
    assert searched(clock=lambda: next(late), seconds=9).search.since == 0
