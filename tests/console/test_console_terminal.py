"""What others wrote cannot steer the terminal."""

import io

import pytest
from drift_console.terminal import show_alert
from drift_contracts.terminal import make_terminal
from rich.table import Table
from rich.text import Text

HOSTILE = "\x1b]0;title\x07\x1b[2J\x9b31m"
ALERT = {
    "timestamp": "2026-11-28T12:00:00.000Z",
    "state": "ALARM",
    "name": f"drift-{HOSTILE}",
    "title": HOSTILE,
    "reason": HOSTILE,
    "next": [HOSTILE],
}


@pytest.fixture
def terminal():
    """A terminal without colours, and what was printed to it."""
    return make_terminal(file=io.StringIO(), width=200, force_terminal=False)


def test_hostile_alert(terminal):
    """Control characters in a category's name, and so in an alert, are escaped."""
    show_alert(terminal, ALERT)
    printed = terminal.file.getvalue()
    assert "ALARM" in printed
    assert not {"\x1b", "\x07", "\x9b"} & set(printed)


def test_hostile_tables(terminal):
    """Control characters of the data are escaped in tables, and only rich's own are written."""
    coloured = make_terminal(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
    table = Table("name")
    table.add_row(Text(HOSTILE, style="red"))
    for printed_to in (terminal, coloured):
        printed_to.print(table)
        printed_to.print(f"[red]{HOSTILE}[/red]")
        assert "\x1b]0" not in printed_to.file.getvalue()
        assert "\x1b[2J" not in printed_to.file.getvalue()
        assert "\x9b" not in printed_to.file.getvalue()
    assert "\x1b[31m" in coloured.file.getvalue()
