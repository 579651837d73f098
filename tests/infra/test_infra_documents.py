"""What is written down agrees with the code: the table, Pulumi.yaml, the quoted errors, the table of faults."""

from __future__ import annotations

import json
import re
import runpy

import pytest
import yaml
from drift_contracts import MonitoringSpec, feature_set
from drift_contracts.events import EVENTS
from drift_infra.content import SOURCES
from drift_infra.queries import COLUMNS
from drift_infra.routes import served
from drift_infra.settings import KEYS, ConfigurationError, load
from drift_infra.settings.document import config_section, main, with_config, with_table

from tools.stack_checks.faults import FAULTS, fault_table
from tools.stack_checks.rules.alarms import measured

PROJECT = "mlops-drift-monitor"


def test_table_of_keys(root):
    """The page has the table that the keys give."""
    page = (root / "docs/configuration.md").read_text("utf-8")
    assert page == with_table(page), "run: python -m drift_infra.settings.document"


def test_config_section(root):
    """Pulumi.yaml has the section that the keys give."""
    project = (root / "Pulumi.yaml").read_text("utf-8")
    assert project == with_config(project), "run: python -m drift_infra.settings.document"


def test_declared_keys():
    """No declared key is secret, and every other key has a default."""
    declared = yaml.safe_load(config_section())["config"]
    assert set(declared) == {key.name for key in KEYS if not key.secret} - {
        "aws:profile",
        "aws:allowedAccountIds",
        "aws:assumeRoles",
        "aws:defaultTags",
    }
    assert all("default" in facts or "value" in facts for facts in declared.values())


def test_rewritten_documents(root, tmp_path):
    """Both documents can be written anew."""
    (tmp_path / "docs").mkdir()
    for name in ("docs/configuration.md", "Pulumi.yaml"):
        (tmp_path / name).write_text((root / name).read_text("utf-8"), "utf-8")
    main(tmp_path)
    assert (tmp_path / "Pulumi.yaml").read_text("utf-8") == (root / "Pulumi.yaml").read_text("utf-8")


def test_program_place(root):
    """The program is where Pulumi looks for it."""
    project = yaml.safe_load((root / "Pulumi.yaml").read_text("utf-8"))
    assert (root / project["main"] / "__main__.py").is_file()
    assert project["runtime"]["options"]["toolchain"] == "pip"


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_stack_file_keys(root, stack):
    """Every key of a stack's file exists."""
    own = yaml.safe_load((root / f"Pulumi.{stack}.yaml").read_text("utf-8"))["config"]
    assert {name.removeprefix(f"{PROJECT}:") for name in own} <= {key.name for key in KEYS}


def test_quoted_refusals(root):
    """The quoted refusals are the ones that a user reads."""
    page = (root / "docs/configuration.md").read_text("utf-8")
    quoted = re.findall(r"```text\n# (\S+): (.*)\n(.*)\n```", page)
    assert len(quoted) >= 7
    for stack, text, message in quoted:
        given = dict(part.split("=", 1) for part in text.split(" and ")) if "=" in text else {}
        with pytest.raises(ConfigurationError) as caught:
            load({f"{PROJECT}:{name}": value for name, value in given.items()}, stack=stack, project=PROJECT)
        assert str(caught.value) == message


def test_table_of_faults(root):
    """The page has the table that the faults give."""
    assert fault_table() in (root / "docs/deploy.md").read_text("utf-8")
    assert len(FAULTS) >= 30


def test_tag_covers_image(root):
    """The image's tag covers everything that the Dockerfile copies."""
    copied = re.findall(
        r"^COPY ((?!--from)[^\n]+?) \S+$", (root / "services/predictor/Dockerfile").read_text("utf-8"), re.MULTILINE
    )
    sources = {word for line in copied for word in line.split() if not word.startswith("${")}
    assert sources == set(SOURCES)


def test_outputs_documented(root, build):
    """Every output is documented."""
    page = (root / "docs/deploy.md").read_text("utf-8")
    graph, _, _ = build("prod")
    for name in graph.outputs:
        assert f"`{name}`" in page


def test_monthly_cost(root, build):
    """The monthly cost counts what a stack has."""
    page = (root / "docs/deploy.md").read_text("utf-8")
    graph, _, _ = build("dev")
    alarms = graph.of("cloudwatch.MetricAlarm")
    read = sum(len(list(measured(node))) for node in alarms)
    declared = MonitoringSpec.load().metrics_for(feature_set("house-price"))
    # Written only where its alarm is chosen.
    metrics = [metric for metric in declared if metric.name != "LargestPsi"]
    watched = (10 * read + 50 * len(graph.of("cloudwatch.CompositeAlarm"))) / 100
    assert (
        f"| {len(alarms)} alarms (0.10 for each metric they read) and a composite alarm (0.50) | {watched:.2f} |"
        in page
    )
    assert (
        f"| {len(metrics)} custom metrics of one model with five features (0.30 each) | {0.3 * len(metrics):.2f} |"
        in page
    )
    assert f"| **{watched + 0.3 * len(metrics) + 3 + 1:.2f}** |" in page


def test_log_columns(root):
    """The columns of the log are members of the event, and differ by more than case."""
    schemas = root / "contracts/src/drift_contracts/schemas"
    first, second = (
        [name.lower() for name in json.loads((schemas / f"{contract}.json").read_text("utf-8"))["properties"]]
        for contract in EVENTS
    )
    assert set(first) <= set(second)
    assert len(second) == len(set(second))
    assert set(COLUMNS) <= set(second)
    written_by_classifiers = (
        set(second) - set(first) - {"expected_error", "explanation", "outcome", "caller", "session"}
    )
    assert written_by_classifiers <= set(COLUMNS)


def test_served_models():
    """The API serves the models that are configured."""
    assert {"/predict", "/models/diabetes/predict"} <= set(served(["house-price", "diabetes"])["paths"])


def test_policy_pack(root):
    """The policy pack is a program that Pulumi can start."""
    assert "as_policy" in runpy.run_path(str(root / "infra/policies/__main__.py"), run_name="not_main", init_globals={})
