"""The exit codes of every command, and the function that each command ends through.

The table for people is docs/exit-codes.md. Only the standard library is imported here, so that a
command whose libraries are missing or broken still ends with a code of the table.
"""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from drift_contracts.errors import DriftError
from drift_contracts.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SUCCESS = 0
#: Drift was found, data or a model are not good enough, detection does not work; nothing else.
FINDING = 1
USAGE = 2
UNREACHABLE = 3
REFUSED = 4
CANNOT_START = 5
#: EX_SOFTWARE of sysexits.h.
FAULT = 70
#: As a shell reports a command that SIGINT or SIGPIPE ended: 128 and the signal's number.
INTERRUPTED = 130
READER_GONE = 141

#: What the file system of a user may answer: no fault of ours, and another run would meet it too.
PLACES = frozenset(
    {
        errno.EACCES,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EISDIR,
        errno.ELOOP,
        errno.EMFILE,
        errno.ENAMETOOLONG,
        errno.ENFILE,
        errno.ENOSPC,
        errno.ENOTDIR,
        errno.EPERM,
        errno.EROFS,
    }
)


class CannotStart(DriftError):
    """What a command needs before it can begin is missing, through no fault of the user's words."""

    exit_code = CANNOT_START


class ReaderGone(Exception):
    """Standard output is a pipe whose reader went away.

    For libraries that end with 1 for a BrokenPipeError.
    """


@contextmanager
def starting(what: str, *raw: type[Exception]) -> Iterator[None]:
    """Let every refusal inside the block end the command with `CANNOT_START`.

    Args:
        what: What is opened, for the message of a raw error: "the store build/console.sqlite".
        raw: Errors of libraries that stand for a refusal; their messages hold no value of a user.

    Raises:
        DriftError: The one that was raised inside, with its code changed.
        CannotStart: In place of an error of a kind in `raw`.
    """
    try:
        yield
    except DriftError as error:
        error.exit_code = CANNOT_START
        raise
    except raw as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CannotStart(f"{what} cannot be opened: {reason}") from error


def run(
    command: Callable[[], object],
    name: str | None = None,
    *,
    brings: str = "",
) -> NoReturn:
    """Call a command and end the process with its code, whatever goes wrong.

    Args:
        command: What it returns is the code if it is an int; anything else stands for success.
        name: What the command is called in messages; what it was started as, if absent.
        brings: The distribution, with its extra, that brings the libraries of the command.

    Raises:
        SystemExit: Always, with a code of docs/exit-codes.md.
    """
    name = name or program()
    try:
        code = _code(command)
        # the interpreter would write at its end, where a failure has the code 120
        _flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except (BrokenPipeError, ReaderGone):
        code = READER_GONE
    except DriftError as error:
        code = error.exit_code
        say(f"{name}: {error}")
    except OSError as error:
        code = _outside(error, name)
    except ModuleNotFoundError as error:
        code = _missing(error, name, brings)
    except Exception as error:
        # the last line before the interpreter's own code for it, which is 1
        code = fault(error, name)
    if code == READER_GONE:
        _mute()
    sys.exit(code)


def _code(command: Callable[[], object]) -> int:
    """Call a command and return its code."""
    try:
        result = command()
    except SystemExit as end:
        # rich turns a reader that went away into code 1, which means a finding here
        if isinstance(end.__context__, BrokenPipeError):
            return READER_GONE
        result = end.code
    if isinstance(result, str):
        say(result)
        return USAGE
    return result if isinstance(result, int) else SUCCESS


def _flush() -> None:
    """Write out what standard output still holds."""
    if sys.stdout is not None:
        sys.stdout.flush()


def _mute() -> None:
    """Redirect standard output to nothing, so that the interpreter's last flush cannot fail."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())


def _outside(error: OSError, name: str) -> int:
    """Return the code for an error of the operating system: a place of the user's, or our fault."""
    if error.errno not in PLACES:
        return fault(error, name)
    place = error.filename if isinstance(error.filename, str) else "the output"
    say(f"{name}: cannot read or write {place}: {error.strerror}")
    _mute()
    return USAGE


def _missing(error: ModuleNotFoundError, name: str, brings: str) -> int:
    """Return the code for a library that is not installed.

    A module of ours that is missing is a fault: no extra would bring it.
    """
    library = (error.name or "").partition(".")[0]
    if not library or library.startswith("drift_"):
        return fault(error, name)
    way_out = f"; pip install '{brings}' brings it" if brings else ""
    say(f"{name}: cannot start: the Python package {library} is not installed{way_out}")
    return CANNOT_START


def fault(error: BaseException, name: str) -> int:
    """Report a fault of ours in one line, keep its traceback in a file, and return `FAULT`.

    The line has the kind and the place, never the error's message, which may hold what a user sent.
    The file has it, stays on this machine, and can be read by its owner only.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    line = f"{name}: internal fault, {type(error).__name__}{place}; "
    try:
        handle, path = tempfile.mkstemp(
            prefix="drift-fault-", suffix=".txt"
        )  # mode 0600, and a name of its own
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{name}, Python {sys.version}\n")
            traceback.print_exception(error, file=file)
        line += f"please report it; its traceback is kept in {path}"
    except OSError as refusal:
        line += f"please report it; its traceback could not be kept ({refusal.strerror})"
    say(line)
    return FAULT


def say(text: str) -> None:
    """Write a message on standard error, where there is one; control characters are replaced."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"{printable(text)}\n")
        sys.stderr.flush()


def run_module(module: str, *, brings: str = "") -> NoReturn:
    """Call the `main` of a module and end with its code.

    The module is imported inside of `run`, so that libraries which are missing or broken are met
    there: an ImportError outside ends the interpreter with 1.

    Args:
        module: Its full name.
        brings: The distribution, with its extra, that brings the libraries of the module.
    """
    run(lambda: import_module(module).main(), brings=brings)


def driftctl() -> NoReturn:
    """Run the script `driftctl`."""
    run_module("drift_client.cli", brings="drift-client")


def program() -> str:
    """Return what the running command is called: `driftctl`, or `python -m drift_ml.training`."""
    module = getattr(sys.modules.get("__main__"), "__spec__", None)
    if module is None:
        return Path(sys.argv[0]).name
    return f"python -m {module.name.removesuffix('.__main__')}"
