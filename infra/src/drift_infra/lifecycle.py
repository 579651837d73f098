"""How long images and predictions are kept."""

from __future__ import annotations

import json

UNTAGGED_DAYS = 30


def untagged_only() -> str:
    """A lifecycle that can never expire the live image or the one to roll back to.

    Tags are derived from the content and cannot move, so every image that was ever deployed keeps its tag, and only
    images without a tag expire. A rule that keeps the newest N would count failed attempts against the live one.
    """
    rule = {
        "rulePriority": 1,
        "description": f"Drop images that never got a tag after {UNTAGGED_DAYS} days",
        "selection": {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": UNTAGGED_DAYS,
        },
        "action": {"type": "expire"},
    }
    return json.dumps({"rules": [rule]})
