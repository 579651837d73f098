"""The predictor as the tests use it: a world, its service and its edge."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from drift_predictor import Edge
from hypothesis import HealthCheck, settings

from tests.support.houses import HOUSE
from tests.support.predictor import BUNDLES, World
from tests.support.runtime_api import RuntimeApi

settings.register_profile("predictor", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("predictor")  # no test here is about time, and the machine may be busy


@pytest.fixture
def world():
    return World()


@pytest.fixture
def service(world):
    return world.service()


@pytest.fixture
def edge(service):
    return Edge(service)


@pytest.fixture
def house():
    return dict(HOUSE)


@pytest.fixture
def mixed():
    return {"flag": True, "colour": "green", "shop": "north", "size": 1.25, "constant": 7, "load": -0.5}


@pytest.fixture
def post(service):
    """Send a document; returns the status and the answer."""

    def post(path, document):
        reply = service.respond("POST", path, json.dumps(document).encode(), "application/json", "request-1")
        return reply.status, json.loads(reply.body)

    return post


@pytest.fixture
def context():
    return SimpleNamespace(aws_request_id="5f0c8b1e-6a47-4c1b-9d0e-6f3c2f1f7a10")


@pytest.fixture
def http():
    """An HTTP API event, payload 2.0."""

    def event(method, path, document=None, *, stage="$default", **members):
        body = {} if document is None else {"body": json.dumps(document)}
        return {
            "version": "2.0",
            "rawPath": path,
            "headers": {"content-type": "application/json"},
            "requestContext": {
                "http": {"method": method, "path": path},
                "stage": stage,
                "requestId": "JKJaXmPLvHcESHA=",
            },
            "isBase64Encoded": False,
            **body,
            **members,
        }

    return event


@pytest.fixture(scope="session")
def runtime_api():
    return RuntimeApi


@pytest.fixture(scope="session")
def bundles():
    return BUNDLES


@pytest.fixture(scope="session")
def worlds():
    """A world and its edge that last, for property tests."""
    world = World()
    return world, Edge(world.service())
