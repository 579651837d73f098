"""Traffic into windows, windows into evidence: the aggregator and the evaluator."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws import cloudwatch, dynamodb, lambda_, sqs

from drift_infra.iam import Statement
from drift_infra.queries import PREDICTION_EVENTS

from .image_function import ImageFunction, ImageFunctionArgs
from .runtime import Runtime, keep_failed_calls
from .timer import Timer, TimerArgs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KEEP_BASELINES = json.dumps({"keep": "baselines"})
COMMANDS = {"aggregator": "aggregate", "evaluator": "evaluate"}


@dataclass(frozen=True)
class MonitorArgs:
    """The log group that is watched, the table, the queues, and where alerts go."""

    runtime: Runtime
    #: MB.
    memory: int
    #: Seconds.
    timeout: int
    aggregator_environment: Mapping[str, pulumi.Input[str]]
    evaluator_environment: Mapping[str, pulumi.Input[str]]
    #: Minutes between two evaluations.
    evaluate_minutes: int
    #: Of windows, states and baselines.
    table: dynamodb.Table
    #: Dead letters that somebody sends back.
    replay: sqs.Queue
    #: The predictor's log, whose lines are the events.
    watched: cloudwatch.LogGroup
    #: Rights to publish an alert.
    publish: tuple[Statement, ...]
    #: Rights to read the prediction log; none where no predictions are kept.
    predictions: Sequence[Statement] = ()


class Monitor(pulumi.ComponentResource):
    """The functions that watch for drift.

    `aggregator` reads the predictor's log lines; `evaluator` runs on a schedule and publishes
    alerts.
    """

    def __init__(
        self, name: str, args: MonitorArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("drift:infra:Monitor", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self.aggregator = self._function(
            args,
            "aggregator",
            "Adds prediction events to windows",
            args.aggregator_environment,
            _aggregator_may(args),
        )
        self.evaluator = self._function(
            args,
            "evaluator",
            "Turns windows into drift evidence",
            args.evaluator_environment,
            _evaluator_may(args),
        )
        # A version is compared with its own baseline, and an image holds the newest only: the table
        # has to know a version before the first request reaches it, and after the next one came.
        self.baselines = lambda_.Invocation(
            f"{name}-baselines",
            function_name=self.aggregator.function.name,
            input=KEEP_BASELINES,
            triggers={"image": args.runtime.image},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.aggregator]),
        )
        self.subscription = self._subscribe(name, args)
        self._replay(name, args)
        Timer(
            "evaluation",
            TimerArgs(
                site=args.runtime.site,
                what="evaluation",
                description="Evaluate the closed windows",
                minutes=args.evaluate_minutes,
                function=self.evaluator.function,
                dead_letters_arn=args.runtime.dead_letters.arn,
            ),
            self._child,
        )
        self.register_outputs(
            {"aggregator": self.aggregator.function.name, "evaluator": self.evaluator.function.name}
        )

    def _function(
        self,
        args: MonitorArgs,
        what: str,
        description: str,
        environment: Mapping[str, pulumi.Input[str]],
        may: list[Statement],
    ) -> ImageFunction:
        parts = ImageFunctionArgs(
            runtime=args.runtime,
            what=what,
            description=description,
            command=f"drift_monitor.handlers.{COMMANDS[what]}",
            memory=args.memory,
            timeout=args.timeout,
            environment=environment,
            statements=may,
        )
        return ImageFunction(what, parts, self._child)

    def _subscribe(self, name: str, args: MonitorArgs) -> cloudwatch.LogSubscriptionFilter:
        """Send log lines to the aggregator; one that fails three times becomes a dead letter."""
        function = self.aggregator.function
        keep_failed_calls(f"{name}-retries", function, args.runtime, self._child)
        permission = lambda_.Permission(
            f"{name}-logs-may-invoke",
            statement_id="CloudWatchLogs",
            action="lambda:InvokeFunction",
            function=function.name,
            principal="logs.amazonaws.com",
            source_account=args.runtime.site.account,
            source_arn=pulumi.Output.concat(args.watched.arn, ":*"),
            opts=self._child,
        )
        return cloudwatch.LogSubscriptionFilter(
            f"{name}-subscription",
            name="aggregator",
            log_group=args.watched.name,
            filter_pattern=PREDICTION_EVENTS,
            destination_arn=function.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )

    def _replay(self, name: str, args: MonitorArgs) -> None:
        lambda_.EventSourceMapping(
            f"{name}-replay",
            event_source_arn=args.replay.arn,
            function_name=self.aggregator.function.name,
            batch_size=10,
            function_response_types=["ReportBatchItemFailures"],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.aggregator]),
        )


def _aggregator_may(args: MonitorArgs) -> list[Statement]:
    receive = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    return [
        Statement("AddToWindows", ["dynamodb:PutItem", "dynamodb:GetItem"], [args.table.arn]),
        Statement("KeepBadRecords", ["sqs:SendMessage"], [args.runtime.dead_letters.arn]),
        Statement("TakeReplayed", receive, [args.replay.arn]),
    ]


def _evaluator_may(args: MonitorArgs) -> list[Statement]:
    state = ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:DeleteItem"]
    windows = Statement("ReadWindowsKeepState", state, [args.table.arn])
    return [windows, *args.publish, *args.predictions]
