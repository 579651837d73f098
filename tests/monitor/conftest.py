from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from drift_monitor.stores import DynamoStore, MemoryStore, SqliteStore
from moto import mock_aws

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from drift_monitor.stores import Store

TABLE = "windows"


@pytest.fixture
def aws(monkeypatch) -> Iterator[None]:
    """A cloud in memory; no credentials of the machine can be used by mistake."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        yield


@pytest.fixture
def dynamodb(aws: None) -> Any:  # noqa: ARG001 - the cloud must be there first
    """A client of a cloud in memory that holds an empty table."""
    client = boto3.client("dynamodb")
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    return client


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
        yield DynamoStore(request.getfixturevalue("dynamodb"), TABLE, lambda: 1_800_000_000.0)
