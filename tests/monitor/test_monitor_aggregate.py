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


def test_every_event_is_counted_in_its_minute(aggregator, store, reference, make_events, as_logs):
    lines = make_events(30, start=START, seconds=180)
    outcome = aggregator.handle(as_logs(lines))
    assert outcome.counts["events"] == 30
    assert counted(store, reference).counts == expected(reference, lines).counts
    assert [kept.window["events"] for kept in store.windows(SERIES, NOON, NOON + 5)] == [10, 10, 10]


def test_a_delivery_that_comes_twice_changes_nothing(aggregator, store, reference, make_events, as_logs):
    event = as_logs(make_events(10, start=START))
    aggregator.handle(event)
    assert aggregator.handle(event).counts == {"repeated": 1}
    assert counted(store, reference).events == 10
    assert aggregator.handle(event).counts == {"repeated": 1}, "also after compacting"
    assert counted(store, reference).events == 10


def test_events_out_of_order_and_split_anyhow_give_the_same_windows(aggregator, store, reference, make_events, as_logs):
    lines = make_events(40, start=START, seconds=120)
    for part in (lines[::-2], lines[::2][::-1]):
        aggregator.handle(as_logs(part))
    found, wanted = counted(store, reference), expected(reference, lines)
    assert found.events == 40
    assert (found.counts, found.moments) == (wanted.counts, wanted.moments)


BAD_LINES = [
    ('{"contract":"prediction.event.v1", "Model"', "expected valid JSON"),
    ('{"contract":"prediction.event.v1"}', "the event has no Model"),
    ({"model_version": "000000000000"}, "no baseline for this model and version"),
    ({"features": {"sqft": -1}}, "at /features/"),
    ({"timestamp": "yesterday"}, "Invalid isoformat"),
    ({"timestamp": "2026-11-23T12:00:00"}, "time zone"),
    ({"timestamp": "1955-11-05T12:00:00Z"}, "older than 35 days"),
    ({"Model": ["house-price"]}, "wrong type"),
    ({"Prediction": None}, "wrong type"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD_LINES, ids=[reason for _, reason in BAD_LINES])
def test_a_bad_record_goes_aside_with_its_reason_and_the_rest_is_counted(
    aggregator, store, reference, letters, make_events, as_logs, bad, reason
):
    line = bad if isinstance(bad, str) else make_events(1, start=START, seed=9, **bad)[0]
    outcome = aggregator.handle(as_logs([*make_events(5, start=START), line]))
    assert outcome.counts["rejected"] == 1
    assert counted(store, reference).events == 5
    assert letters[0].text == line
    assert reason in letters[0].reason


def test_two_versions_of_a_model_in_one_minute_are_two_windows(reference, store, letters, make_events, as_logs):
    newer = Series("house-price", "00000000beef")
    both = Aggregator({SERIES: reference, newer: reference}, store, letters, lambda: START + 600)
    both.handle(as_logs([*make_events(5, start=START), *make_events(3, start=START, model_version=newer.version)]))
    for series, events in ((SERIES, 5), (newer, 3)):
        compact(store, series, reference.baseline, before=NOON + 9, evaluated=0)
        assert [kept.window["events"] for kept in store.windows(series, NOON, NOON + 5)] == [events]
    assert letters == []


def test_other_log_lines_are_passed_over(aggregator, letters, as_logs):
    lines = ["START RequestId: 1 Version: 3", "", "not json", '{"contract":"something.else.v1"}', '{"level":"INFO"}']
    outcome = aggregator.handle(as_logs(lines))
    assert outcome.counts == {"ignored": 5}
    assert letters == []


def test_a_clock_that_runs_ahead_counts_in_the_current_minute(aggregator, store, reference, make_events, as_logs):
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


def test_sqs_messages_hold_event_lines(aggregator, store, reference, make_events):
    lines = make_events(4, start=START)
    aggregator.handle(sqs("\n".join(lines[:3]), lines[3]))
    assert counted(store, reference).events == 4


def test_kinesis_records_hold_lines_or_packed_log_payloads(aggregator, store, reference, make_events, as_logs):
    lines = make_events(6, start=START)
    packed = base64.b64decode(as_logs(lines[:4])["awslogs"]["data"])
    aggregator.handle(kinesis(packed, "\n".join(lines[4:]).encode()))
    assert counted(store, reference).events == 6


def test_a_message_that_holds_nothing_to_count_goes_aside(aggregator, letters):
    outcome = aggregator.handle(sqs("hello", '{"part": 2'))
    assert outcome.counts == {"rejected": 2}
    assert [letter.text for letter in letters] == ["hello", '{"part": 2']


def test_a_dead_letter_that_is_sent_back_counts_once_however_often(reference, store, make_events, as_logs):
    letters = Letters()
    newer = Series("house-price", "00000000beef")
    lines = make_events(2, start=START, model_version=newer.version)
    Aggregator({SERIES: reference}, store, letters, lambda: START + 600).handle(as_logs(lines))
    informed = Aggregator({newer: reference}, store, Letters(), lambda: START + 600)
    for _ in range(2):
        informed.handle(sqs(*map(as_message, letters)))
    compact(store, newer, reference.baseline, before=NOON + 9, evaluated=0)
    assert [kept.window["events"] for kept in store.windows(newer, NOON, NOON)] == [2]


def test_a_call_that_failed_and_is_sent_back_counts_once(aggregator, store, reference, make_events, as_logs):
    event = as_logs(make_events(4, start=START))
    failed = json.dumps(
        {"version": "1.0", "requestContext": {"condition": "RetriesExhausted"}, "requestPayload": event}
    )
    aggregator.handle(sqs(failed))
    assert aggregator.handle(event).counts == {"repeated": 1}
    assert counted(store, reference).events == 4


@pytest.mark.parametrize("source", ["logs", "kinesis"])
def test_a_payload_that_was_set_aside_and_is_sent_back_is_opened_again(reference, source):
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
def test_a_payload_that_cannot_be_opened_goes_aside_whole(aggregator, letters, data):
    event = {"awslogs": {"data": base64.b64encode(data).decode()}}
    assert aggregator.handle(event).counts == {"rejected": 1}
    assert letters[0].text == event["awslogs"]["data"]


def test_a_control_message_is_nothing(aggregator, letters):
    data = gzip.compress(b'{"messageType": "CONTROL_MESSAGE", "logEvents": []}')
    assert not aggregator.handle({"awslogs": {"data": base64.b64encode(data).decode()}}).counts
    assert letters == []


@pytest.mark.parametrize("event", [{}, {"Records": "x"}, {"Records": [{"eventSource": "aws:s3"}]}, {"Records": ["x"]}])
def test_an_event_of_no_known_source_is_refused(aggregator, event):
    with pytest.raises(BadDelivery, match="expected"):
        aggregator.handle(event)


def test_a_payload_that_unpacks_to_too_much_is_not_unpacked(monkeypatch):
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
def test_a_payload_of_more_values_than_memory_holds_goes_aside(values):
    """64 KB of gzip become millions of lists; a list of nothing takes 56 bytes."""
    delivery = opened(f'{{"messageType": "DATA_MESSAGE", "logEvents": [{values}]}}'.encode())
    assert isinstance(delivery, Unopened)


def test_brackets_and_commas_in_the_texts_of_a_payload_are_no_values():
    message = json.dumps({"list": [1, 2, '"[,{']})
    events = [{"id": str(number), "message": message} for number in range(120_000)]
    delivery = opened(json.dumps({"messageType": "DATA_MESSAGE", "logEvents": events}).encode())
    assert delivery.lines == (message,) * 120_000


def test_a_record_of_more_lines_than_memory_holds_goes_aside():
    data = base64.b64encode(gzip.compress(b"\n" * 2_000_000)).decode()
    record = {"eventSource": "aws:kinesis", "eventID": "1", "kinesis": {"sequenceNumber": "1", "data": data}}
    (delivery,) = open_event({"Records": [record]})
    assert isinstance(delivery, Unopened)


def test_every_member_of_a_gzip_stream_is_read():
    payload = json.dumps({"messageType": "DATA_MESSAGE", "logEvents": [{"id": "1", "message": "one"}]}).encode()
    assert opened(payload, members=3) == opened(payload)
    assert opened(payload).lines == ("one",)


def test_bytes_after_a_gzip_stream_are_no_payload():
    (delivery,) = open_event({"awslogs": {"data": base64.b64encode(gzip.compress(b"{}") + b"more").decode()}})
    assert isinstance(delivery, Unopened)


def test_a_stream_of_thousands_of_members_is_not_unpacked():
    """Fifty thousand empty members fit in a megabyte, and each copies what follows it."""
    packed = base64.b64encode(gzip.compress(b"") * 50_000).decode()
    (delivery,) = open_event({"awslogs": {"data": packed}})
    assert isinstance(delivery, Unopened)


@pytest.mark.parametrize("members", [2, 50])
def test_members_together_unpack_to_no_more_than_one(members, monkeypatch):
    monkeypatch.setattr("drift_monitor.deliveries.LARGEST", 1000)
    assert isinstance(opened(b"0" * 1001, members), Unopened)


@pytest.mark.parametrize("prediction", ["nan", "inf", "-inf", "1e3", True, False, None, [1.0]])
def test_a_prediction_that_is_no_number_is_not_counted(
    aggregator, store, reference, letters, make_events, as_logs, prediction
):
    counts = aggregator.handle(as_logs(make_events(1, start=START, Prediction=prediction))).counts
    assert counts == {"rejected": 1}
    assert "Prediction" in letters[0].reason
    assert counted(store, reference).events == 0


@pytest.mark.parametrize("crash_at", range(4))
def test_a_delivery_of_more_minutes_than_a_transaction_holds_counts_whole_and_once(
    store, reference, make_events, as_logs, crash_at
):
    """The clock goes on between the attempts, and with it where an event of a clock that runs ahead is counted."""
    now = [START]
    faulty = Faulty(store, crash_at, after=True)
    aggregator = Aggregator({SERIES: reference}, faulty, Letters(), lambda: now[0])
    event = as_logs(make_events(230, start=START, seconds=230 * 60))
    for _ in range(3):
        with contextlib.suppress(Crash):
            aggregator.handle(event)
        now[0] += 3_600
    assert counted(store, reference, before=NOON + 999).events == 230


def test_a_delivery_whose_lines_cannot_all_be_read_is_cut_all_the_same(store, reference, letters, make_events, as_logs):
    aggregator = Aggregator({SERIES: reference}, store, letters, lambda: START + 200 * 60)
    lines = [*make_events(120, start=START, seconds=120 * 60), '{"contract":"prediction.event.v1", "Model"']
    assert aggregator.handle(as_logs(lines)).counts == {"events": 120, "rejected": 1}
    assert counted(store, reference, before=NOON + 999).events == 120


@pytest.mark.parametrize("place", ["fragment", "window"])
def test_what_is_stored_and_cannot_be_read_holds_nothing_up_and_is_kept(
    aggregator, store, reference, make_events, as_logs, place
):
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


def test_a_run_with_too_much_to_sum_says_how_far_it_came(store, reference, make_events, as_logs, monkeypatch):
    monkeypatch.setattr("drift_monitor.compact.MOST_STEPS", 1)
    monkeypatch.setattr("drift_monitor.compact.LARGEST_BATCH", 4)
    aggregator = Aggregator({SERIES: reference}, store, Letters(), lambda: START + 600)
    aggregator.handle(as_logs(make_events(6, start=START, seconds=360)))
    found = [compact(store, SERIES, reference.baseline, before=NOON + 9, evaluated=0) for _ in range(2)]
    assert [(each.counts["events"], each.whole_before) for each in found] == [(4, NOON + 4), (2, NOON + 9)]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("crash_at", range(1, 12))
def test_a_crash_at_any_step_loses_and_doubles_nothing(store, reference, make_events, as_logs, crash_at, after):
    """Deliveries are repeated until they succeed, as their sources do; so is compacting, as its schedule does."""
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


def test_only_the_failed_message_of_a_queue_comes_again(reference, make_events):
    store = MemoryStore()
    aggregator = Aggregator({SERIES: reference}, Faulty(store, 2, False), Letters(), lambda: START + 600)
    lines = make_events(3, start=START)
    outcome = aggregator.handle(sqs(*lines))
    assert outcome.failed == ("m1",)
    assert outcome.counts["failed"] == 1
    aggregator.handle(sqs(*lines))
    assert counted(store, reference).events == 3


def test_dead_letters_that_cannot_be_kept_stop_the_delivery(reference, make_events, as_logs):
    store = MemoryStore()

    def no_room(_rejected):
        raise Crash

    aggregator = Aggregator({SERIES: reference}, store, no_room, lambda: START + 600)
    with pytest.raises(Crash):
        aggregator.handle(as_logs([*make_events(1, start=START), '{"contract":"prediction.event.v1"}']))
    assert counted(store, reference).events == 0


def test_two_processes_on_one_file_count_everything_once(tmp_path, reference, make_events, as_logs):
    first, second = (SqliteStore(tmp_path / "windows.sqlite") for _ in range(2))
    both = [Aggregator({SERIES: reference}, each, Letters(), lambda: START + 600) for each in (first, second)]
    for seed in range(6):
        both[seed % 2].handle(as_logs(make_events(5, start=START, seed=seed + 10)))
        both[(seed + 1) % 2].handle(as_logs(make_events(5, start=START, seed=seed + 10)))
    assert counted(second, reference).events == 30
    first.close()
    second.close()
