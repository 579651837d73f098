"""The monitoring spec becomes alarms that can be evaluated, with the thresholds of the stack."""

import pytest
from drift_console.alarm_evaluator import Change
from drift_console.alarms import CompositeAlarm, MetricAlarm, State, value_of
from drift_console.alarms.statistics import COMPARISONS
from drift_console.alerts import AlertSource, alert_document
from drift_console.settings import Settings
from drift_console.specification import Specification
from drift_contracts import MonitoringSpec, SettingsError, feature_set, schemas
from drift_contracts.alarm_language import expression_names, rule_names

ID = "5a66910f-08cc-5bff-9f30-e7869ff0d973"


def alarms(**settings):
    return {alarm.name: alarm for alarm in Specification(Settings(**settings)).alarms}


def test_every_alarm():
    """Every alarm of the spec can be evaluated."""
    declared = {alarm.name for alarm in MonitoringSpec.load().alarms_for("local")}
    made = alarms()
    assert set(made) == declared
    for alarm in made.values():
        if isinstance(alarm, MetricAlarm):
            assert alarm.comparison in COMPARISONS
            assert {value_of(query.statistic, None) for query in alarm.inputs.values()} == {None}
            assert alarm.expression is None or expression_names(alarm.expression) == set(alarm.inputs)


def test_metrics_of_alarms():
    """Every metric that an alarm reads is declared."""
    declared = {metric.name for metric in MonitoringSpec.load().metrics_for(feature_set("house-price"))}
    metric_alarms = [alarm for alarm in alarms().values() if isinstance(alarm, MetricAlarm)]
    for alarm in metric_alarms:
        assert {query.metric for query in alarm.inputs.values()} <= declared


def test_composites():
    """Every composite alarm names alarms that exist."""
    made = alarms()
    for alarm in made.values():
        if isinstance(alarm, CompositeAlarm):
            assert rule_names(alarm.rule) <= set(made)


def test_thresholds_of_stack():
    """The stack chooses the thresholds."""
    assert alarms(stack="prod")["latency"].threshold == 500
    assert alarms(stack="local")["latency"].threshold == 1000


def test_chosen_threshold():
    """A chosen threshold wins everywhere."""
    assert alarms(threshold=1.5)["high-drift"].threshold == 1.5
    assert Specification(Settings(threshold=1.5)).threshold == 1.5


def test_psi_alarm():
    """An alarm of PSI is there where it is chosen, and nowhere else; its alert says what it is of."""
    assert "psi" not in alarms()
    alarm = alarms(psi_alarm=0.2)["psi"]
    assert alarm.threshold == 0.2
    change = Change(0.0, "house-price", alarm, State.OK, State.ALARM, "0.31 was above")
    alert = alert_document(change, AlertSource("local", "http://127.0.0.1/", {"house-price": "0" * 12}), ID)
    schemas.check("alert.v2", alert)
    assert (alert["kind"], alert["name"]) == ("alarm", "psi")
    assert "PSI" in alert["title"]


def test_fast():
    """Fast divides periods by sixty and nothing else."""
    slow, fast = alarms()["high-drift"], alarms(fast=True)["high-drift"]
    assert (slow.period, fast.period) == (300, 5)
    assert (slow.evaluation_periods, slow.threshold) == (fast.evaluation_periods, fast.threshold)


@pytest.mark.parametrize(
    "url",
    ["hooks.internal/path", "ftp://x", "http://", "file:///etc/passwd", "http://[::1", "http://h:x", "http://h:0"],
)
def test_bad_webhook(url):
    """A webhook that is no URL is refused, and the message does not hold it."""
    with pytest.raises(SettingsError, match="--webhook") as error:
        Settings(webhooks=(url,))
    assert url not in str(error.value)
