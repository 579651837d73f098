"""What a newer release wrote is refused in a sentence, and no byte of it is changed."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from drift_console.database import connect
from drift_engine.bundle import BundleError, bundle_folder, load_bundle
from drift_monitor.errors import BadStore
from drift_monitor.stores import FORMAT, SqliteStore, open_store
from drift_monitor.stores import files as store_files
from drift_monitor.stores.packing import pack, unpack

from tests.upgrade.processes import ConsoleProcess
from tests.upgrade.running import Running, lines_of, minutes_of
from tests.upgrade.story import HOUSES, MODELS, PATIENTS
from tests.upgrade.watched import TABLE, Watched, in_memory, make_table, read_items, write_items


def digests(folder):
    """The digest of every file in a folder, but for those that hold nothing of their own."""
    paths = sorted(
        path for path in folder.rglob("*") if path.is_file() and path.suffix != ".sqlite-shm"
    )
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if path.name not in ("lock", "console.log") and not path.name.endswith("-shm")
    }


def set_format(path, number):
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {number}")
    connection.commit()
    connection.close()


@pytest.fixture
def newer(state, tmp_path):
    """The saved data folder, as a release after this one would have left it."""
    data = state.copy_console(tmp_path)
    set_format(data / "console.sqlite", FORMAT + 1)
    return data


def test_newer_store(newer, bundles, facts):
    """A store of a newer format is refused and not changed."""
    before = digests(newer)
    with pytest.raises(BadStore, match="newer") as caught:
        Running(newer, bundles, facts["saved_at"])
    assert caught.value.place == newer / "console.sqlite"
    assert digests(newer) == before


def test_newer_store_start(state, newer):
    """A console with a newer store ends with the reason in its message."""
    before = digests(newer)
    with ConsoleProcess(newer, state.bundles) as console:
        pass
    assert console.code != 0
    assert "newer" in console.output
    assert "Traceback" not in console.output
    assert digests(newer) == before


def test_newer_monitor_store(newer):
    """The monitor refuses a newer store too."""
    before = digests(newer)
    with pytest.raises(BadStore, match="newer"):
        SqliteStore(newer / "console.sqlite")
    assert digests(newer) == before


def test_format_in_log(state, tmp_path):
    """A format that is in the write-ahead log only is read."""
    data = state.copy_console(tmp_path)
    writer = sqlite3.connect(data / "console.sqlite")
    writer.execute(f"PRAGMA user_version = {FORMAT + 1}")
    writer.commit()
    killed = shutil.copytree(data, tmp_path / "killed")
    writer.close()
    before = digests(killed)
    assert "console.sqlite-wal" in before
    with pytest.raises(BadStore, match="newer"):
        connect(killed / "console.sqlite")
    assert digests(killed) == before


def test_saved_store_migrated(state, tmp_path):
    """A saved store is brought to the format of today."""
    data = state.copy_console(tmp_path)
    connection = connect(data / "console.sqlite")
    assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT,)
    connection.close()


def test_migration_steps(state, tmp_path, monkeypatch):
    """A later format is reached step by step from every saved state."""
    data = state.copy_console(tmp_path)
    steps = store_files.MIGRATIONS | {
        FORMAT: ("ALTER TABLE outbox ADD COLUMN note TEXT", "UPDATE outbox SET note = 'moved'"),
        FORMAT + 1: ("UPDATE outbox SET note = note || ' twice'",),
    }
    monkeypatch.setattr(store_files, "MIGRATIONS", steps)
    monkeypatch.setattr(store_files, "FORMAT", FORMAT + 2)
    connection = connect(data / "console.sqlite")
    assert connection.execute("SELECT note FROM outbox").fetchall() == [("moved twice",)]
    assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT + 2,)
    connection.close()


def test_failing_migration(state, tmp_path, monkeypatch):
    """A migration that fails leaves the format before it."""
    data = state.copy_console(tmp_path)
    steps = store_files.MIGRATIONS | {
        FORMAT: ("UPDATE outbox SET url = 'lost'", "UPDATE nothing SET x = 1")
    }
    monkeypatch.setattr(store_files, "MIGRATIONS", steps)
    monkeypatch.setattr(store_files, "FORMAT", FORMAT + 1)
    with pytest.raises(sqlite3.OperationalError):
        connect(data / "console.sqlite")
    connection = sqlite3.connect(data / "console.sqlite")
    assert connection.execute("SELECT count(*) FROM outbox WHERE url = 'lost'").fetchone() == (0,)
    assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT,)
    connection.close()


def test_new_file(tmp_path, monkeypatch):
    """A new file needs no migration."""
    monkeypatch.setattr(store_files, "MIGRATIONS", {})
    connection = open_store(tmp_path / "new.sqlite", "CREATE TABLE IF NOT EXISTS a (b)", timeout=1)
    assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT,)
    connection.close()


@pytest.mark.parametrize("model", MODELS)
def test_newer_bundle(state, tmp_path, model):
    """A newer bundle is refused with the way out and not changed."""
    folder = Path(bundle_folder(state.copy_bundles(tmp_path) / model))
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    (folder / "manifest.json").write_text(
        json.dumps({**manifest, "contract": "bundle.manifest.v99"})
    )
    before = digests(folder)
    with pytest.raises(BundleError, match=r"newer release.* train and pack") as caught:
        load_bundle(folder)
    assert caught.value.file == "manifest.json"
    assert digests(folder) == before


@pytest.fixture
def kept(state):
    return state.read("dynamodb.json.gz")


@pytest.fixture
def client():
    with in_memory() as client:
        make_table(client)
        yield client


def raise_format(item):
    """The item as a release writes it whose attributes mean something else."""
    item["format"] = {"N": "99"}


def raise_contract(item):
    """The item with a document of a later contract."""
    for name in item.keys() & {"window", "state"}:
        document = unpack(item[name]["B"])
        if name == "window":
            document["contract"] = "window.state.v99"
        else:
            document["detector"]["contract"] = "detector.state.v99"
        item[name] = {"B": pack(document)}


def add_member(item):
    """The evaluator's state with a member that this release does not know."""
    if "state" in item:
        document = unpack(item["state"]["B"])
        item["state"] = {"B": pack({**document, "seasons": {}})}


def of_kind(items, kind):
    return [item for item in items if item["pk"]["S"].startswith(f"{kind}#")]


def minute_of(item):
    return item["sk"]["S"].partition("#")[0]


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("state", raise_format),
        ("state", raise_contract),
        ("state", add_member),
        ("fragments", raise_format),
        ("fragments", raise_contract),
    ],
)
def test_newer_items(state, bundles, kept, client, kind, change):
    """Newer items are refused and not changed, and the other model goes on."""
    write_items(client, kept["items"])
    for item in read_items(client):
        if item["pk"]["S"].startswith(f"{kind}#{HOUSES}"):
            stored = client.get_item(TableName=TABLE, Key={"pk": item["pk"], "sk": item["sk"]})[
                "Item"
            ]
            change(stored)
            client.put_item(TableName=TABLE, Item=stored)
    before = [item for item in read_items(client) if f"#{HOUSES}#" in item["pk"]["S"]]
    (*_, (end, _)) = minutes_of(lines_of(state))
    watched = Watched(client, bundles, end + 300)  # everything that is stored is due
    with pytest.raises(BadStore, match="newer"):
        watched.evaluate()
    after = [item for item in read_items(client) if f"#{HOUSES}#" in item["pk"]["S"]]
    # A state is read after the fragments of its series were summed, which is no loss.
    assert of_kind(after, kind) == of_kind(before, kind)
    assert set(watched.evaluations) == {PATIENTS}
    assert [alert["model"] for alert in watched.published] == [PATIENTS]


@pytest.mark.parametrize("change", [raise_format, raise_contract])
def test_newer_window(state, bundles, kept, client, change):
    """Older fragments are not summed into a newer window."""
    write_items(client, kept["items"])
    fragment = next(
        item for item in kept["items"] if item["pk"]["S"].startswith(f"fragments#{HOUSES}")
    )
    window = next(item for item in kept["items"] if item["pk"]["S"].startswith(f"windows#{HOUSES}"))
    day = int(minute_of(fragment)) // 1440
    series = window["pk"]["S"].rpartition("#")[0]
    place = {"pk": {"S": f"{series}#{day}"}, "sk": {"S": minute_of(fragment)}}
    newer_window = (
        client.get_item(TableName=TABLE, Key={"pk": window["pk"], "sk": window["sk"]})["Item"]
        | place
    )
    change(newer_window)
    client.put_item(TableName=TABLE, Item=newer_window)
    before = [item for item in read_items(client) if f"#{HOUSES}#" in item["pk"]["S"]]
    (*_, (end, _)) = minutes_of(lines_of(state))
    with pytest.raises(BadStore, match="newer"):
        Watched(client, bundles, end + 300).evaluate()
    assert [item for item in read_items(client) if f"#{HOUSES}#" in item["pk"]["S"]] == before
