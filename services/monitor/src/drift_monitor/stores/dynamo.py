"""The store in one DynamoDB table.

Items (partition key / sort key):

- `batch#IDENTITY` / `batch`                    marker of a stored batch, expires when no source can bring it again
- `fragments#MODEL#VERSION#SHARD` / `MINUTE#BATCH`  what a batch adds to a minute, until it is summed (or its model's
  version is not watched any more, and the retention is over)
- `windows#MODEL#VERSION#DAY` / `MINUTE`        the sum of a minute, expires after the retention
- `state#MODEL#VERSION` / `state`               detectors, cursor, outbox
- `baselines` / `MODEL#VERSION`                 what a version is compared with (drift_monitor.shelf)

Fragments are spread over shards by their batch, so that a series may be written faster than one partition takes.
Expiry is late by days at times, and nothing here depends on it. A transaction that was cancelled because another one
was at work on an item, or for want of capacity, is tried again: boto3 does that for the plain errors only.

An item has no `format` as long as its attributes mean what they do here. A release that changes
them writes one; items whose `format` is higher than FORMAT are refused.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from drift_monitor.errors import BadStore, Conflict
from drift_monitor.keys import Series, WindowKey

from .packing import pack, unpack
from .protocol import Document, Fragment, Revision, StoredState, StoredWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SHARDS = 8
MINUTES_A_DAY = 1440
BATCH_DAYS = 15
"""SQS keeps messages for 14 days at most."""
DAY = 86_400
NEWER = "the item is newer than this release and was left as it is: deploy the release that wrote it"
BUSY = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
DELAYS = (0.05, 0.2, 0.8)
"""Seconds before each new attempt at a transaction."""

FORMAT = 1
"""The format of items that have no attribute of that name."""

Item = dict[str, Any]


class DynamoStore:
    """A `Store` in the table named.

    client: boto3's DynamoDB client. now: seconds since 1970, for the expiry of items. sleep: waits so many seconds.
    """

    def __init__(
        self,
        client: Any,
        table: str,
        now: Callable[[], float],
        *,
        retention_days: int = 35,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._table = table
        self._now = now
        self._retention = retention_days * DAY
        self._sleep = sleep

    def add(self, batch: str, fragments: Sequence[Fragment]) -> bool:
        """See `Store.add`."""
        marker = {"pk": {"S": f"batch#{batch}"}, "sk": {"S": "batch"}, **self._expires(BATCH_DAYS * DAY)}
        puts = [self._put(marker, "attribute_not_exists(pk)")]
        expires = self._expires(self._retention)
        puts += [self._put({**_fragment_place(one), "window": {"B": pack(one.window)}, **expires}) for one in fragments]
        return self._transact(puts)

    def fragments(self, series: Series, before: int, limit: int) -> list[Fragment]:
        """See `Store.fragments`."""
        place = f"fragments#{series.model}#{series.version}"
        shards = (self._query(f"{place}#{shard}", "", f"{before:010d}", limit) for shard in range(SHARDS))
        oldest = sorted((item for items in shards for item in items), key=lambda item: item["sk"]["S"])[:limit]
        found = []
        for item in oldest:
            minute, _, batch = item["sk"]["S"].partition("#")
            found.append(Fragment(WindowKey(series, int(minute)), batch, unpack(item["window"]["B"])))
        return found

    def compact(self, read: StoredWindow, window: Document, fragments: Sequence[Fragment]) -> None:
        """See `Store.compact`."""
        item = {
            **_window_place(read.key),
            "revision": {"N": str(read.revision + 1)},
            "window": {"B": pack(window)},
            **self._expires(self._retention),
        }
        steps = [self._put(item, *_unchanged(read.revision))]
        for each in fragments:
            deletion = {
                "TableName": self._table,
                "Key": _fragment_place(each),
                "ConditionExpression": "attribute_exists(pk)",
            }
            steps.append({"Delete": deletion})
        if not self._transact(steps):
            raise Conflict(f"the window of {read.key.series} changed since it was read")

    def window(self, key: WindowKey) -> StoredWindow | None:
        """See `Store.window`."""
        found = self.windows(key.series, key.minute, key.minute)
        return found[0] if found else None

    def windows(self, series: Series, first: int, last: int, limit: int | None = None) -> list[StoredWindow]:
        """See `Store.windows`."""
        if last < first:  # DynamoDB refuses such a range
            return []
        place, found = f"windows#{series.model}#{series.version}", list[StoredWindow]()
        for day in range(first // MINUTES_A_DAY, last // MINUTES_A_DAY + 1):
            wanted = None if limit is None else limit - len(found)
            if wanted == 0:
                break
            for item in self._query(f"{place}#{day}", f"{first:010d}", f"{last:010d}~", wanted):
                key = WindowKey(series, int(item["sk"]["S"]))
                found.append(StoredWindow(key, int(item["revision"]["N"]), unpack(item["window"]["B"])))
        return found

    def state(self, series: Series) -> StoredState:
        """See `Store.state`."""
        answer = self._client.get_item(TableName=self._table, Key=_state_place(series), ConsistentRead=True)
        item = answer.get("Item")
        if item:
            _refuse_newer(item)
        return StoredState(int(item["revision"]["N"]), unpack(item["state"]["B"])) if item else StoredState(0, None)

    def save(self, series: Series, read: Revision, state: Document) -> None:
        """See `Store.save`."""
        item = {**_state_place(series), "revision": {"N": str(read + 1)}, "state": {"B": pack(state)}}
        if not self._transact([self._put(item, *_unchanged(read))]):
            raise Conflict(f"the state of {series} changed since it was read")

    def _expires(self, seconds: int) -> Item:
        return {"expires": {"N": str(int(self._now()) + seconds)}}

    def _put(self, item: Item, condition: str | None = None, values: Item | None = None) -> Item:
        put: Item = {"TableName": self._table, "Item": item}
        if condition is not None:
            put["ConditionExpression"] = condition
        if values is not None:
            put["ExpressionAttributeValues"] = values
        return {"Put": put}

    def _transact(self, steps: list[Item], delays: Sequence[float] = DELAYS) -> bool:
        """Whether all of it was written; False if a condition did not hold. Anything else is raised.

        boto3 gives its own repetitions of a call one token, so that a write whose answer was lost is not refused.
        """
        try:
            self._client.transact_write_items(TransactItems=steps)
        except ClientError as error:
            reasons: Any = error.response.get("CancellationReasons", [])
            codes = {reason.get("Code") for reason in reasons}
            if "ConditionalCheckFailed" in codes:
                return False
            if not delays or not codes & BUSY:
                raise
            self._sleep(delays[0])
            return self._transact(steps, delays[1:])
        return True

    def _query(self, partition: str, low: str, high: str, limit: int | None = None) -> Iterator[Item]:
        """Items of a partition with low <= sort key <= high, in order, at most `limit`."""
        values = {":pk": {"S": partition}, ":low": {"S": low or "0"}, ":high": {"S": high}}
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :low AND :high",
            ExpressionAttributeValues=values,
            ConsistentRead=True,
            PaginationConfig={"MaxItems": limit, "PageSize": limit} if limit else {},
        )
        for page in pages:
            for item in page["Items"]:
                _refuse_newer(item)
                yield item


def _refuse_newer(item: Item) -> None:
    """Raise BadStore for an item of a later format; nothing is written."""
    if int(item.get("format", {}).get("N", FORMAT)) > FORMAT:
        raise BadStore(f"{item['pk']['S']} / {item['sk']['S']}", NEWER)


def _fragment_place(fragment: Fragment) -> Item:
    series = fragment.key.series
    shard = hashlib.sha256(fragment.batch.encode()).digest()[0] % SHARDS
    partition = f"fragments#{series.model}#{series.version}#{shard}"
    return {"pk": {"S": partition}, "sk": {"S": f"{fragment.key.minute:010d}#{fragment.batch}"}}


def _window_place(key: WindowKey) -> Item:
    partition = f"windows#{key.series.model}#{key.series.version}#{key.minute // MINUTES_A_DAY}"
    return {"pk": {"S": partition}, "sk": {"S": f"{key.minute:010d}"}}


def _state_place(series: Series) -> Item:
    return {"pk": {"S": f"state#{series.model}#{series.version}"}, "sk": {"S": "state"}}


def _unchanged(revision: Revision) -> tuple[str, Item | None]:
    if revision == 0:
        return "attribute_not_exists(pk)", None
    return "revision = :revision", {":revision": {"N": str(revision)}}
