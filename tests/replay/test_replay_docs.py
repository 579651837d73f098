"""What docs/replay.md says is so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from drift_console.report import report
from drift_ml.replay.commands import replay

TEXT = (Path(__file__).parents[2] / "docs" / "replay.md").read_text(encoding="utf-8")


def test_options_table():
    """The table of options lists the commands' options."""
    listed = dict(re.findall(r"^\| `(--[a-z-]+)` \| (replay|report|both) \|", TEXT, re.MULTILINE))
    own = {
        name: {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
        for name, command in (("replay", replay), ("report", report))
    }
    found = {option: "both" if option in own["report"] else "replay" for option in own["replay"]}
    found |= dict.fromkeys(own["report"] - own["replay"], "report")
    assert listed == found


def test_pictures():
    """Every picture exists and is small."""
    for name in re.findall(r"\]\((images/[^)]+)\)", TEXT):
        assert (Path(__file__).parents[2] / "docs" / name).stat().st_size < 300_000


@pytest.mark.no_cover
@pytest.mark.slow
def test_pasted_commands(made, tmp_path):
    """The commands work as pasted."""
    script = re.search(r"<<'EOF'\n(.*?)\nEOF\n", TEXT, re.DOTALL)[1]
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, timeout=120)
    command = ["--data", str(tmp_path / "traffic.csv"), "--baseline", str(made.folder), "--time-column", "time"]
    result = CliRunner().invoke(replay, command)
    assert result.exit_code in (0, 1), result.stderr
