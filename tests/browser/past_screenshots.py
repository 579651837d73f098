"""Draw the pages of docs/time.md from replays: `python -m tests.browser.past_screenshots ROWS docs/images`.

ROWS is the folder that `python -m benchmarks.past_traffic` wrote, with a model trained in each of
its two folders. Each file is replayed at full speed, and the page is drawn at its end.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import httpx
from playwright.sync_api import sync_playwright

from tests.browser.visiting import launch
from tests.support.waiting import PATIENCE, wait_until

#: By picture: the model's folder, the file, and the minutes that the page shows.
SHOTS = {
    "time-first-hour": ("service", "first_hour", 60),
    "time-first-day": ("service", "first_day", 1_440),
    "time-first-weeks": ("service", "first_weeks", 10_080),
    "time-day-after": ("service", "day_after", 1_440),
    "time-flights": ("flights", "two_months", 40_320),
}
#: Seconds that a replay may take.
LONGEST = 1_500.0


def main(rows: Path, images: Path, wanted: list[str]) -> None:
    """Draw the pictures, or those that are wanted."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for name, (model, file, minutes) in SHOTS.items():
            if not wanted or name in wanted:
                draw(browser, rows / model, file, minutes, images / f"{name}.png")
        browser.close()


def draw(browser, folder, file, minutes, picture):
    """Replay one file to its end and draw the page."""
    words = ["--port", "0", "--bundles", f"{folder}/build/bundles", "--time-column", "time", "--speed", "max"]
    command = [sys.executable, "-u", "-m", "drift_console", "--replay", f"{folder}/{file}.csv", *words]
    with (folder / f"{file}.log").open("w+") as log, subprocess.Popen(command, stdout=log, stderr=log) as console:
        try:
            wait_until(lambda: url_in(folder / f"{file}.log"), "a banner")
            url = url_in(folder / f"{file}.log")
            wait_until(lambda: has_ended(url), "the end of the replay", LONGEST, 2.0)
            # The words of alerts have their times in UTC.
            size = {"width": 1360, "height": 1180}
            page = browser.new_page(viewport=size, timezone_id="UTC", color_scheme="light")
            page.goto(f"{url}?minutes={minutes}")
            page.wait_for_selector('#main[aria-busy="false"]')
            page.wait_for_timeout(3_000)
            page.screenshot(path=picture)
            page.screenshot(path=folder / f"{file}-whole.png", full_page=True)
            page.close()
        finally:
            console.terminate()
            console.wait(PATIENCE)


def url_in(log):
    """Return the address in a banner; None before it is printed."""
    found = re.search(r"http://127\.0\.0\.1:\d+/", log.read_text())
    return found[0] if found else None


def has_ended(url):
    """Return whether the replay has come to its end."""
    return httpx.get(f"{url}console/api/state", timeout=PATIENCE).json()["service"]["replay"]["ended"]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
