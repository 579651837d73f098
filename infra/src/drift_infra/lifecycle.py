"""How long images are kept."""

from __future__ import annotations

import json

TRIAL_TAG, TRIAL_DAYS = "trial-", 30


def trials_only() -> str:
    """Return a lifecycle that never expires the live image, or the one to roll back to.

    Only what was pushed under a tag `trial-...` expires. Images that are built here have a tag of
    their own (`c-...`), and one that another pipeline pushed may have no tag at all: a rule on
    untagged images would expire it while it is live, and a rule that keeps the newest N would count
    failed attempts against it.
    """
    rule = {
        "rulePriority": 1,
        "description": f"Drop images tagged {TRIAL_TAG}... after {TRIAL_DAYS} days",
        "selection": {
            "tagStatus": "tagged",
            "tagPrefixList": [TRIAL_TAG],
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": TRIAL_DAYS,
        },
        "action": {"type": "expire"},
    }
    return json.dumps({"rules": [rule]})
