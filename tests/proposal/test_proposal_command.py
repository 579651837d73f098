"""`driftctl init` as a user calls it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from drift_ml.proposal.commands import main

TABLE = "id,size,tags,price\n" + "".join(
    f"{row},{row * 7 % 50}.5,{'ab'[row % 2]},{row * 7 % 50 * 3}\n" for row in range(60)
)


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Call the command in a folder with a table."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "t.csv").write_text(TABLE)

    def call(*words):
        """Return the result of the command."""
        return CliRunner().invoke(main, ["--data", "t.csv", "--target", "price", *words])

    return call


def test_init_writes(call, tmp_path):
    """`init` writes the feature set, and prints the next command last."""
    result = call()
    assert result.exit_code == 0, result.output
    document = json.loads((tmp_path / "price.json").read_text())
    assert [feature["name"] for feature in document["features"]] == ["size", "tags"]
    assert "driftctl train --feature-set price.json --data t.csv --ignore id" in result.output
    assert "look at:" in result.output


def test_init_shows_sources(call):
    """`init` says what sessions and callers are told by."""
    result = call("--session", "header:x-session-id", "--caller", "feature:tags")
    assert "session: told by" in result.output
    assert "caller: told by" in result.output


def test_init_keeps_file(call, tmp_path):
    """`init` does not overwrite a file that somebody has edited, unless it is told to."""
    (tmp_path / "price.json").write_text("mine")
    refused = call()
    assert refused.exit_code == 2
    assert "--force" in refused.output
    assert (tmp_path / "price.json").read_text() == "mine"
    assert call("--force").exit_code == 0


def test_init_unwritable(call):
    """A file that cannot be written is refused as a wrong option."""
    result = call("--out", "nowhere/price.json")
    assert result.exit_code == 2
    assert "--out" in result.output


def test_init_checks_reading_options(call):
    """A wrong option for reading is refused by its name."""
    result = call("--delimiter", "::")
    assert result.exit_code == 2
    assert "--delimiter" in result.output


def test_init_wide_table(call, tmp_path):
    """Of many columns `init` shows those that somebody must look at."""
    header = ",".join([*(f"c{place}" for place in range(60)), "flag", "price"])
    rows = [
        ",".join([*(str((row * 3 + place) % 17) for place in range(60)), str(row % 2), f"{row}.5"]) for row in range(60)
    ]
    (tmp_path / "t.csv").write_text("\n".join([header, *rows]) + "\n")
    result = call()
    assert "flag" in result.output
    assert "more columns are not shown" in result.output


def test_init_target_doubts(call, tmp_path):
    """`init` reports a target that may be classes."""
    (tmp_path / "t.csv").write_text("a,price\n" + "".join(f"{row * 7 % 50},{row % 3}\n" for row in range(60)))
    assert "look at: price has 3 values" in call().output


def test_init_sample(call, monkeypatch):
    """`init` states where it has read a sample of the rows."""
    monkeypatch.setattr("drift_ml.proposal.sampling.MOST_ROWS", 10)
    assert "places" in call().output


def test_init_shows_kinds_of_values(call, tmp_path):
    """Booleans, open categories and nulls are shown as such."""
    rows = [f"{'yes' if row % 3 else 'no'},l{row % 25},{'' if row % 5 else 2 + row % 3},{row}.5" for row in range(100)]
    (tmp_path / "t.csv").write_text("\n".join(["paid,level,gap,price", *rows]) + "\n")
    output = call().output
    for words in ("true, false", "25 levels and others", "integer or null"):
        assert words in output
