"""A project in a folder of its own, driven by the real CLI."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from . import binaries

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "mlops-drift-monitor"
COPIED = ("client", "contracts", "engine", "infra", "ml", "requirements", "services")
LEFT_OUT = ("__pycache__", "*.egg-info", "*.so", "build", "*.pyc")
SECONDS = 300
QUIET = {"same", "read", "refresh"}
#: Stands for `docker version`, which the program asks; what builds and pushes is the stand-in's.
DOCKER = "#!/bin/sh\necho 28.0.0\n"


@dataclass(frozen=True)
class Step:
    """One resource in an update: what was done to it, its type and name, the inputs that differed."""

    op: str
    token: str
    name: str
    changed: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.op} {self.token.removeprefix('aws:').partition(':')[2] or self.token} {self.name}"


@dataclass(frozen=True)
class Run:
    """How a command of the CLI ended."""

    code: int
    stdout: str
    stderr: str
    steps: list[Step] = field(default_factory=list)
    messages: list[tuple[str, str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Everything that a user saw."""
        return self.stdout + self.stderr

    @property
    def why(self) -> str:
        """What a test shows where a command ended otherwise than it should."""
        return "\n".join(self.errors) or self.stderr[-2000:]

    @property
    def changes(self) -> list[str]:
        """Each step that is not nothing, as text."""
        return sorted(str(step) for step in self.steps if step.op not in QUIET)

    @property
    def counts(self) -> Counter:
        """How many steps there were of each kind."""
        return Counter(step.op for step in self.steps)

    @property
    def errors(self) -> list[str]:
        """The messages of severity error."""
        return [text for severity, text in self.messages if severity == "error"]


def read_events(path: Path) -> tuple[list[Step], list[tuple[str, str]]]:
    """Return steps and messages of an event log; a step counts when it is announced."""
    steps, messages = [], []
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    for line in lines:
        event = json.loads(line)
        if "resourcePreEvent" in event:
            facts = event["resourcePreEvent"]["metadata"]
            name = facts["urn"].rpartition("::")[2]
            steps.append(Step(facts["op"], facts["type"], name, tuple(facts.get("diffs") or ())))
        elif "diagnosticEvent" in event:
            facts = event["diagnosticEvent"]
            if facts["severity"] != "debug":
                messages.append((facts["severity"], facts["message"]))
    return steps, messages


def checkout(folder: Path, source: Path = ROOT) -> Path:
    """Copy what a deployment reads of a checkout into a folder, with a small bundle of every default model."""
    for name in COPIED:
        if not (source / name).exists():  # older checkouts have fewer rooms
            continue
        shutil.copytree(source / name, folder / name, ignore=shutil.ignore_patterns(*LEFT_OUT))
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml", ".dockerignore"):
        shutil.copy(source / name, folder)
    return folder


class Workspace:
    """A stack of a checkout: where the state lies, and the CLI's commands on it.

    docker: whether there is a Docker engine. python, modules: where the program's interpreter and its packages
    lie, the packages of this checkout unless set. more: variables of the environment.
    """

    def __init__(self, folder: Path, root: Path, ports: dict[str, int], stack: str) -> None:
        self.folder, self.root, self.stack = folder, root, stack
        self.docker = True
        self.python = Path(sys.executable).parent
        self.modules: tuple[Path, ...] = ()
        self.more: dict[str, str] = {}
        for name in ("home", "state", "bin"):
            (folder / name).mkdir(exist_ok=True)
        self.providers = ",".join(f"{name}:{port}" for name, port in ports.items())
        self.process: subprocess.Popen | None = None
        self.sessions: set[int] = set()
        self._number = 0

    def environment(self) -> dict[str, str]:
        """Return the environment of a deployer who has nothing but what the documents ask for."""
        docker = self.folder / "bin" / "docker"
        if self.docker:
            docker.write_text(DOCKER, "utf-8")
            docker.chmod(0o755)
        else:
            docker.unlink(missing_ok=True)
        found = binaries.on_path()
        programs = [path.parent for path in found] if found else binaries.folders()
        folders = [self.folder / "bin", self.python, *programs]
        path = ":".join([*(str(each) for each in folders), "/usr/bin", "/bin"])
        return {
            "PATH": path,
            "HOME": str(self.folder / "home"),
            "PULUMI_STACK": self.stack,
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_DEBUG_COMMANDS": "true",  # --event-log is one of them
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DEBUG_PROVIDERS": self.providers,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_COLOR": "1",
            "PYTHONPATH": ":".join(str(folder) for folder in self.modules),
            **self.more,
            **{name: value for name, value in os.environ.items() if name in ("TMPDIR", "LANG")},
        }

    def __call__(self, *words: str, umask: int = -1) -> Run:
        """Run a command of the CLI to its end."""
        self._number += 1
        events = self.folder / f"events-{self._number}.json"
        logged = ["--event-log", str(events)] if words[0] in ("up", "preview", "destroy", "refresh") else []
        command = ["pulumi", *words, "--non-interactive", *logged]
        self.process = subprocess.Popen(
            command,
            cwd=self.root,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            umask=umask,
            start_new_session=True,
        )
        self.sessions.add(self.process.pid)
        try:
            stdout, stderr = self.process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        steps, messages = read_events(events)
        return Run(self.process.returncode, stdout, stderr, steps, messages)

    def done(self, *words: str, umask: int = -1) -> Run:
        """Run a command that has to succeed."""
        run = self(*words, umask=umask)
        assert run.code == 0, run.why
        return run

    def set(self, **values: object) -> None:
        """Write keys into the stack's file, as `pulumi config set` would; None removes one."""
        path = self.root / f"Pulumi.{self.stack}.yaml"
        document = yaml.safe_load(path.read_text("utf-8"))
        keys = document["config"]
        for name, value in values.items():
            key = f"{PROJECT}:{name}"
            if value is None:
                keys.pop(key, None)
            else:
                keys[key] = value
        path.write_text(yaml.safe_dump(document), "utf-8")

    def secret(self, name: str, value: str) -> None:
        """Set a secret key with the CLI, which encrypts it."""
        self.done("config", "set", "--secret", name, value, "--stack", self.stack)

    def preview(self, *more: str) -> Run:
        return self("preview", *more)

    def up(self, *more: str, umask: int = -1) -> Run:
        """Update without asking and without a preview, as pipelines do."""
        return self("up", "--yes", "--skip-preview", *more, umask=umask)

    def destroy(self, *more: str) -> Run:
        return self("destroy", "--yes", "--skip-preview", *more)

    def exported(self) -> dict:
        """Return the deployment as the state keeps it."""
        return json.loads(self.done("stack", "export").stdout)["deployment"]
