"""The graph of each stack file, under our own rules."""

# ruff: noqa: E501 - a case is read as one line of a table

from __future__ import annotations

import json

import pytest

from tools.stack_checks.faults import FAULTS
from tools.stack_checks.rules import examine
from tools.stack_checks.stacks import SECRETS


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_stack_files(build, stack):
    """A stack's file as it ships breaks no rule."""
    graph, facts, _ = build(stack)
    assert [str(one) for one in examine(graph, facts)] == []


def test_all_parts(whole):
    """Every optional part together breaks no rule."""
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
def test_variants(build, changes):
    """No variant of prod breaks a rule."""
    graph, facts, _ = build("prod", **changes)
    assert [str(one) for one in examine(graph, facts)] == []


def test_sensitivity(build):
    """What a stack chooses of the evidence reaches the evaluator, and an alarm of PSI is made where it is chosen."""
    chosen = {"falseAlarmDays": "60", "minimumEffect": "0.2", "minimumEffects": '{"age": 0.5}'}
    chosen |= {"reference": "training", "newNormalDays": "0"}
    chosen |= {"mutedFeatures": '{"sqft": "2026-12-01"}', "psiAlarm": "0.2"}
    graph, facts, _ = build("dev", **chosen, models='["house-price", "diabetes"]')
    assert [str(one) for one in examine(graph, facts)] == []
    variables = graph.one("lambda.Function", "evaluator-function").inputs["environment"]["variables"]
    assert variables["DRIFT_PSI_ALARM"] == "0.2"
    assert (variables["DRIFT_REFERENCE"], variables["DRIFT_NEW_NORMAL_DAYS"]) == ("training", "0")
    assert (variables["DRIFT_BUDGET_DAYS"], variables["DRIFT_MINIMUM_EFFECT"]) == ("60", "0.2")
    assert json.loads(variables["DRIFT_MINIMUM_EFFECTS"]) == {"age": 0.5}
    assert json.loads(variables["DRIFT_MUTED"]) == {"sqft": "2026-12-01"}
    alarms = [node.inputs for node in graph.of("cloudwatch.MetricAlarm") if node.inputs["name"].endswith("-psi")]
    assert [(alarm["metricName"], alarm["threshold"]) for alarm in alarms] == [("LargestPsi", 0.2)] * 2


def test_search_of_log(build):
    """The evaluator reads the predictions, and nothing else of the bucket, where they are kept."""
    for stack in ("dev", "prod"):
        graph, facts, _ = build(stack)
        assert [str(one) for one in examine(graph, facts)] == []
        function = graph.one("lambda.Function", "evaluator-function")
        bucket = graph.one("s3.Bucket", "log-bucket-bucket")
        assert function.waits_for(bucket)
        assert function.inputs["environment"]["variables"]["DRIFT_PREDICTIONS"]
        policy = json.loads(graph.one("iam.RolePolicy", "evaluator-policy").inputs["policy"])
        rights = {one["Sid"]: one for one in policy["Statement"] if "s3" in one["Action"][0]}
        assert {sid: one["Action"] for sid, one in rights.items()} == {
            "FindPredictions": ["s3:ListBucket"],
            "ReadPredictions": ["s3:GetObject"],
        }
        assert rights["FindPredictions"]["Condition"] == {"StringLike": {"s3:prefix": "predictions/*"}}
        (objects,) = rights["ReadPredictions"]["Resource"]
        assert objects == f"{rights['FindPredictions']['Resource'][0]}/predictions/*"
        written = graph.one("kinesis.FirehoseDeliveryStream", "prediction-log-stream").inputs
        assert written["extendedS3Configuration"]["prefix"].startswith("predictions/model=")


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_search_without_log(build, stack):
    """Where no predictions are kept, the evaluator may read no bucket, also not one of earlier predictions."""
    graph, facts, _ = build(stack, predictionLog="false")
    assert [str(one) for one in examine(graph, facts)] == []
    variables = graph.one("lambda.Function", "evaluator-function").inputs["environment"]["variables"]
    assert "DRIFT_PREDICTIONS" not in variables
    assert "s3:" not in str(graph.one("iam.RolePolicy", "evaluator-policy").inputs["policy"])


def test_left_out(build):
    """Days that are left out reach the evaluator as they are written."""
    spans = '{"2026-12-24/2026-12-26": "Christmas"}'
    graph, _, _ = build("dev", leftOut=spans)
    variables = graph.one("lambda.Function", "evaluator-function").inputs["environment"]["variables"]
    assert variables["DRIFT_LEFT_OUT"] == spans


def test_path_prefix(build):
    """The function removes the prefix that the domain adds, and without the key there is neither."""
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


def test_failed_topic_events(build):
    """An event of a topic that the predictor fails on becomes a dead letter, by either name."""
    graph, _, _ = build("dev")
    for name, qualifier in (("predictor-retries", None), ("predictor-alias-retries", "live")):
        inputs = graph.one("lambda.FunctionEventInvokeConfig", name).inputs
        assert inputs.get("qualifier") == qualifier
        assert "dead-letters-queue" in inputs["destinationConfig"]["onFailure"]["destination"]
    policy = graph.one("iam.RolePolicy", "predictor-policy").inputs["policy"]
    (statement,) = [one for one in json.loads(policy)["Statement"] if one["Sid"] == "KeepForeignEvents"]
    assert (statement["Action"], len(statement["Resource"])) == (["sqs:SendMessage"], 1)


@pytest.mark.parametrize("fault", [one for one in FAULTS if "rules" in one.caught_by], ids=lambda fault: fault.name)
def test_faults_caught(build, fault):
    """The rules find the planted fault."""
    graph, facts, _ = build(fault.stack, **{**SECRETS, "alertEmails": '["ops@example.com"]'})
    assert list(examine(fault.graph(graph), facts))


def test_every_fault_caught():
    """Every fault is found by some check."""
    assert len(FAULTS) >= 30
    assert all(fault.caught_by for fault in FAULTS)
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
