"""The page on the real console, from a model trained here to an alarm on the screen."""

from __future__ import annotations

import contextlib
import csv
import json
import math
import re
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.visiting import Visit
from tests.support.delays import flights, make_delays
from tests.support.house_tables import columns
from tests.support.predictor import BUNDLES


def run(*arguments):
    return [sys.executable, "-m", *map(str, arguments)]


@pytest.fixture(scope="module")
def console(tmp_path_factory):
    folder = tmp_path_factory.mktemp("console")
    small = ("--rows", 2000, "--trees", 10)
    subprocess.run(run("drift_ml.training", "--model", "house-price", *small, "--out", folder), check=True)
    with serving(folder / "bundles", folder / "data") as url:
        yield url


@contextlib.contextmanager
def serving(bundles, data, *chosen):
    """Run a console over a folder of bundles, fast unless options are chosen; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ("--port", port, "--bundles", bundles, "--data-dir", data, *(chosen or ["--fast"]))
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
    expect(page.locator(".headline")).to_have_text(re.compile(r"^(Drift in \w+|Alarm: )"))
    expect(page.locator('#alarms li[data-key="high-drift"] .reason')).to_contain_text(
        "2 of 2 datapoints were above the threshold 2"
    )
    expect(page.locator("#recent tbody tr").first).to_contain_text("high")
    expect(page.locator("#card dd").first).to_have_text("house-price")
    assert visit.complaints == []
    assert [url for url in visit.requests if not url.startswith(console)] == []
    visit.close()


def test_classifier(browser, tmp_path):
    """A classifier's answers over HTTP become its classes over time, score and newest labels."""
    make_delays(tmp_path / "bundles")
    with serving(tmp_path / "bundles", tmp_path / "data") as url:
        answered = []
        for seed in range(4):
            answered += ask(url, flights(100, seed))
            time.sleep(1.1)
        late = sum(answer["label"] == "late" for answer in answered)
        visit = Visit(browser, url)
        page = visit()
        expect(page.locator("#answers .aside").first).to_have_text("400 answers", timeout=15_000)
        expect(page.locator("#answers .classes li").last).to_contain_text("late")
        expect(page.locator("#answers .classes li").last).to_contain_text(percentage(late / 400))
        expect(page.locator("#answers")).to_contain_text("Probability of late")
        expect(page.locator("#answers")).to_contain_text("How often the class was late")
        expect(page.locator("#recent tbody tr td.label").first).to_contain_text(answered[-1]["label"])
        expect(page.locator("#evidence .effects article h4").filter(has_text="entropy")).to_have_count(1)
        expect(page.locator("#card")).to_contain_text("LOG LOSS")
        assert visit.complaints == []
        visit.close()


#: Hours of past traffic, the hour from which on houses are larger, and rows an hour.
HOURS, CHANGE, ROWS = 160, 2, 25
#: Hours of it a second.
PACE = 20
#: Milliseconds of patience for a day of it.
A_DAY_MS = 60_000


def larger_houses(path):
    """Write days of houses with times, from an hour on half a standard deviation larger."""
    count = HOURS * ROWS
    table = columns(count, seed=5)
    table["sqft"] += np.where(np.arange(count) >= CHANGE * ROWS, 250, 0)
    begin = 1_793_577_600
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["time", *table])
        for place, row in enumerate(zip(*table.values(), strict=True)):
            writer.writerow([begin + place * 3_600 // ROWS, *map(float, row)])


def test_new_normal(browser, tmp_path):
    """A standing alert ends as the new normal that somebody ticks, stays so after a reload, and can be undone."""
    larger_houses(tmp_path / "houses.csv")
    replay = ("--replay", tmp_path / "houses.csv", "--time-column", "time", "--speed", PACE * 3_600)
    with serving(BUNDLES, tmp_path / "data", "--model", "house-price", *replay) as url:
        visit = Visit(browser, url)
        page = visit("?minutes=1440")
        form = page.locator("#evidence .alerts form.acknowledge").first
        form.get_by_label("Your name").fill("Ada")
        form.get_by_label("Why it can be left").fill("larger houses, here to stay")
        form.get_by_label("new normal").check()
        form.get_by_role("button", name="Acknowledge").click()
        kept = page.locator("#evidence .acknowledged").first
        expect(kept).to_contain_text("by Ada as the new normal")
        over = page.locator("#evidence .alerts li[data-state=OK]").first
        # It takes a day of the replay since the change, as fast as the machine goes.
        expect(over).to_contain_text("is the new normal", timeout=A_DAY_MS)
        expect(page.locator("#rhythm")).to_contain_text("held against the traffic from")
        page.reload()
        expect(over).to_contain_text("is the new normal")
        expect(kept).to_contain_text("by Ada as the new normal")
        kept.get_by_role("button", name="Undo").click()
        expect(page.locator("#evidence .acknowledged")).to_have_count(0)
        expect(page.locator("#rhythm")).not_to_contain_text("held against the traffic from")
        assert visit.complaints == []
        visit.close()


def ask(url, columns):
    """Send rows as a batch; the answers."""
    rows = []
    for wind, distance, carrier in zip(columns["wind"], columns["distance"], columns["carrier"], strict=True):
        features = {"wind": None if math.isnan(wind) else wind, "distance": distance, "carrier": carrier}
        rows.append({"features": features})
    body = json.dumps({"instances": rows}).encode()
    request = urllib.request.Request(f"{url}predict/batch", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as reply:
        return json.load(reply)["predictions"]


def percentage(share):
    """A share as the page writes it."""
    return f"{100 * share:.1f}%".replace(".0%", "%") if share < 0.1 else f"{100 * share:.0f}%"
