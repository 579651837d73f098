"""What AWS and its Terraform provider make of each type: its id, its name, and what replaces it.

A table of data. The ids are those of `terraform import`, since Pulumi's provider is a bridge over that one.

The properties that replace were held against the provider's binary (5.100.0): `terraform plan -refresh=false` over a
state of every type as the program declares it, one property changed at a time, and `replace_paths` read. So every
property of every type is what that provider does, but for those whose other values a plan refuses: from the ForceNew
of internal/service/ in hashicorp/terraform-provider-aws are `logGroupClass`, a table's `hashKey` and `rangeKey`, a
function's `packageType`, a stream's `destination`, a permission's `sourceAccount` and what an invocation has. Of a
stream's `extendedS3Configuration` only a part deep inside replaces, which the program does not change.
"""

from __future__ import annotations

from dataclasses import dataclass

OWN_NAME = "own name"  # the API refuses a second one
OVERWRITES = "overwrites"  # a put: a second one takes the first one's place, and one delete ends both
ANSWERS_SAME = "answers with the one that is there"
MADE_UP = "AWS makes the id up"  # any number may stand beside each other


@dataclass(frozen=True)
class Kind:
    """How one type is identified.

    identity: the inputs that make the id. second: what a create does where that id is there already.
    forces: inputs whose change replaces the resource. error: AWS's own word where it refuses.
    """

    identity: tuple[str, ...]
    second: str
    forces: tuple[str, ...]
    error: str = ""
    joined: str = ":"


def named(name: str, error: str, *forces: str) -> Kind:
    """Return a kind whose id is its name, which forces too."""
    return Kind((name,), OWN_NAME, (name, *forces), error)


def put(*identity: str, forces: tuple[str, ...] = (), joined: str = ":") -> Kind:
    """Return a kind that a second create overwrites."""
    return Kind(identity, OVERWRITES, (*identity, *forces), joined=joined)


def made_up(*forces: str) -> Kind:
    """Return a kind with an id of AWS's making."""
    return Kind((), MADE_UP, forces)


PERMISSION = (
    "action", "eventSourceToken", "function", "principal", "qualifier", "sourceAccount", "sourceArn", "statementId",
)  # fmt: skip

#: By the short token: `sqs/queue:Queue` of `aws:sqs/queue:Queue`.
KINDS = {
    "apigatewayv2/api:Api": made_up("protocolType"),
    "apigatewayv2/apiMapping:ApiMapping": Kind(
        ("domainName", "apiMappingKey"), OWN_NAME, ("domainName", "apiId"), "ConflictException"
    ),
    "apigatewayv2/authorizer:Authorizer": made_up("apiId"),
    "apigatewayv2/domainName:DomainName": named("domainName", "ConflictException"),
    "apigatewayv2/integration:Integration": made_up("apiId", "integrationType"),
    "apigatewayv2/route:Route": Kind(("apiId", "routeKey"), OWN_NAME, ("apiId",), "ConflictException"),
    "apigatewayv2/stage:Stage": Kind(("apiId", "name"), OWN_NAME, ("apiId", "name"), "ConflictException"),
    "athena/namedQuery:NamedQuery": made_up("database", "description", "name", "query", "workgroup"),
    "athena/workgroup:Workgroup": named("name", "InvalidRequestException: WorkGroup is already created"),
    "budgets/budget:Budget": named("name", "DuplicateRecordException"),
    "cloudwatch/compositeAlarm:CompositeAlarm": put("alarmName"),
    "cloudwatch/dashboard:Dashboard": put("dashboardName"),
    "cloudwatch/logGroup:LogGroup": named("name", "ResourceAlreadyExistsException", "logGroupClass"),
    "cloudwatch/logStream:LogStream": Kind(
        ("logGroupName", "name"), OWN_NAME, ("logGroupName", "name"), "ResourceAlreadyExistsException"
    ),
    "cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": put(
        "logGroup", "name", forces=("destinationArn",), joined="|"
    ),
    "cloudwatch/metricAlarm:MetricAlarm": put("name"),
    "cloudwatch/queryDefinition:QueryDefinition": made_up(),
    "dynamodb/table:Table": named("name", "ResourceInUseException", "hashKey", "rangeKey"),
    "ecr/lifecyclePolicy:LifecyclePolicy": put("repository", forces=("policy",)),
    "ecr/repository:Repository": named("name", "RepositoryAlreadyExistsException", "encryptionConfigurations"),
    "ecr/repositoryPolicy:RepositoryPolicy": put("repository"),
    "glue/catalogDatabase:CatalogDatabase": named("name", "AlreadyExistsException"),
    "glue/catalogTable:CatalogTable": Kind(
        ("databaseName", "name"), OWN_NAME, ("databaseName", "name"), "AlreadyExistsException"
    ),
    "iam/role:Role": named("name", "EntityAlreadyExists", "path"),
    "iam/rolePolicy:RolePolicy": put("role", "name"),
    "kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": named("name", "ResourceInUseException", "destination"),
    "kms/alias:Alias": named("name", "AlreadyExistsException"),
    "kms/key:Key": made_up("customerMasterKeySpec", "keyUsage"),
    "lambda/alias:Alias": Kind(
        ("functionName", "name"), OWN_NAME, ("functionName", "name"), "ResourceConflictException"
    ),
    "lambda/eventSourceMapping:EventSourceMapping": Kind(
        ("functionName", "eventSourceArn"), OWN_NAME, ("eventSourceArn",), "ResourceConflictException"
    ),
    "lambda/function:Function": named("name", "ResourceConflictException", "packageType"),
    "lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": put("functionName", "qualifier"),
    "lambda/invocation:Invocation": made_up("functionName", "input", "qualifier", "triggers"),
    "lambda/permission:Permission": Kind(
        ("function", "qualifier", "statementId"), OWN_NAME, PERMISSION, "ResourceConflictException"
    ),
    "lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": put("functionName", "qualifier", joined=","),
    "route53/record:Record": Kind(("zoneId", "name", "type"), OWN_NAME, ("zoneId", "name"), "InvalidChangeBatch", "_"),
    "s3/bucket:Bucket": named("bucket", "BucketAlreadyOwnedByYou"),
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": put("bucket"),
    "s3/bucketObjectv2:BucketObjectv2": put("bucket", "key", joined="/"),
    "s3/bucketOwnershipControls:BucketOwnershipControls": put("bucket"),
    "s3/bucketPolicy:BucketPolicy": put("bucket"),
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock": put("bucket"),
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": put("bucket"),
    "dynamodb/tableItem:TableItem": put("tableName", "hashKey", "rangeKey", joined="|"),
    "scheduler/schedule:Schedule": Kind(("name",), OWN_NAME, ("name", "groupName"), "ConflictException"),
    "secretsmanager/secret:Secret": named("name", "ResourceExistsException"),
    "secretsmanager/secretVersion:SecretVersion": made_up("secretId", "secretString"),
    "sns/topic:Topic": Kind(("name",), ANSWERS_SAME, ("name", "fifoTopic")),
    "sns/topicPolicy:TopicPolicy": put("arn"),
    "sns/topicSubscription:TopicSubscription": Kind(
        ("topic", "protocol", "endpoint"), ANSWERS_SAME, ("topic", "protocol", "endpoint")
    ),
    "sqs/queue:Queue": named("name", "QueueAlreadyExists", "fifoQueue"),
    "sqs/queuePolicy:QueuePolicy": put("queueUrl"),
}


class UnknownKind(LookupError):
    """The program declares a type that the stand-in has no line for."""


def short(token: str) -> str:
    """Return a type's token without the package: `sqs/queue:Queue`."""
    return token.removeprefix("aws:")


def kind_of(token: str) -> Kind:
    """Return the line of a type. Raises UnknownKind, which names the table to add it to."""
    try:
        return KINDS[short(token)]
    except KeyError:
        raise UnknownKind(f"{token} is not in tests/pulumi/cloud/kinds.py: add its id and what forces it") from None
