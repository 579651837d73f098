"""Who owns what: parents, tags, provider, protection, secrets, policies that hold always."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from drift_infra.policies import statements, violations

from tools.stack_checks.capture import ACCOUNT

if TYPE_CHECKING:
    from tools.stack_checks.graph import Graph, Node

    from .finding import Facts, Found

#: What production must not lose.
PROTECTED = frozenset(
    {
        "dynamodb.Table",
        "s3.Bucket",
        "ecr.Repository",
        "lambda.Alias",
        "apigatewayv2.Api",
        "apigatewayv2.Stage",
        "sns.Topic",
        "cloudwatch.Dashboard",
    }
)
#: What stays in the account when it leaves the program.
RETAINED = frozenset({"dynamodb.Table", "s3.Bucket"})
#: What guards something that is retained.
GUARDS = frozenset(
    {
        "s3.BucketPublicAccessBlock",
        "s3.BucketPolicy",
        "s3.BucketLifecycleConfiguration",
        "s3.BucketOwnershipControls",
        "s3.BucketServerSideEncryptionConfiguration",
    }
)
#: What people look for by name.
LOOKED_FOR = frozenset(
    {
        "lambda.Function",
        "sqs.Queue",
        "sns.Topic",
        "dynamodb.Table",
        "iam.Role",
        "cloudwatch.MetricAlarm",
    }
)
#: Inputs that hold a name in AWS.
NAMES = ("name", "bucket", "alarmName", "dashboardName", "domainName", "statementId")
#: Inputs that configuration holds encrypted, by kind.
SECRET_INPUTS = {"secretsmanager.SecretVersion": "secretString", "docker.Image": "registry"}
LAMBDA = {"Service": "lambda.amazonaws.com"}


def never_broken(graph: Graph, _facts: Facts) -> Found:
    """Report what the policy pack's rules refuse, of every resource."""
    for node in graph.nodes:
        for rule in violations(node.kind, node.inputs):
            yield node.address, f"{rule.name}: {rule.sentence}"


def has_parent(graph: Graph, _facts: Facts) -> Found:
    """Report resources outside of our components, and components outside of the stack."""
    for node in graph.nodes:
        if not node.custom:
            if not node.parent:
                yield node.address, "is not parented to anything"
        elif not node.kind.startswith("pulumi:providers:") and not _is_in_component(node):
            yield node.address, "has no component as parent"


def _is_in_component(node: Node) -> bool:
    # The third part of a URN lists the kinds of all parents: drift:infra:Api$aws:...
    kinds = node.urn.split("::")[2].split("$")
    return any(kind.startswith("drift:infra:") for kind in kinds[:-1])


def one_provider(graph: Graph, _facts: Facts) -> Found:
    """Report resources of another provider than the one that carries region and tags."""
    for node in graph.resources:
        if "pulumi:providers:aws::aws::" not in node.provider:
            yield node.address, "is made by another provider, so it is untagged"


def tagged(graph: Graph, facts: Facts) -> Found:
    """Report a provider that does not tag everything with what it belongs to."""
    expected = {"Project": facts.project, "Stack": facts.stack, "ManagedBy": "Pulumi"}
    if not expected.items() <= graph.tags.items():
        yield graph.provider.address, f"does not tag with {', '.join(expected)}"


def named(graph: Graph, facts: Facts) -> Found:
    """Report names that people look for and that do not start with project and stack."""
    pattern = re.compile(re.escape(facts.prefix) + r"-[a-z0-9-]{1,60}")
    for node in graph.resources:
        if node.short in LOOKED_FOR and not pattern.fullmatch(node.inputs.text("name")):
            yield node.address, f"is not named {facts.prefix}-..."


def protected(graph: Graph, facts: Facts) -> Found:
    """Report data of production that could be deleted, forgotten, or not be restored."""
    if not facts.production:
        return
    for node in graph.resources:
        inputs = node.inputs
        if node.short in PROTECTED and not node.protect:
            yield node.address, "is not protected"
        if node.short in RETAINED and not node.retain:
            yield node.address, "is not retained when it leaves the program"
        if node.short == "dynamodb.Table":
            if not inputs.flag("deletionProtectionEnabled"):
                yield node.address, "can be deleted"
            if not inputs.flag("pointInTimeRecovery/enabled"):
                yield node.address, "cannot be restored to a point in time"
        is_emptied = inputs.flag("forceDestroy") or inputs.flag("forceDelete")
        if node.short in PROTECTED and is_emptied:
            yield node.address, "is emptied when deleted"


def questions_go(graph: Graph, _facts: Facts) -> Found:
    """Report a work group that AWS refuses to delete once anybody has asked a question."""
    for node in graph.of("athena.Workgroup"):
        if not node.inputs.flag("forceDestroy"):
            yield node.address, "stays when its stack is destroyed"


def guards_stay(graph: Graph, _facts: Facts) -> Found:
    """Report guards that go while what they guard stays: the data would lie open, and for ever."""
    retained = [node for node in graph.resources if node.retain and node.short not in GUARDS]
    for node in graph.resources:
        if node.short not in GUARDS or node.retain:
            continue
        if any(node.waits_for(guarded) for guarded in retained):
            yield node.address, "goes, and what it guards stays"


def leaving_asks_first(graph: Graph, facts: Facts) -> Found:
    """Report what production would lose before the dashboard refuses: it depends on all else."""
    if not facts.production:
        return
    for last in graph.of("cloudwatch.Dashboard"):
        for node in graph.resources:
            if node is not last and not last.waits_for(node):
                yield last.address, f"refuses only after {node.address} is gone"
                break


def deleted_before_it_is_replaced(graph: Graph, _facts: Facts) -> Found:
    """Report names of ours that a replacement could not have: AWS gives a name away once."""
    for node in graph.resources:
        has_name = any(node.inputs.flag(name) for name in NAMES)
        if has_name and not node.delete_first:
            yield node.address, "would be replaced while the old one has its name"


def secrets_stay_secret(graph: Graph, _facts: Facts) -> Found:
    """Report what configuration holds encrypted and the state in plain text."""
    for node in graph.nodes:
        name = SECRET_INPUTS.get(node.short)
        if name and name not in node.secrets:
            yield node.address, f"{name} is in plain text"
        is_subscription = node.short == "sns.TopicSubscription"
        if not is_subscription or node.inputs.text("protocol") != "https":
            continue
        if "endpoint" not in node.secrets:
            yield node.address, "endpoint is in plain text"


def trusts_this_account(graph: Graph, _facts: Facts) -> Found:
    """Report roles that another account's resources could borrow through a service.

    Lambda's roles are the exception: only who may pass a role can give it to a function.
    """
    for node in graph.of("iam.Role"):
        for statement in statements(node.inputs.text("assumeRolePolicy")):
            if statement.get("Principal") == LAMBDA:
                continue
            if ACCOUNT not in json.dumps(statement.get("Condition", {})):
                yield node.address, "can be used on behalf of another account"


def alarms_to_somebody(graph: Graph, facts: Facts) -> Found:
    """Report a topic that nobody in production listens to."""
    if facts.production and not graph.of("sns.TopicSubscription"):
        yield "sns.Topic", "has no subscription"


RULES = (
    never_broken,
    has_parent,
    one_provider,
    tagged,
    named,
    protected,
    questions_go,
    guards_stay,
    leaving_asks_first,
    deleted_before_it_is_replaced,
    secrets_stay_secret,
    trusts_this_account,
    alarms_to_somebody,
)
