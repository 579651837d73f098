"""Switching off, leaving and coming back: what stays keeps its guards, and can be adopted."""

from __future__ import annotations

import json

import pytest
from drift_infra.settings import ConfigurationError

from tools.stack_checks.rules import examine
from tools.stack_checks.stacks import SECRETS, graph_of, settings_of

SOMEBODY = {**SECRETS, "alertEmails": '["ops@example.com"]'}
LIVING = {
    "pulumi:pulumi:readStackOutputs": {"outputs": {"apiUrl": "https://api.example.com"}},
    "pulumi:pulumi:readStackResourceOutputs": {
        "outputs": {"urn:pulumi:prod::p::drift:infra:X$aws:sns/topic:Topic::alerts-topic": {"outputs": {}}}
    },
}
STAYS = {
    "windows-table", "log-bucket-bucket", "predictor-logs", "alerts-key", "alerts-key-alias", "alerts-slack",
}  # fmt: skip


@pytest.fixture
def prod(root, tmp_path):
    """prod(answers, key=value) is the graph of a prod stack in a folder of its own."""

    def build(answers=None, **changes):
        return graph_of(settings_of(root, "prod", {**SOMEBODY, **changes}), tmp_path, answers=answers)

    return build


def test_log_off_and_on(prod):
    """Without the log only its delivery goes in prod, and the bucket and its guards stay the same."""
    on, off = prod(), prod(predictionLog="false")
    gone = {node.address for node in on.resources} - {node.address for node in off.resources}
    assert {address.split()[0] for address in gone} == {
        "kinesis.FirehoseDeliveryStream", "cloudwatch.LogSubscriptionFilter", "cloudwatch.LogGroup",
        "cloudwatch.LogStream", "iam.Role", "iam.RolePolicy", "cloudwatch.MetricAlarm",
    }  # fmt: skip
    assert not any(node.protect or node.retain for node in on.resources if node.address in gone)


def test_leaving(prod):
    """Leaving removes the protection, and a destroy then ends and retains what holds data."""
    graph = prod(LIVING, leaving="true")
    assert [node.address for node in graph.nodes if node.protect] == []
    retained = {node.name for node in graph.resources if node.retain}
    assert retained >= STAYS
    assert retained - STAYS == {
        "log-bucket-private", "log-bucket-tls", "log-bucket-lifecycle", "log-bucket-owner", "log-bucket-encryption",
        "alerts-slack-value",
    }  # fmt: skip
    assert graph.one("ecr.Repository", "image-repository").inputs["forceDelete"] is True
    assert graph.one("athena.Workgroup", "questions-workgroup").inputs["forceDestroy"] is True


def test_destroy_order(build):
    """Everything of prod is deleted after the protected dashboard, so that a destroy stops first."""
    graph, facts, _ = build("prod")
    last = graph.one("cloudwatch.Dashboard", "observability-dashboard")
    assert last.protect
    assert {node.urn for node in graph.resources} - {last.urn} <= set(last.after)
    last.after = tuple(urn for urn in last.after if "predictor-alias" not in urn)
    assert [found.rule for found in examine(graph, facts)] == ["leaving_asks_first"]


def test_adoption(prod, tmp_path):
    """The next first update imports exactly the resources that leaving wrote to its file."""
    prod(LIVING, leaving="true")
    document = json.loads((tmp_path / "retained/prod.json").read_text("utf-8"))
    assert set(document["resources"]) == STAYS
    graph = prod()
    assert {node.name: node.adopted for node in graph.nodes if node.adopted} == document["resources"]
    assert graph.one("kms.Key", "alerts-key").ignored == ("deletionWindowInDays",)


def test_no_second_adoption(prod):
    """A resource that the state has is not imported again."""
    prod(LIVING, leaving="true")
    urn = "urn:pulumi:prod::p::drift:infra:WindowStore$aws:dynamodb/table:Table::windows-table"
    held = {**LIVING, "pulumi:pulumi:readStackResourceOutputs": {"outputs": {urn: {"outputs": {}}}}}
    assert {node.name for node in prod(held).nodes if node.adopted} == STAYS - {"windows-table"}


def test_dev_neither_writes_nor_adopts(root, tmp_path):
    """A dev stack leaves nothing behind."""
    graph = graph_of(settings_of(root, "dev", SOMEBODY), tmp_path)
    assert not any(node.retain or node.adopted for node in graph.nodes)
    assert not (tmp_path / "retained").exists()


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", '{"project": "other", "region": "us-east-1", "resources": {}}',
        '{"project": "mlops-drift-monitor", "region": "eu-west-1", "resources": {}}',
        '{"project": "mlops-drift-monitor", "region": "us-east-1", "resources": {"windows-table": 1}}',
    ],
)  # fmt: skip
def test_foreign_file(prod, root, tmp_path, text):
    """A file that leaving did not write is refused, as it could take somebody else's resource."""
    (tmp_path / "retained").mkdir()
    (tmp_path / "retained/prod.json").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        prod()
    assert f"`{caught.value.key}: {caught.value.problem}`" in (root / "docs/configuration.md").read_text("utf-8")


def test_leaving_nothing(prod, root):
    """Leaving a stack that does not exist is refused, as the next life would have no protection."""
    with pytest.raises(ConfigurationError) as caught:
        prod(leaving="true")
    assert f"`{caught.value.key}: {caught.value.problem}`" in (root / "docs/configuration.md").read_text("utf-8")
