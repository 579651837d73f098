"""Whose account, under which limits, at which cost: what an organisation asks of a stack."""

from __future__ import annotations

import json

import pytest
from drift_infra.settings import ConfigurationError

from tools.stack_checks.graph import texts
from tools.stack_checks.stacks import SECRETS, graph_of, settings_of

ROLE = "arn:aws:iam::123456789012:role/deploy"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"


@pytest.fixture(scope="module")
def built(root):
    return lambda stack="dev", **changes: graph_of(settings_of(root, stack, {**SECRETS, **changes}), root)


def test_the_providers_keys_are_heard(built):
    """A program's own provider hears none of the configuration by itself: each key is handed on."""
    graph = built(
        **{
            "aws:allowedAccountIds": '["123456789012"]',
            "aws:assumeRoles": json.dumps([{"roleArn": ROLE, "sessionName": "drift", "externalId": "x1"}]),
            "aws:defaultTags": '{"tags": {"Team": "ml", "Owner": "a"}}',
            "tags": '{"Owner": "b"}',
        }
    )
    inputs = graph.provider.inputs
    assert json.loads(inputs["allowedAccountIds"]) == ["123456789012"]
    assert json.loads(inputs["assumeRoles"]) == [{"roleArn": ROLE, "sessionName": "drift", "externalId": "x1"}]
    assert graph.tags.items() >= {"Team": "ml", "Owner": "b", "Project": "mlops-drift-monitor"}.items()


def test_account_as_number(built):
    """An account that `pulumi config set --path` stored as a number is read as its digits."""
    inputs = built(**{"aws:allowedAccountIds": "[123456789012]"}).provider.inputs
    assert json.loads(inputs["allowedAccountIds"]) == ["123456789012"]


def test_usual_credentials(built):
    """Without accounts and roles the provider gets neither key, since an empty list allows no
    account.
    """
    assert not {"allowedAccountIds", "assumeRoles"} & set(built().provider.inputs)


def test_every_role_has_the_boundary(built):
    """One role without it would stop the update of an organisation that asks for one."""
    assert {node.inputs.get("permissionsBoundary") for node in built(permissionsBoundary=BOUNDARY).of("iam.Role")} == {
        BOUNDARY
    }
    assert {node.inputs.get("permissionsBoundary") for node in built().of("iam.Role")} == {None}


def test_a_budget_counts_its_own_stack(built):
    """Two stacks of one project in one account do not alarm on each other's cost."""
    filters = {}
    for stack in ("dev", "prod"):
        graph = built(stack)
        (budget,) = graph.of("budgets.Budget")
        ((value,),) = (one["values"] for one in budget.inputs["costFilters"])
        filters[stack] = value
        name = graph.tags["Deployment"]
        assert value == f"user:Deployment${name}"
    assert filters["dev"] != filters["prod"]


def test_no_budget_is_said(built):
    """Who switches the budget off is told what that means."""
    assert any("monthlyBudget" in warning for warning in built(monthlyBudget="0").warnings)
    assert not any("monthlyBudget" in warning for warning in built().warnings)


def test_access_log_name(built):
    """The access log has a name for which API Gateway adds nothing to the account's small policy."""
    graph = built()
    (stage,) = graph.of("apigatewayv2.Stage")
    assert "api-requests-log" in stage.inputs["accessLogSettings"]["destinationArn"]
    group = graph.one("cloudwatch.LogGroup", "api-requests-log")
    assert group.inputs["name"] == "/aws/vendedlogs/apigateway/mlops-drift-monitor-dev-api"


@pytest.mark.parametrize("authentication", ["iam", "none"])
def test_govcloud(built, authentication):
    """ARNs and links of a GovCloud region name its partition and its console."""
    graph = built(**{"aws:region": "us-gov-west-1", "authentication": authentication})
    inputs = "\n".join(text for node in graph.resources for text in texts(node.inputs))
    assert "arn:aws:" not in inputs
    assert "console.aws.amazon.com" not in inputs
    assert "https://us-gov-west-1.console.amazonaws-us-gov.com/cloudwatch/" in inputs
    for name in ("dashboardUrl", "alarmsUrl", "logsUrl"):
        assert graph.outputs.text(name).startswith("https://us-gov-west-1.console.amazonaws-us-gov.com/")


def test_china(built):
    """No region and no image of China's partition is taken: nobody has tried the stack there."""
    image = "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/image@sha256:" + "a" * 64
    for keys in ({"aws:region": "cn-north-1"}, {"imageDigest": image}):
        with pytest.raises(ConfigurationError):
            built(**keys)
