"""Every test and every fault that the page of reliability names exists, and the reverse for faults."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text()
TESTS = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(test_\w+)`", PAGE))))
def test_named_tests(name):
    """Every test that the page names exists, as a row without one promises nothing."""
    assert f"def {name}(" in TESTS


def test_named_faults():
    """The page names every fault of the harness."""
    functions = re.findall(
        r"^@(?:fault\(.*\)|attack)\ndef (\w+)\(", (ROOT / "tests/faults/faults.py").read_text(), re.MULTILINE
    )
    names = [function.replace("_", "-") for function in functions]
    assert len(names) > 20
    assert [name for name in names if f"`{name}`" not in PAGE] == []
