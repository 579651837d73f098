"""What stands for a session or a caller in events: a digest that is equal for equal texts."""

from __future__ import annotations

import hashlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

#: Of a digest: two of a billion sessions are equal by chance in one of 37 logs.
DIGEST_BYTES = 8


def pseudonym(model: str, kind: Literal["session", "caller"], text: str) -> str:
    """Return the digest of what names a session or a caller, 16 hex digits.

    It differs from model to model, and between sessions and callers, so that they cannot be
    joined. It has no secret: who knows a text can compute it. Source: BLAKE2, RFC 7693.

    Args:
        model: the model's name.
        kind: what the text names.
        text: as the request has it.

    >>> pseudonym("house-price", "caller", "desk-7")
    '1f9c21771a197452'
    """
    key = model.encode()
    digest = hashlib.blake2b(
        text.encode("utf-8", "surrogatepass"),
        digest_size=DIGEST_BYTES,
        key=key,
        person=kind.encode(),
    )
    return digest.hexdigest()
