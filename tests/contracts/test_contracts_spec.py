"""The monitoring spec, typed: expanded per feature, resolved per stack."""

import json

import pytest
from drift_contracts import ContractError, MonitoringSpec, NotJson, UnknownName, feature_set
from drift_contracts.alarm_language import expression_names, rule_names

from tools.contract_checks.cases import cases

SPEC = MonitoringSpec.load()
HOUSE = feature_set("house-price")


def alarm(stack, name, **chosen):
    return {one.name: one for one in SPEC.alarms_for(stack, chosen)}[name]


def test_feature_metrics():
    """Each feature has a metric of its own."""
    names = [metric.name for metric in SPEC.metrics_for(HOUSE)]
    assert len(names) == len(set(names))
    assert {metric.feature for metric in SPEC.metrics_for(HOUSE)} == {None, *HOUSE.names}
    assert "Feature_location_score" in names


def test_service_metrics():
    """The metrics can be limited to those of a service."""
    metrics = SPEC.metrics_for(HOUSE, "predictor")
    assert {metric.source for metric in metrics} == {"predictor"}
    assert {"Prediction", "DriftScore", "Latency", "Errors"} <= {metric.name for metric in metrics}


def test_thresholds():
    """Thresholds follow the stack, and a chosen setting comes before it."""
    assert [alarm(stack, "latency").threshold for stack in ("dev", "prod")] == [1000, 500]
    assert alarm("prod", "latency", latency_limit_ms=250).threshold == 250
    assert alarm("dev", "no-data").threshold == 1
    assert alarm("dev", "events-lost").query.metric == "LinesLost"
    assert alarm("dev", "synthetic-requests").threshold == 10


def test_optional_alarm():
    """An optional alarm is there where its setting is chosen, with that threshold."""
    assert "psi" not in {alarm.name for alarm in SPEC.alarms_for("prod")}
    assert alarm("prod", "psi", psi_alarm=0.2).threshold == 0.2


def test_unknown_setting():
    """A setting that does not exist is refused with those that do."""
    with pytest.raises(UnknownName, match="'limit'; there is drift_threshold"):
        SPEC.alarms_for("dev", {"limit": 1})


def test_alarm_kinds():
    """An alarm is on a metric, an expression or a rule."""
    assert alarm("dev", "high-drift").query.statistic == "Average"
    share = alarm("dev", "error-share")
    assert share.query is None
    assert dict(share.queries)["errors"].metric == "Errors"
    assert expression_names(share.expression) == {"errors", "answered"}
    rule = alarm("dev", "needs-attention")
    assert "errors" in rule_names(rule.rule)
    assert (rule.query, rule.expression, rule.period) == (None, None, 0)


def test_widgets():
    """Widgets list the metric of each feature and draw the chosen threshold."""
    widgets = {widget.title: widget for widget in SPEC.widgets_for(HOUSE, "prod", {"drift_threshold": 3})}
    assert widgets["Features"].metrics == tuple(f"Feature_{name}" for name in HOUSE.names)
    assert widgets["Drift score"].threshold == 3
    assert widgets["Latency"].threshold is None


def test_own_file(tmp_path):
    """A spec is loaded from a file, and the file is named where it is wrong."""
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(SPEC.document), "utf-8")
    assert MonitoringSpec.load(path) == SPEC
    broken = next(case for case in cases("monitoring.spec.v2") if not case.valid)
    path.write_text(json.dumps(broken.instance), "utf-8")
    with pytest.raises(ContractError, match=r"spec.json: monitoring.spec.v2: "):
        MonitoringSpec.load(path)
    path.write_text("[", "utf-8")
    with pytest.raises(NotJson):
        MonitoringSpec.load(path)


def test_upgrade(tmp_path):
    """A spec of version 1 is upgraded on loading."""
    released = next(case for case in cases("monitoring.spec.v1") if case.valid)
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(released.instance), "utf-8")
    spec = MonitoringSpec.load(path)
    alarms = {alarm.name: alarm for alarm in spec.alarms_for("dev")}
    assert spec.document["contract"] == "monitoring.spec.v2"
    assert rule_names(alarms["needs-attention"].rule) == {"high-drift", "errors", "error-share"}
    assert expression_names(alarms["error-share"].expression) == {"errors", "answered"}
    assert alarms["high-drift"].runbook[0].startswith("Look at which features")
    assert alarms["high-drift"].notify == "people"


@pytest.mark.parametrize(
    ("member", "text"),
    [("rule", "ALARM(errors) ALARM(latency) AND"), ("expression", "REPEAT(errors, 2)")],
)
def test_upgrade_unreadable_text(member, text):
    """Expressions and rules of version 1 that nothing could evaluate are refused."""
    document = next(case for case in cases("monitoring.spec.v1") if case.valid).instance
    alarm = next(alarm for alarm in document["alarms"] if member in alarm)
    alarm[member] = text
    with pytest.raises(ContractError, match=rf"/{member}"):
        MonitoringSpec.from_json(document)


def test_version_1_schema():
    """A spec of version 1 is still held to its own schema."""
    document = next(case for case in cases("monitoring.spec.v1") if case.valid).instance
    with pytest.raises(ContractError, match=r"monitoring\.spec\.v1.*/namespace"):
        MonitoringSpec.from_json({**document, "namespace": 5})
