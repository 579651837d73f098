"""A synthetic check of the whole chain.

It sends a normal and a drifted request, and reports both as metrics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from .image_function import ImageFunction, ImageFunctionArgs
from .timer import Timer, TimerArgs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_infra.iam import Statement

    from .runtime import Runtime


PROBE = "probe"


@dataclass(frozen=True)
class ProbeArgs:
    """How often, and what it may call."""

    runtime: Runtime
    #: Minutes between two checks.
    minutes: int
    environment: Mapping[str, pulumi.Input[str]]
    #: Rights to call the API or the function.
    may_call: Sequence[Statement]


class Probe(pulumi.ComponentResource):
    """A function that calls the API as a client would, on a schedule."""

    def __init__(
        self, name: str, args: ProbeArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("drift:infra:Probe", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.parts = ImageFunction(
            name,
            ImageFunctionArgs(
                runtime=args.runtime,
                what=PROBE,
                description=(
                    "Sends a normal and a drifted request and reports whether each was noticed"
                ),
                command="drift_monitor.handlers.probe",
                memory=256,
                timeout=60,
                environment=args.environment,
                statements=args.may_call,
            ),
            child,
        )
        Timer(
            "probing",
            TimerArgs(
                site=args.runtime.site,
                what="probing",
                description="Send the probe's requests",
                minutes=args.minutes,
                function=self.parts.function,
                dead_letters_arn=args.runtime.dead_letters.arn,
            ),
            child,
        )
        self.register_outputs({"name": self.parts.function.name})
