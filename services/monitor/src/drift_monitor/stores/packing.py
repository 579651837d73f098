"""Documents as small bytes: JSON without blanks, deflated."""

from __future__ import annotations

import json
import zlib
from typing import Any


def pack(document: dict[str, Any]) -> bytes:
    """The document as bytes that `unpack` reads back as an equal one."""
    return zlib.compress(json.dumps(document, separators=(",", ":"), allow_nan=False).encode(), 6)


def unpack(data: bytes) -> dict[str, Any]:
    """The document that was packed."""
    document: dict[str, Any] = json.loads(zlib.decompress(data))
    return document
