"""Who owns what: parents, tags, provider, protection, secrets, policies that must never be broken."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from drift_infra.policies import statements, violations

from tools.stack_checks.capture import ACCOUNT

if TYPE_CHECKING:
    from tools.stack_checks.graph import Graph

    from .finding import Facts, Found

PROTECTED = (
    "dynamodb.Table", "s3.Bucket", "ecr.Repository", "lambda.Alias", "apigatewayv2.Api", "apigatewayv2.Stage",
    "sns.Topic", "cloudwatch.Dashboard",
)  # fmt: skip
RETAINED = ("dynamodb.Table", "s3.Bucket")
GUARDS = (
    "s3.BucketPublicAccessBlock", "s3.BucketPolicy", "s3.BucketLifecycleConfiguration", "s3.BucketOwnershipControls",
    "s3.BucketServerSideEncryptionConfiguration",
)  # fmt: skip
NAMES = ("name", "bucket", "alarmName", "dashboardName", "domainName", "statementId")
SECRET_INPUTS = {"secretsmanager.SecretVersion": "secretString", "docker.Image": "registry"}


def never_broken(graph: Graph, _facts: Facts) -> Found:
    """The policy pack's rules, on every resource."""
    for node in graph.nodes:
        for rule in violations(node.kind, node.inputs):
            yield node.address, f"{rule.name}: {rule.sentence}"


def has_parent(graph: Graph, _facts: Facts) -> Found:
    """Every resource belongs to one of our components, and every component to another or to the stack."""
    for node in graph.nodes:
        ours = "$drift:infra:" in f"${node.urn.split('::')[2]}".rpartition("$")[0] + "$" if node.custom else True
        if node.custom and not node.kind.startswith("pulumi:providers:") and not ours:
            yield node.address, "has no component as parent"
        if not node.custom and not node.parent:
            yield node.address, "is not parented to anything"


def one_provider(graph: Graph, _facts: Facts) -> Found:
    """Every resource is made by the provider that carries the region and the tags."""
    for node in graph.resources:
        if "pulumi:providers:aws::aws::" not in node.provider:
            yield node.address, "is made by another provider, so it is untagged"


def tagged(graph: Graph, facts: Facts) -> Found:
    """The provider tags everything with what it belongs to."""
    expected = {"Project": facts.project, "Stack": facts.stack, "ManagedBy": "Pulumi"}
    if not expected.items() <= graph.tags.items():
        yield graph.provider.address, f"does not tag with {', '.join(expected)}"


def named(graph: Graph, facts: Facts) -> Found:
    """Names that people look for start with project and stack."""
    prefix = f"{facts.project}-{facts.stack}"
    for node in graph.resources:
        name = node.inputs.get("name")
        if node.short in (
            "lambda.Function",
            "sqs.Queue",
            "sns.Topic",
            "dynamodb.Table",
            "iam.Role",
            "cloudwatch.MetricAlarm",
        ) and not re.fullmatch(re.escape(prefix) + r"-[a-z0-9-]{1,60}", str(name)):
            yield node.address, f"is not named {prefix}-..."


def protected(graph: Graph, facts: Facts) -> Found:
    """Production keeps its data: protected from deletion here, retained in the cloud, recoverable."""
    if not facts.production:
        return
    for node in graph.resources:
        if node.short in PROTECTED and not node.protect:
            yield node.address, "is not protected"
        if node.short in RETAINED and not node.retain:
            yield node.address, "is not retained when it leaves the program"
        if node.short == "dynamodb.Table" and not node.inputs.get("deletionProtectionEnabled"):
            yield node.address, "can be deleted"
        if node.short == "dynamodb.Table" and not node.inputs.get("pointInTimeRecovery", {}).get("enabled"):
            yield node.address, "cannot be restored to a point in time"
        if node.short in PROTECTED and (node.inputs.get("forceDestroy") or node.inputs.get("forceDelete")):
            yield node.address, "is emptied when deleted"


def guards_stay(graph: Graph, _facts: Facts) -> Found:
    """What guards a retained resource is retained with it, or the data lies open, and for ever."""
    retained = {node.urn for node in graph.resources if node.retain and node.short not in GUARDS}
    for node in graph.resources:
        if node.short in GUARDS and retained & set(node.after) and not node.retain:
            yield node.address, "goes, and what it guards stays"


def leaving_asks_first(graph: Graph, facts: Facts) -> Found:
    """In production nothing is deleted before the dashboard, which refuses: it depends on all the rest."""
    if not facts.production:
        return
    for last in graph.of("cloudwatch.Dashboard"):
        before = [node for node in graph.resources if node.urn not in last.after and node is not last]
        if before:
            yield last.address, f"refuses only after {before[0].address} is gone"


def deleted_before_it_is_replaced(graph: Graph, _facts: Facts) -> Found:
    """Whatever bears a name of ours makes room for its replacement: AWS gives a name away once."""
    for node in graph.resources:
        named = any(node.inputs.get(name) for name in NAMES)
        if named and not node.delete_first:
            yield node.address, "would be replaced while the old one has its name"


def secrets_stay_secret(graph: Graph, _facts: Facts) -> Found:
    """What configuration holds encrypted is encrypted in the state too."""
    for node in graph.nodes:
        name = SECRET_INPUTS.get(node.short)
        if name and name not in node.secrets:
            yield node.address, f"{name} is in plain text"
        if (
            node.short == "sns.TopicSubscription"
            and node.inputs.get("protocol") == "https"
            and "endpoint" not in node.secrets
        ):
            yield node.address, "endpoint is in plain text"


def trusts_this_account(graph: Graph, _facts: Facts) -> Found:
    """A role that a service takes on for its customers names this account, or another's resources could borrow it.

    Lambda's roles are the exception: only who may pass a role can give it to a function.
    """
    for node in graph.of("iam.Role"):
        for one in statements(node.inputs["assumeRolePolicy"]):
            lends = one.get("Principal") != {"Service": "lambda.amazonaws.com"}
            if lends and ACCOUNT not in json.dumps(one.get("Condition", {})):
                yield node.address, "can be used on behalf of another account"


def alarms_to_somebody(graph: Graph, facts: Facts) -> Found:
    """In production somebody listens to the topic."""
    if facts.production and not graph.of("sns.TopicSubscription"):
        yield "sns.Topic", "has no subscription"


RULES = (
    never_broken,
    has_parent,
    one_provider,
    tagged,
    named,
    protected,
    guards_stay,
    leaving_asks_first,
    deleted_before_it_is_replaced,
    secrets_stay_secret,
    trusts_this_account,
    alarms_to_somebody,
)
