"""What a deployer has to be allowed to do, out of the graph: no more than the stack needs.

Sources: "Actions, resources, and condition keys" in AWS's service authorization reference, and the
calls that the provider makes, which the tests of the engine record.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drift_contracts.json_types import JsonObject, JsonValue

    from .graph import Graph

#: Characters that a managed policy of IAM may have; white space does not count.
POLICY_CHARACTERS = 6144
TAGS = "ListTagsForResource TagResource UntagResource"
#: Services that take roles which the stack makes; to hand a role over is a right of its own.
PASSED_TO = ("firehose", "lambda", "logs", "scheduler")


@dataclass(frozen=True)
class Right:
    """Actions that one type of resource needs."""

    #: IAM's prefix of the service.
    service: str
    #: Actions on resources of the stack, with spaces between.
    scoped: str = ""
    #: Actions that IAM ties to no resource, or that find one whose name AWS makes up.
    anywhere: str = ""


#: What each type needs, over its life: made, read, changed, deleted.
RIGHTS = {
    "apigatewayv2.Api": Right("apigateway", "DELETE GET PATCH POST PUT"),
    "athena.NamedQuery": Right("athena", "CreateNamedQuery DeleteNamedQuery GetNamedQuery"),
    "athena.Workgroup": Right(
        "athena", f"CreateWorkGroup DeleteWorkGroup GetWorkGroup UpdateWorkGroup {TAGS}"
    ),
    "budgets.Budget": Right("budgets", f"ModifyBudget ViewBudget {TAGS}"),
    # Composite alarms are described only to those who may describe all alarms.
    "cloudwatch.CompositeAlarm": Right("cloudwatch", "PutCompositeAlarm", "DescribeAlarms"),
    "cloudwatch.Dashboard": Right("cloudwatch", "DeleteDashboards GetDashboard PutDashboard"),
    "cloudwatch.LogGroup": Right(
        "logs",
        f"CreateLogGroup DeleteLogGroup DeleteRetentionPolicy PutRetentionPolicy {TAGS}",
        "DescribeLogGroups",
    ),
    "cloudwatch.LogStream": Right("logs", "CreateLogStream DeleteLogStream DescribeLogStreams"),
    "cloudwatch.LogSubscriptionFilter": Right(
        "logs", "DeleteSubscriptionFilter DescribeSubscriptionFilters PutSubscriptionFilter"
    ),
    "cloudwatch.MetricAlarm": Right(
        "cloudwatch", f"DeleteAlarms PutMetricAlarm {TAGS}", "DescribeAlarms"
    ),
    "cloudwatch.QueryDefinition": Right(
        "logs", "", "DeleteQueryDefinition DescribeQueryDefinitions PutQueryDefinition"
    ),
    "dynamodb.Table": Right(
        "dynamodb",
        "CreateTable DeleteTable DescribeContinuousBackups DescribeTable DescribeTimeToLive"
        " ListTagsOfResource TagResource UntagResource UpdateContinuousBackups UpdateTable"
        " UpdateTimeToLive",
    ),
    "ecr.LifecyclePolicy": Right(
        "ecr", "DeleteLifecyclePolicy GetLifecyclePolicy PutLifecyclePolicy"
    ),
    # The images are read by Lambda in the deployer's name, and pushed where they are built here.
    "ecr.Repository": Right(
        "ecr",
        f"CreateRepository DeleteRepository DescribeImages DescribeRepositories {TAGS}"
        " PutImageScanningConfiguration PutImageTagMutability BatchGetImage GetDownloadUrlForLayer"
        " GetRepositoryPolicy SetRepositoryPolicy BatchCheckLayerAvailability CompleteLayerUpload"
        " InitiateLayerUpload PutImage UploadLayerPart",
        "GetAuthorizationToken",
    ),
    "glue.CatalogDatabase": Right(
        "glue", "CreateDatabase DeleteDatabase GetDatabase GetTags UpdateDatabase TagResource"
    ),
    "glue.CatalogTable": Right(
        "glue", "CreateTable DeleteTable GetPartitionIndexes GetTable UpdateTable"
    ),
    "iam.Role": Right(
        "iam",
        "CreateRole DeleteRole GetRole ListAttachedRolePolicies ListInstanceProfilesForRole"
        " ListRolePolicies TagRole UntagRole UpdateAssumeRolePolicy UpdateRole"
        " DeleteRolePermissionsBoundary PutRolePermissionsBoundary",
    ),
    "iam.RolePolicy": Right("iam", "DeleteRolePolicy GetRolePolicy PutRolePolicy"),
    "kinesis.FirehoseDeliveryStream": Right(
        "firehose",
        "CreateDeliveryStream DeleteDeliveryStream DescribeDeliveryStream ListTagsForDeliveryStream"
        " StartDeliveryStreamEncryption TagDeliveryStream UntagDeliveryStream UpdateDestination",
    ),
    # The table's provider describes AWS's own key, which has no tag of the stack's.
    "kms.Alias": Right("alias", "CreateAlias DeleteAlias UpdateAlias", "DescribeKey ListAliases"),
    # A key has no name of ours: those of the stack are known by their tag, see CONDITIONS.
    "kms.Key": Right(
        "kms",
        "CreateAlias DeleteAlias EnableKeyRotation GetKeyPolicy GetKeyRotationStatus"
        " ListResourceTags PutKeyPolicy ScheduleKeyDeletion UntagResource UpdateAlias"
        " UpdateKeyDescription",
        "CreateKey TagResource",
    ),
    "lambda.Alias": Right("lambda", "CreateAlias DeleteAlias GetAlias UpdateAlias"),
    "lambda.EventSourceMapping": Right(
        "lambda",
        "DeleteEventSourceMapping GetEventSourceMapping UpdateEventSourceMapping",
        "CreateEventSourceMapping",
    ),
    "lambda.Function": Right(
        "lambda",
        "CreateFunction DeleteFunction DeleteFunctionConcurrency GetFunction"
        " GetFunctionConfiguration ListTags ListVersionsByFunction PublishVersion"
        " PutFunctionConcurrency TagResource UntagResource UpdateFunctionCode"
        " UpdateFunctionConfiguration",
    ),
    "lambda.FunctionEventInvokeConfig": Right(
        "lambda",
        "DeleteFunctionEventInvokeConfig GetFunctionEventInvokeConfig PutFunctionEventInvokeConfig",
    ),
    "lambda.Invocation": Right("lambda", "InvokeFunction"),
    "lambda.Permission": Right("lambda", "AddPermission GetPolicy RemovePermission"),
    "lambda.ProvisionedConcurrencyConfig": Right(
        "lambda",
        "DeleteProvisionedConcurrencyConfig GetProvisionedConcurrencyConfig"
        " PutProvisionedConcurrencyConfig",
    ),
    "route53.Record": Right(
        "route53", "ChangeResourceRecordSets GetChange GetHostedZone ListResourceRecordSets"
    ),
    # The provider reads every property of a bucket, those too that nobody sets.
    "s3.Bucket": Right(
        "s3",
        "CreateBucket DeleteBucket GetAccelerateConfiguration GetBucketAcl GetBucketCORS"
        " GetBucketLocation GetBucketLogging GetBucketObjectLockConfiguration"
        " GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite"
        " GetReplicationConfiguration ListBucket ListBucketVersions PutBucketTagging"
        " ListTagsForResource TagResource UntagResource DeleteObject DeleteObjectVersion",
    ),
    "s3.BucketLifecycleConfiguration": Right(
        "s3", "GetLifecycleConfiguration PutLifecycleConfiguration"
    ),
    "s3.BucketOwnershipControls": Right(
        "s3", "GetBucketOwnershipControls PutBucketOwnershipControls"
    ),
    "s3.BucketPolicy": Right("s3", "DeleteBucketPolicy GetBucketPolicy PutBucketPolicy"),
    "s3.BucketPublicAccessBlock": Right(
        "s3", "GetBucketPublicAccessBlock PutBucketPublicAccessBlock"
    ),
    "s3.BucketServerSideEncryptionConfiguration": Right(
        "s3", "GetEncryptionConfiguration PutEncryptionConfiguration"
    ),
    "scheduler.Schedule": Right(
        "scheduler", "CreateSchedule DeleteSchedule GetSchedule UpdateSchedule"
    ),
    "secretsmanager.Secret": Right(
        "secretsmanager",
        "CreateSecret DeleteSecret DescribeSecret GetResourcePolicy TagResource UntagResource"
        " UpdateSecret",
    ),
    "secretsmanager.SecretVersion": Right(
        "secretsmanager", "GetSecretValue PutSecretValue UpdateSecretVersionStage"
    ),
    "sns.Topic": Right(
        "sns", f"CreateTopic DeleteTopic GetTopicAttributes SetTopicAttributes {TAGS}"
    ),
    "sns.TopicSubscription": Right(
        "sns",
        "ListSubscriptionsByTopic Subscribe",
        "GetSubscriptionAttributes SetSubscriptionAttributes Unsubscribe",
    ),
    "sqs.Queue": Right(
        "sqs",
        "CreateQueue DeleteQueue GetQueueAttributes ListQueueTags SetQueueAttributes TagQueue"
        " UntagQueue",
    ),
}
#: Types that are part of another, and need what that one needs.
PARTS = {
    "apigatewayv2.ApiMapping",
    "apigatewayv2.Authorizer",
    "apigatewayv2.DomainName",
    "apigatewayv2.Integration",
    "apigatewayv2.Route",
    "apigatewayv2.Stage",
    "sns.TopicPolicy",
    "sqs.QueuePolicy",
}
#: Of an API that writes an access log: API Gateway asks for the delivery in the deployer's name.
DELIVERY = (
    "CreateLogDelivery DeleteLogDelivery DescribeResourcePolicies GetLogDelivery ListLogDeliveries"
    " PutResourcePolicy UpdateLogDelivery"
)
#: Where the stack's resources of a service are: PREFIX is the project's and the stack's name.
PLACES = {
    "apigateway": [
        *(f"apigateway:*::/{path}" for path in ("apis", "apis/*", "domainnames", "domainnames/*")),
        "apigateway:*::/tags/*",
    ],
    "athena": ["athena:*:*:workgroup/PREFIX-*"],
    "budgets": ["budgets::*:budget/PREFIX*"],
    "cloudwatch": ["cloudwatch:*:*:alarm:PREFIX-*", "cloudwatch::*:dashboard/PREFIX*"],
    "dynamodb": ["dynamodb:*:*:table/PREFIX-*"],
    "ecr": ["ecr:*:*:repository/PREFIX-*"],
    "firehose": ["firehose:*:*:deliverystream/PREFIX-*"],
    "glue": ["glue:*:*:catalog", "glue:*:*:database/SNAKE", "glue:*:*:table/SNAKE/*"],
    "iam": ["iam::*:role/PREFIX-*"],
    "kms": ["kms:*:*:key/*"],
    "alias": ["kms:*:*:alias/PREFIX-*"],
    "lambda": ["lambda:*:*:function:PREFIX-*", "lambda:*:*:event-source-mapping:*"],
    "route53": ["route53:::hostedzone/ZONE", "route53:::change/*"],
    "s3": ["s3:::PREFIX-*"],
    "scheduler": ["scheduler:*:*:schedule/default/PREFIX-*"],
    "secretsmanager": ["secretsmanager:*:*:secret:PREFIX-*"],
    "sns": ["sns:*:*:PREFIX-*"],
    "sqs": ["sqs:*:*:PREFIX-*"],
}
#: What narrows a statement whose resources have no name of ours, by service and kind of statement.
CONDITIONS = {
    ("kms", "scoped"): "aws:ResourceTag/Deployment",
    ("kms", "anywhere"): "aws:RequestTag/Deployment",
}


def statements(graph: Graph, prefix: str) -> list[JsonObject]:
    """Return the statements of a deployer's policy, one for each service and kind of resource.

    Args:
        graph: of the stack.
        prefix: what the names of its resources start with: project and stack.

    Raises:
        KeyError: The graph has a type of which this table says nothing.
    """
    scoped: dict[str, set[str]] = defaultdict(set)
    anywhere: dict[str, set[str]] = defaultdict(set)
    for kind in {node.short for node in graph.resources} - PARTS:
        right = RIGHTS[kind]
        scoped[right.service].update(right.scoped.split())
        anywhere[right.service].update(right.anywhere.split())
    if graph.of("apigatewayv2.Stage"):
        anywhere["logs"].update(DELIVERY.split())
    places = {**PLACES, "logs": _log_groups(graph)}
    made = []
    for service in sorted(scoped):
        if scoped[service]:
            patterns = [f"arn:*:{_named(place, graph, prefix)}" for place in places[service]]
            made.append(_statement(service, "scoped", scoped[service], patterns, prefix))
        if anywhere[service]:
            made.append(_statement(service, "anywhere", anywhere[service], ["*"], prefix))
    made.append(_passing(prefix))
    return made


def policies(graph: Graph, prefix: str) -> list[JsonObject]:
    """Return a deployer's rights as documents that IAM takes: as few as hold the statements.

    Args:
        graph: of the stack.
        prefix: what the names of its resources start with: project and stack.
    """
    documents: list[list[JsonObject]] = [[]]
    for statement in statements(graph, prefix):
        if _characters([*documents[-1], statement]) > POLICY_CHARACTERS:
            documents.append([])
        documents[-1].append(statement)
    return [_document(held) for held in documents]


def _statement(
    service: str, kind: str, actions: set[str], patterns: list[str], prefix: str
) -> JsonObject:
    """Return one statement; kind: `scoped` or `anywhere`."""
    module = "kms" if service == "alias" else service
    tag = CONDITIONS.get((service, kind))
    condition: JsonObject = {"StringEquals": {tag: prefix}} if tag else {}
    return {
        "Sid": service.capitalize() + ("Anywhere" if kind == "anywhere" else ""),
        "Effect": "Allow",
        "Action": [f"{module}:{action}" for action in sorted(actions)],
        "Resource": list(patterns),
        **({"Condition": condition} if condition else {}),
    }


def _passing(prefix: str) -> JsonObject:
    """Return the right to hand the stack's roles to the services that work with them."""
    services: JsonValue = [f"{service}.amazonaws.com" for service in PASSED_TO]
    return {
        "Sid": "HandRolesOver",
        "Effect": "Allow",
        "Action": ["iam:PassRole"],
        "Resource": [f"arn:*:iam::*:role/{prefix}-*"],
        "Condition": {"StringEquals": {"iam:PassedToService": services}},
    }


def _log_groups(graph: Graph) -> list[str]:
    """Return where the stack's log groups are, each with the streams in it."""
    names = {node.inputs.text("name") for node in graph.of("cloudwatch.LogGroup")}
    parents = {name.rpartition("/")[0] for name in names}
    return [f"logs:*:*:log-group:{parent}/PREFIX-*" for parent in sorted(parents)]


def _named(place: str, graph: Graph, prefix: str) -> str:
    """Return a place with the names of this stack."""
    zones = [node.inputs.text("zoneId") for node in graph.of("route53.Record")]
    named = place.replace("PREFIX", prefix).replace("SNAKE", prefix.replace("-", "_"))
    return named.replace("ZONE", "".join(zones[:1]))


def _document(held: list[JsonObject]) -> JsonObject:
    return {"Version": "2012-10-17", "Statement": [*held]}


def _characters(held: list[JsonObject]) -> int:
    return len(json.dumps(_document(held), separators=(",", ":")))
