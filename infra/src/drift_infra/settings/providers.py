"""Keys of AWS's provider that hold objects: the roles to take on, and tags."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from .kinds import Table, Text

ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}")
SESSION = re.compile(r"[\w+=,.@-]{2,64}")
EXTERNAL = re.compile(r"[\w+=,.@:/-]{2,1224}")
MOST_ROLES = 5
TAGS = Table(
    r"(?!aws:)[A-Za-z0-9 _.:/=+@-]{1,128}",
    Text(r"[A-Za-z0-9 _.:/=+@-]{0,256}", "a tag's value"),
    "an object with `tags`, names and values",
)


@dataclass(frozen=True)
class Assumed:
    """A role to take on."""

    role_arn: str
    session_name: str | None = None
    external_id: str | None = None


@dataclass(frozen=True)
class Roles:
    """A list of roles, as the provider spells them."""

    type: str = "array"
    allowed: str = (
        'a list of at most 5 objects: "roleArn" the ARN of an IAM role,'
        ' "sessionName" and "externalId" where wanted'
    )

    def parse(self, text: str) -> tuple[Assumed, ...]:
        """Return the value of a text. Raises ValueError, without the text."""
        items = json.loads(text)
        if not isinstance(items, list) or len(items) > MOST_ROLES:
            raise ValueError
        return tuple(_role(item) for item in items)


@dataclass(frozen=True)
class DefaultTags:
    """Tags, below the member `tags`, as the provider spells them."""

    type: str = "object"
    allowed: str = TAGS.allowed

    def parse(self, text: str) -> dict[str, str]:
        """Return the value of a text. Raises ValueError, without the text."""
        document = json.loads(text)
        if not isinstance(document, dict) or not document.keys() <= {"tags"}:
            raise ValueError
        tags = TAGS.parse(json.dumps(document.get("tags", {})))
        return {name: str(value) for name, value in tags.items()}


def _role(item: object) -> Assumed:
    members = {"roleArn": ROLE, "sessionName": SESSION, "externalId": EXTERNAL}
    if not isinstance(item, dict) or "roleArn" not in item or not item.keys() <= members.keys():
        raise ValueError
    for name, value in item.items():
        if not isinstance(value, str) or not members[name].fullmatch(value):
            raise ValueError
    return Assumed(item["roleArn"], item.get("sessionName"), item.get("externalId"))
