"""The page of the real engine lists the changes that tests try, and the reverse."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/engine.md").read_text("utf-8")
FOLDERS = ("tests/pulumi", "tests/integration")


def test_numbered_changes():
    """Every change that the page numbers is tried by a test, and the reverse."""
    listed = set(re.findall(r"^\| T(\d+) \|", PAGE, re.MULTILINE))
    tried = set()
    for folder in FOLDERS:
        for path in (ROOT / folder).glob("test_*.py"):
            tried |= set(re.findall(r"def test_t(\d+)_", path.read_text("utf-8")))
    assert listed == tried == {str(number) for number in range(1, 15)}
