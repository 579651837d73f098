"""A rhythm that is learned from a file or a store, lies in the bundle, and is used from there."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from drift_console.rhythm import rhythm as command
from drift_engine.bundle import BundleError, load_bundle
from drift_ml.baseline import Baseline
from drift_ml.replay.backtest import Request, backtest
from drift_ml.rhythm import Hours, Rhythm, add_rhythm, read_rhythm
from drift_monitor.keys import Series
from drift_monitor.reference import load_references
from pyarrow import csv, table

HOUR_MS = 3_600_000
#: The first of January 2025.
BEGIN_MS = 1_735_689_600_000
DAYS = 15
#: Rows an hour.
ROWS = 12


def cycling(houses, days=DAYS, seed=3):
    """Return columns whose houses are larger by day, and times."""
    hours = np.repeat(np.arange(24 * days), ROWS)
    columns = houses(len(hours), seed)
    columns["sqft"] += 200 * np.sin(2 * np.pi * hours / 24)
    times = BEGIN_MS + hours * HOUR_MS + np.tile(np.arange(ROWS) * 1000, 24 * days)
    return columns, times


@pytest.fixture
def bundle(made, tmp_path):
    """Return the folder of a bundle whose manifest may name a rhythm."""
    folder = tmp_path / "bundles" / made.folder.name
    shutil.copytree(made.folder, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "contract": "bundle.manifest.v2"}))
    return folder


@pytest.fixture(scope="module")
def traffic_file(houses, tmp_path_factory):
    """Return a file of traffic that cycles."""
    columns, times = cycling(houses)
    path = tmp_path_factory.mktemp("cycling") / "cycling.csv"
    prices = 150 * columns["sqft"] + 50_000 * columns["bedrooms"] - 1000 * columns["age"]
    csv.write_csv(table({**columns, "prediction": prices, "time": times}), path)
    return path


def run(*words):
    return CliRunner().invoke(command, ["learn", *map(str, words)])


@pytest.mark.no_cover
def test_learned_from_a_file(bundle, traffic_file):
    """A rhythm from a file lies in the bundle, whose version stays, and the monitor and a replay find it."""
    before = load_bundle(bundle)
    result = run("--baseline", bundle, "--data", traffic_file, "--time-column", "time")
    assert result.exit_code == 0, result.output
    after = load_bundle(bundle)
    assert after.manifest["model_version"] == before.manifest["model_version"]
    learned = read_rhythm(bundle, after.manifest, Baseline.from_json(after.baseline))
    assert "sqft" in learned.cycles
    ((series, reference),) = load_references(bundle.parent).items()
    assert reference.rhythm == learned
    assert series == Series(after.manifest["model"], after.manifest["model_version"])
    without, under = [
        backtest(after, Request(traffic_file, time="time", window=50, rhythm=rhythm, cycles=rhythm is not None))
        for rhythm in (None, learned)
    ]
    # Over all hours the houses vary more than in training: that is no cycle.
    assert {alarm.finding.kind for alarm in under.replay.alarms if alarm.finding.channel == "sqft"} <= {"scale"}
    assert "location" in {alarm.finding.kind for alarm in without.replay.alarms if alarm.finding.channel == "sqft"}
    assert {window.events for window in under.windows} == {ROWS}


def test_written_to_a_file(bundle, traffic_file, tmp_path):
    """A rhythm can be written beside, with the days that are left out."""
    out = tmp_path / "rhythm.json"
    words = ["--data", traffic_file, "--time-column", "time", "--left-out", "2025-01-01=New Year"]
    result = run("--baseline", bundle, *words, "--out", out)
    assert result.exit_code == 0, result.output
    assert "New Year" in result.output
    assert json.loads(out.read_text())["left_out"][0]["from_s"] == BEGIN_MS / 1000
    assert not (bundle / "rhythm.json").exists()


USAGE = {
    "no source": ([], "--data"),
    "two sources": (["--windows", "x", "--table", "y"], "one of"),
    "no times": (["--data", "x"], "--time-column"),
    "no day": (["--left-out", "tomorrow"], "--left-out"),
    "no store": (["--windows", "nowhere"], "--windows"),
}


@pytest.mark.parametrize(("words", "named"), USAGE.values(), ids=USAGE)
def test_wrong_usage(made, words, named):
    """What is missing is named, and ends with 2."""
    result = run("--baseline", made.folder, *words)
    assert result.exit_code == 2
    assert named in result.output


def test_too_little_traffic(made, traffic, tmp_path):
    """A file of an hour is refused with what is expected, and so is a store without hours."""
    path = traffic(rows=500)
    assert "14 days" in run("--baseline", made.folder, "--data", path, "--time-column", "time").output
    empty = tmp_path / "console.sqlite"
    empty.touch()
    result = run("--baseline", made.folder, "--windows", tmp_path)
    assert (result.exit_code, "two weeks" in result.output) == (2, True)


def test_sizes(made, tmp_path):
    """What is kept of a model is shown by kind, and an option that is missing is named."""
    (tmp_path / "console.sqlite").touch()
    words = ["sizes", "--baseline", str(made.folder)]
    result = CliRunner().invoke(command, [*words, "--windows", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "ten minutes" in result.output
    assert "All together: 0 bytes" in result.output
    assert CliRunner().invoke(command, words).exit_code == 2


def test_rhythm_that_was_changed(bundle, made):
    """A file that is not the manifest's, or of another baseline, is refused; an image may lack it."""
    learned = Rhythm(made.baseline.digest, 0.0, 14 * 86_400.0, 1_000, {}, {})
    add_rhythm(bundle, learned)
    manifest = load_bundle(bundle).manifest
    assert read_rhythm(bundle, manifest, made.baseline) == learned
    path = bundle / "rhythm.json"
    path.write_text(path.read_text().replace("1000", "1001"))
    with pytest.raises(BundleError, match="sha256"):
        read_rhythm(bundle, manifest, made.baseline)
    path.unlink()
    assert read_rhythm(bundle, manifest, made.baseline) is None
    add_rhythm(bundle, Rhythm("f" * 64, 0.0, 1.0, 1, {}, {}))
    with pytest.raises(BundleError, match="baseline"):
        read_rhythm(bundle, load_bundle(bundle).manifest, made.baseline)


def test_bundle_of_a_release(made):
    """A manifest of version 1 cannot name a rhythm."""
    with pytest.raises(BundleError, match=r"manifest\.v2"):
        add_rhythm(made.folder, Rhythm(made.baseline.digest, 0.0, 1.0, 1, {}, {}))


def test_newest_eight_weeks(made, houses):
    """Of a longer file the newest eight weeks count, in whatever order its rows come."""
    hours = Hours(made.baseline)
    days = np.array([90, 0, 1, 89, 60, 40])
    columns = houses(len(days), 1)
    hours.take(columns, days * 24 * HOUR_MS, np.full(len(days), 1.0))
    hours.take(columns, days * 24 * HOUR_MS, np.full(len(days), 1.0))
    assert [begin / 86_400 for begin, _ in hours.batches()] == [40, 60, 89, 90]
    assert sum(hours.batches()[-1][1]["sqft"]) == 2
