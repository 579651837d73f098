"""Build the programs that the tests of the engine run, from pinned Go modules, and keep them outside of the tree.

`python -m tests.pulumi.binaries` builds what is missing and prints where it lies; `--bridge` adds the provider.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

MODULES = Path(__file__).parent / "modules"
SDK = "github.com/pulumi/pulumi/sdk/v3"
VERSION = f"{SDK}/go/common/version.Version"
#: What makes Pulumi's Python program start; it has to lie beside the language host.
LAUNCHER = "pulumi-language-python-exec"
BUILD_SECONDS = 3600


@dataclass(frozen=True)
class Program:
    """One program: its name, the module to build it in, the package, the flags, further modules that pin a part."""

    name: str
    module: str
    package: str
    flags: tuple[str, ...]
    beside: tuple[str, ...] = ()

    def digest(self, go: str) -> str:
        """Return the digest of everything that decides what the program is; go: `go version`'s line."""
        seen = hashlib.sha256("\0".join((go, self.package, *self.flags)).encode())
        for module in (self.module, *self.beside):
            for file in sorted((MODULES / module).iterdir()):
                seen.update(f"{module}/{file.name}\0".encode() + file.read_bytes())
        return seen.hexdigest()[:24]


def linked(version: str) -> tuple[str, ...]:
    """Return the flags that write a version in: a CLI without one skips requiredPulumiVersion."""
    return ("-trimpath", "-ldflags", f"-s -w -X {version}")


CLI = Program(
    "pulumi",
    "cli",
    "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    ("-tags", "osusergo,grpcnotrace", *linked(f"{VERSION}=v3.274.1")),
)
HOST = Program(
    "pulumi-language-python",
    "host",
    f"{SDK}/python/cmd/pulumi-language-python",
    linked(f"{VERSION}=v3.78.0"),
    beside=("cli",),  # the launcher comes out of the newest SDK
)
BRIDGE = Program("pulumi-resource-aws", "bridge", ".", linked("main.version=7.51.1"))


class NoGo(Exception):
    """There is no Go here to build a program with."""


def cache() -> Path:
    """Return the folder that keeps the programs, below the user's cache."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "drift-monitor" / "pulumi"


def go_version() -> str:
    """Return what `go version` prints. Raises NoGo."""
    if shutil.which("go") is None:
        raise NoGo("no go on the PATH")
    return subprocess.run(["go", "version"], capture_output=True, text=True, check=True).stdout.strip()


def on_path() -> tuple[Path, Path] | None:
    """Return the CLI and the language host of the PATH, where both are there."""
    found = [shutil.which(program.name) for program in (CLI, HOST)]
    return None if None in found else (Path(str(found[0])), Path(str(found[1])))


def place(program: Program) -> Path:
    """Return where a program lies or would lie. Raises NoGo, because Go's version is in the digest."""
    return cache() / program.digest(go_version()) / program.name


def folders() -> list[Path]:
    """Return the folders that a PATH needs for the CLI and its host; none where both are on it. Raises NoGo."""
    if on_path():
        return []
    return [place(CLI).parent, place(HOST).parent]


def build(program: Program) -> Path:
    """Build a program unless it is there already, and return its path. Raises NoGo, CalledProcessError."""
    target = place(program)
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        # -mod=readonly: sums that are not in go.sum are an error and not a download
        command = ["go", "build", "-mod=readonly", "-p", "2", *program.flags, "-o", f"{scratch}/program"]
        environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"}
        folder = MODULES / program.module
        subprocess.run([*command, program.package], cwd=folder, env=environment, check=True, timeout=BUILD_SECONDS)
        if program is HOST:
            shutil.copy(launcher(), target.parent / LAUNCHER)
            (target.parent / LAUNCHER).chmod(0o755)
        Path(scratch, "program").replace(target)  # at once, so that nobody meets half a program
    return target


def launcher() -> Path:
    """Return the launcher out of the newest SDK: the one beside the old host does not know today's engine."""
    line = ["go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", SDK]
    done = subprocess.run(line, cwd=MODULES / CLI.module, capture_output=True, text=True, check=True)
    return Path(done.stdout.strip()) / "python" / "cmd" / LAUNCHER


def main() -> None:
    """Build what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bridge", action="store_true", help="the provider too: some ten minutes the first time")
    wanted = [] if on_path() else [CLI, HOST]
    if parser.parse_args().bridge:
        wanted.append(BRIDGE)
    try:
        for program in wanted:
            print(f"{program.name}: {build(program)}")  # noqa: T201 - a command's answer
    except NoGo as missing:
        print(f"NOT RUN: {missing}, and neither pulumi nor its Python host")  # noqa: T201 - a command's answer


if __name__ == "__main__":
    main()
