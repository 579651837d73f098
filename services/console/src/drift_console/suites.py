"""Scenario suites: requests and what detection must make of them, as data in the contracts room."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_contracts.types import ScenarioSuiteV1, ScenarioSuiteV1ScenarioExpect

    from drift_console.page_types import FeatureValue

    #: One request: value by feature.
    Features = dict[str, FeatureValue]


@dataclass(frozen=True)
class Scenario:
    """Requests with one expectation of their answers."""

    name: str
    title: str
    expect: ScenarioSuiteV1ScenarioExpect
    requests: Sequence[Features]


@dataclass(frozen=True)
class Suite:
    """The scenarios of one model."""

    model: str
    #: The drift score above which a request counts as drifted.
    threshold: float
    scenarios: tuple[Scenario, ...]

    def __getitem__(self, name: str) -> Scenario:
        """Return the scenario of that name; raises KeyError."""
        return {scenario.name: scenario for scenario in self.scenarios}[name]


def read_suite(document: ScenarioSuiteV1) -> Suite:
    """Return the suite in a document that holds its contract."""
    scenarios = [
        Scenario(
            name=scenario["name"],
            title=scenario["title"],
            expect=scenario["expect"],
            requests=scenario["requests"],
        )
        for scenario in document["scenarios"]
    ]
    return Suite(document["model"], document["threshold"], tuple(scenarios))


def shipped_suites() -> dict[str, Suite]:
    """Return the suites of the models that ship, by model in the order of their names."""
    suites = {}
    for path in (files("drift_contracts") / "scenarios").iterdir():
        if path.name.endswith(".json"):
            suite = read_suite(json.loads(path.read_text("utf-8")))
            suites[suite.model] = suite
    return dict(sorted(suites.items()))
