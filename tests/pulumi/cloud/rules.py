"""What AWS enforces between resources, each rule with where it is written."""

# ruff: noqa: ARG001 - every rule of a table is called the same way

from __future__ import annotations

from typing import TYPE_CHECKING

from .refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from .account import Account, Thing

TAKEN = "AWS's API references: the error of every Create call whose name is taken"
MISSING = "AWS's API references: ResourceNotFoundException of every Update call"
LEAVING = "docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html, InvalidRequestException"
TAG = "github.com/aws/containers-roadmap/issues/2179: refused even when the digest has not changed"
START = (
    "docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html; terraform-provider-aws, "
    "provisioned_concurrency_config.go: status FAILED ends the create with an error"
)
WEIGHTS = "github.com/hashicorp/terraform/issues/24957: Alias with weights can not be used with Provisioned Concurrency"
FAILED = "docs.aws.amazon.com/lambda/latest/dg/functions-states.html: a version whose state is Failed cannot be used"
NO_VERSION = "docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html: ResourceNotFoundException"
NO_IMAGE = "docs.aws.amazon.com/lambda/latest/dg/images-create.html: the image must exist in the account's registry"
FILTERS = (
    "docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html: two subscription filters a group"
)
NOT_EMPTY = (
    "the Delete calls of S3 (BucketNotEmpty), ECR (RepositoryNotEmptyException) and Athena (WorkGroup is not empty)"
)
PROTECTED = (
    "docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.Basics.html, deletion protection"
)
POLICIES = "docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html: DeleteConflict"
NO_PARENT = "AWS's API references: the error of a Create call whose parent does not exist"

ALIAS = "lambda/alias:Alias"
WARM = "lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig"
FUNCTION = "lambda/function:Function"
SUBSCRIPTION = "sns/topicSubscription:TopicSubscription"
#: The kind of a parent, and the input that names it by its id.
PARENTS = {
    "lambda/alias:Alias": (FUNCTION, "functionName"),
    "lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": (FUNCTION, "functionName"),
    "lambda/permission:Permission": (FUNCTION, "function"),
    "lambda/invocation:Invocation": (FUNCTION, "functionName"),
    WARM: (FUNCTION, "functionName"),
    "iam/rolePolicy:RolePolicy": ("iam/role:Role", "role"),
    "sns/topicPolicy:TopicPolicy": ("sns/topic:Topic", "arn"),
    SUBSCRIPTION: ("sns/topic:Topic", "topic"),
    "sqs/queuePolicy:QueuePolicy": ("sqs/queue:Queue", "queueUrl"),
    "cloudwatch/logStream:LogStream": ("cloudwatch/logGroup:LogGroup", "logGroupName"),
    "cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": ("cloudwatch/logGroup:LogGroup", "logGroup"),
    "apigatewayv2/route:Route": ("apigatewayv2/api:Api", "apiId"),
    "apigatewayv2/integration:Integration": ("apigatewayv2/api:Api", "apiId"),
    "apigatewayv2/stage:Stage": ("apigatewayv2/api:Api", "apiId"),
    "ecr/lifecyclePolicy:LifecyclePolicy": ("ecr/repository:Repository", "repository"),
    "secretsmanager/secretVersion:SecretVersion": ("secretsmanager/secret:Secret", "secretId"),
    "glue/catalogTable:CatalogTable": ("glue/catalogDatabase:CatalogDatabase", "databaseName"),
    "s3/bucketPolicy:BucketPolicy": ("s3/bucket:Bucket", "bucket"),
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": ("s3/bucket:Bucket", "bucket"),
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock": ("s3/bucket:Bucket", "bucket"),
    "s3/bucketObjectv2:BucketObjectv2": ("s3/bucket:Bucket", "bucket"),
}  # fmt: skip
FILTERS_A_GROUP = 2


def before(account: Account, what: str, identity: str, inputs: dict) -> None:
    """Hold a create or an update against the rules of its kind. Raises Refused."""
    parent = PARENTS.get(what)
    if parent and account.get(parent[0], str(inputs.get(parent[1]))) is None:
        raise Refused(f"ResourceNotFoundException: {what} {identity} names no {parent[0]}", NO_PARENT)
    rule = BEFORE.get(what)
    if rule:
        rule(account, identity, inputs)


def _alias(account: Account, identity: str, inputs: dict) -> None:
    """Hold an alias against its function's versions and the warm instance on it."""
    weights = (inputs.get("routingConfig") or {}).get("additionalVersionWeights") or {}
    versions = account.versions.get(str(inputs["functionName"]), {})
    for version in (inputs["functionVersion"], *weights):
        if version == "$LATEST":
            continue
        if int(version) not in versions:
            raise Refused(f"ResourceNotFoundException: version {version} of {inputs['functionName']}", NO_VERSION)
        if versions[int(version)].failed:
            raise Refused(f"InvalidParameterValueException: version {version} is in state Failed", FAILED)
    warm = account.get(WARM, f"{inputs['functionName']},{inputs['name']}")
    if weights and warm:
        message = "InvalidParameterValueException: Alias with weights can not be used with Provisioned Concurrency"
        raise Refused(message, WEIGHTS)
    if warm:
        account.start(str(inputs["functionName"]), str(inputs["functionVersion"]))


def _warm(account: Account, identity: str, inputs: dict) -> None:
    """Start the instances: on a version, or on what the alias stands on."""
    function, qualifier = str(inputs["functionName"]), str(inputs["qualifier"])
    alias = account.get(ALIAS, f"{function}:{qualifier}")
    if alias is None:
        if not qualifier.isdigit() or int(qualifier) not in account.versions.get(function, {}):
            raise Refused(f"ResourceNotFoundException: {function}:{qualifier}", NO_VERSION)
        account.start(function, qualifier)
        return
    if (alias.inputs.get("routingConfig") or {}).get("additionalVersionWeights"):
        message = "InvalidParameterValueException: Alias with weights can not be used with Provisioned Concurrency"
        raise Refused(message, WEIGHTS)
    account.start(function, str(alias.inputs["functionVersion"]))


def _invocation(account: Account, identity: str, inputs: dict) -> None:
    """Call a version; one that does not start answers with an error."""
    function, qualifier = str(inputs["functionName"]), str(inputs.get("qualifier") or "$LATEST")
    alias = account.get(ALIAS, f"{function}:{qualifier}")
    version = str(alias.inputs["functionVersion"]) if alias else qualifier
    if version == "$LATEST":
        version = str(max(account.versions.get(function, {0: None})))
    if version != "0":
        account.start(function, version)


def _function(account: Account, identity: str, inputs: dict) -> None:
    """A function's image has to be there, by its digest."""
    uri = str(inputs.get("imageUri", ""))
    if uri.partition("@")[2] not in account.digests:
        raise Refused(f"InvalidParameterValueException: Source image {uri} does not exist", NO_IMAGE)


def _filter(account: Account, identity: str, inputs: dict) -> None:
    """A log group takes two subscription filters."""
    kind = "cloudwatch/logSubscriptionFilter:LogSubscriptionFilter"
    there = {thing.id for thing in account.of(kind) if thing.inputs["logGroup"] == inputs["logGroup"]}
    if len(there | {identity}) > FILTERS_A_GROUP:
        raise Refused(f"LimitExceededException: {inputs['logGroup']} has two filters", FILTERS)


BEFORE: dict[str, Callable[[Account, str, dict], None]] = {
    ALIAS: _alias,
    WARM: _warm,
    FUNCTION: _function,
    "lambda/invocation:Invocation": _invocation,
    "cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": _filter,
}


def after_create(account: Account, what: str, thing: Thing) -> None:
    """Send the mail that a new subscription by email sends; an https one that confirms itself is confirmed."""
    if what != SUBSCRIPTION:
        return
    if thing.inputs["protocol"] == "email":
        account.mails[thing.inputs["endpoint"]] += 1
    else:
        account.confirmed.add(thing.id)


def before_delete(account: Account, what: str, thing: Thing) -> None:
    """Hold a delete against what is inside and what protects. Raises Refused."""
    if what == "s3/bucket:Bucket" and account.objects[thing.id] and not thing.inputs.get("forceDestroy"):
        raise Refused(f"BucketNotEmpty: {thing.id}", NOT_EMPTY)
    if what == "ecr/repository:Repository" and account.images.get(thing.id) and not thing.inputs.get("forceDelete"):
        raise Refused(f"RepositoryNotEmptyException: {thing.id}", NOT_EMPTY)
    if what == "athena/workgroup:Workgroup" and account.queries[thing.id] and not thing.inputs.get("forceDestroy"):
        raise Refused(f"InvalidRequestException: WorkGroup {thing.id} is not empty", NOT_EMPTY)
    if what == "dynamodb/table:Table" and thing.inputs.get("deletionProtectionEnabled"):
        raise Refused(f"ValidationException: {thing.id} is protected against deletion", PROTECTED)
    if what == "iam/role:Role":
        policies = [each.id for each in account.of("iam/rolePolicy:RolePolicy") if each.inputs["role"] == thing.id]
        if policies:
            raise Refused(f"DeleteConflict: {thing.id} has policies", POLICIES)


def after_delete(account: Account, what: str, thing: Thing) -> None:
    """Take along what dies with a resource, and keep the names that stay taken."""
    if what == FUNCTION:
        account.versions.pop(thing.id, None)
    if what == "ecr/repository:Repository":
        account.images.pop(thing.id, None)
    if what == "s3/bucket:Bucket":
        account.objects.pop(thing.id, None)
    if what == SUBSCRIPTION:
        account.confirmed.discard(thing.id)
    if what == "secretsmanager/secret:Secret" and thing.inputs.get("recoveryWindowInDays", 30):
        account.leaving.add((what, thing.id))
