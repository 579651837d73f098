"""dev is cheap and open to change, prod is protected: every difference between the two is stated here."""

from __future__ import annotations

import json
import re

import pytest

from tools.stack_checks.stacks import SECRETS, graph_of, settings_of

# What prod has and dev has not.
ONLY_PROD = {"lambda.ProvisionedConcurrencyConfig predictor-warm", "sns.TopicSubscription alerts-email-af3c8254"}

# Inputs that differ by themselves: (resource, input): (dev, prod).
DIFFERENT = {
    ("lambda.Function", "memorySize", "predictor-function"): (512, 1024),
    ("dynamodb.Table", "deletionProtectionEnabled", "windows-table"): (False, True),
    ("dynamodb.Table", "pointInTimeRecovery", "windows-table"): ({"enabled": False}, {"enabled": True}),
    ("ecr.Repository", "forceDelete", "image-repository"): (True, False),
    ("s3.Bucket", "forceDestroy", "log-bucket-bucket"): (True, False),
    ("kms.Key", "deletionWindowInDays", "alerts-key"): (7, 30),
    ("cloudwatch.MetricAlarm", "threshold", "log-flood"): (12_000_000, 60_000_000),
    ("budgets.Budget", "limitAmount", "observability-budget"): ("20", "100"),
    ("cloudwatch.MetricAlarm", "threshold", "house-price-latency"): (1000, 500),
    ("cloudwatch.MetricAlarm", "threshold", "house-price-low-traffic"): (1, 10),
    ("lambda.FunctionEventInvokeConfig", "maximumEventAgeInSeconds", "probing-once"): (3600, 900),
    ("scheduler.Schedule", "scheduleExpression", "probing-schedule"): ("rate(60 minutes)", "rate(15 minutes)"),
    ("apigatewayv2.Stage", "defaultRouteSettings", "api-stage"): (
        {"throttlingRateLimit": 20, "throttlingBurstLimit": 40, "detailedMetricsEnabled": False},
        {"throttlingRateLimit": 100, "throttlingBurstLimit": 200, "detailedMetricsEnabled": False},
    ),
}

# Inputs that differ on every resource of a kind, and why.
BY_KIND = {
    ("cloudwatch.LogGroup", "retentionInDays"): "7 days against 90",
    ("apigatewayv2.Route", "authorizationType"): "open against signed",
    ("lambda.Function", "tracingConfig"): "traces cost",
    ("iam.RolePolicy", "policy"): "traces, and the probe's signed calls",
    ("s3.BucketLifecycleConfiguration", "rules"): "14 days against 365",
    ("scheduler.Schedule", "target"): "the retry's age follows the rate",
    ("lambda.Function", "environment"): "the probe signs in prod",
    ("cloudwatch.Dashboard", "dashboardBody"): "thresholds",
    ("budgets.Budget", "notifications"): "the email address",
}


def neutral(value, stack):
    return re.sub(rf"(?<![a-z]){stack}(?![a-z])", "STACK", json.dumps(value, sort_keys=True))


def inputs(graph):
    return {node.address: node for node in graph.resources}


@pytest.fixture(scope="module")
def both(build):
    return build("dev")[0], build("prod")[0]


def test_resources_of_prod(both):
    """Prod has these resources more than dev, and no others."""
    dev, prod = map(inputs, both)
    assert set(dev) - set(prod) == set()
    assert set(prod) - set(dev) == ONLY_PROD


def test_stated_differences(both):
    """The inputs of dev and prod differ only where it is stated."""
    dev, prod = map(inputs, both)
    surprises, seen = [], set()
    for address in sorted(set(dev) & set(prod)):
        mine, other = dev[address], prod[address]
        for name in sorted(set(mine.inputs) | set(other.inputs)):
            one, two = mine.inputs.get(name), other.inputs.get(name)
            if neutral(one, "dev") == neutral(two, "prod"):
                continue
            stated = DIFFERENT.get((mine.short, name, mine.name))
            seen.add((mine.short, name, mine.name))
            if (mine.short, name) not in BY_KIND and stated != (one, two):
                surprises.append((address, name, one, two))
    assert surprises == []
    assert set(DIFFERENT) <= seen


def test_protected_resources(both):
    """Prod protects and retains what holds data, and dev nothing."""
    dev, prod = both
    assert {node.address for node in dev.nodes if node.protect or node.retain} == set()
    assert {node.address for node in prod.nodes if node.protect} == {
        "dynamodb.Table windows-table", "s3.Bucket log-bucket-bucket", "ecr.Repository image-repository",
        "cloudwatch.LogGroup predictor-logs", "cloudwatch.Dashboard observability-dashboard", "sns.Topic alerts-topic",
        "lambda.Function predictor-function", "lambda.Alias predictor-alias", "apigatewayv2.Api api-api",
        "apigatewayv2.Stage api-stage",
    }  # fmt: skip
    assert {node.address for node in prod.nodes if node.retain} == {
        "dynamodb.Table windows-table", "s3.Bucket log-bucket-bucket", "cloudwatch.LogGroup predictor-logs",
        "s3.BucketPublicAccessBlock log-bucket-private", "s3.BucketPolicy log-bucket-tls",
        "s3.BucketLifecycleConfiguration log-bucket-lifecycle", "s3.BucketOwnershipControls log-bucket-owner",
        "s3.BucketServerSideEncryptionConfiguration log-bucket-encryption",
    }  # fmt: skip


def test_warnings_of_dev(both):
    """Dev warns that it is open and that nobody is alerted."""
    dev, prod = both
    assert any("anybody who knows the address" in one for one in dev.warnings)
    assert any("no alert endpoint" in one for one in dev.warnings)
    assert prod.warnings == ()


def test_secrets_stay_secret(root):
    """A secret is nowhere but under a secret input."""
    graph = graph_of(settings_of(root, "dev", SECRETS), root)
    for secret in ("alerts.example.com/hook", "integration/key", "services/key"):
        holders = [node for node in graph.nodes if secret in json.dumps(node.inputs)]
        assert holders
        assert all({"endpoint", "secretString"} & node.secrets for node in holders)
        assert secret not in json.dumps(graph.outputs)


def test_outputs_of_stack(both):
    """Every output is of this stack."""
    _, prod = both
    outputs = prod.outputs
    assert outputs["apiUrl"].endswith("|apiEndpoint}")
    assert outputs["dashboardUrl"].endswith("#dashboards/dashboard/mlops-drift-monitor-prod")
    assert outputs["logsUrl"].endswith("log-group/$252Faws$252Flambda$252Fmlops-drift-monitor-prod-predictor")
    assert "mlops-drift-monitor-prod" in outputs["alarmsUrl"]
    assert outputs["functionName"] == "mlops-drift-monitor-prod-predictor"
    assert outputs["functionAlias"] == "live"
    assert outputs["functionVersion"].endswith("predictor-function|version}")
    assert outputs["alertsTopic"].endswith("alerts-topic|arn}")
    assert outputs["windowsTable"] == "mlops-drift-monitor-prod-windows"
    assert outputs["deadLettersQueue"].endswith("dead-letters-queue|url}")
    assert re.fullmatch(
        r"aws sqs start-message-move-task --region us-east-1 --source-arn \S+dead-letters-queue\|arn}"
        r" --destination-arn \S+dead-letters-replay\|arn}",
        outputs["redrive"],
    )
    assert outputs["predictionsBucket"].startswith("mlops-drift-monitor-prod-log-")
    assert outputs["imageRepository"].endswith("|repositoryUrl}")
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", outputs["imageDigest"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"authentication": "iam"}, '--aws-sigv4 "aws:amz:us-east-1:execute-api"'),
        ({"authentication": "jwt", "jwtIssuer": "https://login.example.com", "jwtAudience": '["a"]'}, "Bearer $TOKEN"),
        ({"authentication": "none"}, "curl -sS -H 'content-type: application/json'"),
        ({"customDomain": "drift.example.com", "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a"},
         "https://drift.example.com/predict"),
    ],
    ids=["iam", "jwt", "none", "domain"],
)  # fmt: skip
def test_command_to_paste(build, changes, words):
    """The command to paste fits who may call."""
    graph, _, _ = build("dev", **changes)
    command = graph.outputs["tryIt"]
    assert words in command
    body = json.loads(command.split("-d '")[1].split("'")[0])
    assert set(body["features"]) == {"bedrooms", "bathrooms", "sqft", "age", "location_score"}


def test_no_prediction_log(build):
    """Without a prediction log there is no bucket."""
    graph, _, _ = build("dev", predictionLog="false")
    assert not graph.of("s3.Bucket")
    assert graph.outputs.get("predictionsBucket") is None


def callers(graph):
    variables = graph.one("lambda.Function", "predictor-function").inputs["environment"]["variables"]
    return str(variables.get("DRIFT_SYNTHETIC_CALLERS", "")).split(",")


def test_synthetic_callers(build):
    """Requests of the probe and of named callers are synthetic."""
    deployer = "arn:aws:iam::123456789012:role/deployer"
    graph, _, _ = build("dev", authentication="iam", syntheticCallers=f'["{deployer}"]')
    probe, named = callers(graph)
    assert probe.endswith(":role/" + graph.one("iam.Role", "probe-role").inputs["name"])
    assert named == deployer
    graph, _, _ = build("dev", authentication="iam", probeMinutes="0")
    assert callers(graph) == [""]


@pytest.mark.parametrize("authentication", ["none", "jwt"])
def test_probe_of_function(build, authentication):
    """Where the API cannot tell who calls, the probe invokes the function."""
    token = {"jwtIssuer": "https://issuer.example.com", "jwtAudience": '["drift"]'}
    graph, _, _ = build("dev", authentication=authentication, **(token if authentication == "jwt" else {}))
    variables = graph.one("lambda.Function", "probe-function").inputs["environment"]["variables"]
    assert variables["DRIFT_API_AUTH"] == authentication
    assert "DRIFT_FUNCTION" in variables
    policy = str(graph.one("iam.RolePolicy", "probe-policy").inputs["policy"])
    assert "lambda:InvokeFunction" in policy
    assert "execute-api" not in policy
    assert callers(graph) == [""]


def panels_of(graph, model):
    """Return the panels of a model that ask the log: title to query."""
    body = json.loads(graph.one("cloudwatch.Dashboard", "observability-dashboard").inputs.text("dashboardBody"))
    panels = [panel["properties"] for panel in body["widgets"] if panel["type"] == "log"]
    return {panel["title"]: panel["query"] for panel in panels if panel["title"].startswith(model)}


def test_panels_of_a_classifier(build):
    """The dashboard shows the classes, margin and entropy of a classifier, from the predictor's log."""
    graph = build("dev", models='["house-price", "flight-delay"]')[0]
    log = graph.one("cloudwatch.LogGroup", "predictor-logs").inputs.text("name")
    queries = panels_of(graph, "flight-delay")
    assert all(query.startswith(f"SOURCE '{log}' | filter Model = \"flight-delay\"") for query in queries.values())
    assert "by bin(1h), label" in queries["flight-delay: answers by class"]
    assert "avg(margin)" in queries["flight-delay: margin and entropy"]
    assert "avg(entropy)" in queries["flight-delay: margin and entropy"]
    assert panels_of(graph, "house-price") == {}
