"""Scenario suites: requests and what detection must make of them, as data in the contracts room."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Scenario:
    """Requests with one expectation of their answers."""

    name: str
    title: str
    expect: Mapping[str, Any]
    requests: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Suite:
    """The scenarios of one model. threshold: the mean absolute z above which a request counts as drifted."""

    model: str
    threshold: float
    scenarios: tuple[Scenario, ...]

    def __getitem__(self, name: str) -> Scenario:
        """The scenario of that name; raises KeyError."""
        return {scenario.name: scenario for scenario in self.scenarios}[name]


def read_suite(document: Mapping[str, Any]) -> Suite:
    """A suite from its document (scenario.suite.v1)."""
    scenarios = tuple(
        Scenario(one["name"], one["title"], one["expect"], one["requests"]) for one in document["scenarios"]
    )
    return Suite(document["model"], document["threshold"], scenarios)


def shipped_suites() -> dict[str, Suite]:
    """The suites of the models that ship, by model."""
    folder = files("drift_contracts") / "scenarios"
    suites = [
        read_suite(json.loads(path.read_text("utf-8"))) for path in folder.iterdir() if path.name.endswith(".json")
    ]
    return {suite.model: suite for suite in sorted(suites, key=lambda suite: suite.model)}
