"""A build context as Docker reads it: names, modes and contents of what .dockerignore lets through."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def image_digest(text: str) -> str:
    """Return a digest as registries write it."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def context_digest(folder: Path, build: dict) -> str:
    """Return the digest that pulumi-docker adds to `build`; relative paths begin in the folder."""
    root = folder / str(build["context"])
    seen = hashlib.sha256((folder / str(build["dockerfile"])).read_bytes())
    for path in files(root):
        seen.update(f"{path.relative_to(root)}\0{path.stat().st_mode:o}\0".encode() + path.read_bytes())
    return seen.hexdigest()


def files(root: Path) -> list[Path]:
    """Return the files of a context, in order."""
    ignored = root / ".dockerignore"
    lines = ignored.read_text("utf-8").splitlines() if ignored.exists() else []
    patterns = tuple(line for line in lines if line and not line.startswith("#"))
    return [path for path in sorted(root.rglob("*")) if path.is_file() and sent(str(path.relative_to(root)), patterns)]


def sent(name: str, patterns: tuple[str, ...]) -> bool:
    """Return whether a file is sent: the last pattern that matches it or a folder above it decides.

    >>> sent("ml/src/a.py", ("*", "!ml", "**/*.so")), sent("ml/a.so", ("*", "!ml", "**/*.so"))
    (True, False)
    """
    parts = name.split("/")
    levels = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    left_out = False
    for pattern in patterns:
        matcher = regex(pattern.removeprefix("!"))
        if any(matcher.fullmatch(level) for level in levels):
            left_out = not pattern.startswith("!")
    return not left_out


@cache
def regex(pattern: str) -> re.Pattern[str]:
    """Return a pattern of .dockerignore as an expression: ** crosses folders, * does not."""
    text = re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
    return re.compile(text.replace(r"\?", "[^/]"))
