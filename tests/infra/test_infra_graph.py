"""The graph of each stack file, under our own rules."""

# ruff: noqa: E501 - a case is read as one line of a table

from __future__ import annotations

import pytest
from drift_infra.judge.faults import FAULTS
from drift_infra.judge.rules import examine
from drift_infra.judge.stacks import SECRETS


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_stack_file_as_it_is_breaks_no_rule(build, stack):
    graph, facts, _ = build(stack)
    assert [str(one) for one in examine(graph, facts)] == []


def test_every_optional_part_together_breaks_no_rule(whole):
    graph, facts, _ = whole
    assert [str(one) for one in examine(graph, facts)] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"authentication": "jwt", "jwtIssuer": "https://login.example.com", "jwtAudience": '["drift"]'},
        {"authentication": "iam", "corsOrigins": '["https://app.example.com"]'},
        {"customDomain": "drift.example.com", "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a1b", "hostedZoneId": "Z0123"},
        {"rollout": "external", "previousVersion": "7", "previousVersionPercent": "20", "provisionedConcurrency": "0"},
        {"provisionedConcurrency": "2", "reservedConcurrency": "10"},
        {"predictionLog": "false", "probeMinutes": "0", "monthlyBudget": "0"},
        {"models": '["house-price", "diabetes"]', "architecture": "x86_64"},
        {"evaluateMinutes": "1"},
    ],
    ids="-".join,
)  # fmt: skip
def test_every_variant_breaks_no_rule(build, changes):
    graph, facts, _ = build("prod", **changes)
    assert [str(one) for one in examine(graph, facts)] == []


@pytest.mark.parametrize("fault", [one for one in FAULTS if "rules" in one.caught_by], ids=lambda fault: fault.name)
def test_our_own_rules_catch_the_fault(build, fault):
    graph, facts, _ = build("dev", **{**SECRETS, "alertEmails": '["ops@example.com"]'})
    assert list(examine(fault.graph(graph), facts))


def test_every_fault_is_caught_by_some_judge():
    assert len(FAULTS) >= 30
    assert all(fault.caught_by for fault in FAULTS)
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
