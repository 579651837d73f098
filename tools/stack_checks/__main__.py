"""Judge a stack file without an account (`check STACK`), or write its graph for other judges (`render FOLDER`)."""

from __future__ import annotations

if __name__ == "__main__":
    from drift_contracts.exits import run_module

    run_module("tools.stack_checks.__main__", brings="drift-infra")

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drift_contracts.exits import FINDING, SUCCESS, USAGE
from drift_infra.settings import ConfigurationError

from .cloudformation import cloudformation
from .faults import FAULTS
from .iam import role_policies
from .lint import cfn_lint
from .rules import examine
from .stacks import SECRETS, BadStackFile, facts_of, graph_of, settings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .graph import Graph

EVERYTHING = {**SECRETS, "alertEmails": '["ops@example.com"]'}


def judged(root: Path, stack: str) -> int:
    """Print what our rules and cfn-lint find in a stack file; 1 if anything."""
    settings = settings_of(root, stack)
    graph = graph_of(settings, root)
    found = [*map(str, examine(graph, facts_of(settings))), *cfn_lint(graph)]
    sys.stdout.write("\n".join([*found, f"{stack}: {len(graph.resources)} resources, {len(found)} findings"]) + "\n")
    return FINDING if found else SUCCESS


def render(root: Path, folder: Path) -> int:
    """Write the dev stack with every optional part, and what each fault changes in it, as templates and policies."""
    sound = graph_of(settings_of(root, "dev", EVERYTHING), root)
    cases = {f"fault-{number:02}": fault for number, fault in enumerate(FAULTS)}
    whole = cloudformation(sound)
    _write(folder / "sound", sound, whole)
    for name, fault in cases.items():
        graph = fault.graph(sound)
        _write(folder / name, graph, cloudformation(graph, whole["Resources"]))
    stated = {name: {"name": fault.name, "caught_by": sorted(fault.caught_by)} for name, fault in cases.items()}
    (folder / "stated.json").write_text(json.dumps(stated, indent=1), "utf-8")
    return SUCCESS


def _write(folder: Path, graph: Graph, template: dict[str, Any]) -> None:
    """The policies of every role, and the template where it holds anything."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "template.json"
    path.unlink(missing_ok=True)
    if template["Resources"]:
        path.write_text(json.dumps(template, indent=1), "utf-8")
    (folder / "policies.json").write_text(json.dumps(role_policies(graph)), "utf-8")


def main(words: Sequence[str] | None = None) -> int:
    """Parse and run; a refused configuration is one readable line and exit code 2 (docs/exit-codes.md)."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.stack_checks", description="Judge stacks without an AWS account."
    )
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="the folder of Pulumi.yaml (default: here)")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="our rules and cfn-lint on a stack file")
    check.add_argument("stack", help="dev, prod, or another stack with a Pulumi.STACK.yaml")
    write = commands.add_parser("render", help="write templates and policies, sound and with faults, for other judges")
    write.add_argument("folder", type=Path)
    given = parser.parse_args(words)
    try:
        return judged(given.root, given.stack) if given.command == "check" else render(given.root, given.folder)
    except (BadStackFile, ConfigurationError, FileNotFoundError) as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
