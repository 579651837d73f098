"""docs/exit-codes.md says what every command ends with; each code is provoked."""

from __future__ import annotations

import csv
import json
import os
import re
import socket
import stat
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from click import Group
from drift_client.cli import main
from drift_contracts import exits, feature_set
from drift_contracts.bundle_paths import bundle_folder
from drift_ml.training import Recipe, load_rows, train

from benchmarks import load_console
from tests.docs.forked import run_forked
from tests.support.houses import HOUSE_OPTIONS, houses

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/exit-codes.md").read_text("utf-8")
NOBODY = "http://127.0.0.1:9"
CONSOLE = ["driftctl", "serve", "--port", "{port}", "--bundles", "{bundles}", "--data-dir", "{data}"]
SCENARIOS = ["driftctl", "scenarios", "--model", "house-price", "--url"]
TRAINING = ["driftctl", "train", "--model", "house-price", "--out", "{tmp}/out"]
REPLAY = ["driftctl", "replay", "--data", "{drifted}", "--baseline"]
REPORT = ["driftctl", "report", "--bundles", "{bundles}", "--store", "{garbage}"]

#: Doors of `python -m` and the command of driftctl that calls the same function.
SAME = {
    "python -m drift_ml.training": "driftctl train",
    "python -m drift_console": "driftctl serve",
    "python -m drift_console.scenarios": "driftctl scenarios",
}

#: Command, code, words. `{...}` is a place that the fixture `place` makes.
SIZES = ["driftctl", "rhythm", "sizes", "--baseline", "{bundles}/house-price"]
LEARNING = ["driftctl", "rhythm", "learn", "--baseline", "{bundles}/house-price"]
PROVOKED = [
    ("driftctl", 2, ["driftctl", "fly"]),
    ("driftctl", 5, ["driftctl", "lost"]),
    ("driftctl contracts list", 2, ["driftctl", "contracts", "list", "--nope"]),
    ("driftctl contracts show", 2, ["driftctl", "contracts", "show", "none.v1"]),
    *(
        (f"driftctl {command}", code, ["driftctl", command, *words, "--url", url])
        for command, words in {"health": [], "model": [], "predict": HOUSE_OPTIONS, "watch": []}.items()
        for code, url in {2: "http://[::1", 3: NOBODY, 4: "{refusing}"}.items()
    ),
    ("driftctl replay", 1, [*REPLAY, "{bundles}/house-price"]),
    ("driftctl replay", 2, ["driftctl", "replay"]),
    ("driftctl replay", 5, [*REPLAY, "{damaged}/house-price"]),
    ("driftctl report", 2, [*REPORT, "--window", "yesterday"]),
    ("driftctl report", 5, [*REPORT, "--window", "last-1h"]),
    ("driftctl init", 2, ["driftctl", "init", "--data", "{tmp}/none.csv", "--target", "price"]),
    ("driftctl pack", 2, ["driftctl", "pack", "--model", "{bad_cell}", "--data", "{bad_cell}", "--target", "price"]),
    ("driftctl train", 1, [*TRAINING, "--data", "{bad_cell}"]),
    ("driftctl train", 2, [*TRAINING, "--data", "{tmp}/none.csv"]),
    ("driftctl bundles list", 2, ["driftctl", "bundles", "list", "--nope"]),
    ("driftctl bundles use", 2, ["driftctl", "bundles", "use", "house-price", "0" * 12, "--bundles", "{bundles}"]),
    ("driftctl serve", 2, [*CONSOLE, "--webhook", "http://[::1"]),
    ("driftctl serve", 2, [*CONSOLE, "--retention-days", "nan"]),
    ("driftctl serve", 5, [word.replace("{port}", "{taken}") for word in CONSOLE]),
    ("driftctl serve", 5, [word.replace("{bundles}", "{damaged}") for word in CONSOLE]),
    ("driftctl serve", 5, [word.replace("{data}", "{damaged_data}") for word in CONSOLE]),
    ("driftctl acknowledge", 2, ["driftctl", "acknowledge", "one"]),
    ("driftctl acknowledge", 5, ["driftctl", "acknowledge", "one", "--why", "b", "--store", "{garbage}"]),
    ("driftctl rhythm learn", 2, ["driftctl", "rhythm", "learn", "--baseline", "{tmp}"]),
    ("driftctl rhythm learn", 5, [*LEARNING, "--windows", "{garbage}"]),
    ("driftctl rhythm sizes", 2, SIZES),
    ("driftctl rhythm sizes", 5, [*SIZES, "--windows", "{garbage}"]),
    ("driftctl segments", 2, ["driftctl", "segments", "{garbage}", "--log", "{tmp}"]),
    ("driftctl verify", 2, ["driftctl", "verify", "{garbage}", "--windows", "{tmp}"]),
    ("driftctl scenarios", 1, [*SCENARIOS, "{blind}"]),
    ("driftctl scenarios", 2, [*SCENARIOS, NOBODY, "--suite", "{garbage}"]),
    ("driftctl scenarios", 3, [*SCENARIOS, NOBODY]),
    ("driftctl scenarios", 4, [*SCENARIOS, "{refusing}"]),
    ("python -m tools.contract_checks", 1, ["python", "-m", "tools.contract_checks", "--root", "{tmp}"]),
    ("python -m tools.contract_checks", 2, ["python", "-m", "tools.contract_checks", "--root", "{tmp}/none"]),
    ("python -m drift_contracts.openapi", 2, ["python", "-m", "drift_contracts.openapi", "--nope"]),
    ("python -m tools.mutants", 2, ["python", "-m", "tools.mutants", "--mutants", "0"]),
    ("python -m benchmarks.simulate", 2, ["python", "-m", "benchmarks.simulate", "--jobs", "0"]),
    ("python benchmarks/load_console.py", 2, ["python", "benchmarks/load_console.py", "--rate", "x"]),
    ("python benchmarks/load_console.py", 5, ["python", "benchmarks/load_console.py"]),
]
#: Codes that take long to provoke, and the test that does it in process.
ELSEWHERE = {
    ("driftctl segments", 5): "tests/console/test_console_segments.py::test_damaged_store",
    ("driftctl verify", 1): "tests/monitor/test_monitor_verification.py::test_changed_window",
    ("driftctl verify", 5): "tests/monitor/test_monitor_verification.py::test_damaged_store",
    ("driftctl report", 1): "tests/replay/test_replay_commands.py::test_stored_windows",
    ("python benchmarks/load_console.py", 1): "tests/docs/test_docs_exits.py::test_broken_load_promise",
    ("python -m tools.mutants", 5): "tests/tools/test_tools_mutants.py::test_tests_that_fail_without_a_change",
    # the judge needs Pulumi's libraries, which live apart
    ("python -m tools.stack_checks", 1): "tests/infra/test_infra_exits.py::test_a_broken_rule_is_a_finding",
    ("python -m tools.stack_checks", 2): "tests/infra/test_infra_exits.py::test_the_judge_ends_with",
}


def rows(heading):
    """The rows of the table whose head starts with a heading, without their code marks."""
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0].splitlines()[2:]
    cells = [re.split(r"(?<!\\)\|", line.strip("| ")) for line in table]
    return [[cell.strip() for cell in line] for line in cells]


def stated():
    """(command, code) of every cell that says when the code comes."""
    codes = [int(word) for word in PAGE.partition("| command |")[2].partition("\n")[0].strip("| ").split(" | ")]
    table = PAGE.partition("| command |")[2].partition("\n\n")[0].splitlines()[2:]
    found = set()
    for line in table:
        command, *cells = (cell.strip() for cell in line.strip()[1:-1].split("|"))
        found |= {(command.strip("`"), code) for code, cell in zip(codes, cells, strict=True) if cell}
    return found


def test_codes():
    """The codes of the page are those of the module."""
    constants = {value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}
    assert {int(code) for code, *_ in rows("code")} == constants


def test_provoked_cells():
    """Every cell of the table is provoked by a test, and nothing else is."""
    assert {(command, code) for command, code, _ in PROVOKED} | set(ELSEWHERE) == stated()
    for place in ELSEWHERE.values():
        path, _, name = place.partition("::")
        assert f"def {name}" in (ROOT / path).read_text("utf-8"), place


def leaves(command, name):
    """The commands under a group."""
    if not isinstance(command, Group):
        return {name}
    return {leaf for each, below in command.commands.items() for leaf in leaves(below, f"{name} {each}")}


def test_commands_listed():
    """The table has driftctl's commands, those of packages and each module that has exit codes."""
    commands = {"driftctl"} | leaves(main, "driftctl")
    for point in entry_points(group="driftctl.commands"):
        commands |= leaves(point.load(), f"driftctl {point.name}")
    sources = [path for room in (".", "services") for path in (ROOT / room).glob("*/src/**/*.py")]
    modules = [re.findall(r'run_module\("(drift_[a-z_.]+)"', path.read_text("utf-8")) for path in sources]
    names = {name.removesuffix(".__main__") for found in modules for name in found} - {"drift_client.cli"}
    doors = {f"python -m {name.removesuffix('.cli')}" for name in names}
    commands |= {SAME.get(door, door) for door in doors}
    assert commands <= {command for command, _ in stated()}


class Answering(BaseHTTPRequestHandler):
    """Answers everything alike."""

    status, body = 404, b"{}"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(self.status)
        self.send_header("content-length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_POST = do_GET  # noqa: N815 - the name that http.server calls

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def servers():
    """A service that refuses everything, and one that sees no drift in anything."""
    document = {
        "prediction": 1.0,
        "drift_score": 9.0,
        "timestamp": "2026-11-28T12:00:00.000Z",
        "features_received": {},
        "prediction_id": "00000000-0000-4000-8000-000000000000",
        "model": "house-price",
        "model_version": "3f9a1c2b4d5e",
        "drift": {"z": {}, "drifted": [], "severity": "high"},
    }
    seen = json.dumps(document).encode()
    kinds = {"refusing": Answering, "blind": type("Blind", (Answering,), {"status": 200, "body": seen})}
    started = {name: ThreadingHTTPServer(("127.0.0.1", 0), kind) for name, kind in kinds.items()}
    threads = [threading.Thread(target=server.serve_forever, args=(0.01,)) for server in started.values()]
    for thread in threads:
        thread.start()
    yield {name: f"http://127.0.0.1:{server.server_address[1]}" for name, server in started.items()}
    for server in started.values():
        server.shutdown()
        server.server_close()
    for thread in threads:
        thread.join()


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """The folder of a small bundle."""
    house = feature_set("house-price")
    build = tmp_path_factory.mktemp("build")
    train(house, load_rows(house, rows=1000), build, recipe=Recipe(trees=3))
    return build / "bundles"


def write_csv(path, rows):
    """Write rows with a header."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*rows[0]])
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def place(tmp_path, bundles, servers):
    """Everything that the words of `PROVOKED` name."""
    traffic = list(houses(1, 2000, shift=3.0))
    bad = [{**row, "price": 1} for row in traffic[:30]]
    bad[3]["sqft"] = "large"
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"SQLite format 3\0" + b"garbage" * 500)
    damaged = tmp_path / "damaged" / "house-price"
    damaged.mkdir(parents=True)
    for file in Path(bundle_folder(bundles / "house-price")).iterdir():
        (damaged / file.name).write_bytes(file.read_bytes())
    with (damaged / "forest.bin").open("ab") as file:
        file.write(b"x")
    (tmp_path / "damaged_data").mkdir()
    (tmp_path / "damaged_data" / "console.sqlite").write_bytes(garbage.read_bytes())
    plugin = tmp_path / "plugins" / "lost-1.dist-info"
    plugin.mkdir(parents=True)
    (plugin / "METADATA").write_text("Metadata-Version: 2.1\nName: lost\nVersion: 1\n")
    (plugin / "entry_points.txt").write_text("[driftctl.commands]\nlost = no.such.module:command\n")
    listener = socket.create_server(("127.0.0.1", 0))
    yield {
        **servers,
        "bundles": bundles,
        "tmp": tmp_path,
        "garbage": garbage,
        "damaged": damaged.parent,
        "damaged_data": tmp_path / "damaged_data",
        "data": tmp_path / "data",
        "drifted": write_csv(tmp_path / "drifted.csv", traffic),
        "bad_cell": write_csv(tmp_path / "bad.csv", bad),
        "port": 0,
        "taken": listener.getsockname()[1],
    }
    listener.close()


def ended(words, tmp_path, *, path=()):
    """A process that has ended."""
    program, *rest = words
    start = [sys.executable, *rest] if program == "python" else [Path(sys.executable).with_name(program), *rest]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(map(str, path)), "PATH": ""}
    return subprocess.run(start, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    ("code", "words"), [case[1:] for case in PROVOKED], ids=[f"{case[0]}-{case[1]}" for case in PROVOKED]
)
def test_command_ends(code, words, place, tmp_path):
    """A command ends with the code of the page, and with a message instead of a traceback."""
    done = run_forked([word.format_map(place) for word in words], ROOT, tmp_path, path=(tmp_path / "plugins",))
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert code == 1 or done.stderr


FAULTY = {
    "driftctl health": "rich",
    "python -m drift_ml.training": "numpy",
    "python -m drift_console": "uvicorn",
    "python -m drift_console.scenarios": "rich",
    "python -m tools.contract_checks": "rich",
    "python -m drift_contracts.openapi": "argparse",
    "python -m benchmarks.simulate": "argparse",
}


@pytest.mark.parametrize(("command", "library"), FAULTY.items())
def test_broken_library(command, library, tmp_path):
    """A library that breaks on import is a fault in a single line, and never a finding."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / f"{library}.py").write_text("raise ZeroDivisionError('a secret')\n")
    done = ended(command.split(), tmp_path, path=[broken])
    assert done.returncode == 70, done.stderr
    (line,) = done.stderr.splitlines()
    (kept,) = tmp_path.glob("drift-fault-*.txt")
    assert line.endswith(str(kept))
    assert "a secret" not in line
    assert "a secret" in kept.read_text("utf-8")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_missing_library(tmp_path):
    """A library that `pip install drift-contracts` leaves out is named with the way out."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "click.py").write_text("raise ModuleNotFoundError('No module named click', name='click')\n")
    done = ended(["driftctl", "health"], tmp_path, path=[broken])
    assert (done.returncode, "drift-client" in done.stderr) == (5, True)


class Losing:
    """A console that ends well."""

    url = NOBODY

    def __init__(self, data):
        data.mkdir()

    def stop(self):
        return 0


@pytest.mark.parametrize(("stored", "code"), [(7, 1), (10, 0)])
def test_broken_load_promise(monkeypatch, stored, code):
    """The load test fails where fewer events are stored than were answered."""
    report = {"answered": 10, "rate": 2000.0, "errors": 0, "refused": 0}
    monkeypatch.setattr(load_console, "Console", Losing)
    monkeypatch.setattr(load_console, "load", lambda *_: report)
    monkeypatch.setattr(load_console, "stored", lambda _: stored)
    monkeypatch.setattr(load_console.shutil, "which", lambda _: "/usr/bin/wrk")
    monkeypatch.setattr(sys, "argv", ["load_console.py"])
    with pytest.raises(SystemExit) as end:
        exits.run(load_console.main)
    assert end.value.code == code
