"""The store in one DynamoDB table.

Items (partition key / sort key):

- `batch#IDENTITY` / `batch`: marker of a stored batch, expires when no source can bring it again
- `fragments#MODEL#VERSION#SHARD` / `MINUTE#BATCH`: what a batch adds to a minute, until it is
  summed (or its model's version is not watched any more, and the retention is over)
- `windows#MODEL#VERSION#DAY` / `MINUTE`: the sum of a minute, expires after the retention; later
  where an alert rests on it that stands
- `state#MODEL#VERSION` / `state`: detectors, cursor, outbox; of many features only their first
  bytes, with a token under which the others are: `state#TOKEN#01`, `state#TOKEN#02`, ...
- `baselines` / `MODEL#VERSION`: what a version is compared with (drift_monitor.shelf)

Fragments are spread over shards by their batch, so that a series may be written faster than one
partition takes. Expiry is late by days at times, and nothing here depends on it. A transaction that
was cancelled because another one was at work on an item, or for want of capacity, is tried again:
boto3 does that for the plain errors only.

An item has no `format` as long as its attributes mean what they do in the first release. One that
changes them writes one; items whose `format` is higher than FORMAT are refused. Format 2 is a
document in parts, which the first release would find damaged.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from drift_monitor.errors import BadStore, Conflict
from drift_monitor.keys import Series, WindowKey
from drift_monitor.stores.packing import pack, unpack
from drift_monitor.stores.protocol import Document, Fragment, Revision, StoredState, StoredWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SHARDS = 8
MINUTES_A_DAY = 1440
#: SQS keeps messages for 14 days at most.
BATCH_DAYS = 15
DAY = 86_400
NEWER = (
    "the item is newer than this release and was left as it is: deploy the release that wrote it"
)
CONDITION_FAILED = "ConditionalCheckFailed"
BUSY = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
#: What a single write ends with that another writer was before.
LOST = {"ConditionalCheckFailedException", "TransactionConflictException"}
#: Seconds before each new attempt at a transaction.
DELAYS = (0.05, 0.2, 0.8)
#: The newest format of items, and that of items that have no attribute of that name.
FORMAT, FIRST_FORMAT = 2, 1
#: Bytes of a document in one item: DynamoDB takes 400 KB, names and keys counted.
MOST_BYTES = 350_000
#: Times that parts are read again which another writer just replaced.
READINGS = 3
IS_NEW = "attribute_not_exists(pk)"
IS_THERE = "attribute_exists(pk)"

#: An item, or a part of one: by attribute its type ("S", "N", "B") and value, as boto3 wants it.
#: The value is a text for "S" and "N", bytes for "B".
Item = dict[str, dict[str, Any]]
#: An action of a transaction: {"Put": ...} or {"Delete": ...}.
Action = dict[str, dict[str, object]]


class DynamoStore:
    """A `Store` in a DynamoDB table."""

    def __init__(
        self,
        client: Any,
        table: str,
        now: Callable[[], float],
        *,
        retention_days: int = 35,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Use a table, which is there.

        Args:
            client: boto3's DynamoDB client.
            table: its name.
            now: seconds since 1970, for the expiry of items.
            retention_days: how long windows are retained.
            sleep: waits so many seconds.
        """
        self._client = client
        self._table = table
        self._now = now
        self._retention = retention_days * DAY
        self._sleep = sleep

    def add(
        self,
        batch: str,
        fragments: Sequence[Fragment],
    ) -> bool:
        """See `Store.add`."""
        marker = _key(f"batch#{batch}", "batch") | self._expires(BATCH_DAYS * DAY)
        actions = [self._put(marker, IS_NEW)]
        expires = self._expires(self._retention)
        for fragment in fragments:
            item = _fragment_place(fragment) | {"window": {"B": pack(fragment.window)}} | expires
            actions.append(self._put(item))
        return self._transact(actions)

    def fragments(
        self,
        series: Series,
        before: int,
        limit: int,
    ) -> list[Fragment]:
        """See `Store.fragments`."""
        place = f"fragments#{series.model}#{series.version}"
        items: list[Item] = []
        for shard in range(SHARDS):
            items += self._query(f"{place}#{shard}", "", f"{before:010d}", limit)
        # Each shard gives its oldest, so the oldest of all are among these.
        items.sort(key=_sort_key)
        fragments = []
        for item in items[:limit]:
            minute, _, batch = _sort_key(item).partition("#")
            key = WindowKey(series, int(minute))
            fragments.append(Fragment(key, batch, unpack(item["window"]["B"])))
        return fragments

    def compact(
        self,
        read: StoredWindow,
        window: Document,
        fragments: Sequence[Fragment],
    ) -> None:
        """See `Store.compact`."""
        item = _window_place(read.key) | _revised(read.revision) | {"window": {"B": pack(window)}}
        actions = [self._replace(item | self._expires(self._retention), read.revision)]
        for fragment in fragments:
            deletion: dict[str, object] = {
                "TableName": self._table,
                "Key": _fragment_place(fragment),
                "ConditionExpression": IS_THERE,
            }
            actions.append({"Delete": deletion})
        if not self._transact(actions):
            raise Conflict(f"the window of {read.key.series} changed since it was read")

    def window(self, key: WindowKey) -> StoredWindow | None:
        """See `Store.window`."""
        return next(iter(self.windows(key.series, key.minute, key.minute)), None)

    def windows(
        self,
        series: Series,
        first: int,
        last: int,
        limit: int | None = None,
    ) -> list[StoredWindow]:
        """See `Store.windows`."""
        if last < first:  # DynamoDB refuses such a range
            return []
        place = f"windows#{series.model}#{series.version}"
        low, high = f"{first:010d}", f"{last:010d}~"
        windows: list[StoredWindow] = []
        for day in range(first // MINUTES_A_DAY, last // MINUTES_A_DAY + 1):
            left = None
            if limit is not None:
                left = limit - len(windows)
            if left == 0:
                break
            for item in self._query(f"{place}#{day}", low, high, left):
                key = WindowKey(series, int(_sort_key(item)))
                revision = int(item["revision"]["N"])
                windows.append(StoredWindow(key, revision, unpack(item["window"]["B"])))
        return windows

    def keep(
        self,
        series: Series,
        first: int,
        last: int,
        limit: int,
    ) -> int:
        """See `Store.keep`."""
        windows = self.windows(series, first, last, limit)
        expires = self._expires(self._retention)
        for stored in windows:
            # Written as it was read, so that the permission to replace windows is enough.
            revision = {"revision": {"N": str(stored.revision)}}
            item = _window_place(stored.key) | revision | {"window": {"B": pack(stored.window)}}
            put = self._replace(item | expires, stored.revision)["Put"]
            try:
                self._client.put_item(**put)
            except ClientError as error:
                # It was summed anew or has expired: the first has its time, the second is gone.
                if error.response["Error"]["Code"] not in LOST:
                    raise
        return windows[-1].key.minute + 1 if len(windows) == limit else last + 1

    def state(self, series: Series) -> StoredState:
        """See `Store.state`. Raises Conflict where it is replaced at each reading."""
        place = _state_place(series)
        for _ in range(READINGS):
            answer = self._client.get_item(TableName=self._table, Key=place, ConsistentRead=True)
            item = answer.get("Item")
            if not item:
                return StoredState(0, None)
            _refuse_newer(item)
            data = self._joined(item)
            if data is not None:
                return StoredState(int(item["revision"]["N"]), unpack(data))
        raise Conflict(f"the state of {series} changed while it was read")

    def _joined(self, item: Item) -> bytes | None:
        """Return the bytes of a state, None where its parts were replaced meanwhile."""
        data = bytes(item["state"]["B"])
        places = _part_places(item)
        if not places:
            return data
        first, last = places[0]["sk"]["S"], places[-1]["sk"]["S"]
        parts = list(self._query(item["pk"]["S"], first, last))
        if len(parts) != len(places):
            return None
        return data + b"".join([bytes(part["state"]["B"]) for part in parts])

    def save(
        self,
        series: Series,
        read: Revision,
        state: Document,
    ) -> None:
        """See `Store.save`."""
        data = pack(state)
        item = _state_place(series) | _revised(read) | {"state": {"B": data[:MOST_BYTES]}}
        starts = range(MOST_BYTES, len(data), MOST_BYTES)
        others = [data[start : start + MOST_BYTES] for start in starts]
        if others:
            saved = self._replace_with_parts(item, read, others)
        else:
            saved = self._transact([self._replace(item, read)])
        if not saved:
            raise Conflict(f"the state of {series} changed since it was read")

    def _replace_with_parts(
        self,
        item: Item,
        read: Revision,
        others: Sequence[bytes],
    ) -> bool:
        """Return whether a state was replaced whose parts are written before it.

        A transaction takes 4 MB, which 2,000 features exceed. So the parts have a token of their
        own: they are there when the item that names it is, and no other writer touches them.

        Args:
            item: with the first bytes.
            read: the revision that it replaces.
            others: the other bytes, in order.
        """
        token = {"S": secrets.token_hex(8)}
        named = {"format": {"N": str(FORMAT)}, "parts": {"N": str(len(others))}, "token": token}
        whole = item | named
        places = _part_places(whole)
        for place, chunk in zip(places, others, strict=True):
            self._client.put_item(TableName=self._table, Item=place | {"state": {"B": chunk}})
        put = self._replace(whole, read)["Put"]
        try:
            former = self._client.put_item(**put, ReturnValues="ALL_OLD").get("Attributes", {})
        except ClientError as error:
            self._delete(places)
            if error.response["Error"]["Code"] in LOST:
                return False
            raise
        self._delete(_part_places(former))
        return True

    def _delete(self, places: Sequence[Item]) -> None:
        for place in places:
            self._client.delete_item(TableName=self._table, Key=place)

    def _expires(self, seconds: int) -> Item:
        return {"expires": {"N": str(int(self._now()) + seconds)}}

    def _put(
        self,
        item: Item,
        condition: str | None = None,
    ) -> Action:
        put: dict[str, object] = {"TableName": self._table, "Item": item}
        if condition is not None:
            put["ConditionExpression"] = condition
        return {"Put": put}

    def _replace(
        self,
        item: Item,
        read: Revision,
    ) -> Action:
        """Return the action that writes an item if its revision is the one that was read."""
        if read == 0:
            return self._put(item, IS_NEW)
        action = self._put(item, "revision = :revision")
        action["Put"]["ExpressionAttributeValues"] = {":revision": {"N": str(read)}}
        return action

    def _transact(
        self,
        actions: list[Action],
        delays: Sequence[float] = DELAYS,
    ) -> bool:
        """Return whether all of it was written; False if a condition did not hold.

        Raises ClientError for anything else. boto3 gives its own repetitions of a call one token,
        so that a write whose answer was lost is not refused.
        """
        try:
            self._client.transact_write_items(TransactItems=actions)
        except ClientError as error:
            reasons: Any = error.response.get("CancellationReasons", [])
            codes = {reason.get("Code") for reason in reasons}
            if CONDITION_FAILED in codes:
                return False
            if not delays or not codes & BUSY:
                raise
            self._sleep(delays[0])
            return self._transact(actions, delays[1:])
        return True

    def _query(
        self,
        partition: str,
        low: str,
        high: str,
        limit: int | None = None,
    ) -> Iterator[Item]:
        """Yield the items of a partition with low <= sort key <= high, in order.

        At most `limit`, None for all.
        """
        # The values of a comparison cannot be empty; "0" is before every minute.
        values = {":pk": {"S": partition}, ":low": {"S": low or "0"}, ":high": {"S": high}}
        paging = {}
        if limit:
            paging = {"MaxItems": limit, "PageSize": limit}
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :low AND :high",
            ExpressionAttributeValues=values,
            ConsistentRead=True,
            PaginationConfig=paging,
        )
        for page in pages:
            for item in page["Items"]:
                _refuse_newer(item)
                yield item


def _refuse_newer(item: Item) -> None:
    """Raise BadStore for an item of a later format; nothing is written."""
    if int(item.get("format", {}).get("N", FIRST_FORMAT)) > FORMAT:
        raise BadStore(f"{item['pk']['S']} / {item['sk']['S']}", NEWER)


def _key(
    partition: str,
    sort: str,
) -> Item:
    return {"pk": {"S": partition}, "sk": {"S": sort}}


def _sort_key(item: Item) -> str:
    text: str = item["sk"]["S"]
    return text


def _fragment_place(fragment: Fragment) -> Item:
    series, minute = fragment.key.series, fragment.key.minute
    # By a digest and not by `hash`, which is another one in every process.
    shard = hashlib.sha256(fragment.batch.encode()).digest()[0] % SHARDS
    partition = f"fragments#{series.model}#{series.version}#{shard}"
    return _key(partition, f"{minute:010d}#{fragment.batch}")


def _window_place(key: WindowKey) -> Item:
    day = key.minute // MINUTES_A_DAY
    partition = f"windows#{key.series.model}#{key.series.version}#{day}"
    return _key(partition, f"{key.minute:010d}")


def _state_place(series: Series) -> Item:
    return _key(f"state#{series.model}#{series.version}", "state")


def _part_places(item: Item) -> list[Item]:
    """Return the keys of the items that have the other bytes of a state."""
    numbers = range(1, int(item.get("parts", {}).get("N", 0)) + 1)
    token = item.get("token", {}).get("S")
    return [{"pk": item["pk"], "sk": {"S": f"state#{token}#{number:03d}"}} for number in numbers]


def _revised(read: Revision) -> Item:
    return {"revision": {"N": str(read + 1)}}
