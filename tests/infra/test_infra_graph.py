"""The graph of each stack file, under our own rules."""

# ruff: noqa: E501 - a case is read as one line of a table

from __future__ import annotations

import json

import pytest

from tools.stack_checks.faults import FAULTS
from tools.stack_checks.rules import examine
from tools.stack_checks.stacks import SECRETS


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
        {"pathPrefix": "/v1"},
        {"pathPrefix": "/ml/v1", "customDomain": "drift.example.com", "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a1b"},
        {"rollout": "external", "previousVersion": "7", "previousVersionPercent": "20", "provisionedConcurrency": "0"},
        {"provisionedConcurrency": "2", "reservedConcurrency": "10"},
        {"predictionLog": "false", "probeMinutes": "0", "monthlyBudget": "0"},
        {"models": '["house-price", "diabetes"]', "architecture": "x86_64"},
        {"evaluateMinutes": "1"},
        {"silenceAlarm": "false", "permissionsBoundary": "arn:aws:iam::123456789012:policy/boundary"},
    ],
    ids="-".join,
)  # fmt: skip
def test_every_variant_breaks_no_rule(build, changes):
    graph, facts, _ = build("prod", **changes)
    assert [str(one) for one in examine(graph, facts)] == []


def test_a_path_prefix_reaches_the_function_and_the_domains_mapping(build):
    """The function takes off what the domain puts on; without the key neither knows of it."""
    domain = {
        "customDomain": "drift.example.com",
        "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a1b",
    }
    graph, _, _ = build("prod", pathPrefix="/ml/v1", **domain)
    variables = graph.one("lambda.Function", "predictor-function").inputs["environment"]["variables"]
    assert variables["DRIFT_PATH_PREFIX"] == "/ml/v1"
    assert graph.one("apigatewayv2.ApiMapping", "domain-mapping").inputs["apiMappingKey"] == "ml/v1"
    graph, _, _ = build("prod", **domain)
    variables = graph.one("lambda.Function", "predictor-function").inputs["environment"]["variables"]
    assert "DRIFT_PATH_PREFIX" not in variables
    assert not graph.one("apigatewayv2.ApiMapping", "domain-mapping").inputs.get("apiMappingKey")


def test_what_the_predictor_raises_of_a_topics_events_waits_among_the_dead_letters(build):
    """Both names by which a topic may call the function keep what fails, and its role may write there."""
    graph, _, _ = build("dev")
    for name, qualifier in (("predictor-retries", None), ("predictor-alias-retries", "live")):
        inputs = graph.one("lambda.FunctionEventInvokeConfig", name).inputs
        assert inputs.get("qualifier") == qualifier
        assert "dead-letters-queue" in inputs["destinationConfig"]["onFailure"]["destination"]
    policy = graph.one("iam.RolePolicy", "predictor-policy").inputs["policy"]
    (statement,) = [one for one in json.loads(policy)["Statement"] if one["Sid"] == "KeepForeignEvents"]
    assert (statement["Action"], len(statement["Resource"])) == (["sqs:SendMessage"], 1)


@pytest.mark.parametrize("fault", [one for one in FAULTS if "rules" in one.caught_by], ids=lambda fault: fault.name)
def test_our_own_rules_catch_the_fault(build, fault):
    graph, facts, _ = build("dev", **{**SECRETS, "alertEmails": '["ops@example.com"]'})
    assert list(examine(fault.graph(graph), facts))


def test_every_fault_is_caught_by_some_judge():
    assert len(FAULTS) >= 30
    assert all(fault.caught_by for fault in FAULTS)
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
