"""Every policy of the graph as plain IAM JSON, with ARNs that a linter can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .graph import MARKER, short

if TYPE_CHECKING:
    import re

    from .graph import Graph

REGION = "us-east-1"
ACCOUNT = "123456789012"
#: What comes after arn:aws: in the ARN of a kind.
SHAPES = {
    "apigatewayv2.Api": "execute-api:{region}:{account}:a1b2c3d4e5",
    "cloudwatch.LogGroup": "logs:{region}:{account}:log-group:{name}",
    "dynamodb.Table": "dynamodb:{region}:{account}:table/{name}",
    "kinesis.FirehoseDeliveryStream": "firehose:{region}:{account}:deliverystream/{name}",
    "kms.Key": "kms:{region}:{account}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "lambda.Alias": "lambda:{region}:{account}:function:{name}:live",
    "lambda.Function": "lambda:{region}:{account}:function:{name}",
    "s3.Bucket": "s3:::{name}",
    "secretsmanager.Secret": "secretsmanager:{region}:{account}:secret:{name}-AbCdEf",
    "sns.Topic": "sns:{region}:{account}:{name}",
    "sqs.Queue": "sqs:{region}:{account}:{name}",
}


def role_policies(graph: Graph) -> dict[str, str]:
    """Return the policy of every role, by the role policy's name.

    Markers become the ARNs that the resources' own names give, so that a linter can read them.
    """
    names = {}
    # Most kinds have their physical name in one of these inputs.
    for node in graph.resources:
        names[node.kind, node.name] = node.inputs.text("name") or node.inputs.text("bucket")

    def arn(match: re.Match[str]) -> str:
        kind = match["kind"]
        physical = names.get((kind, match["name"])) or match["name"]
        return "arn:aws:" + SHAPES[short(kind)].format(
            region=REGION, account=ACCOUNT, name=physical
        )

    policies = {}
    for node in graph.of("iam.RolePolicy"):
        policies[node.name] = MARKER.sub(arn, node.inputs.text("policy"))
    return policies
