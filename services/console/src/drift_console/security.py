"""What protects a local page: response headers, and who may call it."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

HEADERS = [
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
]


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine only.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_allowed(header: str, *, bound_to: str, names: Collection[str] = ()) -> bool:
    """Return whether a request's Host header may be answered.

    A page of another site can make a browser resolve the attacker's name to 127.0.0.1 (DNS rebinding); its
    requests then carry that name. Bound to loopback, only names of this machine are answered, and those
    that were allowed; bound to another address every name is, unless some were allowed.

    Args:
        header: The Host header, with or without a port.
        bound_to: The address that is listened on.
        names: What `--allow-host` gave, in lower case.
    """
    if not names and not is_loopback(bound_to):
        return True
    try:
        host = urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return False
    return is_loopback(host) or host in names or host == bound_to


def foreign(scope_path: str, method: str, headers: Mapping[str, str]) -> bool:
    """Return whether a page of another site sent the request, as the browser says.

    Such a page cannot read an answer, but each request would be counted, logged and shown. Following a
    link to the page itself is allowed: alerts hold that link, and it is read in mail and chat programs.
    """
    if headers.get("sec-fetch-site") != "cross-site":
        return False
    follows_a_link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return not (follows_a_link and scope_path == "/" and method == "GET")


def same_origin(headers: Mapping[str, str]) -> bool:
    """Whether a request that changes something comes from our own page, or from no page at all.

    Browsers say where a request comes from in Sec-Fetch-Site and Origin; command-line tools send neither.
    """
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")
