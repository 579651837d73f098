"""A function from the one image: its log group first, a role of its own, then the function."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws import cloudwatch, iam, lambda_

from drift_infra.iam import Statement, assumed_by, policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .runtime import Runtime


@dataclass(frozen=True)
class ImageFunctionArgs:
    """What tells one function of the image from another."""

    runtime: Runtime
    #: Last part of the function's name.
    what: str
    description: str
    #: The handler in the image, as its entry point reads it.
    command: str
    #: MB; Lambda gives processor time by it.
    memory: int
    #: Seconds.
    timeout: int
    #: What this function reads beside the variables of the runtime.
    environment: Mapping[str, pulumi.Input[str]]
    #: Rights of the role beside those to write its log.
    statements: Sequence[Statement] = field(default_factory=tuple)
    #: Instances at once; -1 for the account's limit, 0 for none.
    reserved_concurrency: int = -1
    #: Whether each change becomes a version.
    publish: bool = False
    #: Whether it answers: protected, and its lines retained, where the stack is.
    lasting: bool = False


class ImageFunction(pulumi.ComponentResource):
    """`function`, `log_group`, `role` of one command of the image."""

    def __init__(
        self, name: str, args: ImageFunctionArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("drift:infra:ImageFunction", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        site = args.runtime.site
        self.name = site.names.of(args.what)
        self.log_group = cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/lambda/{self.name}",
            retention_in_days=site.log_retention_days,
            opts=site.keeping.data(f"{name}-logs", self, later=["retentionInDays"])
            if args.lasting
            else self._child,
        )
        self.role = iam.Role(
            f"{name}-role",
            name=self.name,
            assume_role_policy=assumed_by("lambda.amazonaws.com"),
            opts=self._child,
        )
        allowed = iam.RolePolicy(
            f"{name}-policy",
            name="least-privilege",
            role=self.role.name,
            policy=policy([*self._always(args), *args.statements]),
            opts=self._child,
        )
        self.function = self._function(name, args, [self.log_group, allowed])
        self.register_outputs(
            {"name": self.function.name, "arn": self.function.arn, "log_group": self.log_group.name}
        )

    def _always(self, args: ImageFunctionArgs) -> list[Statement]:
        streams = pulumi.Output.concat(self.log_group.arn, ":*")
        logs = Statement("WriteOwnLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], [streams])
        traces = Statement(
            "WriteTraces", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], ["*"]
        )
        return [logs, traces] if args.runtime.tracing else [logs]

    def _function(
        self, name: str, args: ImageFunctionArgs, after: list[pulumi.Resource]
    ) -> lambda_.Function:
        runtime = args.runtime
        mode = "Active" if runtime.tracing else "PassThrough"
        return lambda_.Function(
            f"{name}-function",
            name=self.name,
            description=args.description,
            package_type="Image",
            image_uri=runtime.image,
            image_config=lambda_.FunctionImageConfigArgs(commands=[args.command]),
            architectures=[runtime.architecture],
            memory_size=args.memory,
            timeout=args.timeout,
            role=self.role.arn,
            environment=lambda_.FunctionEnvironmentArgs(
                variables={**runtime.environment, **args.environment}
            ),
            tracing_config=lambda_.FunctionTracingConfigArgs(mode=mode),
            reserved_concurrent_executions=args.reserved_concurrency,
            publish=args.publish,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=after,
                protect=args.lasting and runtime.site.keeping.protected,
            ),
        )
