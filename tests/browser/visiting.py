"""Debian's Chromium, and visits to the page with it."""

from __future__ import annotations

import os
from pathlib import Path

CHROMIUM = Path(os.environ.get("DRIFT_CHROMIUM", "/usr/bin/chromium"))
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def launch(playwright):
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


class Visit:
    """Opens pages and keeps what they said and asked for."""

    def __init__(self, browser, url):
        self._browser, self.url = browser, url
        self.complaints, self.requests, self._contexts = [], [], []

    def __call__(self, query="", *, width=1280, height=860, wait="live", script="", **options):
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
        if script:
            page.add_init_script(script)
        page.goto(self.url + query)
        if wait:
            page.wait_for_selector(f'#connection[data-status="{wait}"]')
            page.wait_for_selector('#main[aria-busy="false"]')
        return page

    def close(self):
        for context in self._contexts:
            context.close()
