"""A console in a process of its own, as tests start it."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.support.waiting import PATIENCE

STANDIN = Path(__file__).parents[1] / "console" / "standin_console.py"


class Process:
    """A console in a process of its own; `url` once it has started."""

    def __init__(self, data: Path, *options: str, program: tuple[str, ...] = (str(STANDIN),)) -> None:
        command = [sys.executable, "-u", *program, "--port", "0", "--data-dir", str(data), *options]
        self.data = data
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.banner: list[str] = []
        for line in self.process.stdout:
            self.banner.append(line)
            if line.startswith("curl"):
                break
        found = re.search(r"http://127\.0\.0\.1:\d+", "".join(self.banner))
        assert found, self.banner
        self.url = found[0]

    def end(self, number: int) -> tuple[int, str]:
        """Send the signal; gives the exit code and the rest of what was printed."""
        self.process.send_signal(number)
        rest = self.process.communicate(timeout=PATIENCE)[0]
        return self.process.returncode, rest

    def state(self) -> Any:
        """Return the state document of the first model."""
        return httpx.get(f"{self.url}/console/api/state", timeout=PATIENCE).json()

    def waiting(self) -> Any:
        """Return how many alerts wait in the outbox."""
        connection = sqlite3.connect(f"file:{self.data}/console.sqlite?mode=ro", uri=True)
        try:
            return connection.execute("SELECT COUNT(*) FROM outbox").fetchone()[0]
        finally:
            connection.close()

    def stored(self) -> Any:
        """Return how many events are stored, in a tuple."""
        connection = sqlite3.connect(f"file:{self.data}/console.sqlite?mode=ro", uri=True)
        try:
            return connection.execute("SELECT value FROM counters WHERE name = 'events'").fetchone() or (0,)
        finally:
            connection.close()
