"""The program in a process of its own, against an engine: what it asks for, and that a refusal asks for nothing."""

from __future__ import annotations

import json
import shutil
from collections import Counter

import pytest
import yaml

from tests.infra.engine import STACK, preview
from tools.stack_checks.capture import DIGEST
from tools.stack_checks.stacks import full

PROJECT = "mlops-drift-monitor"
PREBUILT = {"imageDigest": DIGEST}


@pytest.fixture
def project(checkout, root):
    """A checkout with the program and a sound bundle."""
    (checkout / "infra").mkdir()
    shutil.copy(root / "infra/__main__.py", checkout / "infra/__main__.py")
    return checkout


def run(root, stack, keys, **words):
    own = root / f"Pulumi.{stack}.yaml"
    given = yaml.safe_load(own.read_text("utf-8"))["config"] if own.exists() else {}
    return preview(root, stack, given | {full(PROJECT, key): value for key, value in keys.items()}, **words)


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_preview(root, build, stack):
    """A preview declares the graph that the checks see."""
    keys = {**PREBUILT, **({"alertEmails": ["ops@example.com"]} if stack == "prod" else {})}
    done = run(root, stack, keys)
    assert (done.code, done.errors) == (0, []), done.stderr
    graph, _, _ = build(stack)
    assert Counter(done.types) == Counter([STACK, *(node.kind for node in graph.nodes)])
    assert [message for severity, message in done.logged if severity == "WARNING"] == list(graph.warnings)


def test_preview_of_build(project, tmp_path):
    """A preview that builds declares a single image."""
    docker = tmp_path / "bin/docker"
    docker.parent.mkdir()
    docker.write_text("#!/bin/sh\nexit 0\n")
    docker.chmod(0o755)
    done = run(project, "dev", {}, path=f"{docker.parent}:/bin:/usr/bin")
    assert (done.code, done.errors) == (0, []), done.stderr
    assert done.types.count("docker:index/image:Image") == 1


def test_an_old_cli_is_refused(root):
    """The program asks the engine itself: an old CLI does not read what Pulumi.yaml requires."""
    done = run(root, "dev", PREBUILT, too_old=True)
    assert done.code == 1
    assert done.types == [STACK]
    (error,) = done.errors
    required = yaml.safe_load((root / "Pulumi.yaml").read_text("utf-8"))["requiredPulumiVersion"]
    assert f"expected {required}" in error


REFUSED = [
    ("dev", {**PREBUILT, "retentionDays": "7"}, "retentionDays"),
    ("dev", {**PREBUILT, "memory": "lots"}, "memory"),
    ("dev", {**PREBUILT, "timeout": 29}, "timeout"),
    ("dev", {**PREBUILT, "models": ["unheard-of"]}, "models"),
    ("dev", {**PREBUILT, "slackWebhook": "https://chat.example.com/key"}, "slackWebhook"),
    ("dev", {**PREBUILT, "aws:maxRetries": 3}, "aws:maxRetries"),
    ("staging", PREBUILT, "tier"),
    ("prod", PREBUILT, "alertEmails"),
    ("dev", {}, "imageDigest"),
]


@pytest.mark.parametrize(("stack", "keys", "key"), REFUSED, ids=[f"{stack}-{key}" for stack, _, key in REFUSED])
def test_refused_before_resources(project, root, stack, keys, key):
    """A wrong key is refused before any resource is declared."""
    shutil.copy(root / "Pulumi.prod.yaml", project)
    refused_before_anything(run(project, stack, keys), key)


def test_wrong_bundle_refused(project):
    """A bundle that breaks its contract is refused before any resource is declared."""
    manifest = project / "build/bundles/house-price/manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "feature_set": "9.9.9"}))
    refused_before_anything(run(project, "dev", {}), "bundlesFolder")


def refused_before_anything(done, key):
    assert done.code == 1
    # Whether the repository has the image already is asked through the provider, which makes nothing.
    assert [kind for kind in done.types if not kind.startswith("pulumi:providers:")] == [STACK]
    (message,) = done.errors
    assert message.startswith(f"{key}: ")
    assert "; allowed: " in message
    assert "; set it with: pulumi " in message
