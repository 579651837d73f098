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


def test_the_table_of_keys_is_the_one_that_the_keys_give(root):
    page = (root / "docs/configuration.md").read_text("utf-8")
    assert page == with_table(page), "run: python -m drift_infra.settings.document"


def test_the_config_section_is_the_one_that_the_keys_give(root):
    project = (root / "Pulumi.yaml").read_text("utf-8")
    assert project == with_config(project), "run: python -m drift_infra.settings.document"


def test_no_declared_key_is_secret_and_every_other_has_a_default():
    declared = yaml.safe_load(config_section())["config"]
    assert set(declared) == {key.name for key in KEYS if not key.secret} - {
        "aws:profile",
        "aws:allowedAccountIds",
        "aws:assumeRoles",
        "aws:defaultTags",
    }
    assert all("default" in facts or "value" in facts for facts in declared.values())


def test_both_documents_can_be_rewritten(root, tmp_path):
    (tmp_path / "docs").mkdir()
    for name in ("docs/configuration.md", "Pulumi.yaml"):
        (tmp_path / name).write_text((root / name).read_text("utf-8"), "utf-8")
    main(tmp_path)
    assert (tmp_path / "Pulumi.yaml").read_text("utf-8") == (root / "Pulumi.yaml").read_text("utf-8")


def test_the_program_is_where_pulumi_looks_for_it(root):
    project = yaml.safe_load((root / "Pulumi.yaml").read_text("utf-8"))
    assert (root / project["main"] / "__main__.py").is_file()
    assert project["runtime"]["options"]["toolchain"] == "pip"


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_every_key_of_a_stack_file_exists(root, stack):
    own = yaml.safe_load((root / f"Pulumi.{stack}.yaml").read_text("utf-8"))["config"]
    assert {name.removeprefix(f"{PROJECT}:") for name in own} <= {key.name for key in KEYS}


def test_the_quoted_refusals_are_what_a_person_reads(root):
    page = (root / "docs/configuration.md").read_text("utf-8")
    quoted = re.findall(r"```text\n# (\S+): (.*)\n(.*)\n```", page)
    assert len(quoted) >= 7
    for stack, text, message in quoted:
        given = dict(part.split("=", 1) for part in text.split(" and ")) if "=" in text else {}
        with pytest.raises(ConfigurationError) as caught:
            load({f"{PROJECT}:{name}": value for name, value in given.items()}, stack=stack, project=PROJECT)
        assert str(caught.value) == message


def test_the_table_of_faults_is_the_one_that_the_faults_give(root):
    assert fault_table() in (root / "docs/deploy.md").read_text("utf-8")
    assert len(FAULTS) >= 30


def test_the_tag_covers_everything_that_the_dockerfile_copies(root):
    copied = re.findall(
        r"^COPY ((?!--from)[^\n]+?) \S+$", (root / "services/predictor/Dockerfile").read_text("utf-8"), re.MULTILINE
    )
    sources = {word for line in copied for word in line.split() if not word.startswith("${")}
    assert sources == set(SOURCES)


def test_every_output_is_documented(root, build):
    page = (root / "docs/deploy.md").read_text("utf-8")
    graph, _, _ = build("prod")
    for name in graph.outputs:
        assert f"`{name}`" in page


def test_the_monthly_cost_counts_what_a_stack_has(root, build):
    page = (root / "docs/deploy.md").read_text("utf-8")
    graph, _, _ = build("dev")
    alarms = graph.of("cloudwatch.MetricAlarm")
    read = sum(len(list(measured(node))) for node in alarms)
    metrics = MonitoringSpec.load().metrics_for(feature_set("house-price"))
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


def test_the_columns_of_the_log_are_members_of_the_event_that_no_case_confuses(root):
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


def test_the_api_serves_the_models_that_are_configured():
    assert {"/predict", "/models/diabetes/predict"} <= set(served(["house-price", "diabetes"])["paths"])


def test_the_policy_pack_is_a_program(root):
    assert "as_policy" in runpy.run_path(str(root / "infra/policies/__main__.py"), run_name="not_main", init_globals={})
