"""Files of public packages, and the commands that a new user types; collected only when named."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent


def pytest_ignore_collect(config):
    """These tests take a minute, so they run only when asked for by path: `nox -s newcomer`."""
    asked = any(Path(str(argument).split("::")[0]).resolve().is_relative_to(HERE) for argument in config.args)
    return None if asked else True
