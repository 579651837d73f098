"""The console as a process of its own, started as a person starts it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING, Any, Self

from tests.support.waiting import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path


class ConsoleProcess:
    """A console that serves while the block runs; `code` and `output` afterwards.

    One that cannot start has its code at once, and `url` is empty.
    """

    def __init__(self, data: Path, bundles: Path) -> None:
        options = [
            "--port",
            "0",
            "--data-dir",
            str(data),
            "--bundles",
            str(bundles),
            "--retention-days",
            "36500",
        ]
        command = [sys.executable, "-u", "-m", "drift_console", *options]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.output = ""
        self.code: int | None = None
        self.url = ""

    def __enter__(self) -> Self:
        output = self._process.stdout
        assert output is not None
        for line in output:
            self.output += line
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                self.url = found[0]
            if line.startswith("curl"):
                break
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        self.output += self._process.communicate(timeout=PATIENCE)[0]
        self.code = self._process.returncode

    def read(self, path: str) -> Any:
        """Return the JSON document at a path."""
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as answer:
            return json.load(answer)
