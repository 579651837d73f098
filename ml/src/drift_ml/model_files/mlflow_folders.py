"""MLflow's folders of models: which file is the model, and what its signature says.

Only the few lines of `MLmodel` that name these are read; no loader that it names is imported.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import Broken

if TYPE_CHECKING:
    from pathlib import Path

DESCRIPTION = "MLmodel"
MOST_BYTES = 4 << 20
#: By flavour, the members that may name the model's file.
FLAVOURS = {
    "sklearn": ("pickled_model",),
    "xgboost": ("data",),
    "lightgbm": ("data",),
    "catboost": ("data",),
}


@dataclass(frozen=True)
class Described:
    """What a folder says of its model."""

    #: The file with the model.
    file: Path
    flavour: str
    #: Names of its columns, where its signature has them.
    columns: tuple[str, ...]


def read_description(folder: Path) -> Described:
    """Return what a folder says of its model.

    Raises:
        Broken: it names no model of a library that is read, or a file outside of the folder.
    """
    path = folder / DESCRIPTION
    if path.stat().st_size > MOST_BYTES:
        raise Broken(f"{DESCRIPTION} is larger than {MOST_BYTES} bytes")
    members = _members(path.read_text("utf-8", "replace"))
    for flavour, names in FLAVOURS.items():
        for name in names:
            value = members.get(f"flavors/{flavour}/{name}", "")
            if value:
                return Described(_inside(folder, value), flavour, _columns(members))
    listed = ", ".join(FLAVOURS)
    raise Broken(
        f"{DESCRIPTION} has no flavour of {listed}; a function of your own runs no code here"
    )


def _inside(folder: Path, name: str) -> Path:
    """Return a file of a folder. Raises Broken where it is none."""
    base = folder.resolve()
    file = (base / name).resolve()
    if file.is_dir():
        # LightGBM's and XGBoost's flavours may name a folder with one file.
        inner = [entry for entry in sorted(file.iterdir()) if entry.is_file()]
        file = inner[0].resolve() if inner else file
    if not file.is_relative_to(base) or not file.is_file():
        raise Broken(f"{DESCRIPTION} names a file that is not in its folder")
    return file


def _members(text: str) -> dict[str, str]:
    """Return the texts of a YAML document by their path, a slash between levels.

    Lists are left out; a quoted text may go on in the next lines, as MLflow writes signatures.
    """
    members: dict[str, str] = {}
    levels: list[tuple[int, str]] = []
    lines = text.splitlines()
    place = 0
    while place < len(lines):
        line = lines[place]
        place += 1
        body = line.strip()
        name, colon, value = body.partition(":")
        if not colon or body[0] in "#-":
            continue
        indent = len(line) - len(line.lstrip())
        while levels and levels[-1][0] >= indent:
            levels.pop()
        value = value.strip()
        if value.startswith("'"):
            while place < len(lines) and not _is_closed(value):
                value += " " + lines[place].strip()
                place += 1
        path = "/".join([*(level for _, level in levels), name])
        members[path] = _unquoted(value)
        levels.append((indent, name))
    return members


def _is_closed(value: str) -> bool:
    # A quote within is written twice.
    return len(value) > 1 and value.endswith("'") and value.count("'") % 2 == 0


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == "'":
        return value[1:-1].replace("''", "'")
    return value.strip('"')


def _columns(members: dict[str, str]) -> tuple[str, ...]:
    """Return the names of a signature's inputs, none where it has no names."""
    try:
        inputs = json.loads(members.get("signature/inputs", "[]"))
        names = tuple(entry.get("name") for entry in inputs)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return ()
    return names if all(isinstance(name, str) for name in names) else ()
