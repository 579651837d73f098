"""Where the store of a replay lies, and whether a start goes on with one or begins anew."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from drift_contracts import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from drift_console.settings import Settings

#: Says which replay a data folder is of.
MARK = "replay.json"
#: Digits of an identity that a folder is named by.
DIGITS = 8
#: Settings that what is found depends on.
DETECTION = (
    "stack",
    "threshold",
    "rhythm",
    "repeats",
    "segments",
    "reference",
    "new_normal_days",
    "metric_features",
    "false_alarm_days",
    "minimum_effect",
    "minimum_effects",
    "muted",
    "left_out",
    "psi_alarm",
)


@dataclass(frozen=True)
class Place:
    """A data folder of a replay."""

    folder: Path
    #: Whether an earlier start has played a part of it.
    goes_on: bool


def detection_facts(settings: Settings) -> dict[str, object]:
    """Return the settings that what is found depends on, by name."""
    return {name: getattr(settings, name) for name in DETECTION}


def refuse_replayed(settings: Settings) -> None:
    """Refuse the folder of a replay for live traffic.

    Raises:
        SettingsError: the folder is one.
    """
    if (settings.data / MARK).exists():
        expected = "a folder of live traffic; this one is of a replay"
        message = f"{settings.data} holds a replay; choose another with --data-dir"
        raise SettingsError({"--data-dir": expected}, message)


def place_of(
    folder: Path,
    name: str,
    identity: str,
    *,
    is_chosen: bool,
    anew: bool,
) -> Place:
    """Return the data folder of a replay, made and marked as that; nothing is ever deleted.

    Args:
        folder: That was chosen, or the one that holds the folders of all replays.
        name: Of the file, which a folder is named after.
        identity: Digest of what is replayed, and how.
        is_chosen: Whether the folder itself was chosen.
        anew: Whether to begin again, in a folder beside.

    Raises:
        SettingsError: the chosen folder holds live traffic or another replay, or cannot be used.
    """
    try:
        if is_chosen:
            return _chosen(folder, identity, anew=anew)
        return _beside(folder, f"{name}-{identity[:DIGITS]}", identity, anew=anew)
    except OSError as error:
        message = f"cannot use {folder}: {error.strerror}. Choose another with --data-dir"
        fault = {"--data-dir": "a folder that can be written to"}
        raise SettingsError(fault, message) from error


def _chosen(folder: Path, identity: str, *, anew: bool) -> Place:
    stored = _identity_in(folder)
    is_empty = not folder.exists() or not any(folder.iterdir())
    if is_empty:
        _mark(folder, identity)
        return Place(folder, goes_on=False)
    if stored == identity and not anew:
        return Place(folder, goes_on=True)
    content = "live traffic" if stored is None else "a replay of other rows or settings"
    if stored == identity:
        content = "this replay already, and --anew begins in an empty folder"
    message = f"{folder} holds {content}; choose another with --data-dir, or leave it out"
    raise SettingsError({"--data-dir": "an empty folder, or that of this replay"}, message)


def _beside(folder: Path, name: str, identity: str, *, anew: bool) -> Place:
    newest: Path | None = None
    for place in _numbered(folder, name):
        if not place.exists():
            break
        newest = place
    if newest is not None and not anew and _identity_in(newest) == identity:
        return Place(newest, goes_on=True)
    fresh = next(place for place in _numbered(folder, name) if not place.exists())
    _mark(fresh, identity)
    return Place(fresh, goes_on=False)


def _numbered(folder: Path, name: str) -> Iterator[Path]:
    """Yield the folders that starts anew are put in, one after the other."""
    yield folder / name
    number = 2
    while True:
        yield folder / f"{name}-{number}"
        number += 1


def _identity_in(folder: Path) -> str | None:
    """Return the identity of the replay that a folder holds; None where it holds none."""
    try:
        document = json.loads((folder / MARK).read_text(encoding="utf-8"))
        return str(document["identity"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _mark(folder: Path, identity: str) -> None:
    """Make a folder that says which replay it is of, by one rename."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f".{MARK}-{os.getpid()}"
    fresh.write_text(json.dumps({"identity": identity}), encoding="utf-8")
    fresh.replace(folder / MARK)


def settings_of(settings: Settings, place: Place) -> Settings:
    """Return the settings of a replay: a store of its own, and nobody who is notified."""
    return replace(settings, data=place.folder, webhooks=())
