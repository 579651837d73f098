"""A Chromium, a server and a page for each test; collected only when named: `pytest tests/browser`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # test folders are no packages; `world` and `fixture_server` lie beside this file


def pytest_ignore_collect(config):
    """These tests need a browser and packages of their own, so they run only when asked for by path."""
    asked = any(Path(str(argument).split("::")[0]).resolve().is_relative_to(HERE) for argument in config.args)
    return None if asked else True


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - of the browser set only

    chromium = Path(os.environ.get("DRIFT_CHROMIUM", "/usr/bin/chromium"))
    if not chromium.exists():
        pytest.fail(f"no browser at {chromium}: install Debian's chromium or set DRIFT_CHROMIUM to one")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def server():
    from fixture_server import Fixture  # noqa: PLC0415 - found through the path set above

    fixture = Fixture()
    yield fixture
    fixture.stop()


class Visit:
    """Opens pages and keeps what they said and asked for."""

    def __init__(self, browser, url):
        self._browser, self.url = browser, url
        self.complaints, self.requests, self._contexts = [], [], []

    def __call__(self, query="", *, width=1280, height=860, wait="live", **options):
        context = self._browser.new_context(
            viewport={"width": width, "height": height}, timezone_id="Europe/Berlin", **options
        )
        self._contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on(
            "console",
            lambda message: self.complaints.append(message.text) if message.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(self.url + query)
        if wait:
            page.wait_for_selector(f'#connection[data-status="{wait}"]')
            page.wait_for_selector('#main[aria-busy="false"]')
        return page

    def close(self):
        for context in self._contexts:
            context.close()


@pytest.fixture
def visit(browser, server):
    visitor = Visit(browser, server.url)
    yield visitor
    visitor.close()
