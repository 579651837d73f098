"""Alerts in people's words, to a Slack-compatible webhook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws import lambda_, secretsmanager, sns, sqs

from drift_infra.iam import Statement

from .image_function import ImageFunction, ImageFunctionArgs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_infra.naming import Site


@dataclass(frozen=True)
class NotifierArgs:
    """The topic to listen to and the secret that holds the webhook's address."""

    site: Site
    image: pulumi.Input[str]
    architecture: str
    tracing: bool
    environment: Mapping[str, pulumi.Input[str]]
    topic: sns.Topic
    secret: secretsmanager.Secret
    dead_letters: sqs.Queue


class Notifier(pulumi.ComponentResource):
    """A function subscribed to the topic; what it cannot deliver waits among the dead letters."""

    def __init__(self, name: str, args: NotifierArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("drift:infra:Notifier", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self.parts = ImageFunction(
            name,
            ImageFunctionArgs(
                site=args.site,
                what="notifier",
                description="Tells a chat channel what drifted, by how much and since when",
                command="drift_monitor.handlers.notify",
                image=args.image,
                architecture=args.architecture,
                memory=256,
                timeout=30,
                tracing=args.tracing,
                environment=args.environment,
                statements=[
                    Statement("ReadWebhook", ["secretsmanager:GetSecretValue"], [args.secret.arn]),
                    Statement("KeepUndelivered", ["sqs:SendMessage"], [args.dead_letters.arn]),
                ],
            ),
            self._child,
        )
        self._listen(name, args)
        self.register_outputs({"name": self.parts.function.name})

    def _listen(self, name: str, args: NotifierArgs) -> None:
        function = self.parts.function
        on_failure = lambda_.FunctionEventInvokeConfigDestinationConfigOnFailureArgs(destination=args.dead_letters.arn)
        lambda_.FunctionEventInvokeConfig(
            f"{name}-retries",
            function_name=function.name,
            maximum_retry_attempts=2,
            maximum_event_age_in_seconds=6 * 3600,
            destination_config=lambda_.FunctionEventInvokeConfigDestinationConfigArgs(on_failure=on_failure),
            opts=self._child,
        )
        permission = lambda_.Permission(
            f"{name}-topic-may-invoke",
            statement_id="AlertsTopic",
            action="lambda:InvokeFunction",
            function=function.name,
            principal="sns.amazonaws.com",
            source_arn=args.topic.arn,
            opts=self._child,
        )
        sns.TopicSubscription(
            f"{name}-subscription",
            topic=args.topic.arn,
            protocol="lambda",
            endpoint=function.arn,
            redrive_policy=pulumi.Output.json_dumps({"deadLetterTargetArn": args.dead_letters.arn}),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )
