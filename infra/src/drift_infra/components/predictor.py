"""The function that answers predictions, its published versions and the alias that callers use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws import lambda_

from drift_infra.iam import Statement

from .image_function import ImageFunction, ImageFunctionArgs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_aws import sqs

    from drift_infra.naming import Site

ALIAS = "live"


@dataclass(frozen=True)
class PredictorArgs:
    """The function's size, which versions the alias points at, and where events wait that are no requests."""

    site: Site
    image: pulumi.Input[str]
    architecture: str
    memory: int
    timeout: int
    environment: Mapping[str, pulumi.Input[str]]
    tracing: bool
    reserved_concurrency: int
    provisioned_concurrency: int
    previous_version: str
    previous_version_percent: int
    moved_from_outside: bool
    dead_letters: sqs.Queue


class Predictor(pulumi.ComponentResource):
    """The predictor behind the alias `live`."""

    def __init__(self, name: str, args: PredictorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("drift:infra:Predictor", name, None, opts)
        self.parts = ImageFunction(
            name,
            ImageFunctionArgs(
                site=args.site,
                what="predictor",
                description="Answers predictions with a drift score",
                command="drift_predictor.handler.handler",
                image=args.image,
                architecture=args.architecture,
                memory=args.memory,
                timeout=args.timeout,
                environment=args.environment,
                statements=[Statement("KeepForeignEvents", ["sqs:SendMessage"], [args.dead_letters.arn])],
                tracing=args.tracing,
                reserved_concurrency=args.reserved_concurrency,
                publish=True,
                keep_logs=args.site.production,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.function, self.log_group = self.parts.function, self.parts.log_group
        self.alias = self._alias(name, args)
        self._keep_failures(name, args)
        if args.provisioned_concurrency:
            lambda_.ProvisionedConcurrencyConfig(
                f"{name}-warm",
                function_name=self.function.name,
                qualifier=self.alias.name,
                provisioned_concurrent_executions=args.provisioned_concurrency,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"name": self.function.name, "alias": self.alias.name, "version": self.function.version})

    def _keep_failures(self, name: str, args: PredictorArgs) -> None:
        """Keep what a topic, a rule or a bucket sends by mistake: the predictor raises, and nobody reads its error."""
        on_failure = lambda_.FunctionEventInvokeConfigDestinationConfigOnFailureArgs(destination=args.dead_letters.arn)
        # each name by which a function is called has a configuration of its own
        for what, qualifier in (("retries", None), ("alias-retries", self.alias.name)):
            lambda_.FunctionEventInvokeConfig(
                f"{name}-{what}",
                function_name=self.function.name,
                qualifier=qualifier,
                maximum_retry_attempts=2,
                maximum_event_age_in_seconds=6 * 3600,
                destination_config=lambda_.FunctionEventInvokeConfigDestinationConfigArgs(on_failure=on_failure),
                opts=pulumi.ResourceOptions(parent=self),
            )

    def _alias(self, name: str, args: PredictorArgs) -> lambda_.Alias:
        """The alias; when a tool outside moves its traffic, an update must not move it back."""
        weights = {args.previous_version: args.previous_version_percent / 100} if args.previous_version else None
        return lambda_.Alias(
            f"{name}-alias",
            name=ALIAS,
            description="What the API calls",
            function_name=self.function.name,
            function_version=self.function.version,
            routing_config=lambda_.AliasRoutingConfigArgs(additional_version_weights=weights) if weights else None,
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=["functionVersion", "routingConfig"] if args.moved_from_outside else None,
            ),
        )
