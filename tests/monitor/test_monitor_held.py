"""The minutes that an alert rests on stay while it stands, in each store."""

from __future__ import annotations

import pytest
from drift_ml.rhythm import Rhythm
from drift_ml.window import Window
from drift_monitor.errors import Conflict
from drift_monitor.held import DAY_S, HeldWindows, joined_spans, rhythms_of, spans_of
from drift_monitor.keys import WindowKey
from drift_monitor.rhythm_archive import SLOTS, keep_rhythm, kept_rhythm
from drift_monitor.stores import DynamoStore, MemoryStore, SqliteStore, StoredWindow

from tests.support.house_tables import columns, price
from tests.support.series import SERIES

FIRST = 20_000 * 1_440
ALERT = {
    "alert_id": "a",
    "model_version": SERIES.version,
    "drift": {"windows": {"first": FIRST, "last": FIRST + 4}, "detector": {"rhythm": "f" * 64}},
}


def fill(store, baseline, minutes=5):
    window = Window.empty(baseline, SERIES.version)
    table = columns(3, seed=1)
    window.observe_rows(table, price(table))
    for minute in range(FIRST, FIRST + minutes):
        store.compact(StoredWindow(WindowKey(SERIES, minute), 0, {}), window.to_json(), [])


def test_kept_windows(store, reference):
    """Windows that are kept are as they were, with the revision that they had, in each store."""
    fill(store, reference.baseline)
    before = store.windows(SERIES, FIRST, FIRST + 9)
    going_on = FIRST
    for _ in range(4):
        going_on = store.keep(SERIES, going_on, FIRST + 4, 2)
    assert going_on == FIRST + 5
    assert store.windows(SERIES, FIRST, FIRST + 9) == before


def test_more_time_in_a_table(aws, table, reference, monkeypatch):
    """The windows of an alert that stands for a month expire later, some at each run, and no others."""
    monkeypatch.setattr("drift_monitor.held.MOST_RENEWED", 2)
    client, clock = aws("dynamodb"), [FIRST * 60.0]
    store = DynamoStore(client, table, lambda: clock[0])
    fill(store, reference.baseline, minutes=6)
    held = HeldWindows(store, 60)

    def expiries():
        items = client.scan(TableName=table)["Items"]
        windows = sorted(
            (item["sk"]["S"], int(item["expires"]["N"])) for item in items if item["pk"]["S"].startswith("windows")
        )
        return [round((expires - FIRST * 60) / DAY_S) for _, expires in windows]

    held.renew(SERIES, [ALERT], clock[0] + 27 * DAY_S)
    assert expiries() == [35] * 6
    clock[0] += 29 * DAY_S
    held.renew(SERIES, [ALERT], clock[0])
    assert expiries() == [64, 64, 35, 35, 35, 35]
    # Another process goes on where this one was killed.
    held = HeldWindows(store, 60)
    for _ in range(4):
        held.renew(SERIES, [ALERT], clock[0])
    assert expiries() == [64] * 5 + [35]
    clock[0] += 29 * DAY_S
    for _ in range(4):
        held.renew(SERIES, [ALERT], clock[0])
    assert expiries() == [93] * 5 + [35]


def test_window_that_was_summed_anew(aws, table, reference, monkeypatch):
    """A window that another writer has replaced meanwhile stays as that one wrote it."""
    store = DynamoStore(aws("dynamodb"), table, lambda: FIRST * 60.0)
    fill(store, reference.baseline, minutes=1)
    (stored,) = store.windows(SERIES, FIRST, FIRST)
    store.compact(stored, stored.window, [])
    monkeypatch.setattr(store, "windows", lambda *_: [stored])
    assert store.keep(SERIES, FIRST, FIRST, 2) == FIRST + 1
    monkeypatch.undo()
    assert store.windows(SERIES, FIRST, FIRST)[0].revision == stored.revision + 1


def test_kept_spans(tmp_path, reference):
    """A console forgets what is old, but not the minutes of alerts."""
    store = SqliteStore(tmp_path / "windows.sqlite")
    fill(store, reference.baseline, minutes=10)
    store.forget(SERIES, before=FIRST + 9, batches_below="", kept=[(FIRST + 1, FIRST + 2), (FIRST + 8, FIRST + 30)])
    minutes = [stored.key.minute - FIRST for stored in store.windows(SERIES, FIRST, FIRST + 20)]
    store.close()
    assert minutes == [1, 2, 8, 9]


def test_another_run_at_the_same_time(monkeypatch):
    """Two runs that renew at once do no harm."""
    store = MemoryStore()

    def lose(*_):
        raise Conflict("another run")

    monkeypatch.setattr(store, "save", lose)
    HeldWindows(store, 60).renew(SERIES, [ALERT], (FIRST + 60 * 1_440) * 60.0)


@pytest.mark.parametrize("alert", [{}, {"drift": {}}], ids=["nothing", "no windows"])
def test_alert_of_an_earlier_release(alert):
    """An alert that does not say what it rests on keeps nothing."""
    assert (spans_of([alert]), rhythms_of([alert])) == ([], set())
    HeldWindows(MemoryStore(), 60).renew(SERIES, [{"alert_id": "b", **alert}], 1e12)


def test_spans_that_overlap():
    """Spans that overlap are one."""
    assert joined_spans([(5, 9), (1, 2), (2, 6)]) == [(1, 9)]


def test_rhythm_of_an_alert(reference):
    """A rhythm that an alert names stays, however many are learned after it."""
    store, baseline = MemoryStore(), reference.baseline
    rhythms = [Rhythm(baseline.digest, 0.0, 14.0 * DAY_S, events, {}, {}) for events in range(1, SLOTS + 10)]
    first = keep_rhythm(store, SERIES, rhythms[0])
    for rhythm in rhythms[1:]:
        keep_rhythm(store, SERIES, rhythm, {first})
    assert kept_rhythm(store, SERIES, first, baseline) == rhythms[0]
    for rhythm in rhythms[1:SLOTS]:
        keep_rhythm(store, SERIES, rhythm)
    assert kept_rhythm(store, SERIES, first, baseline) is None
