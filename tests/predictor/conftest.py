"""A service over the two committed bundles, with a clock, randomness and a sink that the test holds."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
from drift_contracts import MonitoringSpec
from drift_predictor import Edge, Service, Settings, open_bundles
from hypothesis import HealthCheck, settings

settings.register_profile("predictor", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("predictor")  # no test here is about time, and the machine may be busy

HERE = Path(__file__).parent
BUNDLES = HERE / "bundles"
NOW = 1_795_435_200_123_456_789


class World:
    """Time stands still unless moved; every line is kept; `broken` makes the sink fail."""

    def __init__(self):
        self.now = NOW
        self.ticks = iter(range(0, 1 << 62, 52_000))
        self.lines = []
        self.broken = False

    def write(self, line):
        if self.broken:
            raise OSError("No space left on device")
        self.lines.append(line)

    @property
    def events(self):
        return [json.loads(line) for line in self.lines]

    def service(self, spec=None, loaded=None, **settings):
        chosen = Settings(**{"bundles": str(BUNDLES), "model": "house-price", **settings})
        return Service(
            loaded or open_bundles(chosen),
            chosen,
            spec or MonitoringSpec.load(),
            clock=lambda: self.now,
            timer=lambda: next(self.ticks),
            random_bytes=lambda n: bytes(i % 256 for i in range(n)),
            write=self.write,
        )


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
    return {"bedrooms": 3, "bathrooms": 2, "sqft": 2000, "age": 10, "location_score": 7}


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
    return runpy.run_path(str(HERE / "runtime_api.py"))["RuntimeApi"]


@pytest.fixture(scope="session")
def bundles():
    return BUNDLES


@pytest.fixture(scope="session")
def worlds():
    """A world and its edge that last, for property tests."""
    world = World()
    return world, Edge(world.service())
