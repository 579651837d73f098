"""The store: what the log says is in it once, and any aligned period can be asked for."""

import json
import sqlite3
from itertools import pairwise

import pytest
from drift_console.database import connect, transaction
from drift_console.emf import Line, MetricId, parse_line
from drift_console.events import EventStore
from drift_console.ingest import Ingester, position
from drift_console.linelog import LineWriter, segments
from drift_console.metrics import SECONDS_KEPT, MetricStore
from hypothesis import given
from hypothesis import strategies as st

METRIC = MetricId.of("MLOpsDriftMonitor", "DriftScore", {"Stack": "local", "Model": "house-price"})
START = 1_795_435_200  # a whole minute


@pytest.fixture
def connection(tmp_path):
    opened = connect(tmp_path / "console.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def log(tmp_path):
    folder = tmp_path / "events"
    folder.mkdir()
    return folder


def ingest_all(connection, log):
    ingester = Ingester(connection, log)
    while ingester.ingest():
        pass


def counted(connection, start=START - 3600, minutes=180):
    whole = MetricStore(connection).distributions(METRIC, start, 60 * minutes, 1)[0]
    return whole.count if whole else 0


def test_stored_once(connection, log, event_line):
    """Every line is stored once over restarts at any point."""
    for process in range(3):
        writer = LineWriter(log, after=position(connection).segment)
        for number in range(5):
            writer.write(event_line(START + number, number=process * 5 + number))
        writer.close()
        ingest_all(connection, log)
        ingest_all(connection, log)
    ids = [event.document()["prediction_id"] for event in EventStore(connection).after(0)]
    assert ids == [f"id-{number}" for number in range(15)]
    assert counted(connection) == 15


def test_crash_before_commit(connection, log, event_line, monkeypatch):
    """A crash before the commit stores nothing and the retry everything."""
    writer = LineWriter(log)
    writer.write(event_line(START))
    writer.close()
    ingester = Ingester(connection, log)
    ingester.ingest()  # moves into the first segment
    monkeypatch.setattr(EventStore, "add", lambda *_: (_ for _ in ()).throw(sqlite3.OperationalError("disk full")))
    with pytest.raises(sqlite3.OperationalError):
        ingester.ingest()
    assert counted(connection) == 0
    monkeypatch.undo()
    ingest_all(connection, log)
    assert counted(connection) == 1


def test_other_lines(connection, log, event_line):
    """Lines without metrics are passed over."""
    writer = LineWriter(log)
    for line in (b"no json", b"{}", b"[1]", b'{"_aws": 3}', event_line(START)):
        writer.write(line)
    writer.close()
    ingest_all(connection, log)
    assert counted(connection) == EventStore(connection).last() == 1


points = st.lists(st.tuples(st.integers(0, 599), st.integers(-100, 100)), min_size=1, max_size=50)


@given(points, st.lists(st.integers(0, 50), max_size=3), st.sampled_from([1, 5, 7, 60, 300]))
def test_any_period(values, cuts, period):
    """Any period holds exactly the points in it however they were batched."""
    connection = connect(":memory:")
    store = MetricStore(connection)
    lines = [Line(START + at, ((METRIC, float(value)),), {}) for at, value in values]
    borders = [0, *sorted(min(cut, len(lines)) for cut in cuts), len(lines)]
    for first, last in pairwise(borders):
        store.add(lines[first:last])
    count = -(-600 // period)
    found = store.distributions(METRIC, START, period, count)
    summaries = store.summaries(METRIC, START, period, count)
    for index in range(count):
        inside = sorted(value for at, value in values if index * period <= at < (index + 1) * period)
        seen, summary = found[index], summaries[index]
        if not inside:
            assert seen is None
            assert summary is None
        else:
            facts = (len(inside), sum(inside), inside[0], inside[-1])
            assert (seen.count, seen.total, seen.minimum, seen.maximum) == facts
            assert (summary.count, summary.total, summary.minimum, summary.maximum) == facts
            assert summary.average == pytest.approx(sum(inside) / len(inside))
            assert seen.percentile(50) == inside[(len(inside) - 1) // 2]
    connection.close()


def test_cursor(connection, log, event_line):
    """Events are read by cursor without gap or repeat."""
    writer = LineWriter(log)
    for number in range(25):
        writer.write(event_line(START + number, number=number, model="house-price" if number % 3 else "diabetes"))
        ingest_all(connection, log)
    writer.close()
    store, cursor, seen = EventStore(connection), 0, []
    while batch := store.after(cursor, limit=4):
        seen += [event.document()["prediction_id"] for event in batch]
        cursor = batch[-1].number
    assert seen == [f"id-{number}" for number in range(25)]
    assert cursor == store.last() == 25


def test_cursor_inside_run(connection, event_line):
    """A cursor inside a run gives the rest of it."""
    store = EventStore(connection)
    with transaction(connection):
        lines = [event_line(START, number=number) for number in range(5)]
        store.add((line, parse_line(line)) for line in lines)
    assert [event.number for event in store.after(3)] == [4, 5]


def test_newest(connection, log, event_line):
    """The newest events of a model come newest first."""
    writer = LineWriter(log)
    for number in range(6):
        writer.write(event_line(START, number=number, model="diabetes" if number % 2 else "house-price"))
    writer.close()
    ingest_all(connection, log)
    newest = EventStore(connection).newest("house-price", 2)
    assert [event.document()["prediction_id"] for event in newest] == ["id-4", "id-2"]


def test_retention(connection, log, event_line):
    """What is older than the retention is forgotten and numbers go on."""
    writer = LineWriter(log)
    writer.write(event_line(START))
    writer.close()
    ingest_all(connection, log)
    LineWriter(log).close()
    ingest_all(connection, log)
    later = 4_000_000_000.0
    Ingester(connection, log).prune(now=later, retention=3600)
    assert counted(connection) == 0
    assert EventStore(connection).after(0) == []
    assert EventStore(connection).last() == 1
    assert list(segments(log)) == [2]


def test_seconds(connection, log, event_line):
    """Seconds are forgotten before minutes."""
    writer = LineWriter(log)
    writer.write(event_line(START + 1))
    writer.close()
    ingest_all(connection, log)
    Ingester(connection, log).prune(now=START + SECONDS_KEPT + 60, retention=7 * 86400)
    store = MetricStore(connection)
    assert store.distributions(METRIC, START, 60, 1)[0].count == 1
    assert store.distributions(METRIC, START + 1, 1, 1) == [None]


def test_rich_line():
    """A line may hold several metrics namespaces dimension sets and lists of values."""
    document = {
        "_aws": {
            "Timestamp": 1000,
            "CloudWatchMetrics": [
                {"Namespace": "A", "Dimensions": [["D"], []], "Metrics": [{"Name": "M"}]},
                {"Namespace": "B", "Dimensions": [["D", "E"]], "Metrics": [{"Name": "M"}, {"Name": "gone"}]},
            ],
        },
        "D": "d",
        "E": 1,
        "M": [1, 2.5, "x", True, float("inf")],
    }
    line = parse_line(json.dumps(document).encode())
    expected = [
        (MetricId.of("A", "M", {"D": "d"}), 1.0),
        (MetricId.of("A", "M", {"D": "d"}), 2.5),
        (MetricId.of("A", "M", {}), 1.0),
        (MetricId.of("A", "M", {}), 2.5),
        (MetricId.of("B", "M", {"D": "d", "E": "1"}), 1.0),
        (MetricId.of("B", "M", {"D": "d", "E": "1"}), 2.5),
    ]
    assert list(line.datapoints) == expected
    assert line.timestamp == 1.0
