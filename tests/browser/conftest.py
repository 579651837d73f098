"""A Chromium, a server and a page for each test; collected only when named: `pytest tests/browser`."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_ignore_collect(config):
    """These tests need a browser and packages of their own, so they run only when asked for by path."""
    asked = any(Path(str(argument).split("::")[0]).resolve().is_relative_to(HERE) for argument in config.args)
    return None if asked else True


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - of the browser set only

    from tests.browser.visiting import CHROMIUM, launch  # noqa: PLC0415 - needs packages of the browser set

    if not CHROMIUM.exists():
        pytest.fail(f"no browser at {CHROMIUM}: install Debian's chromium or set DRIFT_CHROMIUM to one")
    with sync_playwright() as playwright:
        launched = launch(playwright)
        yield launched
        launched.close()


@pytest.fixture
def server():
    from tests.browser.fixture_server import Fixture  # noqa: PLC0415 - needs packages of the browser set

    fixture = Fixture()
    yield fixture
    fixture.stop()


@pytest.fixture
def visit(browser, server):
    from tests.browser.visiting import Visit  # noqa: PLC0415 - needs packages of the browser set

    visitor = Visit(browser, server.url)
    yield visitor
    visitor.close()
