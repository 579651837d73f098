"""What an older client sent is answered as it was, but for what is listed as changed on purpose."""

from __future__ import annotations

import json

import pytest
from drift_contracts.problems import SERVICE_KINDS

from tests.upgrade.differences import differences, read_changes, unexpected
from tests.upgrade.exchanges import Doors, comparable, record


@pytest.fixture(scope="module")
def exchanges(state):
    return state.read("exchanges.json")


def documents_of(exchanges):
    return [exchange["answer"].get("document") for exchange in exchanges]


def problem_type(document):
    """Return the type of a problem, also of one that a proxy response holds as text."""
    if not isinstance(document, dict):
        return None
    body = document.get("body", "")
    return (json.loads(body) if body.startswith("{") else document).get("type")


def test_recorded_answers(state, bundles, exchanges, tmp_path):
    """The recorded requests get the recorded answers, but for listed changes."""
    doors = Doors.open(tmp_path, bundles)
    then, now = {}, {}
    for exchange in exchanges:
        answer = doors.ask(exchange["door"], exchange["request"])
        then[exchange["name"]] = comparable(exchange, exchange["answer"])
        now[exchange["name"]] = comparable(exchange, answer)
    doors.close()
    changes = read_changes(state.folder / "exchanges.changes.json")
    assert unexpected(differences(then, now), changes) == []


@pytest.fixture(scope="module")
def recorded_today(bundles, tmp_path_factory):
    """What the script would keep of the code of the day."""
    return record(tmp_path_factory.mktemp("today"), bundles)


def test_recorded_problems(recorded_today):
    """A recording of today has every kind of problem."""
    types = {problem_type(document) for document in documents_of(recorded_today)}
    recorded = {kind.removeprefix("urn:drift:problem:") for kind in types if kind}
    assert set(SERVICE_KINDS) <= recorded


def test_recorded_operations(recorded_today):
    """A recording of today has every operation."""
    asked = {
        (each["request"].get("method"), each["request"].get("path")) for each in recorded_today
    }
    described = next(
        each["answer"]["document"] for each in recorded_today if each["name"] == "the description"
    )
    for path, operations in described["paths"].items():
        for method in operations:
            assert (method.upper(), path) in asked
