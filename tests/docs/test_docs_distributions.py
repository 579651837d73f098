"""All distributions say the same of themselves, from one source."""

from __future__ import annotations

import re

import pytest

from tools import distributions, pin_actions


def test_in_step():
    """`python -m tools.distributions` finds nothing to write."""
    assert distributions.behind(distributions.version()) == {}


def test_citation_version():
    """CITATION.cff has the version of the file VERSION."""
    text = (distributions.ROOT / "CITATION.cff").read_text("utf-8")
    assert re.search(r"^version: (.*)$", text, re.MULTILINE)[1] == distributions.version()


def test_new_version():
    """A new version is written with its bounds, and writing it again changes nothing."""
    text = (distributions.ROOT / "ml" / "pyproject.toml").read_text("utf-8")
    moved = distributions.in_step(text, "2.3.4")
    assert 'version = "2.3.4"' in moved
    assert "drift-contracts>=2.3.4,<2.4" in moved
    assert distributions.in_step(moved, "2.3.4") == moved


@pytest.mark.parametrize("words", [["1.2"], ["v1.2.3"], ["newest"]])
def test_wrong_version(words, capsys):
    """Another text for a version ends with code 2 and shows what a version looks like."""
    assert distributions.main(words) == 2
    assert "1.2.0" in capsys.readouterr().err


def test_pinned_actions(monkeypatch):
    """Actions are pinned to the commit of their tag, which stays as a comment to ask again."""
    monkeypatch.setattr(pin_actions, "commit_of", lambda *_: "a" * 40)
    first = pin_actions.pinned("- uses: actions/checkout@v5\n")
    assert first == f"- uses: actions/checkout@{'a' * 40} # v5\n"
    monkeypatch.setattr(pin_actions, "commit_of", lambda _, tag: "b" * 40 if tag == "v5" else None)
    assert pin_actions.pinned(first) == f"- uses: actions/checkout@{'b' * 40} # v5\n"


def test_unreachable_action(monkeypatch):
    """An action that does not answer leaves all pins, as half of them would be worse."""
    monkeypatch.setattr(pin_actions, "commit_of", lambda *_: None)
    assert pin_actions.pinned("- uses: actions/checkout@v5\n") is None
