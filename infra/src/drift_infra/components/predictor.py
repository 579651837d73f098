"""The function that answers predictions, its published versions and the alias that callers use.

A version is called, and warmed, before the alias moves to it: one that cannot start stops the
update while callers still get the one before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws import lambda_

from drift_infra.iam import Statement

from .image_function import ImageFunction, ImageFunctionArgs
from .runtime import Runtime, keep_failed_calls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_infra.deployed import Deployed

ALIAS = "live"
WARM = "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig"
# The handler answers this without a model's row, a log line or a metric.
PING = json.dumps({"warmup": True})


@dataclass(frozen=True)
class PredictorArgs:
    """The function's size, and which versions the alias points at."""

    runtime: Runtime
    #: MB.
    memory: int
    #: Seconds.
    timeout: int
    environment: Mapping[str, pulumi.Input[str]]
    reserved_concurrency: int
    #: Warm instances of the live version, paid by the hour; 0 for none.
    provisioned_concurrency: int
    #: The published version that callers get, "" for the newest.
    live_version: str
    #: Gets a part of the traffic; empty without a split.
    previous_version: str
    #: Of the traffic that the previous version gets.
    previous_version_percent: int
    #: Whether a deployment tool moves the alias, and updates leave it.
    moved_from_outside: bool
    #: What the state has, for a rollout that depends on it.
    deployed: Deployed


class Predictor(pulumi.ComponentResource):
    """The predictor behind the alias `live`.

    `go_live` declares the alias when what it waits for is there.
    """

    alias: lambda_.Alias

    def __init__(
        self, name: str, args: PredictorArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
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
                statements=[
                    Statement(
                        "KeepForeignEvents", ["sqs:SendMessage"], [args.runtime.dead_letters.arn]
                    )
                ],
                reserved_concurrency=args.reserved_concurrency,
                publish=True,
                lasting=True,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.function, self.log_group = self.parts.function, self.parts.log_group
        self._name, self._args = name, args
        self.version: pulumi.Input[str] = args.live_version or self.function.version
        self.register_outputs({"name": self.function.name, "version": self.function.version})

    def go_live(self, after: Sequence[pulumi.Resource]) -> None:
        """Declare the alias.

        It moves when the version has answered and is warm, and after what is given.
        """
        name, args = self._name, self._args
        ready = list(after)
        if args.reserved_concurrency:  # 0 stops all traffic, and a call with it
            ready.append(self._call(name))
        if args.provisioned_concurrency:
            ready.append(self._warm(name, args, ready))
        self.alias = self._alias(name, args, ready)
        self._keep_failures(name, args)

    def _call(self, name: str) -> lambda_.Invocation:
        """Call the version before anybody else does: a broken one fails the update here."""
        return lambda_.Invocation(
            f"{name}-trial",
            function_name=self.function.name,
            qualifier=self.version,
            input=PING,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _warm(
        self, name: str, args: PredictorArgs, after: list[pulumi.Resource]
    ) -> lambda_.ProvisionedConcurrencyConfig:
        """Keep instances of the version, not of the alias.

        On an alias Lambda itself splits the traffic until the new version is warm, keeps the
        weights where that fails, and takes no split of ours.
        """
        # Lambda keeps no version warm twice: a configuration on the alias, which an earlier program
        # made, has to go before one on the version behind it is made.
        on_alias = args.deployed.output(WARM, f"{name}-warm", "qualifier") == ALIAS
        return lambda_.ProvisionedConcurrencyConfig(
            f"{name}-warm",
            function_name=self.function.name,
            qualifier=self.version,
            provisioned_concurrent_executions=args.provisioned_concurrency,
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=after, delete_before_replace=on_alias
            ),
        )

    def _keep_failures(self, name: str, args: PredictorArgs) -> None:
        """Keep what a topic, a rule or a bucket sends by mistake.

        The predictor raises an error of it that nobody would read.
        """
        child = pulumi.ResourceOptions(parent=self)
        keep_failed_calls(f"{name}-retries", self.function, args.runtime, child)
        keep_failed_calls(
            f"{name}-alias-retries", self.function, args.runtime, child, qualifier=self.alias.name
        )

    def _alias(self, name: str, args: PredictorArgs, after: list[pulumi.Resource]) -> lambda_.Alias:
        """Make the alias; traffic that a tool outside has moved is not moved back by an update."""
        weights = (
            {args.previous_version: args.previous_version_percent / 100}
            if args.previous_version
            else None
        )
        return lambda_.Alias(
            f"{name}-alias",
            name=ALIAS,
            description="What the API calls",
            function_name=self.function.name,
            function_version=self.version,
            routing_config=lambda_.AliasRoutingConfigArgs(additional_version_weights=weights)
            if weights
            else None,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=after,
                protect=args.runtime.site.keeping.protected,
                ignore_changes=["functionVersion", "routingConfig"]
                if args.moved_from_outside
                else None,
            ),
        )
