"""The segment of a drift: searched for among events, named in the alert, and verified by its own windows."""

from __future__ import annotations

import gzip
import json

import boto3
import pytest
from click.testing import CliRunner
from drift_console.database import connect
from drift_console.emf import Line
from drift_console.events import EventStore
from drift_console.segments import segments as command
from drift_console.stored_windows import Span, stored_segments
from drift_console.verify import verify
from drift_contracts import FeatureSet, feature_set
from drift_contracts.features import SECOND
from drift_contracts.prediction_log import place
from drift_ml.baseline.fit import fit_baseline
from drift_ml.segments.fit import fit_segments
from drift_ml.window import Window
from drift_monitor.keys import WindowKey
from drift_monitor.reference import Reference
from drift_monitor.stores import Fragment, SqliteStore
from moto import mock_aws

from tests.support.house_tables import columns, price
from tests.support.moved_events import ONSET, alert_of_all, moved_events
from tests.support.series import SERIES


@pytest.fixture(scope="module")
def reference():
    """Return the reference of ordinary houses."""
    table = columns(3_000, seed=1)
    houses = feature_set("house-price")
    return Reference(houses, fit_baseline(houses, table, predictions=price(table)))


@pytest.fixture(scope="module")
def alert(reference):
    """Return an alert that areas have risen."""
    return alert_of_all(reference)


@pytest.fixture
def bundled(reference, monkeypatch):
    """Let the command find the reference as the bundle of the model."""
    monkeypatch.setattr("drift_console.segments.bundle_of", lambda *_: (None, None, reference.baseline))
    monkeypatch.setattr("drift_monitor.reference.reference_of", lambda *_: reference)


@pytest.fixture
def alert_file(alert, tmp_path):
    path = tmp_path / "alert.json"
    path.write_text(json.dumps(alert))
    return str(path)


@pytest.mark.usefixtures("bundled")
def test_search_of_log(alert_file, tmp_path):
    """The command searches files of a prediction log, with gzip or without, and passes over other lines."""
    lines = moved_events()
    folder = tmp_path / "predictions" / "hour=8"
    folder.mkdir(parents=True)
    odd = ['{"Model": "other"}', "no event", "[1]", lines[0].replace("2027-01-15T", "soon")]
    (folder / "a.gz").write_bytes(gzip.compress("\n".join([*odd, *lines[:700]]).encode()))
    (folder / "b.jsonl").write_text("\n".join(lines[700:]))
    result = CliRunner().invoke(command, [alert_file, "--log", str(tmp_path / "predictions")])
    assert result.exit_code == 0, result.output
    assert "age below" in result.output
    assert "of the change" in " ".join(result.output.split())


@pytest.mark.usefixtures("bundled")
def test_search_of_console(alert_file, tmp_path):
    """The command searches the events of a console; without any it says so."""
    connection = connect(tmp_path / "console.sqlite")
    empty = CliRunner().invoke(command, [alert_file, "--events", str(tmp_path)])
    assert "cannot be said" in empty.output
    documents = [(line.encode(), Line(ONSET, (), json.loads(line))) for line in moved_events()]
    EventStore(connection).add(documents)
    connection.commit()
    connection.close()
    result = CliRunner().invoke(command, [alert_file, "--events", str(tmp_path)])
    assert "age below" in result.output


@pytest.fixture
def bucket(monkeypatch):
    """Return the name of an empty bucket of a cloud in memory."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="predictions-of-test")
        yield "predictions-of-test"


@pytest.mark.usefixtures("bundled")
def test_search_of_bucket(alert_file, bucket):
    """The command searches the bucket of a stack; one that is not there is refused with 5, and how to mend it."""
    empty = CliRunner().invoke(command, [alert_file, "--bucket", bucket])
    assert empty.exit_code == 0
    assert "cannot be said" in empty.output
    data = gzip.compress("\n".join(moved_events()).encode())
    key = place(SERIES.model, "2027-01-15", "08") + "events.gz"
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=data)
    assert "age below" in CliRunner().invoke(command, [alert_file, "--bucket", bucket]).output
    absent = CliRunner().invoke(command, [alert_file, "--bucket", "absent"])
    assert absent.exit_code == 5
    assert "NoSuchBucket" in absent.output


@pytest.mark.usefixtures("bundled", "bucket")
def test_without_credentials(alert_file, bucket, monkeypatch):
    """A profile that the machine does not have ends with 5, and names what is expected."""
    monkeypatch.setenv("AWS_PROFILE", "absent")
    refused = CliRunner().invoke(command, [alert_file, "--bucket", bucket])
    assert refused.exit_code == 5
    assert "predictionsBucket" in refused.output


@pytest.mark.usefixtures("bundled")
def test_damaged_store(alert_file, tmp_path):
    """A store that is no store is refused with 5, a damaged log with 2, and so are both or neither."""
    (tmp_path / "bad.sqlite").write_text("no store" * 1000)
    assert CliRunner().invoke(command, [alert_file, "--events", str(tmp_path / "bad.sqlite")]).exit_code == 5
    (tmp_path / "bad.gz").write_text("no gzip")
    assert CliRunner().invoke(command, [alert_file, "--log", str(tmp_path / "bad.gz")]).exit_code == 2
    packed = bytearray(gzip.compress(b"no event\n" * 99))
    packed[12] ^= 0xFF
    (tmp_path / "bad.gz").write_bytes(packed)
    assert CliRunner().invoke(command, [alert_file, "--log", str(tmp_path / "bad.gz")]).exit_code == 2
    assert CliRunner().invoke(command, [alert_file]).exit_code == 2


def test_alert_of_segment(alert, tmp_path):
    """An alert of a segment needs no search; one of a segment that no bundle has cannot be verified."""
    path = tmp_path / "alert.json"
    path.write_text(json.dumps(alert | {"segment": {"name": "age", "value": "below 10"}}))
    assert CliRunner().invoke(command, [str(path), "--log", str(tmp_path)]).exit_code == 2
    words = [str(path), "--windows", str(tmp_path), "--bundles", str(tmp_path)]
    assert CliRunner().invoke(verify, words).exit_code == 2


def test_stored_windows(reference, tmp_path):
    """A report finds the windows of each segment beside those of all traffic, minute by minute."""
    table = columns(2_000, seed=3)
    cuts = [{"feature": "age", "cuts": [25]}]
    houses = FeatureSet.from_json(feature_set("house-price").to_json() | {"contract": SECOND, "segments": cuts})
    segments = fit_segments(houses, table, reference.baseline)
    young, old = segments.watched
    store = SqliteStore(tmp_path / "console.sqlite")
    windows = []
    for minute in (10, 11):
        whole = Window.empty(reference.baseline, SERIES.version)
        whole.observe({name: float(values[0]) for name, values in table.items()}, 1.0, minute * 60_000)
        windows.append(whole)
    part = Window.empty(young.baseline, SERIES.version)
    part.observe({"age": 3.0}, None, 11 * 60_000)
    store.add("one", [Fragment(WindowKey(SERIES.part(young.code), 11), "one", part.to_json())])
    store.close()
    found = stored_segments(tmp_path / "console.sqlite", segments, SERIES.version, Span(0, 20), windows)
    assert [window.events for window in found.windows(young)] == [0, 1]
    assert [window.events for window in found.windows(old)] == [0, 0]
    assert found.windows(list(segments)[-1]) == []
