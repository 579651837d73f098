"""What must never be, whatever the settings: a function per rule, on a resource's inputs.

The same rules run on the captured graph in tests and, as a policy pack, on every `pulumi up
--policy-pack`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .lifecycle import TRIAL_TAG

# Any: a resource's inputs are as many types as Pulumi has resources.
Inputs = Mapping[str, Any]

# Statements that may say `*`, each with its reason; anything else may not.
WILDCARDS = {
    "WriteTraces": "X-Ray's write actions take no resource: AWS documents * as the only value",
    "AccountKeepsControl": (
        "in a key policy * means this key; without this statement nobody could ever change the key"
    ),
    "AlarmsMayEncrypt": (
        "in a key policy * means this key; GenerateDataKey* covers the two forms SNS uses"
    ),
}
PARTS_OF_AN_ARN = 6
SECRET_NAMES = re.compile(r"(SECRET|TOKEN|PASSWORD|WEBHOOK|KEY)", re.IGNORECASE)


@dataclass(frozen=True)
class Rule:
    """A name, the sentence that a violation prints, the kinds it looks at, and the look."""

    name: str
    #: What must hold, as an update's refusal shows it.
    sentence: str
    #: Types of resources that it is about.
    kinds: tuple[str, ...]
    #: Whether a resource's inputs break it.
    broken: Callable[[Inputs], bool]


def rules() -> tuple[Rule, ...]:
    """Return all rules, in the order in which they were written."""
    return _RULES


def violations(kind: str, inputs: Inputs) -> Iterator[Rule]:
    """Yield the rules that a resource breaks. kind: Pulumi's token, as `aws:sqs/queue:Queue`."""
    return (rule for rule in _RULES if kind in rule.kinds and rule.broken(inputs))


# Any: a policy document may have been written by anybody, and is read member by member.
def statements(document: object) -> list[dict[str, Any]]:
    """Return the statements of a policy document, JSON text or an object; none if unreadable."""
    try:
        parsed = json.loads(document) if isinstance(document, str) else document
    except ValueError:
        return []
    listed = parsed.get("Statement", []) if isinstance(parsed, Mapping) else []
    return [dict(listed)] if isinstance(listed, Mapping) else list(listed)


def _listed(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _too_wide(document: object) -> bool:
    """Return whether an Allow names `*` as action, resource or owner, without a reason."""
    return any(
        statement.get("Effect") == "Allow"
        and statement.get("Sid") not in WILDCARDS
        and (_any_action(statement) or _any_resource(statement))
        for statement in statements(document)
    )


def _any_action(statement: Inputs) -> bool:
    return "NotAction" in statement or any(
        "*" in action for action in _listed(statement.get("Action", []))
    )


def _any_resource(statement: Inputs) -> bool:
    """`*` alone or inside a name; a trailing `/*` or `:*` below a named resource is not."""

    def wide(resource: str) -> bool:
        owner = re.sub(r"(:\*|/\*(/\*)*|/\*/[A-Z]+/[^*]*)$", "", resource)
        return (
            not owner
            or "*" in owner
            or (owner.startswith("arn:") and owner.count(":") < PARTS_OF_AN_ARN - 1)
        )

    return "NotResource" in statement or any(
        wide(str(statement)) for statement in _listed(statement.get("Resource", []))
    )


def _trusts_anyone(document: object) -> bool:
    def anyone(principal: object) -> bool:
        return principal == "*" or (
            isinstance(principal, Mapping) and "*" in _listed(principal.get("AWS", []))
        )

    return any(
        statement.get("Effect") == "Allow"
        and anyone(statement.get("Principal"))
        and not statement.get("Condition")
        for statement in statements(document)
    )


def _refuses_plain(document: object) -> bool:
    return any(
        statement.get("Effect") == "Deny"
        and statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport") == "false"
        for statement in statements(document)
    )


def _plain_secret(inputs: Inputs) -> bool:
    variables = (inputs.get("environment") or {}).get("variables") or {}
    return any(
        SECRET_NAMES.search(name) and not re.match(r"(arn:|@@\{)", str(value))
        for name, value in variables.items()
    )


def _public(inputs: Inputs) -> bool:
    names = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    return not all(inputs.get(name) for name in names)


def _short_lived(inputs: Inputs) -> bool:
    """Return whether a lifecycle can expire anything but trials, and so the live image."""
    selected = [rule["selection"] for rule in json.loads(inputs["policy"])["rules"]]
    return any(
        selection["tagStatus"] != "tagged"
        or not all(tag.startswith(TRIAL_TAG) for tag in selection.get("tagPrefixList") or [""])
        for selection in selected
    )


LAMBDA, LOGS, ROLE_POLICY = (
    "aws:lambda/function:Function",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:iam/rolePolicy:RolePolicy",
)
TOPIC, QUEUE, KEY = "aws:sns/topic:Topic", "aws:sqs/queue:Queue", "aws:kms/key:Key"
RESOURCE_POLICIES = (
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:sqs/queuePolicy:QueuePolicy",
    "aws:sns/topicPolicy:TopicPolicy",
)

_RULES = (
    Rule(
        "readable-policy",
        "A policy is no policy document",
        (ROLE_POLICY, KEY, *RESOURCE_POLICIES),
        lambda inputs: not statements(inputs.get("policy")),
    ),
    Rule(
        "no-wildcard",
        "An Allow statement names * without a written reason",
        (ROLE_POLICY, KEY, *RESOURCE_POLICIES),
        lambda inputs: _too_wide(inputs.get("policy")),
    ),
    Rule(
        "no-managed-policy",
        "A role takes policies that somebody else may widen",
        ("aws:iam/role:Role",),
        lambda inputs: bool(inputs.get("managedPolicyArns")),
    ),
    Rule(
        "trust-one-service",
        "A role can be assumed by anybody",
        ("aws:iam/role:Role",),
        lambda inputs: _trusts_anyone(inputs.get("assumeRolePolicy")),
    ),
    Rule(
        "no-anonymous-access",
        "A resource is open to anybody",
        (KEY, *RESOURCE_POLICIES),
        lambda inputs: _trusts_anyone(inputs.get("policy")),
    ),
    Rule(
        "tls-only",
        "A resource policy accepts requests without TLS",
        RESOURCE_POLICIES,
        lambda inputs: not _refuses_plain(inputs.get("policy")),
    ),
    Rule(
        "private-bucket",
        "A bucket's public access is not blocked in all four ways",
        ("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",),
        _public,
    ),
    Rule(
        "encrypted-topic",
        "A topic has no key of ours (CloudWatch cannot publish through alias/aws/sns)",
        (TOPIC,),
        lambda inputs: "alias/aws/" in str(inputs.get("kmsMasterKeyId") or "alias/aws/"),
    ),
    Rule(
        "encrypted-queue",
        "A queue is not encrypted",
        (QUEUE,),
        lambda inputs: not (inputs.get("sqsManagedSseEnabled") or inputs.get("kmsMasterKeyId")),
    ),
    Rule(
        "encrypted-table",
        "A table is not encrypted with a KMS key",
        ("aws:dynamodb/table:Table",),
        lambda inputs: not (inputs.get("serverSideEncryption") or {}).get("enabled"),
    ),
    Rule(
        "rotated-key",
        "A key is not rotated",
        (KEY,),
        lambda inputs: not inputs.get("enableKeyRotation"),
    ),
    Rule(
        "owned-logs",
        "A log group keeps its lines for ever",
        (LOGS,),
        lambda inputs: not inputs.get("retentionInDays"),
    ),
    Rule(
        "image-by-digest",
        "A function's image is named by a tag, which can move",
        (LAMBDA,),
        lambda inputs: (
            not re.search(
                r"@sha256:[0-9a-f]{64}$|@@\{docker:[^}]*\|repoDigest\}$",
                str(inputs.get("imageUri")),
            )
        ),
    ),
    Rule(
        "no-snapstart",
        "SnapStart is not for image functions",
        (LAMBDA,),
        lambda inputs: bool(inputs.get("snapStart")),
    ),
    Rule(
        "no-plain-secret",
        "A function's environment holds a secret in plain text",
        (LAMBDA,),
        _plain_secret,
    ),
    Rule(
        "fixed-tags",
        "Tags of the repository can move",
        ("aws:ecr/repository:Repository",),
        lambda inputs: inputs.get("imageTagMutability") != "IMMUTABLE",
    ),
    Rule(
        "scanned-images",
        "Images are not scanned when pushed",
        ("aws:ecr/repository:Repository",),
        lambda inputs: not (inputs.get("imageScanningConfiguration") or {}).get("scanOnPush"),
    ),
    Rule(
        "live-image-stays",
        "The repository's lifecycle can expire the live image",
        ("aws:ecr/lifecyclePolicy:LifecyclePolicy",),
        _short_lived,
    ),
    Rule(
        "known-caller",
        "A permission to invoke names no source",
        ("aws:lambda/permission:Permission",),
        lambda inputs: not inputs.get("sourceArn"),
    ),
    Rule(
        "no-function-url",
        "A function URL goes around the API's authentication and throttling",
        ("aws:lambda/functionUrl:FunctionUrl",),
        lambda _: True,
    ),
)
