"""Check a stack file without an account, or write its graph for other checkers.

python -m tools.stack_checks check STACK       our rules and cfn-lint
python -m tools.stack_checks render FOLDER     templates and policies, sound and with faults
python -m tools.stack_checks rights STACK FOLDER     what its deployer has to be allowed to do
"""

from __future__ import annotations

if __name__ == "__main__":
    from drift_contracts.exits import run_module

    run_module("tools.stack_checks.__main__", brings="drift-infra")

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from drift_contracts.exits import FINDING, SUCCESS, USAGE
from drift_infra.settings import ConfigurationError

from .cloudformation import cloudformation
from .faults import FAULTS
from .iam import role_policies
from .lint import cfn_lint
from .rights import policies
from .rules import examine
from .stacks import SECRETS, BadStackFile, facts_of, graph_of, settings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .cloudformation import Template
    from .graph import Graph

#: The folder of rendered cases that holds a deployer's policies.
DEPLOYER = "deployer"
#: Switches every optional part on.
EVERYTHING = {**SECRETS, "alertEmails": '["ops@example.com"]'}


def check_stack(root: Path, stack: str) -> int:
    """Print what our rules and cfn-lint find in a stack file.

    Args:
        root: the folder of Pulumi.yaml.
        stack: whose file is read.

    Returns:
        1 if there is a finding, else 0.
    """
    settings = settings_of(root, stack)
    graph = graph_of(settings, root)
    findings = [str(finding) for finding in examine(graph, facts_of(settings))]
    findings += cfn_lint(graph)
    summary = f"{stack}: {len(graph.resources)} resources, {len(findings)} findings"
    sys.stdout.write("\n".join([*findings, summary]) + "\n")
    return FINDING if findings else SUCCESS


def render(root: Path, folder: Path) -> int:
    """Write templates and policies of dev and prod with every optional part, and of each fault.

    Args:
        root: the folder of Pulumi.yaml.
        folder: gets a folder for each case, and `stated.json`: who should find which fault, and
            in which case the fault is not.
    """
    sound = {
        stack: graph_of(settings_of(root, stack, EVERYTHING), root) for stack in ("dev", "prod")
    }
    # cfn-lint and checkov read of each fault only what it changes.
    whole = {stack: cloudformation(graph) for stack, graph in sound.items()}
    for stack, graph in sound.items():
        _write(folder / f"sound-{stack}", graph, whole[stack])
    stated = {}
    for number, fault in enumerate(FAULTS):
        case = f"fault-{number:02}"
        stated[case] = {
            "name": fault.name,
            "caught_by": sorted(fault.caught_by),
            "planted_in": f"sound-{fault.stack}",
        }
        graph = fault.graph(sound[fault.stack])
        _write(folder / case, graph, cloudformation(graph, whole[fault.stack]["Resources"]))
    (folder / "stated.json").write_text(json.dumps(stated, indent=1), "utf-8")
    write_rights(root, "dev", folder / DEPLOYER)
    return SUCCESS


def write_rights(root: Path, stack: str, folder: Path) -> int:
    """Write the policies of a stack's deployer: enough for every optional part, and no more.

    Args:
        root: the folder of Pulumi.yaml.
        stack: whose file is read.
        folder: gets `deployer-STACK-1.json` and as many more as IAM's size of a policy asks for.
    """
    settings = settings_of(root, stack, EVERYTHING)
    prefix = facts_of(settings).prefix
    folder.mkdir(parents=True, exist_ok=True)
    for number, document in enumerate(policies(graph_of(settings, root), prefix), 1):
        path = folder / f"deployer-{stack}-{number}.json"
        path.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
        sys.stdout.write(f"{path}\n")
    return SUCCESS


def _write(folder: Path, graph: Graph, template: Template) -> None:
    """Write the policies of every role, and the template where it holds anything."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "template.json"
    # What an earlier run left here would be checked as this run's.
    path.unlink(missing_ok=True)
    if template["Resources"]:
        path.write_text(json.dumps(template, indent=1), "utf-8")
    policies = json.dumps(role_policies(graph))
    (folder / "policies.json").write_text(policies, "utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.stack_checks", description="Check stacks without an AWS account."
    )
    here = Path.cwd()
    parser.add_argument(
        "--root", type=Path, default=here, help="the folder of Pulumi.yaml (default: here)"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="our rules and cfn-lint on a stack file")
    check.add_argument("stack", help="dev, prod, or another stack with a Pulumi.STACK.yaml")
    write = commands.add_parser(
        "render", help="write templates and policies, sound and with faults, for other checkers"
    )
    write.add_argument("folder", type=Path)
    rights = commands.add_parser("rights", help="write the policies of a stack's deployer")
    rights.add_argument("stack", help="dev, prod, or another stack with a Pulumi.STACK.yaml")
    rights.add_argument("folder", type=Path)
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code (docs/exit-codes.md).

    A configuration that is refused is one line on standard error, and exit code 2.
    """
    options = _parser().parse_args(words)
    try:
        if options.command == "check":
            return check_stack(options.root, options.stack)
        if options.command == "rights":
            return write_rights(options.root, options.stack, options.folder)
        return render(options.root, options.folder)
    except (BadStackFile, ConfigurationError, FileNotFoundError) as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
