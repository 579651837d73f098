"""What protects a local page: response headers, and who may call it."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

#: The page loads its own files only, and nothing inline.
_CONTENT_SECURITY_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    b"font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    b"frame-ancestors 'none'"
)
#: Added to every answer.
HEADERS = [
    (b"content-security-policy", _CONTENT_SECURITY_POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
]


def is_loopback(host: str) -> bool:
    """Return whether a host name or address means this machine only.

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

    A page of another site can make a browser resolve the attacker's name to 127.0.0.1 (DNS
    rebinding); its requests then carry that name. Bound to loopback, only names of this machine are
    answered, and those that were allowed; bound to another address every name is, unless some were
    allowed.

    Args:
        header: The Host header, with or without a port.
        bound_to: The address that is listened on.
        names: What `--allow-host` names, in lower case.
    """
    if not names and not is_loopback(bound_to):
        return True
    try:
        host = urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return False
    return is_loopback(host) or host in names or host == bound_to


def is_foreign(path: str, method: str, headers: Mapping[str, str]) -> bool:
    """Return whether a page of another site sent the request, as the browser tells.

    Such a page cannot read an answer, but each request would be counted, logged and shown. A link
    to the page itself may be followed: alerts hold that link, and are read in mail and chat.

    Args:
        path: That of the request.
        method: That of the request.
        headers: By name in lower case.
    """
    if headers.get("sec-fetch-site") != "cross-site":
        return False
    is_navigation = headers.get("sec-fetch-mode") == "navigate"
    is_document = headers.get("sec-fetch-dest") == "document"
    is_page = path == "/" and method == "GET"
    return not (is_navigation and is_document and is_page)


def is_same_origin(headers: Mapping[str, str]) -> bool:
    """Return whether a request that changes something comes from the console's page, or from none.

    Browsers name where a request comes from in Sec-Fetch-Site and Origin; command-line tools send
    neither.
    """
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")
