from __future__ import annotations

import base64
import gzip
import hashlib
import json
import uuid
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import pytest
from drift_contracts import feature_set
from drift_ml.baseline.fit import fit_baseline
from drift_monitor.keys import Series
from drift_monitor.reference import Reference
from drift_monitor.stores import DynamoStore, MemoryStore, SqliteStore
from moto import mock_aws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from drift_contracts import FeatureSet
    from drift_monitor.stores import Store

SERIES = Series("house-price", "3f9a1c2b4d5e")


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
    return feature_set("house-price")


def columns(rows: int, seed: int, shift: float = 0.0) -> dict[str, Any]:
    """Ordinary houses; `shift` moves the area, in standard deviations."""
    random = np.random.default_rng(seed)
    return {
        "bedrooms": random.integers(1, 6, rows).astype(float),
        "bathrooms": random.integers(1, 4, rows).astype(float),
        "sqft": random.normal(2000 + 500 * shift, 500, rows).clip(100),
        "age": random.integers(0, 50, rows).astype(float),
        "location_score": random.uniform(1, 10, rows),
    }


def price(table: dict[str, Any]) -> Any:
    return 50_000 * table["bedrooms"] + 150 * table["sqft"] + 20_000 * table["location_score"]


@pytest.fixture(scope="session")
def reference(houses: FeatureSet) -> Reference:
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


def pack_log_payload(lines: list[str], *, log_group: str, log_stream: str, ids: list[str]) -> dict[str, Any]:
    """The subscription event that CloudWatch Logs would send for these lines."""
    payload = {
        "messageType": "DATA_MESSAGE",
        "owner": "000000000000",
        "logGroup": log_group,
        "logStream": log_stream,
        "subscriptionFilters": ["drift"],
        "logEvents": [{"id": i, "timestamp": 0, "message": line} for i, line in zip(ids, lines, strict=True)],
    }
    packed = gzip.compress(json.dumps(payload).encode(), mtime=0)
    return {"awslogs": {"data": base64.b64encode(packed).decode()}}


@pytest.fixture
def as_logs() -> Callable[[list[str]], dict[str, Any]]:
    """The subscription event that delivers these lines; equal lines have equal ids."""

    def pack(lines: list[str]) -> dict[str, Any]:
        ids = [hashlib.sha256(line.encode()).hexdigest()[:56] for line in lines]
        return pack_log_payload(lines, log_group="/aws/lambda/predictor", log_stream="one", ids=ids)

    return pack
