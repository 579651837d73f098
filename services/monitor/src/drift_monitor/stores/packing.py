"""Documents as small bytes: JSON without blanks, deflated."""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drift_monitor.stores.protocol import Document

#: The only member of a document that stands for damaged bytes; it holds them, in base64.
UNREADABLE = "unreadable"


def pack(document: Document) -> bytes:
    """Return the document as bytes that `unpack` reads back as an equal one."""
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    return zlib.compress(text.encode(), 6)


def unpack(data: bytes) -> Document:
    """Return the document that was packed; of damaged bytes one that holds them under UNREADABLE.

    So one damaged item is noticed by whoever reads its document, and does not hide the others that
    were read with it.
    """
    raw = bytes(data)  # boto3 wraps the bytes that it reads
    try:
        document = json.loads(zlib.decompress(raw))
    except (ValueError, zlib.error):
        document = None
    if not isinstance(document, dict):
        return {UNREADABLE: base64.b64encode(raw).decode()}
    return document
