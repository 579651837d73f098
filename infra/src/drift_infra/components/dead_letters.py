"""Where whatever could not be handled waits for people, and the queue that hands it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws import sqs

from drift_infra.iam import Statement, policy, tls_only

if TYPE_CHECKING:
    from collections.abc import Callable

    from drift_infra.naming import Site

FOURTEEN_DAYS = 14 * 24 * 3600


@dataclass(frozen=True)
class DeadLettersArgs:
    """`handling_seconds` is the longest that the aggregator works on one message."""

    site: Site
    #: Longest run of the function that reads the replay queue.
    handling_seconds: int


class DeadLetters(pulumi.ComponentResource):
    """Two queues for what could not be handled.

    `queue` keeps letters for 14 days; `replay` feeds the aggregator with those sent back.
    """

    def __init__(
        self, name: str, args: DeadLettersArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("drift:infra:DeadLetters", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self.queue = self._queue(
            f"{name}-queue",
            args.site.names.of("dead-letters"),
            30,
            None,
            lambda queue: [_from_topic(args.site, queue)],
        )
        redrive = pulumi.Output.json_dumps(
            {"deadLetterTargetArn": self.queue.arn, "maxReceiveCount": 5}
        )
        self.replay = self._queue(
            f"{name}-replay", args.site.names.of("replay"), args.handling_seconds * 6, redrive
        )
        self.register_outputs({"url": self.queue.url, "replay_url": self.replay.url})

    def _queue(
        self,
        name: str,
        physical: str,
        visibility: int,
        redrive: pulumi.Input[str] | None,
        allowed: Callable[[sqs.Queue], list[Statement]] = lambda _: [],
    ) -> sqs.Queue:
        queue = sqs.Queue(
            name,
            name=physical,
            message_retention_seconds=FOURTEEN_DAYS,
            visibility_timeout_seconds=visibility,
            sqs_managed_sse_enabled=True,
            redrive_policy=redrive,
            opts=self._child,
        )
        sqs.QueuePolicy(
            f"{name}-policy",
            queue_url=queue.url,
            policy=policy([*allowed(queue), tls_only([queue.arn], "sqs:*")]),
            opts=self._child,
        )
        return queue


def _from_topic(site: Site, queue: sqs.Queue) -> Statement:
    """Admit the stack's topic to the queue.

    SNS writes undelivered notices under its own name, and no role could allow that.
    """
    topic = pulumi.Output.concat(
        "arn:*:sns:", site.region, ":", site.account, ":", site.names.of("alerts")
    )
    from_topic = {"ArnLike": {"aws:SourceArn": topic}}
    sns = {"Service": "sns.amazonaws.com"}
    return Statement("KeepUndeliveredNotices", ["sqs:SendMessage"], [queue.arn], from_topic, sns)
