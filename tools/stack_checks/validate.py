"""`terraform validate` with the real AWS provider, where both can be found on this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drift_contracts import DriftError

from .terraform import terraform

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .graph import Graph

PROVIDER = "terraform-provider-aws_*"
MIRROR_DEPTH = 6
SEARCHED = ("/opt", "/usr/local", "/usr/share", "~/.terraform.d", "~/.local/share", "~/.cache")


class JudgeFailed(DriftError):
    """Terraform ended in a way that says nothing of the graph."""


@dataclass(frozen=True)
class Terraform:
    """The command and the folder of plugins that it takes providers from."""

    command: str
    plugins: Path

    def run(self, folder: Path, *words: str, seconds: float = 600) -> subprocess.CompletedProcess[str]:
        """Run in a folder, without colours, questions, or a look at the network for newer versions."""
        environment = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}
        environment.pop("TF_CLI_CONFIG_FILE", None)
        line = [self.command, f"-chdir={folder}", *words]
        return subprocess.run(  # noqa: S603 - words of our own
            line, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )

    def init(self, folder: Path) -> None:
        """Make a folder ready; only local plugins are used."""
        done = self.run(folder, "init", "-no-color", "-backend=false", f"-plugin-dir={self.plugins}")
        if done.returncode:
            raise JudgeFailed(done.stderr[-2000:])


def find() -> Terraform | None:
    """Terraform and a local folder with the AWS provider; None where one of them is missing.

    DRIFT_TERRAFORM_PLUGINS names the folder; otherwise the usual places are searched for the provider's binary, which
    lies six levels below it (HOST/NAMESPACE/aws/VERSION/PLATFORM/BINARY).
    """
    command = shutil.which("terraform")
    named = os.environ.get("DRIFT_TERRAFORM_PLUGINS")
    if command is None:
        return None
    if named:
        return Terraform(command, Path(named))
    for place in SEARCHED:
        for depth in range(MIRROR_DEPTH, MIRROR_DEPTH + 3):
            for binary in Path(place).expanduser().glob("/".join(["*"] * (depth - 1)) + f"/{PROVIDER}"):
                return Terraform(command, binary.parents[MIRROR_DEPTH - 1])
    return None


def validate(tool: Terraform, folder: Path, graphs: Mapping[str, Graph]) -> dict[str, list[str]]:
    """What Terraform says of each graph; all are modules of one configuration, so the provider starts once."""
    for name, graph in graphs.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "main.tf.json").write_text(json.dumps(terraform(graph)))
    modules = {"module": {name: {"source": f"./{name}"} for name in graphs}}
    (folder / "main.tf.json").write_text(json.dumps(modules))
    done = tool.run(folder, "init", "-no-color", "-backend=false", f"-plugin-dir={tool.plugins}")
    return _by_module(graphs, done.stdout + done.stderr) if done.returncode else _validated(tool, folder, graphs)


def _validated(tool: Terraform, folder: Path, graphs: Mapping[str, Graph]) -> dict[str, list[str]]:
    done = tool.run(folder, "validate", "-json")
    told: dict[str, Any] = json.loads(done.stdout)
    found: dict[str, list[str]] = {name: [] for name in graphs}
    for one in told["diagnostics"]:
        name = one.get("range", {}).get("filename", "").split("/")[0]
        if one["severity"] == "error":
            if name not in found:
                raise JudgeFailed(one["summary"])
            found[name].append(f"{one['summary']}: {one.get('detail', '')}")
    return found


def _by_module(graphs: Mapping[str, Graph], text: str) -> dict[str, list[str]]:
    raise JudgeFailed(f"{len(graphs)} graphs: {text[-2000:]}")
