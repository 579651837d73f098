"""Alerts in people's words, to a Slack-compatible webhook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws import lambda_, secretsmanager, sns

from drift_infra.iam import Statement

from .image_function import ImageFunction, ImageFunctionArgs
from .runtime import Runtime, keep_failed_calls
from .timer import Timer, TimerArgs

if TYPE_CHECKING:
    from collections.abc import Mapping

A_DAY = 24 * 60


@dataclass(frozen=True)
class NotifierArgs:
    """The topic to listen to and the secret that holds the webhook's address."""

    runtime: Runtime
    environment: Mapping[str, pulumi.Input[str]]
    topic: sns.Topic
    #: Holds the address of the chat.
    secret: secretsmanager.Secret


class Notifier(pulumi.ComponentResource):
    """A function subscribed to the topic; what it cannot deliver waits among the dead letters."""

    def __init__(
        self, name: str, args: NotifierArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("drift:infra:Notifier", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self.parts = ImageFunction(
            name,
            ImageFunctionArgs(
                runtime=args.runtime,
                what="notifier",
                description="Tells a chat channel what drifted, by how much and since when",
                command="drift_monitor.handlers.notify",
                memory=256,
                timeout=30,
                environment=args.environment,
                statements=[
                    Statement("ReadWebhook", ["secretsmanager:GetSecretValue"], [args.secret.arn]),
                    Statement(
                        "KeepUndelivered", ["sqs:SendMessage"], [args.runtime.dead_letters.arn]
                    ),
                ],
            ),
            self._child,
        )
        self._listen(name, args)
        # Lambda puts a function to sleep that nobody calls for some two weeks, and refuses the call
        # that wakes it: on a healthy stack that would be the first alert.
        Timer(
            "notifier-awake",
            TimerArgs(
                site=args.runtime.site,
                what="notifier-awake",
                description=(
                    "Call the notifier without a notice, so that Lambda does not put it to sleep"
                ),
                minutes=A_DAY,
                function=self.parts.function,
                dead_letters_arn=args.runtime.dead_letters.arn,
                alone=False,
            ),
            self._child,
        )
        self.register_outputs({"name": self.parts.function.name})

    def _listen(self, name: str, args: NotifierArgs) -> None:
        function = self.parts.function
        keep_failed_calls(f"{name}-retries", function, args.runtime, self._child)
        undelivered = {"deadLetterTargetArn": args.runtime.dead_letters.arn}
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
            redrive_policy=pulumi.Output.json_dumps(undelivered),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )
