"""docs/glossary.md stays true: its words, the contracts that it names, and the figures that it states."""

from __future__ import annotations

import re
from pathlib import Path

from drift_contracts import schemas
from drift_contracts.severity import HIGH, severity

PAGE = (Path(__file__).parents[2] / "docs/glossary.md").read_text("utf-8")
MEANINGS = dict(re.findall(r"^\| \*\*(.+?)\*\* \| (.+) \|$", PAGE, re.MULTILINE))


def test_words():
    """Each word has a single entry, in its alphabetical place."""
    words = re.findall(r"^\| \*\*(.+?)\*\*", PAGE, re.MULTILINE)
    assert len(words) >= 30
    assert len(words) == len(set(words)) == len(MEANINGS)
    assert words == sorted(words, key=str.lower)


def test_contracts_exist():
    """The contracts that the page names exist."""
    named = set(re.findall(r"`([a-z.-]+\.v\d+)`", PAGE))
    assert named
    assert named <= set(schemas.names())


def test_contract_words():
    """Severities and states of the page are those of the contracts."""
    drift = schemas.schema("prediction.response.v1")["$defs"]["drift"]["properties"]
    alert = schemas.schema("alert.v1")["properties"]
    for word in (*drift["severity"]["enum"], *alert["severity"]["enum"]):
        assert f"`{word}`" in MEANINGS["severity"]
    for state in alert["state"]["enum"]:
        assert state in MEANINGS["alarm"]
    assert (severity(HIGH), f"up to {HIGH}" in MEANINGS["severity"]) == ("moderate", True)
