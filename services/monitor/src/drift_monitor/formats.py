"""Tell stored documents apart that this code can read, that are newer, and that are damaged."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .errors import BadStore
from .stores import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .keys import Series

WINDOW = "window.state.v1"
DETECTOR = "detector.state.v1"
_VERSION = re.compile(r"(?P<name>[a-z.]+)\.v(?P<number>[1-9][0-9]{0,5})")

NEWER = "{what} is newer than this release and was left as it is: deploy the release that wrote it"
DAMAGED = (
    "{what} is damaged and cannot be read. It was left as it is: restore the item {item} from a"
    " backup; or delete it, and the evidence starts anew from the next minute on."
    " The windows are not touched by this"
)


def is_newer(document: Mapping[str, Any], contract: str) -> bool:
    """Return whether a document is of a later version of the contract.

    >>> is_newer({"contract": "window.state.v2"}, "window.state.v1")
    True
    >>> is_newer({}, "window.state.v1")
    False
    """
    found = _VERSION.fullmatch(str(document.get("contract")))
    ours = _VERSION.fullmatch(contract)
    if found is None or ours is None:
        return False
    return found["name"] == ours["name"] and int(found["number"]) > int(ours["number"])


def refuse_newer(document: Mapping[str, Any], contract: str, series: Series, what: str) -> None:
    """Raise BadStore for a document of a later version of the contract."""
    if is_newer(document, contract):
        raise BadStore(str(series), NEWER.format(what=what))


def refuse_damaged(document: Mapping[str, Any], series: Series, what: str, item: str) -> None:
    """Raise BadStore for a document whose bytes could not be read."""
    if UNREADABLE in document:
        raise BadStore(str(series), DAMAGED.format(what=what, item=item))
