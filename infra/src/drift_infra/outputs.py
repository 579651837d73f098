"""What `pulumi stack output` shows: addresses, names, links, and a command to paste."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pulumi
from drift_contracts import feature_set

if TYPE_CHECKING:
    from .stack import Stack

SIGNED = (
    '--aws-sigv4 "aws:amz:{region}:execute-api" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" '
    '-H "x-amz-security-token: $AWS_SESSION_TOKEN" '
)
BEARER = '-H "Authorization: Bearer $TOKEN" '


def outputs(stack: Stack) -> dict[str, pulumi.Input[str | None]]:
    """Return the outputs of a stack, by name."""
    return {
        "apiUrl": stack.url,
        "dashboardUrl": stack.dashboard_url,
        "logsUrl": stack.logs_url,
        "alarmsUrl": stack.alarms_url,
        "functionName": stack.predictor.function.name,
        "functionAlias": stack.predictor.alias.name,
        "functionVersion": stack.predictor.alias.function_version,
        "alertsTopic": stack.alerting.topic.arn,
        "windowsTable": stack.windows.table.name,
        "deadLettersQueue": stack.dead_letters.queue.url,
        "redrive": pulumi.Output.concat(
            "aws sqs start-message-move-task --region ", stack.settings.region,
            " --source-arn ", stack.dead_letters.queue.arn,
            " --destination-arn ", stack.dead_letters.replay.arn,
        ),
        "predictionsBucket": stack.log.bucket.bucket if stack.log else None,
        "imageRepository": stack.image.repository.repository_url,
        "imageDigest": stack.image.digest,
        "tryIt": pulumi.Output.concat(
            "curl -sS ", _credentials(stack), "-H 'content-type: application/json'",
            " -d '", example(stack.settings.models[0]), "' ", stack.url, "/predict",
        ),
    }  # fmt: skip


def example(model: str) -> str:
    """Return a request that the model answers, from the examples in its feature set."""
    return json.dumps({"features": feature_set(model).example})


def _credentials(stack: Stack) -> str:
    if stack.settings.authentication == "iam":
        return SIGNED.format(region=stack.settings.region)
    return BEARER if stack.settings.authentication == "jwt" else ""
