"""Tell who calls, as the gateway in front says it: who may mark requests as synthetic.

A direct invocation has no request context; IAM admits it, so it may. Sources: "AWS Lambda proxy
integrations for HTTP APIs" in the API Gateway Developer Guide
(`requestContext.authorizer.iam.userArn` of payload 2.0, `requestContext.identity.userArn` of 1.0),
"IAM identifiers" in the IAM User Guide.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Mapping

ARN_PARTS = 6
ACCOUNT_DIGITS = 12
SERVICES = ("iam", "sts")
#: The kind of a principal, by the word of its ARN.
KINDS = {"role": "role", "assumed-role": "role", "user": "user"}
LOOPBACK = ("127.", "::1", "::ffff:127.")


def principal(arn: str) -> str:
    """Return the account, kind and name of a role or user.

    They are equal for a role's own ARN and that of its sessions.

    Args:
        arn: of IAM or STS.

    Raises:
        ValueError: anything else.

    >>> principal("arn:aws:sts::123456789012:assumed-role/probe/probe")
    '123456789012 role probe'
    >>> principal("arn:aws:iam::123456789012:role/service/probe")
    '123456789012 role probe'
    """
    parts = arn.split(":")
    if len(parts) != ARN_PARTS or parts[0] != "arn" or parts[2] not in SERVICES:
        raise ValueError
    account = parts[4]
    if len(account) != ACCOUNT_DIGITS or not account.isdecimal():
        raise ValueError
    word, _, path = parts[5].partition("/")
    if word not in KINDS:
        raise ValueError
    names = path.split("/")
    name = names[-1]
    if word == "assumed-role":
        # The name of a session is after that of its role; paths are before the name.
        name = names[0]
    if not name:
        raise ValueError
    return f"{account} {KINDS[word]} {name}"


def may_mark(context: object, allowed: Container[str]) -> bool:
    """Return whether the caller may mark requests as synthetic.

    Nothing that the caller itself can write is read.

    Args:
        context: the HTTP event's request context.
        allowed: principals, as `principal` returns them.
    """
    if not isinstance(context, dict):
        return False
    http, identity = _member(context, "http"), _member(context, "identity")
    address = http.get("sourceIp") or identity.get("sourceIp")
    if isinstance(address, str) and address.startswith(LOOPBACK):
        return True  # no gateway of AWS calls from there: it is the console's own machine
    iam = _member(_member(context, "authorizer"), "iam")
    arn = iam.get("userArn") or identity.get("userArn")
    if not isinstance(arn, str):
        return False
    try:
        return principal(arn) in allowed
    except ValueError:
        return False


def _member(document: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = document.get(name)
    if isinstance(value, dict):
        return value
    return {}
