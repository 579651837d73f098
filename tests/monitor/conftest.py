"""Traffic, references and the three stores, for every test of the monitor."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from drift_contracts import feature_set
from drift_ml.baseline.fit import fit_baseline
from drift_monitor.reference import Reference
from drift_monitor.stores import DynamoStore, MemoryStore, SqliteStore
from moto import mock_aws

from tests.support.house_tables import columns, price
from tests.support.log_delivery import log_delivery
from tests.support.series import SERIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from drift_contracts import FeatureSet
    from drift_monitor.stores import Store


@pytest.fixture(scope="session")
def aws() -> Iterator[Any]:
    """Clients by service of a cloud in memory; no credentials of the machine can be used by mistake."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        with mock_aws():
            yield cache(boto3.client)


@pytest.fixture
def table(aws: Any) -> str:
    """The name of a new, empty table."""
    name = f"windows-{uuid.uuid4().hex}"
    aws("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    return name


@pytest.fixture(params=["memory", "sqlite", "dynamo"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each home of the windows; every test that takes it holds for all three."""
    if request.param == "memory":
        yield MemoryStore()
    elif request.param == "sqlite":
        kept = SqliteStore(tmp_path / "windows.sqlite")
        yield kept
        kept.close()
    else:
        client = request.getfixturevalue("aws")("dynamodb")
        yield DynamoStore(client, request.getfixturevalue("table"), lambda: 1_800_000_000.0)


@pytest.fixture(scope="session")
def houses() -> FeatureSet:
    """Return the feature set of the houses."""
    return feature_set("house-price")


@pytest.fixture(scope="session")
def reference(houses: FeatureSet) -> Reference:
    """Return the baseline of 5,000 ordinary houses."""
    table = columns(5_000, seed=1)
    return Reference(houses, fit_baseline(houses, table, predictions=price(table)))


@pytest.fixture
def make_events() -> Callable[..., list[str]]:
    """Event lines: `rows` houses spread over the seconds from `start` (Unix time) on."""

    def make(
        rows: int, *, start: float, seconds: float = 60, seed: int = 2, shift: float = 0.0, **change: Any
    ) -> list[str]:
        table = columns(rows, seed, shift)
        prices = price(table)
        lines = []
        for row in range(rows):
            moment = datetime.fromtimestamp(start + seconds * row / rows, UTC)
            event = {
                "contract": "prediction.event.v1",
                "Stack": "test",
                "Model": SERIES.model,
                "model_version": SERIES.version,
                "prediction_id": str(uuid.UUID(int=seed * 1_000_000 + row)),
                "timestamp": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                "Prediction": float(prices[row]),
                "features": {name: float(values[row]) for name, values in table.items()},
            }
            lines.append(json.dumps(event | change))
        return lines

    return make


@pytest.fixture
def as_logs() -> Callable[[list[str]], dict[str, Any]]:
    """The subscription event that delivers these lines; equal lines have equal ids."""
    return log_delivery
