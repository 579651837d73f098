from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.upgrade.running import bundles_in
from tests.upgrade.saved import states_in

STATES = states_in(Path(__file__).parent / "states")


@pytest.fixture(scope="session", params=STATES, ids=[state.folder.name for state in STATES])
def state(request):
    """Each saved state; every test that takes it holds for all of them."""
    return request.param


@pytest.fixture(scope="session")
def bundles(state):
    """The bundles of the state, loaded by the code of the day."""
    return bundles_in(state.bundles)


@pytest.fixture(scope="session")
def facts(state):
    """What the state is said to hold."""
    return state.read("facts.json")


@pytest.fixture(scope="session")
def expected(state):
    """What an undisturbed console of the code that made the state did afterwards."""
    return state.read("expected.json.gz")


@pytest.fixture(autouse=True)
def _quiet(caplog):
    """Keep expected warnings in the record of the test."""
    caplog.set_level(logging.WARNING)
