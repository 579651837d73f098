"""Deliveries become windows: each event once, wherever a crash falls; what cannot be read goes aside, never lost."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json

import pytest
from drift_ml.window import Window
from drift_monitor.aggregate import Aggregator, as_message
from drift_monitor.compact import compact
from drift_monitor.deliveries import Unopened, open_event
from drift_monitor.errors import BadDelivery
from drift_monitor.keys import Series, WindowKey
from drift_monitor.stores import Fragment, MemoryStore, SqliteStore, StoredWindow

from tests.monitor.faults import Crash, Faulty
from tests.support.series import SERIES

NOON = 29_700_000
START = NOON * 60.0


class Letters(list):
    """A place for dead letters."""

    def __call__(self, rejected):
        self.extend(rejected)


@pytest.fixture
def letters():
    return Letters()


@pytest.fixture
def aggregator(reference, store, letters):
    return Aggregator({SERIES: reference}, store, letters, lambda: START + 600)


def counted(store, reference, before=NOON + 99):
    """Everything that the store knows of the series, as one window."""
    compact(store, SERIES, reference.baseline, before=before, evaluated=0)
    total = Window.empty(reference.baseline, SERIES.version)
    for kept in store.windows(SERIES, NOON - 10_000, NOON + 10_000):
        total += Window.from_json(kept.window, reference.baseline)
    return total


def expected(reference, lines):
    window = Window.empty(reference.baseline, SERIES.version)
    for line in lines:
        event = json.loads(line)
        window.observe(event["features"], event["Prediction"])
    return window


def test_minutes(aggregator, store, reference, make_events, as_logs):
    """Every event is counted in the window of its minute."""
    lines = make_events(30, start=START, seconds=180)
    outcome = aggregator.handle(as_logs(lines))
    assert outcome.counts["events"] == 30
    assert counted(store, reference).counts == expected(reference, lines).counts
    assert [kept.window["events"] for kept in store.windows(SERIES, NOON, NOON + 5)] == [10, 10, 10]


def test_repeated_delivery(aggregator, store, reference, make_events, as_logs):
    """A delivery that is repeated changes nothing, also after its fragments were summed."""
    event = as_logs(make_events(10, start=START))
    aggregator.handle(event)
    assert aggregator.handle(event).counts == {"repeated": 1}
    assert counted(store, reference).events == 10
    assert aggregator.handle(event).counts == {"repeated": 1}, "also after compacting"
    assert counted(store, reference).events == 10


def test_order_and_split(aggregator, store, reference, make_events, as_logs):
    """Windows depend neither on the order of events nor on how they are split."""
    lines = make_events(40, start=START, seconds=120)
    for part in (lines[::-2], lines[::2][::-1]):
        aggregator.handle(as_logs(part))
    found, wanted = counted(store, reference), expected(reference, lines)
    assert found.events == 40
    assert (found.counts, found.moments) == (wanted.counts, wanted.moments)


def test_letters_by_model(reference, store, letters, make_events, as_logs):
    """Each dead letter counts under one model, so that their sum is the number of letters."""
    other = Series("diabetes", "000000000000")
    aggregator = Aggregator({SERIES: reference, other: reference}, store, letters, lambda: START + 600)
    lines = [
        *make_events(2, start=START, Prediction=None),
        *make_events(1, start=START, Model=other.model, model_version=other.version, Prediction=None),
        *make_events(1, start=START, Model="nobody"),
        '{"contract":"prediction.event.v1", "Model"',
    ]
    outcome = aggregator.handle(as_logs(lines))
    outcome += aggregator.handle({"awslogs": {"data": "broken"}})
    assert outcome.dead_letters == {SERIES.model: 2, other.model: 4}
    assert outcome.dead_letters.total() == outcome.counts["rejected"] == len(letters) == 6


def test_quick_parser(reference, store, letters, make_events, as_logs):
    """A parser that raises ValueError is as good as the one for strangers."""
    aggregator = Aggregator({SERIES: reference}, store, letters, lambda: START + 600, parse=json.loads)
    outcome = aggregator.handle(as_logs([*make_events(1, start=START), '{"contract":"prediction.event.v1", ']))
    assert outcome.counts == {"events": 1, "rejected": 1}
    assert letters[0].reason == "expected valid JSON"


BAD_LINES = [
    ('{"contract":"prediction.event.v1", "Model"', "expected valid JSON"),
    ('{"contract":"prediction.event.v1"}', "the event has no Model"),
    ({"model_version": "000000000000"}, "no baseline for this model and version"),
    ({"features": {"sqft": -1}}, "at /features/"),
    ({"timestamp": "yesterday"}, "timestamp: expected"),
    ({"timestamp": "2026-11-23T12:00:00"}, "time zone"),
    ({"timestamp": "1955-11-05T12:00:00Z"}, "older than 35 days"),
    ({"Model": ["house-price"]}, "wrong type"),
    ({"Prediction": None}, "wrong type"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD_LINES, ids=[reason for _, reason in BAD_LINES])
def test_bad_record(aggregator, store, reference, letters, make_events, as_logs, bad, reason):
    """A bad record becomes a dead letter with its reason, and the rest is counted."""
    line = bad if isinstance(bad, str) else make_events(1, start=START, seed=9, **bad)[0]
    outcome = aggregator.handle(as_logs([*make_events(5, start=START), line]))
    assert outcome.counts["rejected"] == 1
    assert counted(store, reference).events == 5
    assert letters[0].text == line
    assert reason in letters[0].reason


def test_two_versions(reference, store, letters, make_events, as_logs):
    """Two versions of a model that answer within one minute have a window each."""
    newer = Series("house-price", "00000000beef")
    both = Aggregator({SERIES: reference, newer: reference}, store, letters, lambda: START + 600)
    both.handle(as_logs([*make_events(5, start=START), *make_events(3, start=START, model_version=newer.version)]))
    for series, events in ((SERIES, 5), (newer, 3)):
        compact(store, series, reference.baseline, before=NOON + 9, evaluated=0)
        assert [kept.window["events"] for kept in store.windows(series, NOON, NOON + 5)] == [events]
    assert letters == []


def test_other_lines(aggregator, letters, as_logs):
    """Log lines that are no events are ignored, and are no dead letters."""
    lines = ["START RequestId: 1 Version: 3", "", "not json", '{"contract":"something.else.v1"}', '{"level":"INFO"}']
    outcome = aggregator.handle(as_logs(lines))
    assert outcome.counts == {"ignored": 5}
    assert letters == []


def test_clock_ahead(aggregator, store, reference, make_events, as_logs):
    """An event of a clock that is ahead is counted in the current minute."""
    outcome = aggregator.handle(as_logs(make_events(3, start=START + 7_200)))
    assert outcome.counts["skewed"] == 3
    counted(store, reference)
    assert [kept.key.minute for kept in store.windows(SERIES, NOON, NOON + 500)] == [NOON + 10]


def sqs(*bodies):
    return {
        "Records": [{"eventSource": "aws:sqs", "messageId": f"m{i}", "body": body} for i, body in enumerate(bodies)]
    }


def kinesis(*data):
    records = [
        {
            "eventSource": "aws:kinesis",
            "eventID": f"shard:{i}",
            "kinesis": {"sequenceNumber": str(i), "data": base64.b64encode(each).decode()},
        }
        for i, each in enumerate(data)
    ]
    return {"Records": records}


def test_sqs(aggregator, store, reference, make_events):
    """Messages of a queue hold one event line or several."""
    lines = make_events(4, start=START)
    aggregator.handle(sqs("\n".join(lines[:3]), lines[3]))
    assert counted(store, reference).events == 4


def test_kinesis(aggregator, store, reference, make_events, as_logs):
    """Records of a stream hold lines or packed payloads of logs."""
    lines = make_events(6, start=START)
    packed = base64.b64decode(as_logs(lines[:4])["awslogs"]["data"])
    aggregator.handle(kinesis(packed, "\n".join(lines[4:]).encode()))
    assert counted(store, reference).events == 6


def test_message_without_events(aggregator, letters):
    """A message without events becomes a dead letter, whole."""
    outcome = aggregator.handle(sqs("hello", '{"part": 2'))
    assert outcome.counts == {"rejected": 2}
    assert [letter.text for letter in letters] == ["hello", '{"part": 2']


def test_letter_sent_back(reference, store, make_events, as_logs):
    """A dead letter that is sent back counts once, however often."""
    letters = Letters()
    newer = Series("house-price", "00000000beef")
    lines = make_events(2, start=START, model_version=newer.version)
    Aggregator({SERIES: reference}, store, letters, lambda: START + 600).handle(as_logs(lines))
    informed = Aggregator({newer: reference}, store, Letters(), lambda: START + 600)
    for _ in range(2):
        informed.handle(sqs(*map(as_message, letters)))
    compact(store, newer, reference.baseline, before=NOON + 9, evaluated=0)
    assert [kept.window["events"] for kept in store.windows(newer, NOON, NOON)] == [2]


def test_call_sent_back(aggregator, store, reference, make_events, as_logs):
    """A failed call that is sent back counts once, also when its source repeats it."""
    event = as_logs(make_events(4, start=START))
    failed = json.dumps(
        {"version": "1.0", "requestContext": {"condition": "RetriesExhausted"}, "requestPayload": event}
    )
    aggregator.handle(sqs(failed))
    assert aggregator.handle(event).counts == {"repeated": 1}
    assert counted(store, reference).events == 4


@pytest.mark.parametrize("source", ["logs", "kinesis"])
def test_payload_sent_back(reference, source):
    """A payload that is sent back and cannot be opened is the same dead letter again."""
    data = base64.b64encode(b"\x1f\x8bbroken").decode()
    letters = Letters()
    aggregator = Aggregator({SERIES: reference}, MemoryStore(), letters, lambda: START + 600)
    aggregator.handle({"awslogs": {"data": data}} if source == "logs" else kinesis(b"\x1f\x8bbroken"))
    aggregator.handle(sqs(as_message(letters[0])))
    assert letters[1] == letters[0]


BROKEN = {
    "empty": b"",
    "no gzip": b"\x1f\x8bbroken",
    "cut short": gzip.compress(b"[]", mtime=0)[:-4],
    "no payload": gzip.compress(b'{"messageType": 1}', mtime=0),
    "no text": gzip.compress(b"\xff", mtime=0),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_broken_payload(aggregator, letters, data):
    """A payload that cannot be opened becomes a dead letter, whole."""
    event = {"awslogs": {"data": base64.b64encode(data).decode()}}
    assert aggregator.handle(event).counts == {"rejected": 1}
    assert letters[0].text == event["awslogs"]["data"]


def test_control_message(aggregator, letters):
    """A control message of CloudWatch Logs is neither counted nor rejected."""
    data = gzip.compress(b'{"messageType": "CONTROL_MESSAGE", "logEvents": []}')
    assert not aggregator.handle({"awslogs": {"data": base64.b64encode(data).decode()}}).counts
    assert letters == []


@pytest.mark.parametrize("event", [{}, {"Records": "x"}, {"Records": [{"eventSource": "aws:s3"}]}, {"Records": ["x"]}])
def test_unknown_source(aggregator, event):
    """An event of another source is refused with what was expected."""
    with pytest.raises(BadDelivery, match="expected"):
        aggregator.handle(event)


def test_large_payload(monkeypatch):
    """A payload that unpacks to more bytes than memory holds is not opened."""
    monkeypatch.setattr("drift_monitor.deliveries.LARGEST", 1000)
    bomb = base64.b64encode(gzip.compress(b"0" * 100_000)).decode()
    (opened,) = open_event({"awslogs": {"data": bomb}})
    assert isinstance(opened, Unopened)


def opened(unpacked: bytes, members: int = 1):
    """What a subscription of CloudWatch Logs that holds this, in so many gzip members, is opened as."""
    size = -(-len(unpacked) // members)
    packed = b"".join(gzip.compress(unpacked[start : start + size]) for start in range(0, len(unpacked), size))
    (delivery,) = open_event({"awslogs": {"data": base64.b64encode(packed).decode()}})
    return delivery


@pytest.mark.parametrize(
    "values",
    ["[]," * 1_000_000 + "[]", "1," * 1_100_000 + "1", '{"a":[]},' * 600_000 + "{}"],
    ids=["lists", "numbers", "objects"],
)
def test_many_values(values):
    """64 KB of gzip that become millions of values are not opened."""
    delivery = opened(f'{{"messageType": "DATA_MESSAGE", "logEvents": [{values}]}}'.encode())
    assert isinstance(delivery, Unopened)


def test_punctuation_in_texts():
    """Brackets and commas in the texts of a payload are not counted as values."""
    message = json.dumps({"list": [1, 2, '"[,{']})
    events = [{"id": str(number), "message": message} for number in range(120_000)]
    delivery = opened(json.dumps({"messageType": "DATA_MESSAGE", "logEvents": events}).encode())
    assert delivery.lines == (message,) * 120_000


def test_many_lines():
    """A record of more lines than memory holds is not opened."""
    data = base64.b64encode(gzip.compress(b"\n" * 2_000_000)).decode()
    record = {"eventSource": "aws:kinesis", "eventID": "1", "kinesis": {"sequenceNumber": "1", "data": data}}
    (delivery,) = open_event({"Records": [record]})
    assert isinstance(delivery, Unopened)


def test_gzip_members():
    """Every member of a gzip stream is read."""
    payload = json.dumps({"messageType": "DATA_MESSAGE", "logEvents": [{"id": "1", "message": "one"}]}).encode()
    assert opened(payload, members=3) == opened(payload)
    assert opened(payload).lines == ("one",)


def test_bytes_after_gzip():
    """Bytes after a gzip stream make it a dead letter."""
    (delivery,) = open_event({"awslogs": {"data": base64.b64encode(gzip.compress(b"{}") + b"more").decode()}})
    assert isinstance(delivery, Unopened)


def test_many_members():
    """Fifty thousand empty members, each of which copies what follows it, are not opened."""
    packed = base64.b64encode(gzip.compress(b"") * 50_000).decode()
    (delivery,) = open_event({"awslogs": {"data": packed}})
    assert isinstance(delivery, Unopened)


@pytest.mark.parametrize("members", [2, 50])
def test_members_share_limit(members, monkeypatch):
    """The limit of bytes holds for all members together."""
    monkeypatch.setattr("drift_monitor.deliveries.LARGEST", 1000)
    assert isinstance(opened(b"0" * 1001, members), Unopened)


@pytest.mark.parametrize("prediction", ["nan", "inf", "-inf", "1e3", True, False, None, [1.0]])
def test_bad_prediction(aggregator, store, reference, letters, make_events, as_logs, prediction):
    """An event whose prediction is no finite number becomes a dead letter."""
    counts = aggregator.handle(as_logs(make_events(1, start=START, Prediction=prediction))).counts
    assert counts == {"rejected": 1}
    assert "Prediction" in letters[0].reason
    assert counted(store, reference).events == 0


@pytest.mark.parametrize("crash_at", range(4))
def test_many_minutes(store, reference, make_events, as_logs, crash_at):
    """A delivery of many minutes counts once, also if the clock moves between its attempts."""
    now = [START]
    faulty = Faulty(store, crash_at, after=True)
    aggregator = Aggregator({SERIES: reference}, faulty, Letters(), lambda: now[0])
    event = as_logs(make_events(230, start=START, seconds=230 * 60))
    for _ in range(3):
        with contextlib.suppress(Crash):
            aggregator.handle(event)
        now[0] += 3_600
    assert counted(store, reference, before=NOON + 999).events == 230


def test_many_minutes_one_bad(store, reference, letters, make_events, as_logs):
    """A delivery of many minutes with a bad line counts all the other lines."""
    aggregator = Aggregator({SERIES: reference}, store, letters, lambda: START + 200 * 60)
    lines = [*make_events(120, start=START, seconds=120 * 60), '{"contract":"prediction.event.v1", "Model"']
    assert aggregator.handle(as_logs(lines)).counts == {"events": 120, "rejected": 1}
    assert counted(store, reference, before=NOON + 999).events == 120


@pytest.mark.parametrize("place", ["fragment", "window"])
def test_unreadable_stored(aggregator, store, reference, make_events, as_logs, place):
    """A stored document that cannot be read does not block the others, and is retained."""
    if place == "window":
        store.compact(StoredWindow(WindowKey(SERIES, NOON), 0, {}), {"contract": "of another release"}, [])
    else:
        store.add("bad", [Fragment(WindowKey(SERIES, NOON), "bad", {"contract": "of another release"})])
    aggregator.handle(as_logs(make_events(10, start=START, seconds=120)))
    done = compact(store, SERIES, reference.baseline, before=NOON + 9, evaluated=0)
    assert done.counts["unreadable"] == 1
    assert done.counts["events"] == (5 if place == "window" else 10)
    assert store.fragments(SERIES, NOON + 9, 9) == []
    aside = Series(SERIES.model, f"{SERIES.version}-unreadable")
    assert len(store.fragments(aside, NOON + 9, 9)) == 1


def test_sums_in_parts(store, reference, make_events, as_logs, monkeypatch):
    """A run with too much to sum returns the minute before which everything is whole."""
    monkeypatch.setattr("drift_monitor.compact.MOST_STEPS", 1)
    monkeypatch.setattr("drift_monitor.compact.LARGEST_BATCH", 4)
    aggregator = Aggregator({SERIES: reference}, store, Letters(), lambda: START + 600)
    aggregator.handle(as_logs(make_events(6, start=START, seconds=360)))
    found = [compact(store, SERIES, reference.baseline, before=NOON + 9, evaluated=0) for _ in range(2)]
    assert [(each.counts["events"], each.whole_before) for each in found] == [(4, NOON + 4), (2, NOON + 9)]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("crash_at", range(1, 12))
def test_crash(store, reference, make_events, as_logs, crash_at, after):
    """A crash at any step, repeated as sources do, loses and doubles nothing."""
    lines = make_events(24, start=START, seconds=180)
    faulty = Faulty(store, crash_at, after)
    aggregator = Aggregator({SERIES: reference}, faulty, Letters(), lambda: START + 600)
    work = [lambda part=part: aggregator.handle(as_logs(lines[part::3])) for part in range(3)]
    work.append(lambda: compact(faulty, SERIES, reference.baseline, before=NOON + 9, evaluated=0))
    for step in work:
        try:
            step()
        except Crash:
            step()
    found, wanted = counted(store, reference), expected(reference, lines)
    assert (found.events, found.counts, found.moments) == (24, wanted.counts, wanted.moments)


def test_failed_message(reference, make_events):
    """Only the message that failed is named to its queue."""
    store = MemoryStore()
    aggregator = Aggregator({SERIES: reference}, Faulty(store, 2, False), Letters(), lambda: START + 600)
    lines = make_events(3, start=START)
    outcome = aggregator.handle(sqs(*lines))
    assert outcome.failed == ("m1",)
    assert outcome.counts["failed"] == 1
    aggregator.handle(sqs(*lines))
    assert counted(store, reference).events == 3


def test_no_place_for_letters(reference, make_events, as_logs):
    """A delivery whose dead letters cannot be stored fails before anything is counted."""
    store = MemoryStore()

    def no_room(_rejected):
        raise Crash

    aggregator = Aggregator({SERIES: reference}, store, no_room, lambda: START + 600)
    with pytest.raises(Crash):
        aggregator.handle(as_logs([*make_events(1, start=START), '{"contract":"prediction.event.v1"}']))
    assert counted(store, reference).events == 0


def test_two_processes(tmp_path, reference, make_events, as_logs):
    """Two processes that write to one file count everything once."""
    first, second = (SqliteStore(tmp_path / "windows.sqlite") for _ in range(2))
    both = [Aggregator({SERIES: reference}, each, Letters(), lambda: START + 600) for each in (first, second)]
    for seed in range(6):
        both[seed % 2].handle(as_logs(make_events(5, start=START, seed=seed + 10)))
        both[(seed + 1) % 2].handle(as_logs(make_events(5, start=START, seed=seed + 10)))
    assert counted(second, reference).events == 30
    first.close()
    second.close()
