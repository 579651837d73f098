"""What a stranger, or anybody with a token, can make a stack cost in a day."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from drift_contracts.events import EVENTS
from drift_infra.stack import LINE_BYTES

from tests.support.lines import LONGEST_LINE
from tools.stack_checks.stacks import settings_of

SECONDS = 86_400
GIGABYTE = 10**9
# List prices of us-east-1 in dollars, November 2026: CloudWatch Logs taken in, Firehose taken in and
# partitioned, HTTP API and Lambda calls, Lambda's gigabyte-seconds on arm64.
LOG, DELIVERY = 0.50 / GIGABYTE, (0.029 + 0.020) / GIGABYTE
CALL, INVOCATION, GB_SECOND = 1.00e-6, 0.20e-6, 0.0000133334
# Of a request beside its rows: the access log's line and Lambda's START, END and REPORT.
ENVELOPE_BYTES = 450 + 350
# Handler and runtime, billed; measured far below.
REQUEST_SECONDS, ROW_SECONDS = 0.003, 0.0003
# The aggregator's share: reading, validating and adding one event, with some room.
COUNTED_SECONDS = 0.0002
BATCH_ROWS = 1000


@dataclass(frozen=True)
class Day:
    """A day of the worst traffic that a stack lets through."""

    requests: int
    rows: int
    line_bytes: int
    memory: int
    monitor_memory: int
    delivering: bool

    @property
    def dollars(self):
        """What log, delivery, API and compute cost together."""
        log = self.requests * ENVELOPE_BYTES + self.requests * self.rows * self.line_bytes
        delivered = self.requests * self.rows * self.line_bytes if self.delivering else 0
        seconds = self.requests * (REQUEST_SECONDS + self.rows * ROW_SECONDS) * self.memory / 1024
        counting = self.requests * self.rows * COUNTED_SECONDS * self.monitor_memory / 1024
        calls = self.requests * (CALL + INVOCATION)
        return log * LOG + delivered * DELIVERY + calls + (seconds + counting) * GB_SECOND


@pytest.fixture(scope="module")
def worst_day(root):
    def day(stack, **changes):
        settings = settings_of(root, stack, {"alertEmails": '["ops@example.com"]', **changes})
        rows = settings.open_rows if settings.authentication == "none" else BATCH_ROWS
        return Day(
            requests=settings.throttle_rate * SECONDS,
            rows=rows,
            line_bytes=LONGEST_LINE,
            memory=settings.memory,
            monitor_memory=settings.monitor_memory,
            delivering=settings.prediction_log,
        )

    return day


def test_worst_day_of_dev(worst_day):
    """Whoever finds dev's address costs ten dollars a day at most, at the throttle's full rate."""
    assert 0 < worst_day("dev").dollars <= 10


def test_worst_day_without_limit(worst_day):
    """Without the limit of rows it would be hundreds, as the throttle counts requests only."""
    assert worst_day("dev", openRows="1000").dollars > 500


def test_documented_worst_days(root, worst_day):
    """The page has the worst day of both tiers, rounded up."""
    page = (root / "docs/deploy.md").read_text("utf-8")
    dev, prod = (-(-worst_day(stack).dollars // 1) for stack in ("dev", "prod"))
    assert f"{dev:.0f} dollars a day in dev" in page
    assert f"{prod:,.0f} dollars in prod" in page


def test_ordinary_line(root):
    """The line that the alarm reckons with is as long as the contracts' examples, and the longest is longer."""
    for contract in EVENTS:
        example = json.loads((root / f"contracts/examples/{contract}.json").read_text("utf-8"))
        assert len(json.dumps(example, separators=(",", ":"))) <= LINE_BYTES < LONGEST_LINE


def test_only_an_open_api_limits_rows(build):
    """Where callers are known a batch is as large as the contract allows."""
    for stack, expected in (("dev", "5"), ("prod", None)):
        graph, _, _ = build(stack)
        variables = graph.one("lambda.Function", "predictor-function").inputs["environment"]["variables"]
        assert variables.get("DRIFT_MOST_ROWS") == expected


def test_an_alarm_watches_the_logs_bytes(build):
    """It rings where batches outweigh single requests, and not at the throttle's own rate."""
    for stack, rate in (("dev", 20), ("prod", 100)):
        graph, _, _ = build(stack)
        alarm = graph.one("cloudwatch.MetricAlarm", "log-flood").inputs
        assert (alarm["namespace"], alarm["metricName"]) == ("AWS/Logs", "IncomingBytes")
        assert alarm["threshold"] == 2 * rate * 300 * 1000
