"""Metrics of AWS itself that are watched beside ours: what AWS emits, and the alarms on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .monitoring import Alarm, Composite, Measure

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    import pulumi

    from .naming import Names

# Metrics that AWS publishes by itself, with the dimensions it publishes them with (CloudWatch's
# service pages).
PUBLISHED = {
    ("AWS/Lambda", "Errors"): {"FunctionName"},
    ("AWS/Lambda", "Throttles"): {"FunctionName"},
    ("AWS/Lambda", "Duration"): {"FunctionName"},
    ("AWS/Lambda", "Invocations"): {"FunctionName"},
    ("AWS/Lambda", "ConcurrentExecutions"): {"FunctionName"},
    ("AWS/ApiGateway", "Count"): {"ApiId"},
    ("AWS/ApiGateway", "4xx"): {"ApiId"},
    ("AWS/ApiGateway", "5xx"): {"ApiId"},
    ("AWS/ApiGateway", "Latency"): {"ApiId"},
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): {"QueueName"},
    ("AWS/Logs", "IncomingBytes"): {"LogGroupName"},
    ("AWS/Firehose", "DeliveryToS3.DataFreshness"): {"DeliveryStreamName"},
}
HOUR = 3600
OUTAGE = "platform-needs-attention"
#: Alarms of a model by which an outage shows where no request reaches the function.
SILENCE = ("no-data", "probe-fails")


@dataclass(frozen=True)
class Parts:
    """Names of the resources whose own metrics are watched; an empty stream means there is none."""

    api: pulumi.Input[str]
    predictor: pulumi.Input[str]
    #: By their role in the stack.
    functions: Mapping[str, pulumi.Input[str]]
    dead_letters: pulumi.Input[str]
    log_group: pulumi.Input[str]
    #: Bytes of the predictor's log in 5 minutes that are more than single requests write.
    log_bytes: int
    #: Of the prediction log; None without one.
    stream: pulumi.Input[str] | None


def platform_alarms(names: Names, parts: Parts) -> Iterator[Alarm]:
    """Alarms on the parts themselves: they tell a quiet system from a broken one."""

    def alarm(
        what: str,
        advice: str,
        metric: tuple[str, str],
        statistic: str,
        by: pulumi.Input[str],
        over: float = 0,
    ) -> Alarm:
        (dimension,) = PUBLISHED[metric]
        measure = Measure(*metric, statistic, 300, {dimension: by})
        return Alarm(names.of(what), advice, {"value": measure}, "GreaterThanThreshold", over)

    yield alarm(
        "throttled",
        "Requests are turned away: raise reservedConcurrency or the account's limit.",
        ("AWS/Lambda", "Throttles"),
        "Sum",
        parts.predictor,
    )
    yield alarm(
        "predictor-failing",
        "The predictor crashes or times out: read its log group.",
        ("AWS/Lambda", "Errors"),
        "Sum",
        parts.predictor,
    )
    yield alarm(
        "api-failing",
        "The API answers 5xx: compare its access log with the predictor's log.",
        ("AWS/ApiGateway", "5xx"),
        "Sum",
        parts.api,
        5,
    )
    for role, function in parts.functions.items():
        yield alarm(
            f"{role}-failing",
            f"The {role} fails: read its log group;"
            " what it could not handle is in the dead-letter queue.",
            ("AWS/Lambda", "Errors"),
            "Sum",
            function,
        )
    yield alarm(
        "dead-letters",
        "Something was not handled: repair, then move the dead letters to the replay queue.",
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
        "Maximum",
        parts.dead_letters,
    )
    yield alarm(
        "log-flood",
        "The log takes in more than single requests write, and is paid by the gigabyte:"
        " find the caller in the API's access log, lower throttleRate or openRows,"
        " or ask for authentication.",
        ("AWS/Logs", "IncomingBytes"),
        "Sum",
        parts.log_group,
        parts.log_bytes,
    )
    if parts.stream is not None:
        yield alarm(
            "log-delivery-late",
            "Predictions wait over an hour for S3: read the delivery stream's error log.",
            ("AWS/Firehose", "DeliveryToS3.DataFreshness"),
            "Maximum",
            parts.stream,
            HOUR,
        )


def outage(names: Names, models: Collection[str], present: Collection[str]) -> Composite:
    """Return the alarm that a pager hears when the stack itself fails.

    A function that does not start writes no metric of ours: the alarms on drift and on errors,
    which a pager hears otherwise, stay quiet while nobody gets an answer.

    Args:
        names: of the stack.
        models: those that are watched.
        present: full names of the alarms that there are.
    """
    failing = [
        name for name in present if name.endswith("-failing") or name == names.of("throttled")
    ]
    silent = [names.of(f"{model}-{alarm}") for model in models for alarm in SILENCE]
    reads = [*failing, *(name for name in silent if name in present)]
    return Composite(
        name=names.of(OUTAGE),
        description=(
            "The stack itself fails: the reason names the alarm, whose description says what to do."
        ),
        rule=" OR ".join(f'ALARM("{name}")' for name in reads),
        reads=frozenset(reads),
        notify="pager",
    )
