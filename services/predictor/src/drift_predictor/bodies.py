"""Unpack bodies: gzip, within a bound. Imported with the first packed body only."""

from __future__ import annotations

import zlib

from drift_predictor import problems

#: RFC 9110, section 8.4.1: x-gzip is gzip, and identity is no encoding at all.
GZIP = ("gzip", "x-gzip")
IDENTITY = "identity"
#: Each chunk that holds the end of a member is copied, so it must be short where members are.
CHUNK = 1 << 14
MOST_MEMBERS = 1000
_GZIP_FORMAT = 16 + zlib.MAX_WBITS


def decoded(body: bytes, encoding: str, limit: int) -> bytes:
    """Return a body without its content encoding.

    Args:
        body: as it was sent.
        encoding: the header's value, a list with commas between.
        limit: bytes that it may unpack to.

    Raises:
        Problem: 415 for any other encoding than one gzip, 400 for a body that is no gzip, 413 for
            one that unpacks to more.

    >>> decoded(b"{}", "Identity", 100)
    b'{}'
    """
    names = [name.strip().lower() for name in encoding.split(",")]
    codings = [name for name in names if name not in ("", IDENTITY)]
    if not codings:
        return body
    if len(codings) > 1 or codings[0] not in GZIP:
        raise problems.unsupported_encoding()
    return _unzipped(body, limit)


def _unzipped(body: bytes, limit: int) -> bytes:
    """Return the content of all members of a gzip body, one after another (RFC 1952, 2.2)."""
    packed = memoryview(body)
    parts: list[bytes] = []
    size = start = members = 0
    while start < len(packed) or not members:
        members += 1
        if members > MOST_MEMBERS:
            raise problems.not_gzip()
        member = zlib.decompressobj(wbits=_GZIP_FORMAT)
        while not member.eof:
            chunk = packed[start : start + CHUNK]
            if not chunk:
                raise problems.not_gzip()
            try:
                # One byte more than is allowed shows that there is too much.
                part = member.decompress(chunk, limit + 1 - size)
            except zlib.error:
                raise problems.not_gzip() from None
            size += len(part)
            if size > limit:
                raise problems.too_large(limit)
            parts.append(part)
            start += len(chunk) - len(member.unconsumed_tail) - len(member.unused_data)
    return b"".join(parts)
