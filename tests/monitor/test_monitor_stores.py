"""One battery for the three stores: what each step writes is whole, and happens once."""

from __future__ import annotations

import subprocess
import sys

import pytest
from botocore.exceptions import ClientError
from drift_monitor.errors import BadStore, Conflict
from drift_monitor.keys import Series, WindowKey
from drift_monitor.stores import LARGEST_BATCH, DynamoStore, Fragment, SqliteStore, StoredState, StoredWindow

HOUSES = Series("house-price", "3f9a1c2b4d5e")
OTHERS = Series("diabetes", "3f9a1c2b4d5e")
NOON = 29_700_000


def fragment(minute: int, batch: str = "b1", series: Series = HOUSES, **window: object) -> Fragment:
    return Fragment(WindowKey(series, minute), batch, {"events": 1} | window)


def test_a_batch_is_kept_once(store):
    assert store.add("b1", [fragment(NOON), fragment(NOON + 1)])
    assert not store.add("b1", [fragment(NOON), fragment(NOON + 1)])
    assert store.fragments(HOUSES, NOON + 9, 10) == [fragment(NOON), fragment(NOON + 1)]


def test_fragments_come_in_order_of_minutes_up_to_the_limit(store):
    for minute in (NOON + 2, NOON, NOON + 1):
        store.add(f"b{minute}", [fragment(minute, f"b{minute}")])
    assert [each.key.minute for each in store.fragments(HOUSES, NOON + 9, 2)] == [NOON, NOON + 1]


def test_fragments_of_the_asked_minute_and_of_later_ones_stay_out(store):
    store.add("b1", [fragment(NOON), fragment(NOON + 1)])
    assert store.fragments(HOUSES, NOON + 1, 10) == [fragment(NOON)]


def test_series_do_not_see_each_other(store):
    store.add("b1", [fragment(NOON), fragment(NOON, series=OTHERS, events=7)])
    assert [each.window["events"] for each in store.fragments(OTHERS, NOON + 9, 10)] == [7]


def test_a_batch_as_large_as_may_be_is_kept_whole_and_once(store):
    many = [fragment(NOON + minute) for minute in range(LARGEST_BATCH)]
    assert store.add("b1", many)
    assert not store.add("b1", many)
    assert store.fragments(HOUSES, NOON + 999, 999) == many


def test_compacting_moves_fragments_into_the_window(store):
    store.add("b1", [fragment(NOON)])
    store.compact(StoredWindow(WindowKey(HOUSES, NOON), 0, {}), {"events": 1}, [fragment(NOON)])
    assert store.fragments(HOUSES, NOON + 9, 10) == []
    assert store.window(WindowKey(HOUSES, NOON)) == StoredWindow(WindowKey(HOUSES, NOON), 1, {"events": 1})


def test_compacting_twice_is_refused_and_changes_nothing(store):
    store.add("b1", [fragment(NOON)])
    empty = StoredWindow(WindowKey(HOUSES, NOON), 0, {})
    store.compact(empty, {"events": 1}, [fragment(NOON)])
    with pytest.raises(Conflict):
        store.compact(empty, {"events": 2}, [fragment(NOON)])
    assert store.window(empty.key).window == {"events": 1}


def test_compacting_a_fragment_that_is_gone_is_refused_and_the_others_stay(store):
    store.add("b1", [fragment(NOON)])
    with pytest.raises(Conflict):
        store.compact(StoredWindow(WindowKey(HOUSES, NOON), 0, {}), {}, [fragment(NOON), fragment(NOON, "b2")])
    assert store.fragments(HOUSES, NOON + 9, 10) == [fragment(NOON)]
    assert store.window(WindowKey(HOUSES, NOON)) is None


def test_a_batch_that_comes_again_after_compacting_changes_nothing(store):
    store.add("b1", [fragment(NOON)])
    store.compact(StoredWindow(WindowKey(HOUSES, NOON), 0, {}), {"events": 1}, [fragment(NOON)])
    assert not store.add("b1", [fragment(NOON)])
    assert store.fragments(HOUSES, NOON + 9, 10) == []


def test_windows_are_found_by_their_minutes_across_days(store):
    minutes = [NOON, NOON + 1, NOON + 1440, NOON + 2880]
    for minute in minutes:
        store.compact(StoredWindow(WindowKey(HOUSES, minute), 0, {}), {"minute": minute}, [])
    found = store.windows(HOUSES, NOON + 1, NOON + 2880)
    assert [each.key.minute for each in found] == minutes[1:]
    assert [each.window["minute"] for each in found] == minutes[1:]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 9])
def test_no_more_windows_are_read_than_asked_for_and_the_oldest_first(store, limit):
    minutes = [NOON, NOON + 1, NOON + 1440, NOON + 2880]
    for minute in minutes:
        store.compact(StoredWindow(WindowKey(HOUSES, minute), 0, {}), {}, [])
    assert [each.key.minute for each in store.windows(HOUSES, NOON, NOON + 9999, limit)] == minutes[:limit]


def test_a_range_that_ends_before_it_begins_holds_no_windows(store):
    store.compact(StoredWindow(WindowKey(HOUSES, NOON), 0, {}), {}, [])
    assert store.windows(HOUSES, NOON + 1, NOON) == []


def test_a_state_is_replaced_only_by_who_read_it(store):
    assert store.state(HOUSES) == StoredState(0, None)
    store.save(HOUSES, 0, {"cursor": 1})
    with pytest.raises(Conflict):
        store.save(HOUSES, 0, {"cursor": 2})
    store.save(HOUSES, 1, {"cursor": 3})
    assert store.state(HOUSES) == StoredState(2, {"cursor": 3})


def test_a_documents_later_change_does_not_reach_the_store(store):
    window = {"events": 1, "counts": {"age": [1]}}
    store.save(HOUSES, 0, window)
    window["counts"]["age"][0] = 99
    store.state(HOUSES).state["counts"]["age"][0] = 98
    assert store.state(HOUSES).state["counts"]["age"] == [1]


def test_a_reopened_file_holds_everything(tmp_path):
    first = SqliteStore(tmp_path / "windows.sqlite")
    first.add("b1", [fragment(NOON)])
    first.save(HOUSES, 0, {"cursor": 1})
    first.close()
    second = SqliteStore(tmp_path / "windows.sqlite")
    assert not second.add("b1", [fragment(NOON)])
    assert second.fragments(HOUSES, NOON + 1, 10) == [fragment(NOON)]
    assert second.state(HOUSES).state == {"cursor": 1}
    second.close()


def test_items_expire_by_the_attribute_that_the_table_watches(aws, table):
    kept = DynamoStore(aws("dynamodb"), table, lambda: 1_000.0, retention_days=2)
    kept.add("b1", [fragment(NOON), fragment(NOON + 1)])
    kept.compact(StoredWindow(WindowKey(HOUSES, NOON), 0, {}), {}, [fragment(NOON)])
    expires = {item["sk"]["S"]: item.get("expires") for item in aws("dynamodb").scan(TableName=table)["Items"]}
    assert expires == {
        "batch": {"N": str(1_000 + 15 * 86_400)},
        f"{NOON:010d}": {"N": str(1_000 + 2 * 86_400)},
        f"{NOON + 1:010d}#b1": {"N": str(1_000 + 2 * 86_400)},
    }


def test_writers_of_one_series_are_spread_over_partitions(aws, table):
    kept = DynamoStore(aws("dynamodb"), table, lambda: 1_000.0)
    for number in range(40):
        kept.add(f"b{number}", [fragment(NOON, f"b{number}")])
    partitions = {
        item["pk"]["S"] for item in aws("dynamodb").scan(TableName=table)["Items"] if "fragments" in item["pk"]["S"]
    }
    assert len(partitions) == 8
    assert len(kept.fragments(HOUSES, NOON + 1, 100)) == 40


class Busy:
    """A client whose next transactions are cancelled for these reasons; calls says how often it was asked."""

    def __init__(self, client, *reasons):
        self.client, self.reasons, self.calls = client, list(reasons), 0

    def __getattr__(self, name):
        return getattr(self.client, name)

    def transact_write_items(self, **request):
        self.calls += 1
        if not self.reasons:
            return self.client.transact_write_items(**request)
        codes = [{"Code": self.reasons.pop(0)}, {"Code": "None"}]
        raise ClientError({"Error": {}, "CancellationReasons": codes}, "TransactWriteItems")


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_transaction_that_met_another_one_is_tried_again(aws, table, reason):
    waited = []
    client = Busy(aws("dynamodb"), reason, reason)
    kept = DynamoStore(client, table, lambda: 1_000.0, sleep=waited.append)
    assert kept.add("b1", [fragment(NOON)])
    assert kept.fragments(HOUSES, NOON + 1, 9) == [fragment(NOON)]
    assert waited == [0.05, 0.2]


@pytest.mark.parametrize(("reasons", "calls"), [(["TransactionConflict"] * 9, 4), (["ValidationError"], 1)])
def test_a_transaction_that_cannot_be_is_an_error_in_the_end(aws, table, reasons, calls):
    client = Busy(aws("dynamodb"), *reasons)
    kept = DynamoStore(client, table, lambda: 1_000.0, sleep=lambda _seconds: None)
    with pytest.raises(ClientError):
        kept.add("b1", [fragment(NOON)])
    assert client.calls == calls
    assert kept.fragments(HOUSES, NOON + 1, 9) == []


def test_fragments_are_not_read_in_larger_pages_than_asked_for(aws, table):
    pages = []
    client = aws("dynamodb")
    client.meta.events.register("provide-client-params.dynamodb.Query", lambda params, **_: pages.append(params))
    DynamoStore(client, table, lambda: 1_000.0).fragments(HOUSES, NOON, 7)
    assert [page["Limit"] for page in pages] == [7] * 8


COUNT_FRAGMENTS = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("SELECT count(*) FROM monitor_fragments").fetchone()[0])
connection.close()
"""


def fragments_seen_by_another_process(path):
    """Return how many fragments a process sees that opens the file and closes it."""
    command = [sys.executable, "-c", COUNT_FRAGMENTS, str(path)]
    return int(subprocess.run(command, check=True, capture_output=True).stdout)


def test_another_process_that_closes_the_file_takes_no_later_writing_with_it(tmp_path):
    """A process that opened its store twice keeps its locks: nobody else removes the write-ahead log."""
    path = tmp_path / "windows.sqlite"
    first, second = SqliteStore(path), SqliteStore(path)
    first.add("b1", [fragment(NOON)])
    assert fragments_seen_by_another_process(path) == 1
    second.add("b2", [fragment(NOON + 1, "b2")])
    assert fragments_seen_by_another_process(path) == 2
    first.close()
    second.close()


def test_a_file_that_was_closed_is_checked_again(tmp_path):
    """A store is refused for its bytes only while nobody of this process holds it, and then always."""
    path = tmp_path / "windows.sqlite"
    first, second = SqliteStore(path), SqliteStore(path)
    first.close()
    second.close()
    path.write_bytes(b"x" * path.stat().st_size)
    with pytest.raises(BadStore):
        SqliteStore(path)
