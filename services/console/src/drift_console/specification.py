"""The monitoring spec and the bundles, made into what the console watches and shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from drift_console.alarms import Alarm, CompositeAlarm, MetricAlarm, parse_expression, parse_rule
from drift_console.settings import Settings
from drift_console.state import ModelView
from drift_console.suites import shipped_suites


def _spec() -> dict[str, Any]:
    text = (files("drift_contracts") / "monitoring" / "spec.json").read_text("utf-8")
    spec: dict[str, Any] = json.loads(text)
    return spec


def _setting(spec: Mapping[str, Any], name: str, stack: str) -> float:
    setting = spec["settings"][name]
    return float(setting.get("stacks", {}).get(stack, setting["default"]))


def namespace() -> str:
    """The namespace of every metric."""
    return str(_spec()["namespace"])


def threshold_of(settings: Settings) -> float:
    """The drift score above which a request counts as drifted."""
    return settings.threshold or _setting(_spec(), "drift_threshold", settings.stack)


def alarms_of(settings: Settings) -> list[Alarm]:
    """The alarms of the stack, thresholds resolved, periods divided by the scale."""
    spec = _spec()
    return [_alarm(one, spec, settings) for one in spec["alarms"]]


def _alarm(one: Mapping[str, Any], spec: Mapping[str, Any], settings: Settings) -> Alarm:
    said = {"name": one["name"], "title": one["title"], "severity": one["severity"], "next": tuple(one["next"])}
    if "rule" in one:
        return CompositeAlarm(**said, rule=parse_rule(one["rule"]), rule_text=one["rule"])
    inputs = {
        name: (each["metric"], each["statistic"]) for name, each in one.get("metrics", {"value": one}).items()
    }
    limit = one["threshold"]
    named = limit.get("setting") if isinstance(limit, Mapping) else None
    threshold = threshold_of(settings) if named == "drift_threshold" else None
    if threshold is None:
        threshold = _setting(spec, named, settings.stack) if named else float(limit)
    return MetricAlarm(
        **said,
        inputs=inputs,
        period=max(1, one["period"] // settings.scale),
        evaluation_periods=one["evaluation_periods"],
        datapoints_to_alarm=one["datapoints_to_alarm"],
        comparison=one["comparison"],
        threshold=threshold,
        missing_data=one["missing_data"],
        expression=parse_expression(one["expression"]) if "expression" in one else None,
        expression_text=one.get("expression"),
    )


def models_of(bundles: Mapping[str, Any], settings: Settings) -> dict[str, ModelView]:
    """What the console shows of each model."""
    suites = shipped_suites()
    alarms = alarms_of(settings)
    return {
        name: ModelView.of(bundle.feature_set, bundle.baseline, bundle.manifest, alarms, suites.get(name))
        for name, bundle in bundles.items()
    }
