from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from drift_infra.judge.stacks import SECRETS, facts_of, graph_of, settings_of

ROOT = Path(__file__).resolve().parents[2]


@cache
def _built(stack: str, changes: tuple[tuple[str, object], ...]):
    settings = settings_of(ROOT, stack, dict(changes))
    return graph_of(settings, ROOT), facts_of(settings), settings


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def build():
    """build("prod", memory=256) gives the graph, the facts and the settings of a stack file with changes.

    prod, which does not deploy until somebody is alerted, gets an address.
    """

    def one(stack: str, **changes: object):
        if stack == "prod":
            changes.setdefault("alertEmails", '["ops@example.com"]')
        key = tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in changes.items())
        graph, facts, settings = _built(stack, key)
        return graph.copy(), facts, settings

    return one


@pytest.fixture(scope="session", params=["dev", "prod"])
def whole(request, build):
    """Each stack file with every optional part switched on."""
    return build(request.param, **{**SECRETS, "alertEmails": '["ops@example.com"]'})


def pytest_configure(config):
    config.addinivalue_line("markers", "judges: minutes of judging by cfn-lint and terraform; run with -m judges")
