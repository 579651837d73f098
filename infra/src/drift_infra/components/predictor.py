"""The function that answers predictions, its published versions and the alias that callers use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws import lambda_

from drift_infra.iam import Statement

from .image_function import ImageFunction, ImageFunctionArgs
from .runtime import Runtime, keep_failed_calls

if TYPE_CHECKING:
    from collections.abc import Mapping

ALIAS = "live"


@dataclass(frozen=True)
class PredictorArgs:
    """The function's size, and which versions the alias points at."""

    runtime: Runtime
    memory: int
    timeout: int
    environment: Mapping[str, pulumi.Input[str]]
    reserved_concurrency: int
    provisioned_concurrency: int
    previous_version: str
    previous_version_percent: int
    moved_from_outside: bool


class Predictor(pulumi.ComponentResource):
    """The predictor behind the alias `live`."""

    def __init__(self, name: str, args: PredictorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("drift:infra:Predictor", name, None, opts)
        self.parts = ImageFunction(
            name,
            ImageFunctionArgs(
                runtime=args.runtime,
                what="predictor",
                description="Answers predictions with a drift score",
                command="drift_predictor.handler.handler",
                memory=args.memory,
                timeout=args.timeout,
                environment=args.environment,
                statements=[Statement("KeepForeignEvents", ["sqs:SendMessage"], [args.runtime.dead_letters.arn])],
                reserved_concurrency=args.reserved_concurrency,
                publish=True,
                keep_logs=args.runtime.site.production,
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
        child = pulumi.ResourceOptions(parent=self)
        keep_failed_calls(f"{name}-retries", self.function, args.runtime, child)
        keep_failed_calls(
            f"{name}-alias-retries", self.function, args.runtime, child, qualifier=self.alias.name
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
