"""Each saved part cut in half, and its first byte changed: a sentence, and nothing else is lost."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from drift_contracts import DriftError
from drift_engine.bundle import DOCUMENTS, FOREST, BundleError, bundle_folder, load_bundle
from drift_monitor.errors import BadStore, MonitorError
from drift_monitor.keys import Series
from drift_monitor.stores.packing import UNREADABLE, unpack

from tests.upgrade.processes import ConsoleProcess
from tests.upgrade.running import Running, bundles_in, facts_of, lines_of, minutes_of
from tests.upgrade.story import HOUSES, MODELS, PATIENTS
from tests.upgrade.watched import FAR, TABLE, Watched, in_memory, make_table, write_items


def cut(data):
    return data[: len(data) // 2]


def change_first_byte(data):
    return bytes([data[0] ^ 0xFF]) + data[1:]


DAMAGES = {"cut in half": cut, "first byte changed": change_first_byte}


@pytest.fixture(params=DAMAGES.values(), ids=list(DAMAGES))
def damage(request):
    """Damages bytes."""
    return request.param


def harm(path, damage):
    """Damage a file; returns what it holds now."""
    path.write_bytes(damage(path.read_bytes()))
    return path.read_bytes()


@pytest.fixture
def data(state, tmp_path):
    return state.copy_console(tmp_path)


# --- the console's store
# ---------------------------------------------------------------------------------


def move_aside(data):
    """Do what the refusal says."""
    for path in data.glob("console.sqlite*"):
        path.rename(path.with_name("damaged-" + path.name))


def test_damaged_store(data, bundles, facts, damage):
    """A damaged store is refused with the way out, and stays as it is."""
    harmed = harm(data / "console.sqlite", damage)
    for _ in range(2):  # the folder is free again
        with pytest.raises(BadStore, match="Move it aside") as caught:
            Running(data, bundles, facts["saved_at"])
        assert str(data / "console.sqlite") in str(caught.value)
    assert (data / "console.sqlite").read_bytes() == harmed
    assert sorted(path.name for path in data.iterdir()) == ["console.sqlite", "events", "lock"]


def test_damaged_store_start(state, data, damage):
    """A console with a damaged store ends with the way out in its message."""
    harm(data / "console.sqlite", damage)
    with ConsoleProcess(data, state.bundles) as console:
        pass
    assert console.code not in (0, None)
    assert "Move it aside" in " ".join(console.output.split())
    assert "Traceback" not in console.output


def test_counted_from_log(data, bundles, facts, damage):
    """With the store out of the way, what the log still has is counted again."""
    logged = sum(path.read_bytes().count(b"\n") for path in (data / "events").iterdir())
    harm(data / "console.sqlite", damage)
    move_aside(data)
    running = Running(data, bundles, facts["saved_at"])
    running.work()
    running.stop()
    now = facts_of(data, bundles)
    assert now["events"] == logged
    assert sum(sum(minutes.values()) for minutes in now["windows"].values()) == logged


@pytest.mark.parametrize("length", [1, 15, 99, 100, 4095, 4096, 8192])
def test_short_store(data, bundles, facts, length):
    """A store of any shorter length is refused."""
    path = data / "console.sqlite"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(BadStore):
        Running(data, bundles, facts["saved_at"])


def test_killed_store(data, bundles, facts, tmp_path):
    """A killed store is not called damaged, though pages are in the write-ahead log only."""
    running = Running(data, bundles, facts["saved_at"])
    running.work()
    killed = tmp_path / "killed"
    killed.mkdir()
    (killed / "events").mkdir()
    for path in (data / "console.sqlite", data / "console.sqlite-wal"):
        (killed / path.name).write_bytes(path.read_bytes())
    running.stop()
    again = Running(killed, bundles, facts["saved_at"])
    again.work()
    again.stop()
    assert facts_of(killed, bundles)["events"] == facts["console"]["events"] + facts["not_taken_in"]


# --- the event log
# ---------------------------------------------------------------------------------------


def test_damaged_lines(data, bundles, facts, damage, caplog):
    """Damaged lines of a segment are reported, and all others count."""
    segment = max((data / "events").iterdir())
    taken_in = segment.read_bytes().count(b"\n") - facts["not_taken_in"]
    lines = segment.read_bytes().splitlines(keepends=True)
    waiting = b"".join(lines[taken_in:])
    segment.write_bytes(b"".join(lines[:taken_in]) + damage(waiting))
    whole = sum(
        line.startswith(b"{") and line.endswith(b"}\n")
        for line in damage(waiting).splitlines(keepends=True)
    )
    running = Running(data, bundles, facts["saved_at"])
    running.work()
    running.stop()
    now = facts_of(data, bundles)
    assert now["events"] == facts["console"]["events"] + whole
    assert whole in (facts["not_taken_in"] // 2, facts["not_taken_in"] - 1)
    (told,) = [
        record.getMessage() for record in caplog.records if "damaged lines" in record.getMessage()
    ]
    assert told.startswith("1 damaged lines")
    assert segment.name in told
    assert now["alerts"] == facts["console"]["alerts"]


def test_old_damaged_segment(data, bundles, facts, damage, caplog):
    """A damaged segment that was counted before changes nothing."""
    first, _ = sorted((data / "events").iterdir())
    harm(first, damage)
    running = Running(data, bundles, facts["saved_at"])
    running.work()
    running.stop()
    assert facts_of(data, bundles)["events"] == facts["console"]["events"] + facts["not_taken_in"]
    assert not caplog.records


# --- bundles
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", ["manifest.json", *DOCUMENTS, FOREST])
def test_damaged_bundle(state, tmp_path, damage, model, name):
    """A damaged bundle is refused with the name of its file."""
    folder = state.copy_bundles(tmp_path)
    harm(Path(bundle_folder(folder / model), name), damage)
    with pytest.raises(BundleError, match="expected") as caught:
        load_bundle(folder / model)
    assert caught.value.file == name
    other = MODELS[1 - MODELS.index(model)]
    assert load_bundle(folder / other).manifest["model"] == other


def test_console_keeps_data(state, data, tmp_path, damage):
    """A console with a damaged bundle does not touch its data."""
    folder = state.copy_bundles(tmp_path)
    harm(Path(bundle_folder(folder / HOUSES), "forest.bin"), damage)
    before = {path.name: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    with ConsoleProcess(data, folder) as console:
        pass
    assert console.code not in (0, None)
    assert "forest.bin" in console.output
    assert "Traceback" not in console.output
    assert {path.name: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before
    with pytest.raises(DriftError):
        bundles_in(folder)


# --- DynamoDB items, and the rows of the same stores in SQLite
# -------------------------------------------


@pytest.fixture
def kept(state):
    return state.read("dynamodb.json.gz")


@pytest.fixture
def client(kept):
    with in_memory() as client:
        make_table(client)
        write_items(client, kept["items"])
        yield client


def first_of(kept, kind, model):
    """The key of the first item of a kind."""
    item = next(item for item in kept["items"] if item["pk"]["S"].startswith(f"{kind}#{model}#"))
    return {"pk": item["pk"], "sk": item["sk"]}


def harm_item(client, key, damage):
    """Damage the binary attribute of an item; returns the item."""
    item = client.get_item(TableName=TABLE, Key=key)["Item"]
    (name,) = [name for name, value in item.items() if "B" in value]
    item[name] = {"B": damage(bytes(item[name]["B"]))}
    client.put_item(TableName=TABLE, Item=item)
    return item


@pytest.fixture
def end(state):
    """The end of the last saved minute, in seconds since 1970."""
    (*_, (end, _)) = minutes_of(lines_of(state))
    return end


def total(watched, model):
    return sum(watched.counted()[model].values())


def test_damaged_fragment(client, bundles, kept, end, damage, caplog):
    """A damaged fragment becomes a dead letter with its bytes, and the others count."""
    key = first_of(kept, "fragments", HOUSES)
    held = unpack(client.get_item(TableName=TABLE, Key=key)["Item"]["window"]["B"])["events"]
    harm_item(client, key, damage)
    watched = Watched(client, bundles, end + 300)
    watched.evaluate()
    counted = kept["saved"]["counted"]
    assert total(watched, HOUSES) == sum(counted[HOUSES].values()) - held
    assert total(watched, PATIENTS) == sum(counted[PATIENTS].values())
    assert watched.evaluations[HOUSES].counts["unreadable"] == 1
    assert any("cannot be read" in record.getMessage() for record in caplog.records)
    assert not any(record.exc_info for record in caplog.records)
    version = next(series.version for series in watched.references if series.model == HOUSES)
    (aside,) = watched.store.fragments(Series(HOUSES, f"{version}-unreadable"), FAR, 10)
    assert list(aside.window) == [UNREADABLE]


def test_damaged_window(client, bundles, kept, end, damage):
    """A damaged window is skipped and stays."""
    key = first_of(kept, "windows", HOUSES)
    harmed = harm_item(client, key, damage)
    watched = Watched(client, bundles, end)
    watched.evaluate()
    assert set(watched.evaluations) == {HOUSES, PATIENTS}
    assert client.get_item(TableName=TABLE, Key=key)["Item"] == harmed
    series = next(series for series in watched.references if series.model == HOUSES)
    windows = watched.store.windows(series, *hours_around(key))
    assert [UNREADABLE in each.window for each in windows] == [True] + [False] * (len(windows) - 1)
    assert len(windows) > 1
    assert all(before.key.minute < after.key.minute for before, after in pairwise(windows))


def hours_around(key):
    minute = int(key["sk"]["S"])
    return minute - 60, minute + 60


def test_damaged_state(client, bundles, kept, end, damage, caplog):
    """A damaged state is refused with the way out, and the other model goes on."""
    key = first_of(kept, "state", HOUSES)
    harmed = harm_item(client, key, damage)
    watched = Watched(client, bundles, end)
    with pytest.raises(BadStore, match="delete it") as caught:
        watched.evaluate()
    assert HOUSES in str(caught.value)
    assert client.get_item(TableName=TABLE, Key=key)["Item"] == harmed
    assert set(watched.evaluations) == {PATIENTS}
    assert [alert["model"] for alert in watched.published] == [PATIENTS]
    assert total(watched, HOUSES) == sum(kept["saved"]["counted"][HOUSES].values())
    assert not any(record.exc_info for record in caplog.records)
    client.delete_item(TableName=TABLE, Key=key)  # as it says
    again = Watched(client, bundles, end)
    again.evaluate()
    assert set(again.evaluations) == {HOUSES, PATIENTS}


def test_state_lacks_member(client, bundles, end):
    """A state that lacks a member is reported as damaged."""
    watched = Watched(client, bundles, end)
    series = next(series for series in watched.references if series.model == HOUSES)
    stored = watched.store.state(series)
    shortened = {name: value for name, value in stored.state.items() if name != "cursor"}
    watched.store.save(series, stored.revision, shortened)
    with pytest.raises(MonitorError, match="damaged"):
        watched.evaluate()


def test_damaged_row(data, bundles, facts, damage, caplog):
    """A damaged row of a model leaves the console its alarms and the other model."""
    select = "SELECT state FROM monitor_states WHERE model = ?"
    update = "UPDATE monitor_states SET state = ? WHERE model = ?"
    with closing(sqlite3.connect(data / "console.sqlite")) as connection, connection:
        (row,) = connection.execute(select, (HOUSES,)).fetchone()
        connection.execute(update, (damage(row), HOUSES))
    running = Running(data, bundles, facts["saved_at"])
    running.now += 300
    running.work()
    running.stop()
    now = facts_of(data, bundles)
    assert now["events"] == facts["console"]["events"] + facts["not_taken_in"]
    assert (
        now["judgements"][PATIENTS]["judged"] > facts["console"]["judgements"][PATIENTS]["judged"]
    )
    failures = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert any("delete it" in record.getMessage() for record in failures)
    assert not any(record.exc_info for record in failures)
