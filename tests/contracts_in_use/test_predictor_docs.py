"""docs/api.md names what the service has, and the reverse; its examples keep their contracts."""

import json
import re
from pathlib import Path

import pytest
from drift_contracts import schemas
from drift_contracts.problems import SERVICE_KINDS
from drift_predictor import SettingsError, read_settings
from drift_predictor.settings import VARIABLES

from tests.support.predictor import World

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/api.md").read_text()
EXAMPLES = re.findall(r"```json ([a-z0-9.]+)\n(.*?)```", PAGE, re.DOTALL)


def test_endpoints():
    """The page lists all endpoints."""
    paths = World().service().paths
    general = {path.replace("house-price", "{name}").replace("mixed", "{name}") for path in paths}
    assert set(re.findall(r"`(?:GET|POST) (/[^`]*)`", PAGE)) == general


def test_problems():
    """The page lists all problems with their status."""
    rows = re.findall(r"^\| (\d{3}) \| `([a-z-]+)` \|", PAGE, re.MULTILINE)
    assert {kind: int(status) for status, kind in rows} == {kind: facts.status for kind, facts in SERVICE_KINDS.items()}


def test_variables():
    """The page lists all variables, in order."""
    assert re.findall(r"^\| `(DRIFT_\w+)` \|", PAGE, re.MULTILINE) == list(VARIABLES)


def test_quoted_start_error():
    """The quoted message of a bad start is the real one."""
    with pytest.raises(SettingsError) as caught:
        read_settings({"DRIFT_THRESHOLD": "high", "DRIFT_LOG_LEVEL": "loud"})
    assert str(caught.value) in PAGE


@pytest.mark.parametrize(("contract", "text"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_examples(contract, text):
    """Every example keeps its contract."""
    schemas.check(contract, json.loads(text))


def test_pasted_requests():
    """Every request to paste is answered as the page says."""
    service = World().service()
    requests = re.findall(r"(?:curl -s \S+8123)(/\S+) -H .*?-d '(.*?)'", PAGE, re.DOTALL)
    assert [service.respond("POST", path, body.encode()).status for path, body in requests] == [200, 200, 422]
