"""A schedule that calls one function, with a role that may do nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws import iam, lambda_, scheduler

from drift_infra.iam import Statement, assumed_by, policy

if TYPE_CHECKING:
    from drift_infra.naming import Site


@dataclass(frozen=True)
class TimerArgs:
    """What to call, how often, and where a call goes that could not be delivered."""

    site: Site
    what: str
    description: str
    #: Minutes between two runs.
    minutes: int
    function: lambda_.Function
    #: Where a call waits that Lambda did not accept.
    dead_letters_arn: pulumi.Input[str]
    #: Whether the function is called by nothing else, so that its retries are the schedule's.
    alone: bool = True


def rate(minutes: int) -> str:
    """EventBridge's words for an interval, which insist on the singular.

    >>> rate(1), rate(5)
    ('rate(1 minute)', 'rate(5 minutes)')
    """
    return f"rate({minutes} minute{'' if minutes == 1 else 's'})"


class Timer(pulumi.ComponentResource):
    """An EventBridge schedule for a function.

    A run that fails is not repeated, because the next one is due anyway.
    """

    def __init__(
        self, name: str, args: TimerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("drift:infra:Timer", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        here = {"StringEquals": {"aws:SourceAccount": args.site.account}}
        role = iam.Role(
            f"{name}-role",
            name=args.site.names.of(f"{args.what}-timer"),
            assume_role_policy=assumed_by("scheduler.amazonaws.com", here),
            opts=child,
        )
        statements = [
            Statement("Call", ["lambda:InvokeFunction"], [args.function.arn]),
            Statement("KeepUndelivered", ["sqs:SendMessage"], [args.dead_letters_arn]),
        ]
        allowed = iam.RolePolicy(
            f"{name}-policy",
            name="least-privilege",
            role=role.name,
            policy=policy(statements),
            opts=child,
        )
        self.schedule = scheduler.Schedule(
            f"{name}-schedule",
            name=args.site.names.of(args.what),
            description=args.description,
            schedule_expression=rate(args.minutes),
            flexible_time_window=scheduler.ScheduleFlexibleTimeWindowArgs(mode="OFF"),
            target=scheduler.ScheduleTargetArgs(
                arn=args.function.arn,
                role_arn=role.arn,
                dead_letter_config=scheduler.ScheduleTargetDeadLetterConfigArgs(
                    arn=args.dead_letters_arn
                ),
                retry_policy=scheduler.ScheduleTargetRetryPolicyArgs(
                    maximum_event_age_in_seconds=args.minutes * 60, maximum_retry_attempts=2
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )
        if args.alone:
            self._try_once(name, args, child)
        self.register_outputs({"schedule": self.schedule.name})

    @staticmethod
    def _try_once(name: str, args: TimerArgs, child: pulumi.ResourceOptions) -> None:
        lambda_.FunctionEventInvokeConfig(
            f"{name}-once",
            function_name=args.function.name,
            maximum_retry_attempts=0,
            maximum_event_age_in_seconds=args.minutes * 60,
            opts=child,
        )
