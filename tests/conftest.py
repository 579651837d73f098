"""Property tests draw the same examples, no test leaves its log to the next one, and halves are told apart."""

from __future__ import annotations

import logging
from contextlib import suppress

import pytest

with suppress(ImportError):  # some sessions do without hypothesis
    from hypothesis import settings

    # A busy machine is no counterexample.
    settings.register_profile("repeatable", deadline=None, derandomize=True)
    settings.load_profile("repeatable")

#: Loggers that a command or a function in the cloud sends to a place of its own.
LOGGERS = [logging.getLogger(name) for name in ("drift_console", "drift_monitor", "uvicorn")]


def pytest_addoption(parser):
    """Add the option by which the half of the tests that is not traced leaves those to the other half."""
    words = "folders, with commas, of which only tests that are marked no_cover run: the others run traced, elsewhere"
    parser.addoption("--traced-elsewhere", default="", help=words)


def pytest_collection_modifyitems(config, items):
    """Deselect what another run traces."""
    named = config.getoption("--traced-elsewhere")
    folders = [config.rootpath / folder for folder in named.split(",") if folder]
    chosen, traced = [], []
    for item in items:
        is_traced = any(item.path.is_relative_to(folder) for folder in folders)
        (traced if is_traced and item.get_closest_marker("no_cover") is None else chosen).append(item)
    if traced:
        config.hook.pytest_deselected(items=traced)
        items[:] = chosen


@pytest.fixture(autouse=True)
def _loggers_as_before():
    """Put the loggers back, which a command of the same process sends to a file for good."""
    before = [(list(log.handlers), log.level, log.propagate) for log in LOGGERS]
    yield
    for log, state in zip(LOGGERS, before, strict=True):
        log.handlers, level, log.propagate = state
        # Loggers remember what they are enabled for until a level is set by its method.
        log.setLevel(level)
