"""T3: a new model's rollout in a local AWS, by the stack's own code: no event of either version goes aside.

What the update itself changes, and in which order, is in tests/pulumi/test_pulumi_model.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from drift_contracts.bundle_paths import bundle_folder

from tests.integration.monitored import World, lines, put, until
from tools.stack_checks.stacks import graph_of, settings_of

NOBODY = "http://127.0.0.1:9/nobody"
MANY = 300
CHANGES = {"alertEmails": '["ops@example.com"]', "slackWebhook": "https://chat.example.com/services/key"}


@pytest.fixture(scope="module")
def models(root, tmp_path_factory):
    """Folders of bundles of two versions of one model; each holds its own version alone."""
    folders = []
    for rows in (2000, 2500):
        folder = tmp_path_factory.mktemp(f"rows{rows}")
        words = ["--model", "house-price", "--rows", str(rows), "--trees", "10", "--out", folder]
        subprocess.run([sys.executable, "-m", "drift_ml.training", *words], cwd=root, check=True, capture_output=True)
        folders.append(folder / "bundles")
    return folders


@pytest.fixture
def world(root, aws, models):
    aws.reset()
    return World(graph_of(settings_of(root, "dev", CHANGES), root), aws, models[0], NOBODY, NOBODY)


def version_of(bundles):
    return json.loads(Path(bundle_folder(bundles / "house-price"), "manifest.json").read_text("utf-8"))["model_version"]


def letters(world):
    answer = world.client("sqs").get_queue_attributes(QueueUrl=world.letters, AttributeNames=["All"])["Attributes"]
    return int(answer["ApproximateNumberOfMessages"]) + int(answer["ApproximateNumberOfMessagesNotVisible"])


def windows(world, version):
    """Return the fragments of a version that are in the table."""
    return [item for item in world.items() if item["pk"]["S"].startswith("fragments#") and version in item["pk"]["S"]]


def test_t3_rollout(world, models):
    """No event becomes a dead letter before, during or after a rollout."""
    old, new = map(version_of, models)
    assert old != new
    world.deploy(models[0])
    put(world, lines(models[0], MANY, shift=0.0))
    before = len(until("windows of the old version", lambda: windows(world, old)))

    kept = world.deploy(models[1])
    assert len(kept["kept"]) == 1
    mixed = [
        line for pair in zip(lines(models[0], MANY, 0.0), lines(models[1], MANY, 0.0), strict=True) for line in pair
    ]
    put(world, mixed)
    until("windows of the new version", lambda: windows(world, new))
    until("more windows of the old version", lambda: len(windows(world, old)) > before)

    last = len(windows(world, old))
    put(world, lines(models[0], MANY, shift=0.0))
    until("the old version's last minutes", lambda: len(windows(world, old)) > last)
    judged = world.invoke("evaluator", {})
    assert judged["series"] == 2
    assert letters(world) == 0


def test_t3_unknown_version(world, models):
    """Events of a version that no deployment wrote all become dead letters."""
    world.deploy(models[1])
    put(world, lines(models[0], 25, shift=0.0))
    until("every event of the stranger", lambda: letters(world) == 25)
