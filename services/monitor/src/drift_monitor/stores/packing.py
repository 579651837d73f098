"""Documents as small bytes: JSON without blanks, deflated."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

UNREADABLE = "unreadable"
"""The only member of a document that stands for damaged bytes; it holds them, in base64."""


def pack(document: dict[str, Any]) -> bytes:
    """The document as bytes that `unpack` reads back as an equal one."""
    return zlib.compress(json.dumps(document, separators=(",", ":"), allow_nan=False).encode(), 6)


def unpack(data: bytes) -> dict[str, Any]:
    """Return the document that was packed; of damaged bytes one that holds them under UNREADABLE.

    So one damaged item is found by whoever reads its document, and does not hide the others that
    were read with it.
    """
    raw = bytes(data)  # boto3 wraps the bytes that it reads
    try:
        document = json.loads(zlib.decompress(raw))
    except (ValueError, zlib.error):
        document = None
    return document if isinstance(document, dict) else {UNREADABLE: base64.b64encode(raw).decode()}
