"""Every policy of the graph as plain IAM JSON, with ARNs that a linter can read."""

from __future__ import annotations

from .graph import MARKER, Graph, short

REGION, ACCOUNT = "us-east-1", "123456789012"
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
    """The policy of every role, by the role policy's name, with the ARNs that the resources' own names give."""
    names = {(node.kind, node.name): node.inputs.get("name") or node.inputs.get("bucket") for node in graph.resources}

    def arn(kind: str, name: str) -> str:
        physical = names.get((kind, name)) or name
        return "arn:aws:" + SHAPES[short(kind)].format(region=REGION, account=ACCOUNT, name=physical)

    return {
        node.name: MARKER.sub(lambda one: arn(one["kind"], one["name"]), node.inputs["policy"])
        for node in graph.of("iam.RolePolicy")
    }
