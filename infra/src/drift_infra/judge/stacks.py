"""Stack files as graphs: what `pulumi preview` would read, without Pulumi's engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from drift_infra.program import run
from drift_infra.routes import routes, served
from drift_infra.settings import KEYS, Settings, load

from .capture import DIGEST, capture
from .rules import Facts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .graph import Graph

PREBUILT = {"imageDigest": DIGEST}
SECRETS = {
    "alertWebhooks": '["https://alerts.example.com/hook"]',
    "pagerdutyUrl": "https://events.example.com/integration/key/enqueue",
    "slackWebhook": "https://chat.example.com/services/key",
}


def configuration(root: Path, stack: str) -> tuple[str, dict[str, str]]:
    """The project's name and the texts that Pulumi would hand over: a stack's own keys over the project's defaults."""
    project = yaml.safe_load((root / "Pulumi.yaml").read_text("utf-8"))
    own = yaml.safe_load((root / f"Pulumi.{stack}.yaml").read_text("utf-8"))["config"]
    name = project["name"]
    declared = {full(name, key): facts.get("default", facts.get("value")) for key, facts in project["config"].items()}
    return name, {key: text(value) for key, value in {**declared, **own}.items()}


def full(project: str, key: str) -> str:
    """A key with its namespace: `memory` is `mlops-drift-monitor:memory`."""
    return key if ":" in key else f"{project}:{key}"


def text(value: Any) -> str:
    """A value as configuration text: words as they are, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def settings_of(root: Path, stack: str, changes: Mapping[str, Any] | None = None) -> Settings:
    """The settings of a stack file with changes; secret keys count as stored encrypted, the image as prebuilt."""
    project, given = configuration(root, stack)
    given |= {full(project, key): text(value) for key, value in {**PREBUILT, **(changes or {})}.items()}
    secret = {full(project, key.name) for key in KEYS if key.secret}
    return load(given, stack=stack, project=project, secret=secret)


def graph_of(settings: Settings, root: Path, *, docker: bool = False) -> Graph:
    """The graph of a stack; `docker` says whether an engine would answer."""
    return capture(lambda: run(settings, root, lambda: docker), project="mlops-drift-monitor", stack=settings.stack)


def facts_of(settings: Settings) -> Facts:
    """What the graph of these settings should agree with."""
    return Facts(
        project=settings.project_name,
        stack=settings.stack,
        models=settings.models,
        production=settings.production,
        routes=frozenset(route.key for route in routes(served(settings.models))),
        architecture=settings.architecture,
        rollout=settings.rollout,
    )
