"""The Lambda entries: unpack, call, report. Everything is built once, at the first event of a process."""

from __future__ import annotations

import logging
import os
import sys
import time
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from drift_contracts import MonitoringSpec, documents

from . import cloud
from .aggregate import Aggregator
from .evaluate import Evaluator, Policy
from .metrics import emf_line, evaluation_values
from .notify import notify as send_notices
from .probe import over_http
from .probe import probe as run_probe
from .reference import load_references
from .settings import Settings, read_settings
from .shelf import KeptReferences, Shelf, keep_bundles
from .stores import DynamoStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .probe import Call


_log = logging.getLogger("drift_monitor")


@cache
def _settings() -> Settings:
    settings = read_settings(os.environ)
    _log.setLevel(settings.log_level)
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
    references = KeptReferences(load_references(bundles), _shelf(), time.time)
    references.renew(bundles)
    return references


@cache
def _aggregator() -> Aggregator:
    letters = cloud.dead_letter_queue(boto3.client("sqs"), _settings().require("dead_letters"))
    return Aggregator(_references(), _store(), letters, time.time)


@cache
def _evaluator() -> Evaluator:
    settings = _settings()
    publish = cloud.topic(boto3.client("sns"), settings.require("topic"))
    policy = Policy(budget_days=settings.budget_days)
    return Evaluator(
        _references(), _store(), publish, time.time, stack=settings.stack, policy=policy, links=settings.links
    )


def aggregate(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Log subscriptions, SQS or Kinesis records into windows; the answer names records to deliver again.

    `{"keep": "baselines"}` writes the baselines of the image's models to the table instead: a deployment
    asks for it before the first request reaches a new version.
    """
    settings = _settings()
    if event.get("keep") == "baselines":
        kept = keep_bundles(settings.bundles, _references().own, _shelf())
        return {"kept": [str(series) for series in kept]}
    outcome = _aggregator().handle(event)
    _log.debug("records: %s", dict(outcome.counts))
    for model in sorted(
        {series.model for series in _references().own}
    ):  # a record that cannot be read belongs to none: every model's alarm rings
        _report({"DeadLetters": float(outcome.counts["rejected"])}, model)
    return {"batchItemFailures": [{"itemIdentifier": item} for item in outcome.failed]}


def evaluate(_event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """On a schedule: closed minutes into evidence, alerts and metrics."""
    alarms = []
    for evaluation in _evaluator().run():
        _log.debug("%s: evidence %g of %g", evaluation.series, evaluation.evidence, evaluation.needed)
        # A version that answers no more has nothing to say: its last alarm would ring until it is forgotten.
        if evaluation.series in _references().own or evaluation.window is not None:
            _report(evaluation_values(evaluation), evaluation.series.model)
            alarms.append(evaluation.alarm)
    return {"series": len(alarms), "alarms": sum(alarms)}


def notify(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """SNS notices to a Slack-compatible webhook."""
    settings = _settings()
    send = cloud.webhook(boto3.client("secretsmanager"), settings.require("slack_secret"))
    sent = send_notices(event, settings.links, send)
    _log.debug("notices: %s", sent)
    return {"sent": sent}


def probe(_event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """On a schedule: one normal and one drifted request, told apart or not."""
    model = _settings().require("model")
    suite = documents.read(documents.find("scenario suite", model, documents.folder("scenarios")))
    seen = run_probe(suite, _call(), _api_answers)
    _log.debug("probe: normal %s, drifted %s", seen.normal, seen.drifted)
    _report({"ProbeNormal": float(seen.normal), "ProbeDrifted": float(seen.drifted)}, model)
    return {"normal": seen.normal, "drifted": seen.drifted, "said": list(seen.said)}


def _call() -> Call:
    settings = _settings()
    if settings.api_auth == "iam":
        return over_http(cloud.signed_post(boto3.Session()), settings.require("api_url"))
    # An API without signatures could not tell who marks a request as synthetic; IAM knows who invokes the function.
    return cloud.invocation(boto3.client("lambda"), settings.require("function"))


def _api_answers() -> bool:
    """Whether the API answers, where the predictions go past it; one that asks for a token says so with 401."""
    settings = _settings()
    if settings.api_auth == "iam":
        return True
    expected = cloud.UNAUTHORIZED if settings.api_auth == "jwt" else cloud.SUCCESS
    return cloud.status_of(f"{settings.require('api_url').rstrip('/')}/health") == expected


def _report(values: Mapping[str, float], model: str) -> None:
    milliseconds = time.time_ns() // 1_000_000
    line = emf_line(values, stack=_settings().stack, model=model, milliseconds=milliseconds, spec=_spec())
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
