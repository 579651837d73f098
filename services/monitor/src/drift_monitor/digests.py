"""Digests of the windows that evidence rests on: a changed window is found by them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_contracts.types import AlertV2WindowsGroup

    from drift_monitor.stores import Document

#: Groups of one size; of more, the two oldest become one of twice the size. So the newest windows
#: stand alone, and a month of minutes takes a hundred groups.
MOST = 8


def document_digest(document: Document) -> str:
    """Return the sha256 of a stored document, in hex digits: of a window or a rhythm.

    >>> document_digest({"b": 1, "a": 2}) == document_digest({"a": 2, "b": 1})
    True
    """
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def joined_digest(
    first: str,
    second: str,
) -> str:
    """Return the digest of two neighbouring groups of one size.

    Args:
        first: of the older group, hex digits.
        second: of the newer one.
    """
    return hashlib.sha256(f"{first}{second}".encode()).hexdigest()


def add_window(
    groups: list[AlertV2WindowsGroup],
    minute: int,
    digest: str,
) -> None:
    """Add a window to the groups, and join the oldest where there are too many of a size.

    Args:
        groups: the oldest first, each of a power of two and no larger than the one before it.
        minute: of the window.
        digest: of the window.
    """
    groups.append({"first": minute, "windows": 1, "digest": digest})
    size = 1
    while True:
        places = [place for place, group in enumerate(groups) if group["windows"] == size]
        if len(places) <= MOST:
            return
        older, newer = groups[places[0]], groups[places[1]]
        groups[places[0] : places[1] + 1] = [
            {
                "first": older["first"],
                "windows": 2 * size,
                "digest": joined_digest(older["digest"], newer["digest"]),
            }
        ]
        size *= 2


def group_digest(digests: Sequence[str]) -> str:
    """Return the digest of a group of windows.

    Args:
        digests: of its windows, the oldest first; a power of two of them.
    """
    level = list(digests)
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [joined_digest(first, second) for first, second in pairs]
    return level[0]
