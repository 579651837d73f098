"""Who calls, as the gateway in front says it: who may mark requests as synthetic.

A direct invocation has no request context; IAM admits it, so it may. Sources: "AWS Lambda proxy integrations for HTTP
APIs" in the API Gateway Developer Guide (`requestContext.authorizer.iam.userArn` of payload 2.0,
`requestContext.identity.userArn` of 1.0), "IAM identifiers" in the IAM User Guide.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container
    from typing import Any

ARN_PARTS = 6
ACCOUNT_DIGITS = 12
KINDS = {"role": "role", "assumed-role": "role", "user": "user"}
LOOPBACK = ("127.", "::1", "::ffff:127.")


def principal(arn: str) -> str:
    """Return the account, kind and name of a role or user, equal for a role's own ARN and that of its sessions.

    Raises ValueError for anything else.

    >>> principal("arn:aws:sts::123456789012:assumed-role/probe/probe")
    '123456789012 role probe'
    >>> principal("arn:aws:iam::123456789012:role/service/probe")
    '123456789012 role probe'
    """
    parts = arn.split(":")
    if len(parts) != ARN_PARTS or parts[0] != "arn" or parts[2] not in ("iam", "sts"):
        raise ValueError
    account, (kind, *names) = parts[4], parts[5].split("/")
    if kind not in KINDS or len(account) != ACCOUNT_DIGITS or not account.isdecimal():
        raise ValueError
    # Paths are before the name of a role or user; the name of a session is after that of its role.
    name = names[0] if kind == "assumed-role" and names else names[-1] if names else ""
    if not name:
        raise ValueError
    return f"{account} {KINDS[kind]} {name}"


def may_mark(context: Any, allowed: Container[str]) -> bool:
    """Whether the caller in an HTTP event's request context may mark requests as synthetic.

    Nothing that the caller itself can write is read. allowed: principals.
    """
    if not isinstance(context, dict):
        return False
    http, identity = _member(context, "http"), _member(context, "identity")
    address = http.get("sourceIp") or identity.get("sourceIp")
    if isinstance(address, str) and address.startswith(LOOPBACK):
        return True  # no gateway of AWS calls from there: it is somebody on the console's own machine
    arn = _member(_member(context, "authorizer"), "iam").get("userArn") or identity.get("userArn")
    try:
        return isinstance(arn, str) and principal(arn) in allowed
    except ValueError:
        return False


def _member(document: dict[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name)
    return value if isinstance(value, dict) else {}
