"""The monitor over a DynamoDB table in memory, by a clock that a test moves."""

from __future__ import annotations

import base64
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import boto3
from drift_contracts import DriftError
from drift_ml.baseline import Baseline
from drift_monitor.aggregate import Aggregator
from drift_monitor.evaluate import Evaluator
from drift_monitor.keys import Series
from drift_monitor.reference import Reference
from drift_monitor.stores import DynamoStore
from moto import mock_aws

from tests.support.log_delivery import log_delivery

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from drift_engine.bundle import Bundle
    from drift_monitor.aggregate import Rejected
    from drift_monitor.evaluation import Evaluation

TABLE = "windows"
MINUTE = 60
#: Items that one request puts.
MOST_ITEMS = 25
FAR = 1 << 33


class TopicIsDown(DriftError):
    """The notices cannot be published now."""


class Watched:
    """The aggregator and the evaluator over one table.

    now: seconds since 1970. published: alerts that were sent. rejected: dead letters. topic_up:
    whether alerts can be published.
    """

    def __init__(self, client: Any, bundles: Mapping[str, Bundle], now: float) -> None:
        self.now = now
        self.published: list[dict[str, Any]] = []
        self.rejected: list[Rejected] = []
        self.topic_up = True
        self.evaluations: dict[str, Evaluation] = {}
        self.references = references_of(bundles)
        self.store = DynamoStore(client, TABLE, self._clock)
        self.aggregator = Aggregator(self.references, self.store, self.rejected.extend, self._clock)
        self.evaluator = Evaluator(
            self.references, self.store, self._publish, self._clock, stack="dev"
        )

    def _clock(self) -> float:
        return self.now

    def _publish(self, alert: dict[str, Any]) -> None:
        if not self.topic_up:
            raise TopicIsDown("the topic takes nothing")
        self.published.append(alert)

    def pass_minute(self, lines: list[str], end: float) -> None:
        """Deliver a minute's lines, then evaluate at its end (seconds since 1970)."""
        self.deliver(lines, end)
        self.evaluate()

    def deliver(self, lines: list[str], end: float) -> None:
        """Deliver a minute's lines at its end, in two batches."""
        self.now = end
        for part in (lines[::2], lines[1::2]):
            self.aggregator.handle(log_delivery(part))

    def evaluate(self) -> None:
        """Run the evaluation as the schedule does; what cannot be published waits."""
        with suppress(TopicIsDown):
            for evaluation in self.evaluator.run():
                self.evaluations[evaluation.series.model] = evaluation

    def counted(self) -> dict[str, dict[str, int]]:
        """Return the events by model and minute, fragments included."""
        found: dict[str, dict[str, int]] = {}
        for series in self.references:
            minutes = found.setdefault(series.model, {})
            last = int(self.now // MINUTE) + 1
            windows = self.store.windows(series, last - 4 * 1440, last)
            held = [*windows, *self.store.fragments(series, FAR, 10_000)]
            for each in held:
                minute = str(each.key.minute)
                minutes[minute] = minutes.get(minute, 0) + each.window["events"]
        return found

    def waiting(self) -> list[dict[str, Any]]:
        """Return the alerts that were not published yet."""
        states = [self.store.state(series).state for series in self.references]
        return [alert for state in states if state for alert in state["outbox"]]


def references_of(bundles: Mapping[str, Bundle]) -> dict[Series, Reference]:
    """Return what each series is compared with."""
    found = {}
    for name, bundle in bundles.items():
        series = Series(name, bundle.manifest["model_version"])
        found[series] = Reference(bundle.feature_set, Baseline.from_json(bundle.baseline))
    return found


@contextmanager
def in_memory() -> Iterator[Any]:
    """Yield a DynamoDB client of a cloud in memory, with made-up credentials."""
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    made_up = {**dict.fromkeys(names, "testing"), "AWS_DEFAULT_REGION": "eu-central-1"}
    with patch.dict(os.environ, made_up), mock_aws():
        client = boto3.client("dynamodb")
        try:
            yield client
        finally:
            # A mock that another test of this process keeps open shares its tables with this one.
            # Asking for the list would not do: it is cut after a hundred tables.
            with suppress(client.exceptions.ResourceNotFoundException):
                client.delete_table(TableName=TABLE)


def make_table(client: Any) -> None:
    """Create the table as the stack declares it."""
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
    )


def read_items(client: Any) -> list[dict[str, Any]]:
    """Return every item in DynamoDB's JSON, binary values in base64, sorted by key."""
    pages = client.get_paginator("scan").paginate(TableName=TABLE)
    items = [_as_text(item) for page in pages for item in page["Items"]]
    return sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


def write_items(client: Any, items: Iterable[Mapping[str, Any]]) -> None:
    """Put items as `read_items` returns them into the table."""
    requests = [{"PutRequest": {"Item": _as_bytes(item)}} for item in items]
    for begin in range(0, len(requests), MOST_ITEMS):
        client.batch_write_item(RequestItems={TABLE: requests[begin : begin + MOST_ITEMS]})


def _as_text(item: Mapping[str, Any]) -> dict[str, Any]:
    text: dict[str, Any] = {}
    for name, value in item.items():
        text[name] = {"B": base64.b64encode(value["B"]).decode()} if "B" in value else value
    return text


def _as_bytes(item: Mapping[str, Any]) -> dict[str, Any]:
    binary: dict[str, Any] = {}
    for name, value in item.items():
        binary[name] = {"B": base64.b64decode(value["B"])} if "B" in value else value
    return binary
