"""`terraform validate` with the real AWS provider, where both can be found on this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from drift_contracts import DriftError

from .graph import Inputs
from .terraform import terraform

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .graph import Graph

PROVIDER = "terraform-provider-aws_*"
#: Folders between a mirror and a provider: HOST/NAMESPACE/aws/VERSION/PLATFORM/BINARY.
MIRROR_DEPTH = 6
SEARCHED = (
    "/opt",
    "/usr/local",
    "/usr/share",
    "~/.terraform.d",
    "~/.local/share",
    "~/.cache",
)
#: How far below a folder that is searched a mirror may lie.
DEEPER = 3
#: Characters of Terraform's last words in an error.
LAST_WORDS = 2000


class CheckerFailed(DriftError):
    """Terraform ended in a way that says nothing of the graph."""


@dataclass(frozen=True)
class Terraform:
    """The command and the folder of plugins that it takes providers from."""

    command: str
    plugins: Path

    def run(
        self, folder: Path, *words: str, seconds: float = 600
    ) -> subprocess.CompletedProcess[str]:
        """Run in a folder, without colours, questions, or a look at the network for news.

        Args:
            folder: where the configuration is.
            words: of the command.
            seconds: after which it is given up.

        Raises:
            subprocess.TimeoutExpired: when it takes longer.
        """
        environment = {
            **os.environ,
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
        }
        # A person's own settings could name a registry instead of the folder of plugins.
        environment.pop("TF_CLI_CONFIG_FILE", None)
        return subprocess.run(  # noqa: S603 - words of our own
            [self.command, f"-chdir={folder}", *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def init(self, folder: Path) -> None:
        """Make a folder ready; only local plugins are used. Raises CheckerFailed."""
        plugins = f"-plugin-dir={self.plugins}"
        done = self.run(folder, "init", "-no-color", "-backend=false", plugins)
        if done.returncode:
            words = done.stdout + done.stderr
            raise CheckerFailed(words[-LAST_WORDS:])


def find() -> Terraform | None:
    """Return Terraform and a local folder with the AWS provider, None where one is missing.

    DRIFT_TERRAFORM_PLUGINS names the folder; otherwise the usual places are searched for the
    provider's binary.
    """
    command = shutil.which("terraform")
    if command is None:
        return None
    plugins = os.environ.get("DRIFT_TERRAFORM_PLUGINS")
    if plugins:
        return Terraform(command, Path(plugins))
    for place in SEARCHED:
        for binary in _binaries(Path(place).expanduser()):
            return Terraform(command, binary.parents[MIRROR_DEPTH - 1])
    return None


def _binaries(place: Path) -> Iterator[Path]:
    for depth in range(MIRROR_DEPTH, MIRROR_DEPTH + DEEPER):
        folders = "*/" * (depth - 1)
        yield from place.glob(f"{folders}{PROVIDER}")


def validate(tool: Terraform, folder: Path, graphs: Mapping[str, Graph]) -> dict[str, list[str]]:
    """Return what Terraform reports of each graph.

    Args:
        tool: the command and its plugins.
        folder: an empty one.
        graphs: by name. All are modules of one configuration, so the provider starts once.

    Raises:
        CheckerFailed: when what it reports belongs to no graph.
    """
    for name, graph in graphs.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "main.tf.json").write_text(json.dumps(terraform(graph)))
    modules = {"module": {name: {"source": f"./{name}"} for name in graphs}}
    (folder / "main.tf.json").write_text(json.dumps(modules))
    try:
        tool.init(folder)
    except CheckerFailed as error:
        raise CheckerFailed(f"{len(graphs)} graphs: {error}") from None
    return _validated(tool, folder, graphs)


def _validated(tool: Terraform, folder: Path, graphs: Mapping[str, Graph]) -> dict[str, list[str]]:
    report = Inputs(json.loads(tool.run(folder, "validate", "-json").stdout))
    findings: dict[str, list[str]] = {name: [] for name in graphs}
    for diagnostic in report.parts("diagnostics"):
        if diagnostic.text("severity") != "error":
            continue
        name = diagnostic.text("range/filename").split("/")[0]
        summary = diagnostic.text("summary")
        if name not in findings:
            raise CheckerFailed(summary)
        findings[name].append(f"{summary}: {diagnostic.text('detail')}")
    return findings
