"""A container engine and a registry on loopback, started if none runs, stopped by their own process ids."""

from __future__ import annotations

import os
import socket
import subprocess
import urllib.request
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from tests.support.waiting import free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Docker:
    """The command line of one engine."""

    def __init__(self, host: str | None = None) -> None:
        self.environment = os.environ | ({"DOCKER_HOST": host} if host else {}) | {"DOCKER_BUILDKIT": "0"}

    def __call__(self, *words: str | Path, check: bool = True, text: str | None = None) -> str:
        """Run a docker command; its standard output. A failure raises with what it printed."""
        done = self.run(*words, text=text)
        if check and done.returncode:
            raise RuntimeError(f"docker {words[0]} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout.strip()

    def run(
        self, *words: str | Path, text: str | None = None, timeout: float = 1800
    ) -> subprocess.CompletedProcess[str]:
        command = ["docker", *map(str, words)]
        return subprocess.run(
            command,
            env=self.environment,
            capture_output=True,
            text=True,
            input=text,
            timeout=timeout,
            check=False,
        )

    def answers(self) -> bool:
        return self.run("version", timeout=20).returncode == 0


@contextmanager
def engine(folder: Path, bridge: str = "none") -> Iterator[Docker]:
    """The engine that runs, or one of our own in `folder` that changes no rule and no setting of the network.

    bridge: docker0 for containers with published ports; it is taken away again.
    """
    running = Docker()
    if running.answers():
        yield running
        return
    host = f"unix://{folder}/docker.sock"
    words = ["dockerd", "--iptables=false", "--ip-masq=false", "--ip-forward=false", "--host", host]
    words += ["--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/dockerd.pid"]
    words += ["--bridge=none"] if bridge == "none" else []
    try:
        with process(words, folder / "dockerd.log"):
            own = Docker(host)
            wait_until(own.answers, "the container engine")
            yield own
    finally:  # what the engine leaves behind
        for network in folder.glob("exec/netns/*"):
            subprocess.run(["umount", network], check=True)
        if bridge != "none":
            subprocess.run(["ip", "link", "delete", bridge], check=True)


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """A registry on loopback; gives host:port."""
    port = free_port()
    settings = folder / "registry.yml"
    settings.write_text(
        "version: 0.1\nlog: {level: error}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/registry}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    with process(["docker-registry", "serve", str(settings)], folder / "registry.log"):
        wait_until(lambda: responds(f"http://127.0.0.1:{port}/v2/"), "the registry")
        yield f"127.0.0.1:{port}"


@contextmanager
def process(
    words: list[str], log: Path, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block."""
    with log.open("wb") as output:
        started = subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT, env=environment)
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(30)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait(10)


def connects(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def responds(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(url, timeout=2):
        return True
    return False
