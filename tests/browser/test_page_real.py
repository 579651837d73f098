"""The page on the real console, from a model trained here to an alarm on the screen."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from playwright.sync_api import expect

from tests.browser.visiting import Visit


def run(*arguments):
    return [sys.executable, "-m", *map(str, arguments)]


@pytest.fixture(scope="module")
def console(tmp_path_factory):
    folder = tmp_path_factory.mktemp("console")
    small = ("--rows", 2000, "--trees", 10)
    subprocess.run(run("drift_ml.training", "--model", "house-price", *small, "--out", folder), check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ("--port", port, "--fast", "--bundles", folder / "bundles", "--data-dir", folder / "data")
    process = subprocess.Popen(run("drift_console", *options), stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/"
    try:
        wait_for(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def wait_for(url, process):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}console/api/state", timeout=2).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail("the console did not start")


def test_first_visit(browser, console):
    """A user gets from the first visit to an alarm."""
    visit = Visit(browser, console)
    page = visit()
    expect(page.locator(".headline")).to_have_text("No predictions yet")
    for _ in range(20):
        page.locator("[data-scenario=high]").click()
        expect(page.locator(".answer")).to_have_text(
            re.compile(r"sent 4 requests, average drift score \d\.\d\d \(high\)\.")
        )
        if page.locator("#verdict").get_attribute("data-level") == "alarm":
            break
        page.wait_for_timeout(1000)
    expect(page.locator(".headline")).to_have_text(re.compile(r"^Drift: \w+ is [\d.]+ sd above its baseline since "))
    expect(page.locator('#alarms li[data-key="high-drift"] .reason')).to_contain_text(
        "2 of 2 datapoints were above the threshold 2"
    )
    expect(page.locator("#recent tbody tr").first).to_contain_text("high")
    expect(page.locator("#card dd").first).to_have_text("house-price")
    assert visit.complaints == []
    assert [url for url in visit.requests if not url.startswith(console)] == []
    visit.close()
