"""The Lambda entries: unpack, call, report.

Everything is built once, at the first event of a process.
"""

from __future__ import annotations

import os
import sys
import time
from functools import cache
from typing import TYPE_CHECKING, Protocol, TypedDict

import boto3
from botocore.config import Config
from drift_contracts import MonitoringSpec, documents

from drift_monitor import cloud
from drift_monitor.aggregate import Aggregator
from drift_monitor.deadline import within
from drift_monitor.evaluate import Evaluator
from drift_monitor.event_search import NO_TIME, NOT_KEPT
from drift_monitor.logs import configure_log
from drift_monitor.metrics import emf_line, evaluation_values
from drift_monitor.notify import notify as send_notices
from drift_monitor.policy import Policy
from drift_monitor.prediction_log import Bounds, search_log
from drift_monitor.probe import over_http
from drift_monitor.probe import probe as run_probe
from drift_monitor.reference import load_references, without_segments
from drift_monitor.rules import Rules
from drift_monitor.settings import Settings, read_settings
from drift_monitor.shelf import KeptReferences, Shelf, keep_bundles
from drift_monitor.stores import DynamoStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_monitor.alerts import Alert
    from drift_monitor.event_search import SegmentSearch
    from drift_monitor.notify import SnsEvent
    from drift_monitor.probe import Call
    from drift_monitor.reference import Reference

#: Seconds of one search for the segment of an alert, the reading of the log and the comparing.
SEARCH_SECONDS = 20.0
#: Of these for the reading.
READING = 0.6
#: Seconds below which no search is begun, and those that are left to send what waits.
LEAST_SECONDS, SENDING_SECONDS = 2.0, 15.0
#: What is read of the log for one search; the memory holds a part of it only.
MOST_OBJECTS, MOST_BYTES = 200, 256 * 1024 * 1024
#: A search must not wait for one answer of S3 as long as it may take in all.
LOG_CLIENT = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2})


class Context(Protocol):
    """What Lambda says of a call."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the call may still take."""


class BatchItemFailure(TypedDict):
    """A record that its source is to deliver again; Lambda's name for it."""

    itemIdentifier: str


class BatchAnswer(TypedDict):
    """The answer to records of a queue or a stream."""

    batchItemFailures: list[BatchItemFailure]


class KeptAnswer(TypedDict):
    """The versions whose baselines were written, as MODEL/VERSION."""

    kept: list[str]


class EvaluateAnswer(TypedDict):
    """How many series were evaluated, and in how many of them drift stands."""

    series: int
    alarms: int


class NotifyAnswer(TypedDict):
    """How many notices were sent."""

    sent: int


class ProbeAnswer(TypedDict):
    """Whether the normal and the drifted request were answered as they should be."""

    normal: bool
    drifted: bool
    said: list[str]


@cache
def _settings() -> Settings:
    settings = read_settings(os.environ)
    # Whoever needs settings is at work: nothing of the monitor is logged before.
    configure_log(settings.log_level)
    return settings


@cache
def _spec() -> MonitoringSpec:
    return MonitoringSpec.load()


@cache
def _store() -> DynamoStore:
    return DynamoStore(boto3.client("dynamodb"), _settings().require("table"), time.time)


@cache
def _shelf() -> Shelf:
    return Shelf(boto3.client("dynamodb"), _settings().require("table"), time.time)


@cache
def _references() -> KeptReferences:
    bundles = _settings().bundles
    bundled, watches = load_references(bundles), _settings().segments == "watch"
    if not watches:
        bundled = without_segments(bundled)
    references = KeptReferences(bundled, _shelf(), time.time, watch_segments=watches)
    references.renew(bundles)
    return references


@cache
def _aggregator() -> Aggregator:
    settings = _settings()
    letters = cloud.dead_letter_queue(boto3.client("sqs"), settings.require("dead_letters"))
    references = _references()
    # Going through all references would query the table, which the aggregator may not.
    models = {series.model for series in references.own}
    return Aggregator(references, _store(), letters, time.time, models=models)


@cache
def _evaluator() -> Evaluator:
    settings = _settings()
    return Evaluator(
        _references(),
        _store(),
        cloud.topic(boto3.client("sns"), settings.require("topic")),
        time.time,
        stack=settings.stack,
        policy=Policy(
            budget_days=settings.budget_days,
            learns_rhythm=settings.rhythm == "learn",
            allows_for_repeats=settings.repeats == "allow",
            references=Rules.of(settings.reference, settings.new_normal_days),
            left_out=settings.left_out,
            minimum_effect=settings.minimum_effect,
            minimum_effects=settings.minimum_effects,
            muted=settings.muted,
            psi_alarm=settings.psi_alarm,
        ),
        links=settings.links,
    )


@cache
def _log_bucket(bucket: str) -> cloud.LogBucket:
    return cloud.LogBucket(boto3.client("s3", config=LOG_CLIENT), bucket)


def _segment_search(context: Context | None) -> SegmentSearch:
    """Return what looks for the segment of an alert in the prediction log, while there is time.

    Args:
        context: of the call; None where nothing ends it.
    """
    bucket = _settings().predictions
    if bucket is None:
        return lambda _alert, _reference: NOT_KEPT

    def search(
        alert: Alert,
        reference: Reference,
    ) -> str:
        seconds = SEARCH_SECONDS
        if context is not None:
            left = context.get_remaining_time_in_millis() / 1000
            seconds = min(seconds, left - SENDING_SECONDS)
        if seconds < LEAST_SECONDS:
            return NO_TIME
        bounds = Bounds(seconds * READING, MOST_OBJECTS, MOST_BYTES)

        def searched() -> str:
            # Made here, as this may wait too.
            return str(search_log(_log_bucket(bucket), alert, reference, bounds))

        return within(seconds, searched, "a search of the prediction log")

    return search


def aggregate(
    event: Mapping[str, object],
    _context: object,
) -> BatchAnswer | KeptAnswer:
    """Count events of log subscriptions, SQS or Kinesis into windows.

    The answer names the records to deliver again. `{"keep": "baselines"}` writes the baselines of
    the image's models to the table instead: a deployment asks for it before the first request
    reaches a new version.
    """
    if event.get("keep") == "baselines":
        written = keep_bundles(_settings().bundles, _references().own, _shelf())
        return {"kept": [str(series) for series in written]}
    aggregator = _aggregator()
    outcome = aggregator.handle(event)
    for model in aggregator.models:
        # Zeros too: without them the metric would have gaps and the alarm no data.
        _report({"DeadLetters": float(outcome.dead_letters[model])}, model)
    return {"batchItemFailures": [{"itemIdentifier": item} for item in outcome.failed]}


def evaluate(
    _event: object,
    context: Context | None,
) -> EvaluateAnswer:
    """Turn closed minutes into evidence, alerts and metrics; called on a schedule."""
    alarms = []
    for evaluation in _evaluator().run(_segment_search(context)):
        # A version that answers no more has nothing to report: its last alarm would ring until the
        # version is forgotten.
        if evaluation.series in _references().own or evaluation.window is not None:
            values = evaluation_values(evaluation, _settings().metric_features)
            _report(values, evaluation.series.model)
            alarms.append(evaluation.alarm)
    return {"series": len(alarms), "alarms": sum(alarms)}


def notify(
    event: SnsEvent,
    _context: object,
) -> NotifyAnswer:
    """Send SNS notices to a Slack-compatible webhook."""
    settings = _settings()
    send = cloud.webhook(boto3.client("secretsmanager"), settings.require("slack_secret"))
    return {"sent": send_notices(event, settings.links, send)}


def probe(
    _event: object,
    _context: object,
) -> ProbeAnswer:
    """Send one normal and one drifted request; called on a schedule."""
    model = _settings().require("model")
    suite = documents.read(documents.find("scenario suite", model, documents.folder("scenarios")))
    result = run_probe(suite, _call(), _api_answers)
    values = {"ProbeNormal": float(result.normal), "ProbeDrifted": float(result.drifted)}
    _report(values, model)
    return {
        "normal": result.normal,
        "drifted": result.drifted,
        "said": list(result.reasons),
    }


def _call() -> Call:
    settings = _settings()
    if settings.api_auth == "iam":
        return over_http(cloud.signed_post(boto3.Session()), settings.require("api_url"))
    # An API without signatures could not tell who marks a request as synthetic; IAM knows who
    # invokes the function.
    return cloud.invocation(boto3.client("lambda"), settings.require("function"))


def _api_answers() -> bool:
    """Return whether the API answers, where the predictions do not go through it."""
    settings = _settings()
    if settings.api_auth == "iam":
        return True
    expected = cloud.SUCCESS
    if settings.api_auth == "jwt":
        # The probe has no token, and an API that works refuses it for that.
        expected = cloud.UNAUTHORIZED
    url = settings.require("api_url").rstrip("/")
    return cloud.status_of(f"{url}/health") == expected


def _report(
    values: Mapping[str, float],
    model: str,
) -> None:
    timestamp_ms = time.time_ns() // 1_000_000
    stack = _settings().stack
    line = emf_line(values, stack=stack, model=model, timestamp_ms=timestamp_ms, spec=_spec())
    sys.stdout.write(line + "\n")
    # Lambda may freeze the process as soon as the handler has returned.
    sys.stdout.flush()
