"""One battery for the three stores: what each step writes is whole, and happens once."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError
from drift_monitor.errors import BadStore, Conflict
from drift_monitor.keys import Series, WindowKey
from drift_monitor.shelf import Shelf
from drift_monitor.stores import LARGEST_BATCH, DynamoStore, Fragment, SqliteStore, StoredState, StoredWindow

HOUSES = Series("house-price", "3f9a1c2b4d5e")
OTHERS = Series("diabetes", "3f9a1c2b4d5e")
NOON = 29_700_000


def fragment(minute: int, batch: str = "b1", series: Series = HOUSES, **window: object) -> Fragment:
    return Fragment(WindowKey(series, minute), batch, {"events": 1} | window)


def test_add_once(store):
    """A batch is stored once."""
    assert store.add("b1", [fragment(NOON), fragment(NOON + 1)])
    assert not store.add("b1", [fragment(NOON), fragment(NOON + 1)])
    assert store.fragments(HOUSES, NOON + 9, 10) == [fragment(NOON), fragment(NOON + 1)]


def test_order_of_fragments(store):
    """Fragments are returned in the order of their minutes, up to the limit."""
    for minute in (NOON + 2, NOON, NOON + 1):
        store.add(f"b{minute}", [fragment(minute, f"b{minute}")])
    assert [each.key.minute for each in store.fragments(HOUSES, NOON + 9, 2)] == [NOON, NOON + 1]


def test_fragments_before(store):
    """Only fragments of minutes before the given one are returned."""
    store.add("b1", [fragment(NOON), fragment(NOON + 1)])
    assert store.fragments(HOUSES, NOON + 1, 10) == [fragment(NOON)]


def test_series_apart(store):
    """Each series has its own fragments."""
    store.add("b1", [fragment(NOON), fragment(NOON, series=OTHERS, events=7)])
    assert [each.window["events"] for each in store.fragments(OTHERS, NOON + 9, 10)] == [7]


def test_largest_batch(store):
    """A batch of the largest size is stored whole and once."""
    many = [fragment(NOON + minute) for minute in range(LARGEST_BATCH)]
    assert store.add("b1", many)
    assert not store.add("b1", many)
    assert store.fragments(HOUSES, NOON + 999, 999) == many


def test_compact(store):
    """Compacting replaces fragments by the window."""
    store.add("b1", [fragment(NOON)])
    store.compact(StoredWindow(WindowKey(HOUSES, NOON), 0, {}), {"events": 1}, [fragment(NOON)])
    assert store.fragments(HOUSES, NOON + 9, 10) == []
    assert store.window(WindowKey(HOUSES, NOON)) == StoredWindow(WindowKey(HOUSES, NOON), 1, {"events": 1})


def test_compact_twice(store):
    """Compacting the same revision twice is a conflict and changes nothing."""
    store.add("b1", [fragment(NOON)])
    empty = StoredWindow(WindowKey(HOUSES, NOON), 0, {})
    store.compact(empty, {"events": 1}, [fragment(NOON)])
    with pytest.raises(Conflict):
        store.compact(empty, {"events": 2}, [fragment(NOON)])
    assert store.window(empty.key).window == {"events": 1}


def test_compact_missing(store):
    """Compacting a fragment that is not there is a conflict, and the others stay."""
    store.add("b1", [fragment(NOON)])
    with pytest.raises(Conflict):
        store.compact(StoredWindow(WindowKey(HOUSES, NOON), 0, {}), {}, [fragment(NOON), fragment(NOON, "b2")])
    assert store.fragments(HOUSES, NOON + 9, 10) == [fragment(NOON)]
    assert store.window(WindowKey(HOUSES, NOON)) is None


def test_add_after_compact(store):
    """A batch that is repeated after compacting changes nothing."""
    store.add("b1", [fragment(NOON)])
    store.compact(StoredWindow(WindowKey(HOUSES, NOON), 0, {}), {"events": 1}, [fragment(NOON)])
    assert not store.add("b1", [fragment(NOON)])
    assert store.fragments(HOUSES, NOON + 9, 10) == []


def test_windows(store):
    """Windows are returned by their minutes, across days."""
    minutes = [NOON, NOON + 1, NOON + 1440, NOON + 2880]
    for minute in minutes:
        store.compact(StoredWindow(WindowKey(HOUSES, minute), 0, {}), {"minute": minute}, [])
    found = store.windows(HOUSES, NOON + 1, NOON + 2880)
    assert [each.key.minute for each in found] == minutes[1:]
    assert [each.window["minute"] for each in found] == minutes[1:]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 9])
def test_limit_of_windows(store, limit):
    """At most `limit` windows are returned, the oldest first."""
    minutes = [NOON, NOON + 1, NOON + 1440, NOON + 2880]
    for minute in minutes:
        store.compact(StoredWindow(WindowKey(HOUSES, minute), 0, {}), {}, [])
    assert [each.key.minute for each in store.windows(HOUSES, NOON, NOON + 9999, limit)] == minutes[:limit]


def test_empty_range(store):
    """A range that ends before it begins has no windows."""
    store.compact(StoredWindow(WindowKey(HOUSES, NOON), 0, {}), {}, [])
    assert store.windows(HOUSES, NOON + 1, NOON) == []


def test_save(store):
    """A state is replaced only by a writer that has read its revision."""
    assert store.state(HOUSES) == StoredState(0, None)
    store.save(HOUSES, 0, {"cursor": 1})
    with pytest.raises(Conflict):
        store.save(HOUSES, 0, {"cursor": 2})
    store.save(HOUSES, 1, {"cursor": 3})
    assert store.state(HOUSES) == StoredState(2, {"cursor": 3})


def test_documents_are_copied(store):
    """A document that changes after it was stored does not change what is stored."""
    window = {"events": 1, "counts": {"age": [1]}}
    store.save(HOUSES, 0, window)
    window["counts"]["age"][0] = 99
    store.state(HOUSES).state["counts"]["age"][0] = 98
    assert store.state(HOUSES).state["counts"]["age"] == [1]


def test_reopened_file(tmp_path):
    """A file that is opened again has everything that was stored."""
    first = SqliteStore(tmp_path / "windows.sqlite")
    first.add("b1", [fragment(NOON)])
    first.save(HOUSES, 0, {"cursor": 1})
    first.close()
    second = SqliteStore(tmp_path / "windows.sqlite")
    assert not second.add("b1", [fragment(NOON)])
    assert second.fragments(HOUSES, NOON + 1, 10) == [fragment(NOON)]
    assert second.state(HOUSES).state == {"cursor": 1}
    second.close()


def test_expiry(aws, table):
    """Items have the attribute by which the table expires them."""
    kept = DynamoStore(aws("dynamodb"), table, lambda: 1_000.0, retention_days=2)
    kept.add("b1", [fragment(NOON), fragment(NOON + 1)])
    kept.compact(StoredWindow(WindowKey(HOUSES, NOON), 0, {}), {}, [fragment(NOON)])
    expires = {item["sk"]["S"]: item.get("expires") for item in aws("dynamodb").scan(TableName=table)["Items"]}
    assert expires == {
        "batch": {"N": str(1_000 + 15 * 86_400)},
        f"{NOON:010d}": {"N": str(1_000 + 2 * 86_400)},
        f"{NOON + 1:010d}#b1": {"N": str(1_000 + 2 * 86_400)},
    }


def test_shards(aws, table):
    """Fragments of one series are spread over partitions."""
    kept = DynamoStore(aws("dynamodb"), table, lambda: 1_000.0)
    for number in range(40):
        kept.add(f"b{number}", [fragment(NOON, f"b{number}")])
    partitions = {
        item["pk"]["S"] for item in aws("dynamodb").scan(TableName=table)["Items"] if "fragments" in item["pk"]["S"]
    }
    assert len(partitions) == 8
    assert len(kept.fragments(HOUSES, NOON + 1, 100)) == 40


def large(size, seed=1):
    """Return a document that takes so many bytes when it is packed."""
    return {"bytes": random.Random(seed).randbytes(size * 3 // 4).hex()}


def test_large_state(aws, table):
    """A state of many features is stored in parts, replaced as a whole, and small again later."""
    kept = DynamoStore(aws("dynamodb"), table, lambda: 1_000.0)
    for revision, document in enumerate((large(900_000), large(500_000, 2), {"cursor": 1}, large(450_000, 3))):
        kept.save(HOUSES, revision, document)
        assert kept.state(HOUSES) == StoredState(revision + 1, document)
    with pytest.raises(Conflict):
        kept.save(HOUSES, 0, large(900_000))
    assert kept.state(HOUSES) == StoredState(4, large(450_000, 3))


def test_small_state(aws, table):
    """A state that fits into one item is stored as in the first release."""
    DynamoStore(aws("dynamodb"), table, lambda: 1_000.0).save(HOUSES, 0, {"cursor": 1})
    (item,) = aws("dynamodb").scan(TableName=table)["Items"]
    assert set(item) == {"pk", "sk", "revision", "state"}


def parts_of(client, table):
    """Return the keys of the parts that are stored."""
    keys = [item["sk"]["S"] for item in client.scan(TableName=table)["Items"]]
    return sorted(key for key in keys if key.startswith("state#"))


def test_parts_replaced(aws, table):
    """Parts go with the state that names them, and those of a writer that came second at once."""
    client = aws("dynamodb")
    kept = DynamoStore(client, table, lambda: 1_000.0)
    kept.save(HOUSES, 0, large(900_000))
    first = parts_of(client, table)
    with pytest.raises(Conflict):
        kept.save(HOUSES, 0, large(500_000, 2))
    assert parts_of(client, table) == first
    assert len(first) == 2
    kept.save(HOUSES, 1, large(500_000, 2))
    assert len(parts_of(client, table)) == 1
    assert not set(parts_of(client, table)) & set(first)


def test_failed_write(aws, table):
    """Where the state cannot be written its parts do not stay either."""
    client = aws("dynamodb")

    class Failing(Busy):
        """A client whose conditional writes fail."""

        def put_item(self, **request):
            if "ReturnValues" in request:
                raise ClientError({"Error": {"Code": "InternalServerError"}}, "PutItem")
            return self.client.put_item(**request)

    with pytest.raises(ClientError):
        DynamoStore(Failing(client), table, lambda: 1_000.0).save(HOUSES, 0, large(500_000))
    assert parts_of(client, table) == []


def test_replaced_while_read(aws, table):
    """A state whose parts are gone at each reading is a conflict; the next run reads again."""
    client = aws("dynamodb")
    kept = DynamoStore(client, table, lambda: 1_000.0)
    kept.save(HOUSES, 0, large(500_000))
    (part,) = parts_of(client, table)
    key = {"pk": {"S": f"state#{HOUSES.model}#{HOUSES.version}"}, "sk": {"S": part}}
    client.delete_item(TableName=table, Key=key)
    with pytest.raises(Conflict, match="while it was read"):
        kept.state(HOUSES)


def test_large_baseline(aws, table):
    """The baseline of many features or levels is kept in parts; without one of them there is none."""
    client = aws("dynamodb")
    shelf = Shelf(client, table, lambda: 1_000.0)
    shelf.keep(HOUSES, large(900_000))
    assert shelf.find(HOUSES) == large(900_000)
    assert shelf.all() == {HOUSES: large(900_000)}
    part = {"pk": {"S": f"baselines#{HOUSES.model}#{HOUSES.version}"}, "sk": {"S": "02"}}
    client.delete_item(TableName=table, Key=part)
    assert shelf.find(HOUSES) is None


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
def test_busy(aws, table, reason):
    """A transaction that was cancelled by another one, or for want of capacity, is tried again."""
    waited = []
    client = Busy(aws("dynamodb"), reason, reason)
    kept = DynamoStore(client, table, lambda: 1_000.0, sleep=waited.append)
    assert kept.add("b1", [fragment(NOON)])
    assert kept.fragments(HOUSES, NOON + 1, 9) == [fragment(NOON)]
    assert waited == [0.05, 0.2]


@pytest.mark.parametrize(("reasons", "calls"), [(["TransactionConflict"] * 9, 4), (["ValidationError"], 1)])
def test_busy_for_long(aws, table, reasons, calls):
    """A transaction that is cancelled every time, or for another reason, is an error."""
    client = Busy(aws("dynamodb"), *reasons)
    kept = DynamoStore(client, table, lambda: 1_000.0, sleep=lambda _seconds: None)
    with pytest.raises(ClientError):
        kept.add("b1", [fragment(NOON)])
    assert client.calls == calls
    assert kept.fragments(HOUSES, NOON + 1, 9) == []


def test_page_size(aws, table):
    """Pages of fragments are no larger than the limit."""
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


def test_other_process_closes(tmp_path):
    """A process that opened its store twice keeps its locks, and so the log of its writes."""
    path = tmp_path / "windows.sqlite"
    first, second = SqliteStore(path), SqliteStore(path)
    first.add("b1", [fragment(NOON)])
    assert fragments_seen_by_another_process(path) == 1
    second.add("b2", [fragment(NOON + 1, "b2")])
    assert fragments_seen_by_another_process(path) == 2
    first.close()
    second.close()


def test_file_checked_again(tmp_path):
    """A file is checked whenever no connection of this process holds it."""
    path = tmp_path / "windows.sqlite"
    first, second = SqliteStore(path), SqliteStore(path)
    first.close()
    second.close()
    path.write_bytes(b"x" * path.stat().st_size)
    with pytest.raises(BadStore):
        SqliteStore(path)
