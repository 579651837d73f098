"""What lies in `static/`: nothing inline, nothing from elsewhere, the vendored library as it came."""

from __future__ import annotations

import hashlib
import re
from html.parser import HTMLParser

import pytest

from tests.browser.fixture_server import STATIC

OWN = sorted(
    path for path in STATIC.rglob("*") if path.suffix in {".js", ".css", ".html"} and "vendor" not in path.parts
)


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.relative_to(STATIC).as_posix())
def test_no_file_names_another_host(path):
    """No file names another host."""
    addresses = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", path.read_text("utf-8"))
    assert addresses == []


def test_no_inline_code():
    """The page holds no inline script or style."""
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            names = {name for name, _ in attrs}
            if tag == "style" or (tag == "script" and "src" not in names):
                found.append(tag)
            found.extend(name for name in names if name == "style" or name.startswith("on"))

    Reader().feed((STATIC / "index.html").read_text("utf-8"))
    assert found == []


def test_vendored_files():
    """The vendored files are those of the note, by their digests."""
    folder = STATIC / "vendor" / "uplot"
    noted = dict(re.findall(r"`([\w.]+)` \| `([0-9a-f]{64})`", (folder / "README.md").read_text("utf-8")))
    held = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name != "README.md"
    }
    assert held == noted
