"""Draw the screenshots of the docs from the seeded world: python -m tests.browser.screenshots docs/images."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.fixture_server import Fixture
from tests.browser.visiting import Visit, launch
from tests.browser.world import CLASSIFIER

SHOTS = {
    "console-alarm-light.png": {"color_scheme": "light", "width": 1360, "height": 1010},
    "console-alarm-dark.png": {"color_scheme": "dark", "width": 1360, "height": 1010},
    "console-phone.png": {"color_scheme": "light", "width": 360, "height": 760},
}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    server = Fixture()
    house = server.world.models["house-price"]
    mix = [house.ordinary(server.world.random) | {"sqft": 6400 + 40 * step, "age": 70 + step} for step in range(4)]
    server.world.send(house, {"name": "mix", "requests": mix})
    server.world.send(house, {"name": "mix", "requests": mix})
    with sync_playwright() as playwright:
        browser = launch(playwright)
        answers(browser, server.url, folder / "console-answers-light.png")
        for name, options in SHOTS.items():
            visit = Visit(browser, server.url)
            page = visit(**options)
            page.wait_for_timeout(700)
            page.screenshot(path=folder / name)
            visit.close()
        browser.close()
    server.stop()


def answers(browser, url, path):
    """Draw the panel of a classifier's answers."""
    visit = Visit(browser, url)
    page = visit(f"?model={CLASSIFIER}", color_scheme="light", width=1360, height=1010)
    page.wait_for_timeout(700)
    page.locator("#answers").screenshot(path=path)
    visit.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images"))
