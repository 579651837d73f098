"""The monitoring spec as alarms of one stack: names made unique, thresholds resolved, features spelled out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pulumi

    from .naming import Names


@dataclass(frozen=True)
class Measure:
    """One metric with its dimensions, a statistic and a period in seconds."""

    namespace: str
    metric: str
    statistic: str
    period: int
    dimensions: Mapping[str, pulumi.Input[str]]


@dataclass(frozen=True)
class Alarm:
    """An alarm on one measure, or on an expression over several."""

    name: str
    description: str
    measures: Mapping[str, Measure]
    comparison: str
    threshold: float
    evaluation_periods: int = 1
    datapoints_to_alarm: int = 1
    missing_data: str = "notBreaching"
    expression: str = ""


@dataclass(frozen=True)
class Composite:
    """An alarm on the states of others."""

    name: str
    description: str
    rule: str


def document() -> dict[str, Any]:
    """The monitoring spec that ships with the contracts."""
    text = resources.files("drift_contracts").joinpath("monitoring/spec.json").read_text("utf-8")
    spec: dict[str, Any] = json.loads(text)
    return spec


@dataclass(frozen=True)
class Watch:
    """The spec of one stack: `thresholds` are the stack's own, `sources` say which emitters it has."""

    spec: Mapping[str, Any]
    names: Names
    thresholds: Mapping[str, float]
    sources: frozenset[str]

    def setting(self, name: str) -> float:
        """A setting of the spec: the stack's own value, else the spec's for this stack, else its default."""
        declared = self.spec["settings"][name]
        return float(
            self.thresholds.get(name, declared.get("stacks", {}).get(self.names.stack, declared["default"]))
        )

    def dimensions(self, model: str) -> dict[str, str]:
        """The dimensions that every metric of a model is emitted with."""
        values = {"Stack": self.names.stack, "Model": model}
        return {name: values[name] for name in self.spec["dimensions"]}

    def alarm_name(self, model: str, name: str) -> str:
        """The alarm's name among all alarms of the account."""
        return f"{self.names.prefix}-{model}-{name}"

    def threshold(self, given: float | Mapping[str, str]) -> float:
        """A threshold: a number, or the setting that it names."""
        return self.setting(given["setting"]) if isinstance(given, Mapping) else float(given)

    def emitted(self) -> set[str]:
        """Metrics that something in this stack emits."""
        return {one["name"] for one in self.spec["metrics"] if one["from"] in self.sources}

    def alarms(self, model: str) -> Iterator[Alarm]:
        """Every alarm of a model on metrics that this stack emits."""
        for one in self.spec["alarms"]:
            if (
                "rule" not in one
                and {measure["metric"] for measure in _measured(one).values()} <= self.emitted()
            ):
                yield self._alarm(model, one)

    def composites(self, model: str) -> Iterator[Composite]:
        """Every composite alarm of a model, its rule in full names."""
        present = {alarm.name for alarm in self.alarms(model)}

        def full(found: re.Match[str]) -> str:
            name = self.alarm_name(model, found[1])
            return f'ALARM("{name}")' if name in present else "FALSE"

        for one in self.spec["alarms"]:
            if "rule" in one:
                rule = re.sub(r"ALARM\(([a-z0-9-]+)\)", full, one["rule"])
                yield Composite(self.alarm_name(model, one["name"]), describe(model, one), rule)

    def _alarm(self, model: str, one: Mapping[str, Any]) -> Alarm:
        dimensions = self.dimensions(model)
        measures = {
            name: Measure(
                self.spec["namespace"], part["metric"], part["statistic"], one["period"], dimensions
            )
            for name, part in _measured(one).items()
        }
        return Alarm(
            name=self.alarm_name(model, one["name"]),
            description=describe(model, one),
            measures=measures,
            comparison=one["comparison"],
            threshold=self.threshold(one["threshold"]),
            evaluation_periods=one["evaluation_periods"],
            datapoints_to_alarm=one["datapoints_to_alarm"],
            missing_data=one["missing_data"],
            expression=one.get("expression", ""),
        )


def _measured(one: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
    if "expression" in one:
        return dict(one["metrics"])
    return {"value": {"metric": one["metric"], "statistic": one["statistic"]}}


def describe(model: str, one: Mapping[str, Any]) -> str:
    """What a person woken by the alarm reads: what happened, how bad it is, what to do."""
    steps = "".join(f"\n{number}. {step}" for number, step in enumerate(one["next"], 1))
    return f"{model}: {one['title']} (severity: {one['severity']}). What to do:{steps}"
