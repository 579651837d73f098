"""Deployed stacks keep their resources, but for what is listed as changed on purpose."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.upgrade.differences import differences, read_changes, unexpected
from tests.upgrade.graphs import CAPTURED, captured
from tests.upgrade.saved import states_in

STATES = states_in(Path(__file__).parents[1] / "upgrade/states")


@pytest.fixture(scope="module")
def today(root):
    return captured(root)


@pytest.mark.parametrize("state", STATES, ids=[state.folder.name for state in STATES])
def test_captured_resources(state, today):
    """Type, name, parent, inputs and options of all resources are those that were captured."""
    recorded = state.read("graphs.json.gz")
    changes = read_changes(state.folder / "graphs.changes.json")
    assert unexpected(differences(recorded, today), changes) == []


def test_captured_stacks(today):
    """Both stacks are captured with and without their optional parts."""
    assert set(CAPTURED) == set(today) == {"dev", "prod", "dev-whole", "prod-whole"}
    assert len(today["dev-whole"]["resources"]) > len(today["dev"]["resources"]) > 100


def test_differences_have_places(today):
    """A lost resource and a changed input are reported with their places."""
    name = "lambda.Function predictor-function"
    changed = {**today["dev"]["resources"]}
    changed[name] = {**changed[name], "inputs": {**changed[name]["inputs"], "memorySize": 1}}
    del changed["dynamodb.Table windows-table"]
    found = {str(each) for each in differences(today["dev"]["resources"], changed)}
    assert found == {f"changed /{name}/inputs/memorySize", "removed /dynamodb.Table windows-table"}
