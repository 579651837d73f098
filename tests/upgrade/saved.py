"""The saved states: where they are, and what each is said to hold."""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Request:
    """One request of the story. at: seconds since 1970."""

    at: float
    model: str
    features: Mapping[str, Any]

    def to_json(self) -> list[Any]:
        """Return the request as it is kept."""
        return [self.at, self.model, self.features]


@dataclass(frozen=True)
class SavedState:
    """The folder of one saved state, named after the commit or release that made it."""

    folder: Path

    @property
    def bundles(self) -> Path:
        """The folder of bundles."""
        return self.folder / "bundles"

    @property
    def console(self) -> Path:
        """The console's data folder; tests work on a copy."""
        return self.folder / "console"

    @property
    def objects(self) -> dict[str, bytes]:
        """The objects of the prediction log by key."""
        top = self.folder / "prediction-log"
        paths = sorted(top.rglob("*.gz"))
        return {path.relative_to(top).as_posix(): path.read_bytes() for path in paths}

    def copy_console(self, folder: Path) -> Path:
        """Copy the console's data folder, and return the copy."""
        return shutil.copytree(self.console, folder / "data")

    def copy_bundles(self, folder: Path) -> Path:
        """Copy the bundles, and return the copy."""
        return shutil.copytree(self.bundles, folder / "bundles")

    def read(self, name: str) -> Any:
        """Return the JSON document of that name."""
        return read_json(self.folder / name)

    @property
    def afterwards(self) -> list[list[Request]]:
        """The requests that came after the state was saved, minute by minute."""
        minutes = self.read("afterwards.json.gz")
        return [[Request(*request) for request in minute] for minute in minutes]


def states_in(folder: Path) -> list[SavedState]:
    """Return every saved state, oldest name first."""
    return [SavedState(path.parent) for path in sorted(folder.glob("*/facts.json"))]


def read_json(path: Path) -> Any:
    """Return a JSON document, packed by gzip or not."""
    data = path.read_bytes()
    return json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)


def write_json(path: Path, document: Any) -> None:
    """Write a JSON document, packed where the name ends in .gz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=1, sort_keys=True) + "\n"
    path.write_bytes(
        gzip.compress(text.encode(), 9, mtime=0) if path.suffix == ".gz" else text.encode()
    )
