"""Stack files as graphs: what `pulumi preview` would read, without Pulumi's engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml
from drift_contracts import DriftError
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


class BadStackFile(DriftError):
    """A file of Pulumi's is not the mapping that it should be; its name and what was expected."""


def _document(path: Path, *members: str) -> dict[str, Any]:
    """Return the mapping in a YAML file. Raises BadStackFile, and FileNotFoundError."""
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise BadStackFile(f"{path.name}: expected YAML in UTF-8{where}") from error
    if not isinstance(document, dict) or not document.keys() >= set(members):
        raise BadStackFile(f"{path.name}: expected a mapping with {', '.join(members)} at its top")
    return document


def configuration(root: Path, stack: str) -> tuple[str, dict[str, str]]:
    """The project's name and the texts that Pulumi would hand over: a stack's own keys over the project's defaults."""
    project = _document(root / "Pulumi.yaml", "name", "config")
    own = _document(root / f"Pulumi.{stack}.yaml", "config")["config"]
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


def graph_of(
    settings: Settings, root: Path, *, docker: bool = False, answers: Mapping[str, Any] | None = None
) -> Graph:
    """The graph of a stack; `docker` says whether an engine would answer, `answers` what AWS and the state say."""
    return capture(
        lambda: run(settings, root, lambda: docker),
        project="mlops-drift-monitor",
        stack=settings.stack,
        answers=answers,
    )


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
        without=frozenset() if settings.silence_alarm else frozenset({"no-data"}),
    )
