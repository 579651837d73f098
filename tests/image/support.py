"""What the tests of the image share: names, the build, an HTTP API event."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drift_contracts.bundle_paths import bundle_folder

from tests.image import standin

if TYPE_CHECKING:
    from tests.image.engine import Docker

ROOT = Path(__file__).parents[2]
IMAGE = "drift-monitor:test"
NAIVE = "drift-naive:test"


def build(docker: Docker, bases: standin.Bases, tag: str, *options: str) -> None:
    folder = Path(bundle_folder(ROOT / "build/bundles/house-price"))
    version = json.loads((folder / "manifest.json").read_text())["model_version"]
    arguments = {
        "BASE_IMAGE": bases.base,
        "BUILD_IMAGE": bases.build,
        "VERSION": "0.1.0",
        "COMMIT": "test",
        "BUNDLE_DIGEST": version,
    }
    words = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    where = ["--network", "host", "--platform", bases.platform, "--file", ROOT / standin.DOCKERFILE, "--tag", tag]
    docker("build", "--quiet", *where, *words, *options, ROOT)


def python(docker: Docker, image: str, script: str, *options: str) -> str:
    """What a script prints in the image, without a network."""
    words = ["--network", "none", "--env", "DRIFT_MODEL=house-price", *options, "--entrypoint", "python3"]
    return docker("run", "--rm", *words, image, "-c", script)


def http_event(method: str, path: str, body: str | None = None) -> dict[str, Any]:
    http = {
        "method": method,
        "path": path,
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "test",
    }
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": http, "requestId": "test", "stage": "$default", "timeEpoch": 0},
        "body": body,
        "isBase64Encoded": False,
    }
