"""The graph as a CloudFormation template, for checkers that read that language."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, TypeAlias, TypedDict

from .cloudformation_types import ATTRIBUTES, DATA, DOCUMENTS, LISTS, MODULES, PROPERTIES, TYPES
from .graph import MARKER, Graph, Inputs, Node, plain_number, references, rewrite, short

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drift_contracts.json_types import JsonObject, JsonValue


#: Members of a template are spelled as CloudFormation spells them.
class Resource(TypedDict, total=False):
    """One resource of a template."""

    Type: str
    Properties: JsonObject
    DependsOn: list[str]
    DeletionPolicy: str
    UpdateReplacePolicy: str


Resources: TypeAlias = dict[str, Resource]


class Template(TypedDict):
    """A CloudFormation template."""

    AWSTemplateFormatVersion: str
    Resources: Resources


def cloudformation(graph: Graph, known: Resources | None = None) -> Template:
    """Return a template; what CloudFormation keeps in a property is merged into its owner.

    Args:
        graph: all its resources are in the template, unless some are known.
        known: resources that were checked before. The template then holds those that differ, with
            what names them and what they name, or nothing.
    """
    resources: Resources = {}
    for node in graph.resources:
        if not _is_resource(node):
            continue
        identifier = logical(node)
        resources[identifier] = _resource(graph, node)
        if node.short == "lambda.Function" and node.inputs.flag("publish"):
            resources[f"{identifier}Version"] = {
                "Type": "AWS::Lambda::Version",
                "Properties": {"FunctionName": {"Ref": identifier}},
            }
    for node in graph.resources:
        if node.short in PARTS:
            _merge(graph, node, resources)
    # Checking is slow, and a fault changes few resources.
    if known is not None:
        resources = _differing(known, resources)
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


def _differing(known: Resources, now: Resources) -> Resources:
    """Return what changed, what names something that changed or is gone, and all they name."""
    changed = {name for name, resource in now.items() if resource != known.get(name)}
    concerned = changed | (known.keys() - now.keys())
    chosen = set(changed)
    for name, resource in now.items():
        if concerned & _words(resource):
            chosen.add(name)
    # A reference to what is left out would be a fault of the template, so these come along.
    waiting = list(chosen)
    while waiting:
        words = _words(now[waiting.pop()])
        further = (words & now.keys()) - chosen
        chosen |= further
        waiting += further
    return {name: resource for name, resource in now.items() if name in chosen}


def _words(resource: Resource) -> set[str]:
    return set(re.findall(r"\w+", json.dumps(resource)))


def logical(node: Node) -> str:
    """Return a node's logical id: letters and digits only, one for each kind and name."""
    return _logical(node.kind, node.name)


def _logical(kind: str, name: str) -> str:
    words = re.split(r"[^A-Za-z0-9]+", f"{name}-{kind.rpartition(':')[2]}")
    return "".join(word.title() for word in words)


def _is_resource(node: Node) -> bool:
    """Return whether CloudFormation has a resource of its own for a node."""
    return node.short not in PARTS and node.short not in CALLS


def _type_of(node: Node) -> str:
    module, name = node.short.split(".")
    return TYPES.get(node.short) or f"AWS::{MODULES[module]}::{name}"


def _resource(graph: Graph, node: Node) -> Resource:
    kind = _type_of(node)
    properties = SPECIAL.get(node.short, _properties)(node)
    # Where the graph has one value, the template may want a list of it.
    for name in LISTS.get(kind, set()):
        value = properties[name]
        properties[name] = value if isinstance(value, list) else [value]
    resource: Resource = {"Type": kind, "Properties": _substituted_members(properties)}
    after = _dependencies(graph, node)
    if after:
        resource["DependsOn"] = after
    if node.retain or node.protect:
        resource["DeletionPolicy"] = "Retain"
        resource["UpdateReplacePolicy"] = "Retain"
    return resource


def _dependencies(graph: Graph, node: Node) -> list[str]:
    """Return the logical ids of what a node waits for and does not name in its inputs."""
    named = {(reference.kind, reference.name) for reference in references(node.inputs)}
    after = []
    for other in graph.resources:
        if not node.waits_for(other) or not _is_resource(other):
            continue
        if (other.kind, other.name) not in named:
            after.append(logical(other))
    return after


def _properties(node: Node) -> JsonObject:
    return _members(PROPERTIES.get(node.short, {}), node.inputs)


def _members(names: Mapping[str, str], inputs: Mapping[str, JsonValue]) -> JsonObject:
    """Return inputs under CloudFormation's names; those whose name is "" are left out."""
    members: JsonObject = {}
    for key, value in inputs.items():
        pascal = key[0].upper() + key[1:]
        name = names.get(key, pascal)
        if name:
            members[name] = _value(names, key, value)
    return members


def _value(names: Mapping[str, str], key: str, value: JsonValue) -> JsonValue:
    if isinstance(value, str) and key in DOCUMENTS:
        return _document(value)
    if isinstance(value, dict):
        return dict(value) if key in DATA else _members(names, value)
    if isinstance(value, list):
        return [_value(names, key, part) for part in value]
    return plain_number(value)


def _document(text: str) -> JsonValue:
    """Return a document, or the text where it is none: the checker refuses that."""
    try:
        document: JsonValue = json.loads(text)
    except ValueError:
        return text
    return document


# --- references -----------------------------------------------------------------------------------


def _substituted_members(properties: JsonObject) -> JsonObject:
    return {name: rewrite(value, substituted) for name, value in properties.items()}


def substituted(text: str) -> JsonValue:
    """Return a text with its markers as Ref, GetAtt or Sub."""
    whole = MARKER.fullmatch(text)
    if whole:
        return _reference(*whole.groups())
    if not MARKER.search(text):
        return text
    # What looks like a reference of CloudFormation's is data.
    escaped = text.replace("${", "${!")
    return {"Fn::Sub": MARKER.sub(lambda match: _inline(*match.groups()), escaped)}


def _reference(kind: str, name: str, attribute: str) -> JsonValue:
    how, target = _how(kind, name, attribute)
    if how == "Ref":
        return {"Ref": target}
    if how == "Sub":
        return {"Fn::Sub": target}
    return {"Fn::GetAtt": [target, how]}


def _inline(kind: str, name: str, attribute: str) -> str:
    how, target = _how(kind, name, attribute)
    if how == "Sub":
        return target
    if how == "Ref":
        return f"${{{target}}}"
    return f"${{{target}.{how}}}"


def _how(kind: str, name: str, attribute: str) -> tuple[str, str]:
    """Return how an output is named: Ref, Sub or an attribute, and the logical id or the text."""
    owner = short(kind)
    target = _logical(kind, name)
    if (owner, attribute) == ("lambda.Function", "version"):
        return "Version", f"{target}Version"
    usual = "Ref" if attribute == "id" else "Arn"
    how = ATTRIBUTES.get((owner, attribute), usual)
    if not how.startswith("Sub:"):
        return how, target
    text = how.removeprefix("Sub:")
    return "Sub", text % target if "%s" in text else text


# --- kinds whose shape differs, not only their words ----------------------------------------------


def _alarm(node: Node) -> JsonObject:
    properties = Inputs(_properties(node))
    properties["Dimensions"] = _pairs(node.inputs.members("dimensions"))
    queries: list[JsonValue] = []
    sources = {query.text("id"): query for query in node.inputs.parts("metricQueries")}
    for query in properties.parts("Metrics"):
        if query.flag("MetricStat"):
            source = sources[query.text("Id")]
            dimensions = _pairs(source.members("metric/dimensions"))
            query["MetricStat"] = _metric_stat(query.members("MetricStat"), dimensions)
        queries.append(query)
    if queries:
        properties["Metrics"] = queries
    # An alarm of one metric has no queries, and one of queries no dimensions of its own.
    return {name: value for name, value in properties.items() if value != []}


def _metric_stat(metric: Inputs, dimensions: list[JsonValue]) -> JsonObject:
    return {
        "Metric": {
            "Namespace": metric["Namespace"],
            "MetricName": metric["MetricName"],
            "Dimensions": dimensions,
        },
        "Stat": metric["Stat"],
        "Period": metric["Period"],
    }


def _pairs(values: Inputs) -> list[JsonValue]:
    return [{"Name": name, "Value": value} for name, value in values.items()]


def _table(node: Node) -> JsonObject:
    properties = _properties(node)
    attributes: list[JsonValue] = [
        {"AttributeName": attribute["name"], "AttributeType": attribute["type"]}
        for attribute in node.inputs.parts("attributes")
    ]
    # The graph names keys by their use, CloudFormation lists them with it.
    keys: list[JsonValue] = []
    for name, kind in (("hashKey", "HASH"), ("rangeKey", "RANGE")):
        keys.append({"AttributeName": node.inputs[name], "KeyType": kind})
    recovery = node.inputs.at("pointInTimeRecovery/enabled")
    encryption = node.inputs.at("serverSideEncryption/enabled")
    properties["AttributeDefinitions"] = attributes
    properties["KeySchema"] = keys
    properties["PointInTimeRecoverySpecification"] = {"PointInTimeRecoveryEnabled": recovery}
    properties["SSESpecification"] = {"SSEEnabled": encryption}
    return properties


def _function(node: Node) -> JsonObject:
    properties = _properties(node)
    # A published version is a resource of its own, and the image is a part of the code.
    for name in ("Publish", "ImageUri"):
        properties.pop(name, None)
    properties["Code"] = {"ImageUri": node.inputs["imageUri"]}
    # The provider's word for "no limit of its own"; CloudFormation leaves the property out.
    if properties.get("ReservedConcurrentExecutions") == -1:
        del properties["ReservedConcurrentExecutions"]
    return properties


def _alias(node: Node) -> JsonObject:
    properties = _properties(node)
    weights: list[JsonValue] = []
    for version, weight in node.inputs.members("routingConfig/additionalVersionWeights").items():
        weights.append({"FunctionVersion": version, "FunctionWeight": weight})
    if weights:
        properties["RoutingConfig"] = {"AdditionalVersionWeights": weights}
    return properties


def _retries(node: Node) -> JsonObject:
    # The provider means the newest version when nothing is said, CloudFormation asks for it.
    return {"Qualifier": "$LATEST", **_properties(node)}


def _repository(node: Node) -> JsonObject:
    properties = Inputs(_properties(node))
    # The provider repeats a block that CloudFormation has once.
    (encryption,) = properties.parts("EncryptionConfiguration")
    properties["EncryptionConfiguration"] = encryption
    return properties


def _stream(node: Node) -> JsonObject:
    properties = Inputs(_properties(node))
    target = properties.members("ExtendedS3DestinationConfiguration")
    target["BufferingHints"] = {
        "IntervalInSeconds": target.pop("BufferingInterval"),
        "SizeInMBs": target.pop("BufferingSize"),
    }
    partitioning = target.members("DynamicPartitioningConfiguration")
    seconds = partitioning.pop("RetryDuration")
    partitioning["RetryOptions"] = {"DurationInSeconds": seconds}
    target["DynamicPartitioningConfiguration"] = partitioning
    encryption = properties.members("DeliveryStreamEncryptionConfigurationInput")
    # CloudFormation encrypts whenever it has the block.
    encryption.pop("Enabled")
    properties["ExtendedS3DestinationConfiguration"] = target
    properties["DeliveryStreamEncryptionConfigurationInput"] = encryption
    return properties


def _database(node: Node) -> JsonObject:
    return {"CatalogId": {"Ref": "AWS::AccountId"}, "DatabaseInput": _glue_members(node)}


def _glue_table(node: Node) -> JsonObject:
    storage = node.inputs.members("storageDescriptor")
    serializer = Inputs(storage).members("serDeInfo")
    storage.pop("serDeInfo", None)
    table = _glue_members(node)
    table["Parameters"] = node.inputs["parameters"]
    table["StorageDescriptor"] = {
        **_members({}, storage),
        "SerdeInfo": {
            "SerializationLibrary": serializer["serializationLibrary"],
            "Parameters": serializer["parameters"],
        },
    }
    return {
        "CatalogId": {"Ref": "AWS::AccountId"},
        "DatabaseName": node.inputs["databaseName"],
        "TableInput": table,
    }


def _glue_members(node: Node) -> JsonObject:
    """Return what tables and databases have alike; parameters' names are data, so they stay."""
    elsewhere = {"databaseName": "", "parameters": "", "storageDescriptor": ""}
    return _members(elsewhere, node.inputs)


def _budget(node: Node) -> JsonObject:
    budget = node.inputs
    filters: JsonObject = {}
    for cost_filter in budget.parts("costFilters"):
        filters[cost_filter.text("name")] = cost_filter["values"]
    return {
        "Budget": {
            "BudgetName": budget["name"],
            "BudgetType": budget["budgetType"],
            "TimeUnit": budget["timeUnit"],
            "BudgetLimit": {"Amount": budget["limitAmount"], "Unit": budget["limitUnit"]},
            "CostFilters": filters,
        },
        "NotificationsWithSubscribers": [
            _notification(notification) for notification in budget.parts("notifications")
        ],
    }


def _notification(inputs: Inputs) -> JsonObject:
    subscribers: list[JsonValue] = []
    for key, kind in (("subscriberSnsTopicArns", "SNS"), ("subscriberEmailAddresses", "EMAIL")):
        addresses = inputs.texts(key)
        subscribers += [{"SubscriptionType": kind, "Address": address} for address in addresses]
    keys = ("comparisonOperator", "threshold", "thresholdType", "notificationType")
    rule = {key: inputs[key] for key in keys if key in inputs}
    return {"Notification": _members({}, rule), "Subscribers": subscribers}


def _record(node: Node) -> JsonObject:
    record = node.inputs
    (alias,) = record.parts("aliases")
    return {
        "HostedZoneId": record["zoneId"],
        "Name": record["name"],
        "Type": record["type"],
        "AliasTarget": {
            "DNSName": alias["name"],
            "HostedZoneId": alias["zoneId"],
            "EvaluateTargetHealth": alias["evaluateTargetHealth"],
        },
    }


def _bucket(node: Node) -> JsonObject:
    return {"BucketName": node.inputs["bucket"]}


def _bucket_policy(node: Node) -> JsonObject:
    policy = _document(node.inputs.text("policy"))
    return {"Bucket": node.inputs["bucket"], "PolicyDocument": policy}


SPECIAL: dict[str, Callable[[Node], JsonObject]] = {
    "budgets.Budget": _budget,
    "cloudwatch.MetricAlarm": _alarm,
    "dynamodb.Table": _table,
    "ecr.Repository": _repository,
    "glue.CatalogDatabase": _database,
    "glue.CatalogTable": _glue_table,
    "kinesis.FirehoseDeliveryStream": _stream,
    "lambda.Alias": _alias,
    "lambda.FunctionEventInvokeConfig": _retries,
    "lambda.Function": _function,
    "route53.Record": _record,
    "s3.Bucket": _bucket,
    "s3.BucketPolicy": _bucket_policy,
}


# --- parts that CloudFormation keeps in a property of another resource ----------------------------


def _lifecycle(node: Node) -> JsonObject:
    return {"LifecyclePolicy": {"LifecyclePolicyText": node.inputs["policy"]}}


def _private(node: Node) -> JsonObject:
    return {"PublicAccessBlockConfiguration": _members({"bucket": ""}, node.inputs)}


def _owner(node: Node) -> JsonObject:
    return {"OwnershipControls": {"Rules": [_members({}, node.inputs.members("rule"))]}}


def _encryption(node: Node) -> JsonObject:
    rule = node.inputs.parts("rules")[0]
    algorithm = rule.at("applyServerSideEncryptionByDefault/sseAlgorithm")
    default: JsonObject = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}
    return {"BucketEncryption": {"ServerSideEncryptionConfiguration": [default]}}


def _ages(node: Node) -> JsonObject:
    rules: list[JsonValue] = [_age(rule) for rule in node.inputs.parts("rules")]
    return {"LifecycleConfiguration": {"Rules": rules}}


def _age(rule: Inputs) -> JsonObject:
    transitions: list[JsonValue] = []
    for move in rule.parts("transitions"):
        days = plain_number(move["days"])
        transitions.append({"StorageClass": move["storageClass"], "TransitionInDays": days})
    uploads = plain_number(rule.at("abortIncompleteMultipartUpload/daysAfterInitiation"))
    properties: JsonObject = {
        "Id": rule["id"],
        "Status": rule["status"],
        "Prefix": rule.at("filter/prefix"),
        "ExpirationInDays": plain_number(rule.at("expiration/days")),
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": uploads},
    }
    if transitions:
        properties["Transitions"] = transitions
    return properties


def _warm(node: Node) -> JsonObject:
    instances = plain_number(node.inputs["provisionedConcurrentExecutions"])
    return {"ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": instances}}


def _secret(node: Node) -> JsonObject:
    return {"SecretString": node.inputs["secretString"]}


#: What is done rather than made.
CALLS = frozenset({"lambda.Invocation"})

#: Kind of the part: kind of its owner, and what gives the owner's properties.
PARTS: dict[str, tuple[str, Callable[[Node], JsonObject]]] = {
    "ecr.LifecyclePolicy": ("ecr.Repository", _lifecycle),
    "lambda.ProvisionedConcurrencyConfig": ("lambda.Function", _warm),
    "s3.BucketLifecycleConfiguration": ("s3.Bucket", _ages),
    "s3.BucketOwnershipControls": ("s3.Bucket", _owner),
    "s3.BucketPublicAccessBlock": ("s3.Bucket", _private),
    "s3.BucketServerSideEncryptionConfiguration": ("s3.Bucket", _encryption),
    "secretsmanager.SecretVersion": ("secretsmanager.Secret", _secret),
}


def _merge(graph: Graph, node: Node, resources: Resources) -> None:
    owner_kind, make = PARTS[node.short]
    # Instances are kept of a version, which is a resource of its own here.
    suffix = "Version" if node.short == "lambda.ProvisionedConcurrencyConfig" else ""
    for owner in graph.of(owner_kind):
        if node.waits_for(owner):
            properties = _substituted_members(make(node))
            resources[logical(owner) + suffix]["Properties"].update(properties)
            return
