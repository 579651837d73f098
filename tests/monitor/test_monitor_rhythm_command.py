"""`driftctl rhythm learn --table`: from the hours that a stack has kept in DynamoDB."""

from __future__ import annotations

import json
import shutil
import time

import numpy as np
import pytest
from click.testing import CliRunner
from drift_console.acknowledge import acknowledge
from drift_console.rhythm import rhythm
from drift_engine.bundle import load_bundle
from drift_ml.baseline import Baseline
from drift_ml.rhythm import read_rhythm
from drift_ml.window import Window
from drift_monitor.keys import Series
from drift_monitor.stores import DynamoStore
from drift_monitor.sums import HOURS

from tests.support.house_tables import columns, price
from tests.support.predictor import BUNDLES

DAYS = 15


@pytest.fixture
def bundle(tmp_path):
    """Return the folder of a bundle whose manifest may name a rhythm."""
    folder = tmp_path / "house-price"
    shutil.copytree(BUNDLES / "house-price", folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "contract": "bundle.manifest.v2"}))
    return folder


def keep_hours(store, bundle):
    """Store the hours of the last days; houses are older by day than by night."""
    loaded = load_bundle(bundle)
    baseline, version = Baseline.from_json(loaded.baseline), loaded.manifest["model_version"]
    today = int(time.time() // 86_400)
    for day in range(today - DAYS, today):
        hours = {}
        for hour in range(24 * day, 24 * day + 24):
            table = columns(20, seed=hour % 997)
            table["age"] = np.clip(table["age"] + 15 * np.sin(hour / 24 * 2 * np.pi), 0, 49)
            window = Window.empty(baseline, version)
            window.observe_rows(table, price(table))
            hours[str(hour)] = window.to_json()
        place = HOURS.place(Series("house-price", version), day)
        store.save(place, 0, {"day": day, HOURS.name: hours})


def run(*words):
    return CliRunner().invoke(rhythm, list(map(str, words)))


def test_learned_from_a_table(aws, table, bundle):
    """A rhythm is learned from a table into the bundle, and a second time as the same."""
    keep_hours(DynamoStore(aws("dynamodb"), table, time.time), bundle)
    learned = []
    for _ in range(2):
        result = run("learn", "--baseline", bundle, "--table", table)
        assert result.exit_code == 0, result.output
        loaded = load_bundle(bundle)
        learned.append(read_rhythm(bundle, loaded.manifest, Baseline.from_json(loaded.baseline)))
    assert learned[0] == learned[1]
    assert "age" in learned[0].cycles
    assert learned[0].to_s - learned[0].from_s == (24 * DAYS - 1) * 3_600


def test_table_without_hours(table, bundle):
    """A table without hours of this version is named as that, and nothing is written."""
    before = (bundle / "manifest.json").read_bytes()
    result = run("learn", "--baseline", bundle, "--table", table)
    assert result.exit_code == 2
    assert "hours of house-price" in result.output
    assert (bundle / "manifest.json").read_bytes() == before


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("command", ["learn", "sizes"])
def test_no_such_table(bundle, command):
    """A table that does not exist ends the command with what is expected, and not its name."""
    result = run(command, "--baseline", bundle, "--table", "elsewhere")
    assert (result.exit_code, "windowsTable" in result.output) == (5, True)
    assert "elsewhere" not in result.output


@pytest.mark.usefixtures("aws")
def test_acknowledgement_without_a_table():
    """An acknowledgement in a table that does not exist ends in the same way."""
    words = ["one", "--why", "a sale", "--model", "house-price", "--table", "elsewhere"]
    result = CliRunner().invoke(acknowledge, words)
    assert (result.exit_code, "windowsTable" in result.output) == (5, True)
