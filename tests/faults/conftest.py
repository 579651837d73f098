"""The harness of faults; collected only when named: `pytest tests/faults`."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent


def pytest_ignore_collect(config):
    """These tests take minutes and start processes, so they run only when asked for by path."""
    asked = any(Path(str(argument).split("::")[0]).resolve().is_relative_to(HERE) for argument in config.args)
    return None if asked else True
