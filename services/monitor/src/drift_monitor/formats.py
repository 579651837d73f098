"""Tell stored documents apart: those that this code can read, newer ones, and damaged ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from drift_monitor.errors import BadStore
from drift_monitor.stores import UNREADABLE

if TYPE_CHECKING:
    from drift_monitor.keys import Series
    from drift_monitor.stores import Document

WINDOW = "window.state.v2"
DETECTOR = "detector.state.v2"
_VERSION = re.compile(r"(?P<name>[a-z.]+)\.v(?P<number>[1-9][0-9]{0,5})")

NEWER = "{what} is newer than this release and was left as it is: deploy the release that wrote it"
DAMAGED = (
    "{what} is damaged and cannot be read. It was left as it is: restore the item {item} from a"
    " backup; or delete it, and the evidence starts anew from the next minute on."
    " The windows are not touched by this"
)


def is_newer(
    document: Document,
    contract: str,
) -> bool:
    """Return whether a document is of a later version of a contract.

    Args:
        document: any document; one without a contract is not newer.
        contract: name and version, such as window.state.v1.

    >>> is_newer({"contract": "window.state.v2"}, "window.state.v1")
    True
    >>> is_newer({}, "window.state.v1")
    False
    """
    theirs = _VERSION.fullmatch(str(document.get("contract")))
    ours = _VERSION.fullmatch(contract)
    if theirs is None or ours is None:
        return False
    return theirs["name"] == ours["name"] and int(theirs["number"]) > int(ours["number"])


def refuse_newer(
    document: Document,
    contract: str,
    series: Series,
    what: str,
) -> None:
    """Raise BadStore for a document of a later version of the contract.

    Args:
        document: as it is stored.
        contract: the version that this code reads.
        series: whose document it is, for the message.
        what: the document in words, for the message.
    """
    if is_newer(document, contract):
        raise BadStore(str(series), NEWER.format(what=what))


def refuse_damaged(
    document: Document,
    series: Series,
    what: str,
    item: str,
) -> None:
    """Raise BadStore for a document whose bytes could not be read.

    Args:
        document: as the store returned it.
        series: whose document it is, for the message.
        what: the document in words, for the message.
        item: the key under which it is stored.
    """
    if UNREADABLE in document:
        raise BadStore(str(series), DAMAGED.format(what=what, item=item))
