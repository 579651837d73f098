"""Stack files as graphs: what `pulumi preview` would read, without Pulumi's engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import yaml
from drift_contracts import DriftError
from drift_infra.program import run
from drift_infra.routes import routes, served
from drift_infra.settings import KEYS, Settings, load

from .capture import DIGEST, capture
from .graph import Inputs
from .rules import Facts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from drift_contracts.json_types import JsonValue

    from .capture import Answer
    from .graph import Graph

#: No image is built for a check.
PREBUILT = {"imageDigest": DIGEST}
#: Keys that configuration holds encrypted, with made-up values.
SECRETS = {
    "alertWebhooks": '["https://alerts.example.com/hook"]',
    "pagerdutyUrl": "https://events.example.com/integration/key/enqueue",
    "slackWebhook": "https://chat.example.com/services/key",
}


class BadStackFile(DriftError):
    """A file of Pulumi's is not the mapping that it should be; its name and what was expected."""


def _document(path: Path, *members: str) -> Inputs:
    """Return the mapping in a YAML file, which has certain members.

    Raises:
        BadStackFile: when it is something else.
        FileNotFoundError: when there is no such file.
    """
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        raise BadStackFile(f"{path.name}: expected YAML in UTF-8{line}") from error
    if not isinstance(document, dict) or not document.keys() >= set(members):
        names = ", ".join(members)
        raise BadStackFile(f"{path.name}: expected a mapping with {names} at its top")
    return Inputs(document)


def configuration(root: Path, stack: str) -> tuple[str, dict[str, str]]:
    """Return the project's name and the configuration that Pulumi would hand over, as texts.

    Args:
        root: the folder of Pulumi.yaml.
        stack: whose own keys are taken over the project's defaults.
    """
    project = _document(root / "Pulumi.yaml", "name", "config")
    name = project.text("name")
    values: dict[str, JsonValue] = {}
    declared = project.members("config")
    for key in declared:
        # A key of ours is declared with a default, a key of a provider with a value.
        facts = declared.members(key)
        values[full(name, key)] = facts.get("default", facts.get("value"))
    values |= _document(root / f"Pulumi.{stack}.yaml", "config").members("config")
    return name, {key: text(value) for key, value in values.items()}


def full(project: str, key: str) -> str:
    """Return a key with its namespace: `memory` is `mlops-drift-monitor:memory`."""
    return key if ":" in key else f"{project}:{key}"


def text(value: object) -> str:
    """Return a value as configuration text: words as they are, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def settings_of(root: Path, stack: str, changes: Mapping[str, object] | None = None) -> Settings:
    """Return the settings of a stack file with changes.

    Secret keys count as stored encrypted, and the image as built before.

    Args:
        root: the folder of Pulumi.yaml.
        stack: whose file is read.
        changes: values by key, over those of the file.
    """
    project, values = configuration(root, stack)
    for key, value in {**PREBUILT, **(changes or {})}.items():
        values[full(project, key)] = text(value)
    # A file in the clear cannot hold what `pulumi config set --secret` would have encrypted.
    secret = {full(project, key.name) for key in KEYS if key.secret}
    return load(values, stack=stack, project=project, secret=secret)


def graph_of(
    settings: Settings,
    root: Path,
    *,
    docker: bool = False,
    answers: Mapping[str, Answer] | None = None,
) -> Graph:
    """Return the graph of a stack.

    Args:
        settings: of the stack.
        root: the folder of Pulumi.yaml.
        docker: whether a container engine would answer.
        answers: what AWS and the state say.
    """
    return capture(
        lambda: run(settings, root, lambda: docker),
        project="mlops-drift-monitor",
        stack=settings.stack,
        answers=answers,
    )


def facts_of(settings: Settings) -> Facts:
    """Return what the graph of these settings should agree with."""
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
