"""The segment of a drift: searched for among events, named in the alert, and verified by its own windows."""

from __future__ import annotations

import gzip
import json

import numpy as np
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
from drift_ml.baseline.fit import fit_baseline
from drift_ml.evidence import DriftFinding
from drift_ml.segments.fit import fit_segments
from drift_ml.window import Window
from drift_monitor.alerts import AlertSource, Grounds, drift_alert
from drift_monitor.keys import WindowKey
from drift_monitor.reference import Reference
from drift_monitor.stores import Fragment, SqliteStore

from tests.support.house_tables import columns, price
from tests.support.series import SERIES

ONSET = 1_800_000_000.0


@pytest.fixture(scope="module")
def reference():
    """Return the reference of ordinary houses."""
    table = columns(3_000, seed=1)
    houses = feature_set("house-price")
    return Reference(houses, fit_baseline(houses, table, predictions=price(table)))


@pytest.fixture(scope="module")
def alert(reference):
    """Return an alert that areas have risen."""
    finding = DriftFinding("sqft", "location", "up", 0.3, 0.3, ONSET, 900.0, 15.0, 11.0, {"sqft": 1.0})
    return drift_alert(AlertSource("test", SERIES, reference, {}), finding, Grounds(int(ONSET // 60) + 9, 50_000))


def event_lines(rows=600):
    """Return event lines from before the onset and since; areas have risen where houses are young."""
    table = columns(2 * rows, seed=5)
    is_moved = (np.arange(2 * rows) >= rows) & (table["age"] < 10)
    table["sqft"] = table["sqft"] + np.where(is_moved, 700, 0)
    prices = price(table)
    lines = []
    for row in range(2 * rows):
        event = {
            "contract": "prediction.event.v1",
            "Model": SERIES.model,
            "model_version": SERIES.version,
            "timestamp": f"2027-01-15T{7 + row // rows:02}:59:59.{row % rows:03}Z",
            "Prediction": float(prices[row]),
            "features": {name: float(values[row]) for name, values in table.items()},
        }
        lines.append(json.dumps(event))
    return lines


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
    lines = event_lines()
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
    documents = [(line.encode(), Line(ONSET, (), json.loads(line))) for line in event_lines()]
    EventStore(connection).add(documents)
    connection.commit()
    connection.close()
    result = CliRunner().invoke(command, [alert_file, "--events", str(tmp_path)])
    assert "age below" in result.output


@pytest.mark.usefixtures("bundled")
def test_damaged_store(alert_file, tmp_path):
    """A store that is no store is refused with 5, a damaged log with 2, and so are both or neither."""
    (tmp_path / "bad.sqlite").write_text("no store" * 1000)
    assert CliRunner().invoke(command, [alert_file, "--events", str(tmp_path / "bad.sqlite")]).exit_code == 5
    (tmp_path / "bad.gz").write_text("no gzip")
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
