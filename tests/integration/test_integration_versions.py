"""Events of both versions through the stack's own code in a local AWS: each is counted, or set aside with a reason.

The local AWS knows the empty filter pattern only. The pattern that the graph declares is applied by a matcher of our
own, which `tests/contracts_in_use/test_filter_patterns.py` holds against AWS's documentation.
"""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter

import pytest
from drift_contracts.events import EVENTS
from drift_engine.bundle import load_bundle

from tests.integration.monitored import World, put, until
from tests.support.filter_patterns import matches
from tests.support.predictor import World as Predictor
from tools.stack_checks.stacks import graph_of, settings_of

NOBODY = "http://127.0.0.1:9/nobody"
CHANGES = {"alertEmails": '["ops@example.com"]', "slackWebhook": "https://chat.example.com/services/key"}
#: Nanoseconds since 1970 that lines are older than now.
AGE = 1800 * 10**9
MANY = 5


@pytest.fixture(scope="module")
def bundles(root, tmp_path_factory):
    """Bundles of a regressor, two classifiers and a model of two outputs."""
    folder = tmp_path_factory.mktemp("versions") / "bundles"
    committed = root / "tests/predictor"
    shutil.copytree(committed / "bundles/house-price", folder / "house-price")
    shutil.copytree(committed / "scored_bundles", folder, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def graph(root):
    """The graph of a stack, which declares the filters."""
    return graph_of(settings_of(root, "dev", {**CHANGES, "predictionLog": "true"}), root)


@pytest.fixture
def world(graph, aws, bundles):
    aws.reset()
    return World(graph, aws, bundles, NOBODY, NOBODY)


@pytest.fixture(scope="module")
def written(bundles):
    """Lines of the real predictor: events of every model, a refusal, and one line as a later release would write it."""

    predictor = Predictor()
    predictor.now = time.time_ns() - AGE
    loaded = {folder.name: load_bundle(folder) for folder in sorted(bundles.iterdir())}
    service = predictor.service(None, loaded, model="house-price", stack="dev")
    service.write_ready()
    for name, bundle in loaded.items():
        body = json.dumps({"features": bundle.feature_set.example}).encode()
        for _ in range(MANY):
            assert service.respond("POST", f"/models/{name}/predict", body).status == 200
        assert service.respond("POST", f"/models/{name}/predict", b"{}").status == 422
    later = {**json.loads(predictor.lines[-2]), "contract": "prediction.event.v9"}
    return [*predictor.lines, json.dumps(later), "START RequestId: a line of the platform"]


def patterns(graph):
    """The filter patterns of every subscription, by the filter's name."""
    return {node.inputs["name"]: node.inputs["filterPattern"] for node in graph.of("cloudwatch.LogSubscriptionFilter")}


def test_pattern(graph, written):
    """Each subscription's pattern takes every version of the event, also a later one, and no other line."""
    declared = patterns(graph)
    assert set(declared) == {"aggregator", "prediction-log"}
    for pattern in declared.values():
        passed = [json.loads(line)["contract"] for line in written if matches(pattern, line)]
        assert Counter(passed) == {EVENTS[0]: MANY, EVENTS[1]: 3 * MANY, "prediction.event.v9": 1}


def test_both_versions(graph, world, bundles, written):
    """What the pattern takes is counted in windows of its model, and a later version becomes a dead letter."""
    pattern = patterns(graph)["aggregator"]
    world.deploy(bundles)
    put(world, [line for line in written if matches(pattern, line)])
    letters = until("the line of a later release", lambda: dead_letters(world))
    assert [letter["record"] for letter in letters] == [line for line in written if "prediction.event.v9" in line]
    assert "prediction.event.v1 or prediction.event.v2" in letters[0]["reason"]

    def counted():
        fragments = [item["pk"]["S"] for item in world.items() if item["pk"]["S"].startswith("fragments#")]
        return {
            name for name in ("house-price", "late", "weather", "times") if any(f"#{name}#" in key for key in fragments)
        }

    until("windows of every model", lambda: len(counted()) == 4)
    assert world.invoke("evaluator", {})["series"] == 4


def dead_letters(world):
    """The dead letters that wait, as documents."""
    answer = world.client("sqs").receive_message(QueueUrl=world.letters, MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]
