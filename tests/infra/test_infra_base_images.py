"""The base images of the Dockerfile, pinned from what their registry says."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tools.base_images import PINNED, NotPinnedError, Reference, digest_of, main, pin

OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64
DOCKERFILE = "ARG BASE_IMAGE=python:3.13-slim-trixie\nARG BUILD_IMAGE=python:3.13-trixie\nFROM ${BASE_IMAGE}\n"


@pytest.fixture
def registry():
    """registry.tags holds digests by repository and tag; registry.place is its address. It wants a token."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            if self.headers.get("authorization") != "Bearer drift":
                self.send_response(401)
                realm = f'Bearer realm="{server.place}/token",service="local",scope="repository:x:pull"'
                self.send_header("www-authenticate", realm)
            elif self.path in server.tags and "image.index.v1+json" in self.headers["accept"]:
                self.send_response(200)
                self.send_header("docker-content-digest", server.tags[self.path])
            else:
                self.send_response(404)
            self.end_headers()

        def do_GET(self):
            self.send_response(200 if self.path.startswith("/token?service=local&scope=") else 404)
            self.end_headers()
            self.wfile.write(json.dumps({"token": "drift"}).encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.place = f"http://127.0.0.1:{server.server_address[1]}"
    server.tags = {f"/v2/library/python/manifests/3.13{kind}-trixie": NEW for kind in ("", "-slim")}
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_digests_of_tags(registry, tmp_path, capsys):
    """One command writes the digests that the registry has now, and a second time changes nothing."""
    path = tmp_path / "Dockerfile"
    path.write_text(DOCKERFILE)
    for _ in range(2):
        assert main([str(path), "--registry", registry.place]) == 0
    assert re.findall(r"=(\S+)", path.read_text()) == [
        f"python:3.13-slim-trixie@{NEW}", f"python:3.13-trixie@{NEW}",
    ]  # fmt: skip
    assert NEW in capsys.readouterr().out


def test_moved_tag(registry):
    """A pinned base moves when its tag has, by running the command again."""
    pinned = pin(DOCKERFILE, registry.place).replace(NEW, OLD)
    assert pin(pinned, registry.place).count(NEW) == 2


@pytest.mark.parametrize("tags", [{}, {"/v2/library/python/manifests/3.13-slim-trixie": "latest"}])
def test_without_a_digest_nothing_is_written(registry, tmp_path, tags, capsys):
    """Half a pin, or none at all, leaves the file as it was and says why."""
    registry.tags = tags
    path = tmp_path / "Dockerfile"
    path.write_text(DOCKERFILE)
    assert main([str(path), "--registry", registry.place]) == 2
    assert path.read_text() == DOCKERFILE
    assert "library/python:3.13-slim-trixie" in capsys.readouterr().err


def test_missing_registry():
    """A registry that does not answer is an error of one line."""
    with pytest.raises(NotPinnedError):
        digest_of(Reference.parse("python:3.13"), "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("python:3.13", ("registry-1.docker.io", "library/python", "3.13")),
        ("bitnami/python", ("registry-1.docker.io", "bitnami/python", "latest")),
        ("localhost:5000/a/b:c", ("localhost:5000", "a/b", "c")),
        ("public.ecr.aws/docker/library/python:3.13", ("public.ecr.aws", "docker/library/python", "3.13")),
    ],
)
def test_docker_names(text, parts):
    """Names are read as by Docker: a first part with a dot, a colon or localhost is a registry."""
    reference = Reference.parse(text)
    assert (reference.registry, reference.repository, reference.tag) == parts


def test_the_shipped_dockerfile_has_both_lines(root):
    """What is pinned is what the build uses."""
    found = PINNED.findall((root / "services/predictor/Dockerfile").read_text("utf-8"))
    assert [head for head, _, _ in found] == ["ARG BASE_IMAGE=", "ARG BUILD_IMAGE="]
