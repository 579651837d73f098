"""Each saved part cut in half, and its first byte changed: a sentence, and nothing else is lost."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from drift_contracts import DriftError
from drift_engine.bundle import FILES, BundleError, bundle_folder, load_bundle
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


def test_a_damaged_store_is_refused_with_the_way_out_and_left_as_it_is(
    data, bundles, facts, damage
):
    harmed = harm(data / "console.sqlite", damage)
    for _ in range(2):  # the folder is free again
        with pytest.raises(BadStore, match="Move it aside") as caught:
            Running(data, bundles, facts["saved_at"])
        assert str(data / "console.sqlite") in str(caught.value)
    assert (data / "console.sqlite").read_bytes() == harmed
    assert sorted(path.name for path in data.iterdir()) == ["console.sqlite", "events", "lock"]


def test_a_true_start_refuses_in_a_sentence(state, data, damage):
    harm(data / "console.sqlite", damage)
    with ConsoleProcess(data, state.bundles) as console:
        pass
    assert console.code not in (0, None)
    assert "Move it aside" in " ".join(console.output.split())
    assert "Traceback" not in console.output


def test_what_the_log_still_holds_is_counted_again_once_the_store_is_out_of_the_way(
    data, bundles, facts, damage
):
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
def test_a_store_of_any_shorter_length_is_refused(data, bundles, facts, length):
    path = data / "console.sqlite"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(BadStore):
        Running(data, bundles, facts["saved_at"])


def test_a_store_that_was_killed_in_the_middle_of_its_work_is_not_called_damaged(
    data, bundles, facts, tmp_path
):
    """Pages may be in the write-ahead log only, when the process ends."""
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


def test_damaged_lines_of_a_segment_are_told_and_all_others_count(
    data, bundles, facts, damage, caplog
):
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


def test_a_segment_that_was_taken_in_before_costs_nothing(data, bundles, facts, damage, caplog):
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
@pytest.mark.parametrize("name", ["manifest.json", *FILES])
def test_a_damaged_bundle_is_refused_by_the_name_of_its_file(state, tmp_path, damage, model, name):
    folder = state.copy_bundles(tmp_path)
    harm(Path(bundle_folder(folder / model), name), damage)
    with pytest.raises(BundleError, match="expected") as caught:
        load_bundle(folder / model)
    assert caught.value.file == name
    other = MODELS[1 - MODELS.index(model)]
    assert load_bundle(folder / other).manifest["model"] == other


def test_a_console_with_a_damaged_bundle_does_not_touch_its_data(state, data, tmp_path, damage):
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


def test_a_damaged_fragment_goes_aside_with_its_bytes_and_the_others_are_judged(
    client, bundles, kept, end, damage, caplog
):
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


def test_a_damaged_window_is_passed_over_and_stays(client, bundles, kept, end, damage):
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


def test_a_damaged_state_is_refused_with_the_way_out_and_the_other_model_goes_on(
    client, bundles, kept, end, damage, caplog
):
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


def test_a_state_that_lacks_a_member_is_called_damaged(client, bundles, end):
    watched = Watched(client, bundles, end)
    series = next(series for series in watched.references if series.model == HOUSES)
    stored = watched.store.state(series)
    shortened = {name: value for name, value in stored.state.items() if name != "cursor"}
    watched.store.save(series, stored.revision, shortened)
    with pytest.raises(MonitorError, match="damaged"):
        watched.evaluate()


def test_a_damaged_row_of_one_model_leaves_the_console_its_alarms_and_the_other_model(
    data, bundles, facts, damage, caplog
):
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
