"""What a console is started with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from urllib.parse import urlsplit

from drift_contracts import DriftError
from drift_contracts.exits import CANNOT_START

FAST = 60  # --fast divides every alarm period, and the minute that a window spans, by this


_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?|[0-9A-Fa-f:]+")


class BadSettings(DriftError):
    """Settings that cannot work together, or a place that cannot be used."""


class CannotListen(BadSettings):
    """The port is in use, or the address is not one of this machine."""

    exit_code = CANNOT_START


@dataclass(frozen=True, kw_only=True)
class Settings:
    """host, port: where to listen (port 0: any free one). retention: seconds that data is kept."""

    host: str = "127.0.0.1"
    port: int = 8123
    fast: bool = False
    bundles: Path = Path("build/bundles")
    data: Path = Path("build/console")
    models: tuple[str, ...] = ()
    stack: str = "local"
    threshold: float | None = None
    webhooks: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    retention: float = 7 * 86400.0

    def __post_init__(self) -> None:
        if not self.host.strip():
            # An empty address, as an unset variable gives it, would mean every address.
            raise BadSettings("--host: expected an address of this machine, such as 127.0.0.1; it is empty")
        for name in self.allowed_hosts:
            if not _HOST_NAME.fullmatch(name):
                raise BadSettings("--allow-host: expected a name such as drift.example.com, without a port")
        if not all(map(_is_address, self.webhooks)):
            raise BadSettings("--webhook: expected a URL such as https://hooks.example.com/path")
        if not isfinite(self.retention):
            raise BadSettings("--retention-days: expected a number of days")

    @property
    def scale(self) -> int:
        """What alarm periods and the monitor's minute are divided by."""
        return FAST if self.fast else 1

    @property
    def log(self) -> Path:
        """The folder of the event log."""
        return self.data / "events"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data / "console.sqlite"

    @property
    def windows(self) -> Path:
        """Where the monitor keeps its windows; those that last a second are kept apart from those of a minute."""
        return self.data / "windows-fast.sqlite" if self.fast else self.database

    @property
    def dead_letters(self) -> Path:
        """Events that could not be counted, with the reason."""
        return self.data / "dead-letters.log"


def _is_address(url: str) -> bool:
    """Say whether an alert can be posted there."""
    try:
        parts = urlsplit(url)
        port = parts.port  # it is read, and refused, only where it is asked for
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0
