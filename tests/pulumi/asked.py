"""What a request to AWS asks for, as IAM sees it: actions, the resource, and what conditions read."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import parse_qsl, unquote, urlsplit

from botocore.session import get_session

ACCOUNT, REGION = "123456789012", "us-east-1"
CREDENTIAL = re.compile(r"Credential=[^/]*/\d+/[^/]*/([^/]*)/")
#: Services that sign by another name than the one that botocore or IAM knows them by.
MODELS = {"monitoring": "cloudwatch", "apigateway": "apigatewayv2"}
PREFIXES = {"monitoring": "cloudwatch"}
#: Operations whose action has another name: IAM's service authorization reference.
ACTIONS = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:GetBucketCors": "s3:GetBucketCORS",
    "s3:GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:DeleteBucketOwnershipControls": "s3:PutBucketOwnershipControls",
}
#: The action that tags at a create ask for beside the create's own.
TAGGING = {"firehose": "TagDeliveryStream", "iam": "TagRole", "sqs": "TagQueue"}
#: An operation of one of these, where it carries tags, asks for no further action.
TAGGED_BY_ITSELF = ("apigateway", "s3", "scheduler")
#: Asked by everybody: "No permissions are required to perform this operation".
FREE = {"sts:GetCallerIdentity"}
#: Services that are handed a role, as iam:PassedToService names them.
TAKERS = {"firehose", "lambda", "logs", "scheduler"}
ROLE = re.compile(r"arn:aws:iam::\d{12}:role/.+")
#: Where a service's parameters name what is asked about: an ARN's end, and the parameters in order.
NAMED = {
    "athena": (f"athena:{REGION}:{ACCOUNT}:workgroup/{{}}", ("WorkGroup",)),
    "budgets": (f"budgets::{ACCOUNT}:budget/{{}}", ("BudgetName",)),
    "cloudwatch": (f"cloudwatch:{REGION}:{ACCOUNT}:alarm:{{}}", ("AlarmName", "AlarmNames.member.1")),
    "dynamodb": (f"dynamodb:{REGION}:{ACCOUNT}:table/{{}}", ("TableName",)),
    "ecr": (f"ecr:{REGION}:{ACCOUNT}:repository/{{}}", ("repositoryName",)),
    "firehose": (f"firehose:{REGION}:{ACCOUNT}:deliverystream/{{}}", ("DeliveryStreamName",)),
    "glue": (f"glue:{REGION}:{ACCOUNT}:database/{{}}", ("DatabaseName",)),
    "iam": (f"iam::{ACCOUNT}:role/{{}}", ("RoleName",)),
    "kms": (f"kms:{REGION}:{ACCOUNT}:{{}}", ("AliasName",)),
    "lambda": (f"lambda:{REGION}:{ACCOUNT}:function:{{}}", ("FunctionName",)),
    "logs": (f"logs:{REGION}:{ACCOUNT}:log-group:{{}}", ("logGroupName",)),
    "s3": ("s3:::{}", ("Bucket",)),
    "scheduler": (f"scheduler:{REGION}:{ACCOUNT}:schedule/default/{{}}", ("Name",)),
    "secretsmanager": (f"secretsmanager:{REGION}:{ACCOUNT}:secret:{{}}-AbCdEf", ("Name",)),
    "sns": (f"sns:{REGION}:{ACCOUNT}:{{}}", ("Name",)),
    "sqs": (f"sqs:{REGION}:{ACCOUNT}:{{}}", ("QueueName",)),
}


@dataclass(frozen=True)
class Asked:
    """One action that a request needs: on which resource ("" where the request does not say), in which context."""

    action: str
    resource: str = ""
    context: dict[str, str] = field(default_factory=dict, compare=False, hash=False)


def asked(method: str, target: str, headers: dict[str, str], body: bytes) -> list[Asked]:
    """Return every action that a request needs; target: the path with its query."""
    signed = CREDENTIAL.search(headers.get("authorization", ""))
    service = signed[1] if signed else ""
    operation, facts = read(service, method, target, headers, body)
    prefix = PREFIXES.get(service, service)
    action = ACTIONS.get(f"{prefix}:{operation}", f"{prefix}:{operation}")
    if prefix == "budgets" and operation != "ListTagsForResource":
        reads = operation.startswith("Describe")
        action = "budgets:ViewBudget" if reads else "budgets:ModifyBudget"
    if prefix == "apigateway":
        action = f"apigateway:{method}"
    if action in FREE:
        return []
    resource = f"arn:aws:apigateway:{REGION}::{urlsplit(target).path.removeprefix('/v2')}"
    if prefix != "apigateway":
        resource = resource_of(prefix, facts)
    tags = tags_of(facts)
    context = {f"aws:RequestTag/{name}": value for name, value in tags.items()}
    key = str(facts.get("KeyId") or facts.get("TargetKeyId") or "").rpartition("/")[2]
    needed = [Asked(action, resource, {**context, "key": key})]
    if "TargetKeyId" in facts:  # an alias is made with rights on both
        needed.append(Asked(action, f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{key}", {"key": key}))
    if tags and prefix not in TAGGED_BY_ITSELF:
        needed.append(Asked(f"{prefix}:{TAGGING.get(prefix, 'TagResource')}", resource, context))
    if prefix in TAKERS:
        handed = {"iam:PassedToService": f"{prefix}.amazonaws.com"}
        needed += [Asked("iam:PassRole", role, handed) for role in sorted(roles_in(facts))]
    return needed


def read(service: str, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[str, dict]:
    """Return the operation of a request and its parameters."""
    if "x-amz-target" in headers:
        return headers["x-amz-target"].rpartition(".")[2], json.loads(body or b"{}")
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        facts = dict(parse_qsl(body.decode()))
        return facts["Action"], facts
    operation, facts = by_path(MODELS.get(service, service), method, target)
    if body[:1] == b"{" and service != "s3":
        facts = {**json.loads(body), **facts}
    return operation, facts


def by_path(service: str, method: str, target: str) -> tuple[str, dict]:
    """Return the operation that a method and a path mean; of several, the one with the most words of the query."""
    parts = urlsplit(target)
    words = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    fitting = []
    for name, verb, pattern, needed in paths(service):
        match = pattern.fullmatch(parts.path)
        if verb == method and match and needed <= words:
            fitting.append((len(needed), name, match.groupdict()))
    assert fitting, f"{service} has no operation {method} {parts.path}"
    _, name, groups = max(fitting, key=lambda each: (each[0], each[1]))
    return name, {each: unquote(text) for each, text in groups.items()}


@cache
def paths(service: str) -> list[tuple[str, str, re.Pattern[str], set[str]]]:
    """Return name, method, path and words of the query of each operation, out of botocore's model."""
    model = get_session().get_service_model(service)
    found = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        text = re.sub(r"\\{(\w+)\\\+\\}", r"(?P<\1>.+)", re.escape(path.rstrip("/") or "/"))
        text = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", text)
        needed = {word.partition("=")[0] for word in query.split("&") if word}
        found.append((name, http["method"], re.compile(text + "/?"), needed))
    return found


def resource_of(prefix: str, facts: dict) -> str:
    """Return the ARN that parameters name, "" where they name none."""
    for name in ("ResourceArn", "ResourceARN", "resourceArn", "Resource", "TopicArn", "SecretId", "TableArn"):
        text = str(facts.get(name, ""))
        if text.startswith("arn:"):
            return text
    if "QueueUrl" in facts:
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{str(facts['QueueUrl']).rpartition('/')[2]}"
    key = str(facts.get("KeyId", ""))
    if key:
        return f"arn:aws:kms:{REGION}:{ACCOUNT}:{key if key.startswith('alias/') else 'key/' + key.rpartition('/')[2]}"
    if "DashboardName" in facts:
        return f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{facts['DashboardName']}"
    end, names = NAMED.get(prefix, ("", ()))
    for name in names:
        text = str(facts.get(name, ""))
        if text:
            return text if text.startswith("arn:") else "arn:aws:" + end.format(text)
    return ""


def tags_of(facts: dict) -> dict[str, str]:
    """Return the tags that parameters carry, in whichever of AWS's spellings."""
    for name in ("Tags", "tags", "ResourceTags"):
        held = facts.get(name)
        if isinstance(held, dict):
            return held
        if isinstance(held, list):
            return {each.get("Key") or each["TagKey"]: each.get("Value") or each["TagValue"] for each in held}
    keys = [name for name in facts if re.fullmatch(r"Tags\.member\.\d+\.Key", name)]
    return {facts[name]: facts[name.removesuffix("Key") + "Value"] for name in keys}


def roles_in(value: object) -> set[str]:
    """Return every role's ARN in parameters, at any depth."""
    if isinstance(value, dict):
        return set().union(*map(roles_in, value.values()))
    if isinstance(value, list):
        return set().union(*map(roles_in, value))
    return {value} if isinstance(value, str) and ROLE.fullmatch(value) else set()
