"""Property tests draw the same examples, no test leaves its log to the next one, and tracing can be paused."""

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


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session):
    """Stop the tracing that pytest-cov begins in a worker as if it were the master.

    Nothing reads it, and it went on wherever that of the worker was paused: in each test that is marked `no_cover`.
    """
    plugin = session.config.pluginmanager.getplugin("_cov")
    controller = getattr(plugin, "cov_controller", None)
    if controller is not None and hasattr(session.config, "workerinput"):
        controller.cov.stop()


@pytest.fixture(autouse=True)
def _loggers_as_before():
    """Put the loggers back, which a command of the same process sends to a file for good."""
    before = [(list(log.handlers), log.level, log.propagate) for log in LOGGERS]
    yield
    for log, state in zip(LOGGERS, before, strict=True):
        log.handlers, log.level, log.propagate = state
