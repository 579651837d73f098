"""The deployer's rights, as policies out of the graph; tests/pulumi deploys with them, and with none else."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase

import pytest

from tools.stack_checks.__main__ import main
from tools.stack_checks.rights import PARTS, POLICY_CHARACTERS, RIGHTS, policies, statements

PREFIX = "mlops-drift-monitor-dev"
DOMAIN = {
    "customDomain": "drift.example.com",
    "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a1b",
    "hostedZoneId": "Z0123",
}


def actions(graph, prefix=PREFIX):
    """Return every action that a graph's deployer may use."""
    return {action for statement in statements(graph, prefix) for action in statement["Action"]}


def test_types_with_rights(whole):
    """A type that the table does not have would be deployed by nobody."""
    graph, facts, _ = whole
    assert policies(graph, facts.prefix)
    assert not RIGHTS.keys() & PARTS


def test_policies_fit(whole):
    """IAM takes no managed policy of more characters, and ten policies for a role."""
    graph, facts, _ = whole
    documents = policies(graph, facts.prefix)
    assert len(documents) <= 3
    for document in documents:
        assert len(json.dumps(document, separators=(",", ":"))) <= POLICY_CHARACTERS
        assert document["Version"] == "2012-10-17"


def test_absent_resources(build):
    """What a stack does not have, its deployer needs no right for."""
    lean, _, _ = build("dev", predictionLog="false", probeMinutes="0", monthlyBudget="0")
    for service in ("firehose", "athena", "glue", "budgets", "secretsmanager", "route53"):
        assert not [action for action in actions(lean) if action.startswith(f"{service}:")]


def test_zone(build):
    """A deployer changes the zone of the stack's record, and no other."""
    graph, facts, _ = build("prod", **DOMAIN)
    (zone,) = [each for each in statements(graph, facts.prefix) if each["Sid"] == "Route53"]
    assert zone["Resource"] == ["arn:*:route53:::hostedzone/Z0123", "arn:*:route53:::change/*"]


@pytest.mark.parametrize(
    "foreign",
    [
        "arn:aws:iam::123456789012:role/admin",
        "arn:aws:iam::123456789012:role/mlops-drift-monitor-prod-predictor",
        "arn:aws:dynamodb:us-east-1:123456789012:table/orders",
        "arn:aws:lambda:us-east-1:123456789012:function:orders",
        "arn:aws:s3:::backups",
        "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/orders",
    ],
)
def test_other_resources(build, foreign):
    """No statement covers another stack's resource, except rights that name none."""
    graph, _, _ = build("dev")
    for statement in statements(graph, PREFIX):
        if statement["Resource"] != ["*"]:
            assert not any(fnmatchcase(foreign, place) for place in statement["Resource"]), statement["Sid"]


def test_rights_without_resource(build):
    """Rights that IAM ties to no resource are listed here, so that a new one is noticed."""
    graph, _, _ = build("dev", alertEmails='["ops@example.com"]')
    wide = [each for each in statements(graph, PREFIX) if each["Resource"] == ["*"] and "Condition" not in each]
    found = {action for statement in wide for action in statement["Action"]}
    reads = ("Describe", "Get", "List")
    assert {action for action in found if not action.partition(":")[2].startswith(reads)} == {
        "lambda:CreateEventSourceMapping",
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DeleteQueryDefinition",
        "logs:PutQueryDefinition",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
        "sns:SetSubscriptionAttributes",
        "sns:Unsubscribe",
    }


def test_command(root, tmp_path, capsys):
    """Each file is one managed policy; prod needs no alert endpoint to be asked for."""
    for stack in ("dev", "prod"):
        assert main(["--root", str(root), "rights", stack, str(tmp_path / stack)]) == 0
        printed = capsys.readouterr().out.split()
        assert printed == [str(path) for path in sorted((tmp_path / stack).iterdir())]
        assert all(json.loads(path.read_text("utf-8"))["Statement"] for path in (tmp_path / stack).iterdir())
