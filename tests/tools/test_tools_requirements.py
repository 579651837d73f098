"""What `pulumi install` reads holds what the program needs, in a form that any pip takes."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE = ROOT / "infra" / "requirements.txt"
# A requirement may go on over several lines, each but the last with a backslash at its end.
REQUIREMENTS = re.findall(r"^(?!\s*#)\S(?:.*\\\n)*.*$", FILE.read_text("utf-8"), re.MULTILINE)
NAMES = {re.split(r"[=\[ @;]", requirement)[0] for requirement in REQUIREMENTS}


def direct(name: str) -> set[str]:
    """Return the distributions that a set of requirements/ names itself."""
    lines = (ROOT / "requirements" / f"{name}.in").read_text("utf-8").splitlines()
    return {line.strip() for line in lines if line.strip() and not line.startswith("#")}


def test_hashes():
    """Every requirement is pinned with hashes, as pip refuses the others beside one that is."""
    for requirement in REQUIREMENTS:
        assert re.match(r"[\w.-]+==[\w.]+", requirement)
        assert "--hash=sha256:" in requirement


def test_plain_requirements():
    """No requirement has extras or is a folder, which pip 23.2.1 refuses with hashes."""
    for requirement in REQUIREMENTS:
        assert not re.match(r"[\w.-]+\[|-e|\.|/|file:|[\w.-]+ ?@", requirement)


def test_program_imports():
    """The set of the Pulumi program has what the program imports."""
    assert direct("program") <= NAMES


def test_no_test_tools():
    """The set of the Pulumi program has no tools for tests, which are in their own."""
    only_for_tests = direct("infra") - direct("program") - {"pyyaml"}
    assert "pytest" in only_for_tests
    assert NAMES.isdisjoint(only_for_tests)
