"""The door of every command: codes, one line for a fault, and where its traceback is."""

import errno
import io
import os
import re
import stat
import sys
from importlib.machinery import ModuleSpec

import click
import pytest
from click.testing import CliRunner
from drift_client import Unreachable
from drift_contracts import DriftError, exits
from drift_contracts.commands import Command, Group
from drift_contracts.exits import run, starting
from rich.console import Console


def raising(error):
    """A door that fails."""

    def door():
        raise error

    return door


def code_of(door, **more):
    """The code that a door ends with."""
    with pytest.raises(SystemExit) as ended:
        run(door, "a-command", **more)
    return ended.value.code


class OfOurs(DriftError):
    """An error that says nothing of its code."""


@pytest.mark.parametrize(
    ("door", "code"),
    [
        (lambda: None, 0),
        (object, 0),
        (lambda: 1, 1),
        (raising(SystemExit(2)), 2),
        (raising(SystemExit()), 0),
        (raising(SystemExit("no console")), 2),
        (raising(OfOurs("expected a number")), 2),
        (raising(Unreachable("GET /health", "ConnectError", 1)), 3),
        (raising(exits.CannotStart("the port is in use")), 5),
        (raising(KeyboardInterrupt()), 130),
        (raising(ZeroDivisionError()), 70),
        (raising(MemoryError()), 70),
        (raising(OSError(errno.ENOSPC, "No space left on device")), 2),
        (raising(PermissionError(errno.EACCES, "Permission denied", "there")), 2),
        (raising(FileNotFoundError(errno.ENOENT, "No such file", "there")), 70),
        (raising(ModuleNotFoundError("No module named 'click'", name="click.core")), 5),
        (raising(ModuleNotFoundError("No module named 'drift_ml.lost'", name="drift_ml.lost")), 70),
        (raising(ModuleNotFoundError("what")), 70),
    ],
)
def test_codes(door, code, tmp_path, monkeypatch, capfd):
    """The value or error of a command decides its exit code, and no error has code 1."""
    monkeypatch.setattr(exits.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert code_of(door) == code
    assert "Traceback" not in capfd.readouterr().err
    assert bool(list(tmp_path.glob("drift-fault-*.txt"))) == (code == 70)


def test_fault(tmp_path, monkeypatch, capsys):
    """A fault is one line with kind and place, and a file that has the message too."""
    monkeypatch.setattr(exits.tempfile, "tempdir", str(tmp_path))
    assert code_of(raising(ValueError("a secret"))) == 70
    (kept,) = tmp_path.iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "a secret" in kept.read_text("utf-8")
    (line,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(rf"a-command: .*ValueError at test_contracts_exits.py:\d+; .* {re.escape(str(kept))}", line)
    # The traceback's last place is where the error was raised.
    raised = re.findall(r'test_contracts_exits.py", line (\d+)', kept.read_text("utf-8"))[-1]
    assert f"test_contracts_exits.py:{raised};" in line


def test_fault_on_full_disk(monkeypatch, capsys):
    """A fault whose traceback cannot be written still has its exit code."""

    def full(**_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(exits.tempfile, "mkstemp", full)
    assert exits.fault(KeyError("x"), "a-command") == 70
    assert "could not be kept (No space left on device)" in capsys.readouterr().err


def test_missing_package(capsys):
    """A missing package names the command that installs it."""
    missing = ModuleNotFoundError("No module named 'click'", name="click")
    assert code_of(raising(missing), brings="drift-client") == 5
    err = capsys.readouterr().err
    assert "click" in err
    assert "pip install 'drift-client'" in err


class Gone(io.StringIO):
    """Standard output whose reader went away."""

    def __init__(self, handle):
        super().__init__()
        self.handle = handle

    def flush(self):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    def fileno(self):
        return self.handle


def through_rich():
    """Print with rich to a pipe without a reader; rich ends with 1 by itself."""
    Console(file=sys.stdout).print("text")


@click.command(cls=Command)
def through_click():
    """Print with click to a pipe without a reader; click ends with 1 by itself."""
    click.echo("text")


@pytest.mark.parametrize("door", [lambda: sys.stdout.write("text"), through_rich, lambda: through_click([])])
def test_closed_pipe(door, monkeypatch, tmp_path):
    """A reader that went away ends the command with 141, and the last flush cannot fail."""
    handle = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)
    monkeypatch.setattr(sys, "stdout", Gone(handle))
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert code_of(door) == 141
    assert os.fstat(handle).st_rdev == os.stat(os.devnull).st_rdev  # noqa: PTH116 - beside fstat
    os.close(handle)


def test_closed_streams(monkeypatch):
    """A process whose streams a service manager closed still has its exit code."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert code_of(raising(OfOurs("text"))) == 2
    assert code_of(lambda: None) == 0


def test_control_characters(capsys):
    """Control characters of an error are escaped, as somebody else may choose a name."""
    code_of(raising(OfOurs("expected \x1b]0;title\x07")))
    assert "\x1b" not in capsys.readouterr().err


def test_refusal_at_start():
    """Any refusal inside the starting block has exit code 5, and other errors pass."""
    with pytest.raises(OfOurs) as refused, starting("the bundle"):
        raise OfOurs("text")
    assert refused.value.exit_code == 5
    with pytest.raises(exits.CannotStart, match="the store cannot be opened: damaged"), starting("the store", IOError):
        raise OSError(5, "damaged") from None
    with pytest.raises(ValueError, match="text"), starting("the store", KeyError):
        raise ValueError("text")


@click.command(cls=Command)
@click.option("--length", required=True, type=float)
@click.option("--width", required=True)
@click.option("--fail", type=click.Choice(["abort", "file", "end of file", "usage"]))
def measured(length, width, fail):
    """A command with options that must be there."""
    errors = {
        "abort": KeyboardInterrupt(),
        "file": click.FileError("x.csv"),
        "end of file": EOFError(),
        "usage": click.UsageError("with \x1b[31m"),
    }
    if fail is not None:
        raise errors[fail]
    return length if width == "return" else None


@click.group(cls=Group)
def whole():
    """A group."""


whole.add_command(measured)


@pytest.mark.parametrize(
    ("words", "code", "facts"),
    [
        ([], 2, ["--length", "--width", "options"]),
        (["--width", "1"], 2, ["--length"]),
        (["--length", "x"], 2, ["Missing option '--width'", "--length", "float"]),
        (["--length", "1", "--width", "1"], 0, []),
        (["--length", "1", "--width", "return"], 0, []),
        (["--length", "1", "--width", "1", "--fail", "abort"], 130, []),
        (["--length", "1", "--width", "1", "--fail", "file"], 2, ["x.csv"]),
        (["--length", "1", "--width", "1", "--fail", "end of file"], 70, ["EOFError"]),
        (["--length", "1", "--width", "1", "--fail", "usage"], 2, ["with"]),
        (["--help"], 0, []),
    ],
)
def test_click_codes(words, code, facts, tmp_path, monkeypatch):
    """Commands of click end with the project's exit codes and list all wrong options at once."""
    monkeypatch.setattr(exits.tempfile, "tempdir", str(tmp_path))
    for command, more in ((measured, words), (whole, ["measured", *words])):
        result = CliRunner().invoke(command, more)
        assert (result.exit_code, result.output) == (code, result.output)
        assert [fact for fact in facts if fact not in result.output] == []
        assert "\x1b" not in result.output


def test_abort():
    """An abort without a cause is an interrupt, since a command may raise click.Abort itself."""

    @click.command(cls=Command)
    def aborting():
        raise click.Abort

    assert CliRunner().invoke(aborting).exit_code == 130


def test_nested_command():
    """A command that another one calls raises its errors, as the caller chooses the exit code."""
    with pytest.raises(click.UsageError):
        measured.main([], standalone_mode=False)


@pytest.mark.parametrize(
    ("spec", "name"), [(None, "driftctl"), (ModuleSpec("drift_x.__main__", None), "python -m drift_x")]
)
def test_command_name(monkeypatch, spec, name):
    """A script is named by its file, and a module by its name."""
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", spec)
    monkeypatch.setattr(sys, "argv", ["/usr/bin/driftctl", "--help"])
    assert exits.program() == name
    with pytest.raises(SystemExit, match="0"):
        exits.driftctl()
