"""What every function of the one image shares, and what happens to calls that fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulumi_aws import lambda_, sqs

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

    from drift_infra.naming import Site

RETRIES = 2
SIX_HOURS = 6 * 3600


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """How functions run in a stack: passed as a whole, so that a shared setting is stated once."""

    site: Site
    #: The image by digest.
    image: pulumi.Input[str]
    #: The processor that the image was built for: arm64 or x86_64.
    architecture: str
    #: Whether X-Ray records every call.
    tracing: bool
    #: Variables that every function reads, whatever its command.
    environment: Mapping[str, pulumi.Input[str]]
    #: Where calls, records and notices wait that could not be handled.
    dead_letters: sqs.Queue


def keep_failed_calls(
    name: str,
    function: lambda_.Function,
    runtime: Runtime,
    opts: pulumi.ResourceOptions,
    *,
    qualifier: pulumi.Input[str] | None = None,
) -> lambda_.FunctionEventInvokeConfig:
    """Declare that an asynchronous call is tried three times, then kept among the dead letters.

    Args:
        name: of the resource.
        function: what is called.
        runtime: names the queue.
        opts: parent of the resource.
        qualifier: the alias by which the function is called; each name of a function has retries
            of its own.
    """
    return lambda_.FunctionEventInvokeConfig(
        name,
        function_name=function.name,
        qualifier=qualifier,
        maximum_retry_attempts=RETRIES,
        maximum_event_age_in_seconds=SIX_HOURS,
        destination_config=lambda_.FunctionEventInvokeConfigDestinationConfigArgs(
            on_failure=lambda_.FunctionEventInvokeConfigDestinationConfigOnFailureArgs(
                destination=runtime.dead_letters.arn
            )
        ),
        opts=opts,
    )
