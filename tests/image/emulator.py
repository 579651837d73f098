"""A command of the image as Lambda runs it, under the Lambda Runtime Interface Emulator."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.image.engine import connects
from tests.support.waiting import free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.image.engine import Docker

AS_LAMBDA = [
    *("--network", "host", "--user", "993:990", "--read-only", "--tmpfs", "/tmp", "--memory", "512m"),
    *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--env", "DRIFT_MODEL=house-price"),
]
PREDICTOR = "drift_predictor.handler.handler"


class Function:
    """A running command: call it with an event for what it answers."""

    def __init__(self, docker: Docker, container: str, port: int) -> None:
        self._docker, self._container = docker, container
        self._url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"

    def __call__(self, event: object) -> Any:
        """The answer's JSON, or the init error's; fails with a text that is none, as after a timeout."""
        request = urllib.request.Request(self._url, json.dumps(event).encode(), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                text = response.read().decode()
        except urllib.error.HTTPError as error:  # 502 when the function could not start
            with error:
                text = error.read().decode()
        try:
            return json.loads(text)
        except ValueError:
            raise AssertionError(f"the function gave no answer: {text}") from None

    def printed(self) -> str:
        """What the container has written so far, the emulator's own lines among it."""
        logs = self._docker.run("logs", self._container)
        return logs.stdout + logs.stderr


@contextmanager
def emulated(docker: Docker, emulator: Path, image: str, command: str, *options: str) -> Iterator[Function]:
    """The image with this command; options are docker's."""
    port, runtime_port = free_port(), free_port()
    addresses = ["--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
    addresses += ["--runtime-api-address", f"127.0.0.1:{runtime_port}"]
    start = ["--volume", f"{emulator}:/rie:ro", *options, "--entrypoint", "/rie", image, *addresses]
    container = docker("run", "--detach", *AS_LAMBDA, *start, "python3", "-m", "awslambdaric", command)
    function = Function(docker, container, port)
    try:
        wait_until(lambda: connects(port), "the emulator")
        yield function
    finally:
        docker("rm", "--force", container)
