from __future__ import annotations

import hashlib
import json
import shutil
from functools import cache
from pathlib import Path

import pytest

from tools.stack_checks.stacks import SECRETS, facts_of, graph_of, settings_of

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


@pytest.fixture
def checkout(root, tmp_path):
    """A checkout small enough to hash, with a sound bundle."""
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "services/predictor/Dockerfile"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, tmp_path / name)
    manifest = json.loads((root / "contracts/examples/bundle.manifest.v1.json").read_text("utf-8"))
    bundle = tmp_path / "build/bundles/house-price"
    bundle.mkdir(parents=True)
    for name, facts in manifest["files"].items():
        (bundle / name).write_text(name)
        facts |= {"sha256": hashlib.sha256(name.encode()).hexdigest(), "bytes": len(name)}
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    return tmp_path
