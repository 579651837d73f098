"""A replay watches the segments of a bundle: a drift in one is found, named, and told once."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from drift_contracts import FeatureSet
from drift_engine.bundle import SEGMENTS, describe_files, load_bundle
from drift_ml.baseline import Baseline
from drift_ml.replay.answering import Answers
from drift_ml.replay.commands import replay
from drift_ml.replay.segments import SegmentWindows
from drift_ml.segments import read_segments
from drift_ml.segments.fit import fit_segments
from pyarrow import csv, table

from tests.replay.conftest import HOUSES, house_rows

ROWS = 4_000


@pytest.fixture(scope="module")
def bundle(made, tmp_path_factory):
    """Return a bundle whose rows are cut by the location, a tenth of them below 1.9."""
    folder = tmp_path_factory.mktemp("bundles") / made.folder.name
    shutil.copytree(made.folder, folder)
    cuts = [{"feature": "location_score", "cuts": [1.9]}]
    houses = FeatureSet.from_json(HOUSES.to_json() | {"contract": "feature-set.v2", "segments": cuts})
    baseline = Baseline.from_json(load_bundle(folder).baseline)
    segments = fit_segments(houses, house_rows(10_000, seed=1), baseline)
    data = json.dumps(segments.to_json()).encode()
    (folder / SEGMENTS).write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_text())
    members = {"contract": "bundle.manifest.v2", "offline_files": describe_files({SEGMENTS: data})}
    (folder / "manifest.json").write_text(json.dumps(manifest | members))
    return folder


@pytest.fixture
def run(bundle, tmp_path):
    """Replay rows whose areas have risen from the middle on, in a part of them; the code and the document."""

    def replayed(is_moved, *options):
        columns = house_rows(ROWS, seed=9)
        moved = is_moved(columns["location_score"]) & (np.arange(ROWS) >= ROWS // 2)
        columns["sqft"] += np.where(moved, 250, 0)
        csv.write_csv(table(columns), tmp_path / "rows.csv")
        words = ["--data", tmp_path / "rows.csv", "--baseline", bundle, "--json", *options]
        result = CliRunner().invoke(replay, list(map(str, words)))
        return result.exit_code, json.loads(result.stdout)

    return replayed


def alarms_of(document):
    """Return, by value, whether each alarm on the area joins another."""
    found = {}
    for part in document["segments"]:
        listed = [alarm["joins"] for alarm in part["alarms"] if alarm["words"].startswith("sqft")]
        if listed:
            found[part["value"]] = listed
    return found


def test_drift_in_a_segment(run):
    """A drift of a tenth of the rows is found in its segment, at the rows of the file."""
    _, document = run(lambda score: score < 1.9)
    assert alarms_of(document) == {"below 1.9": [False]}
    first = next(part for part in document["segments"] if part["value"] == "below 1.9")
    alarm = next(alarm for alarm in first["alarms"] if alarm["words"].startswith("sqft"))
    assert ROWS // 2 < alarm["row"] < ROWS * 0.8
    assert alarm["since_row"] == pytest.approx(ROWS // 2, abs=300)
    assert alarm["words"].endswith("in location_score below 1.9")
    words = [document["verdict"]["headline"], *document["verdict"]["others"]]
    assert any("location_score below 1.9" in each for each in words)
    assert [part["watched"] for part in document["segments"]] == [True, True, False]


@pytest.mark.no_cover
def test_drift_of_all(run):
    """A drift of all rows is told of all of them, and its segments join."""
    code, document = run(lambda score: score > 0)
    assert code == 1
    assert all(all(joins) for joins in alarms_of(document).values())
    assert "in location_score" not in document["verdict"]["headline"]


def test_page_of_a_segment(run, tmp_path):
    """The page of a drift that is of a segment alone names it."""
    page = tmp_path / "page.html"
    code, document = run(lambda score: score < 1.9, "--html", str(page))
    assert (code, document["replay"]["alarms"]) == (1, [])
    assert "in location_score below 1.9" in page.read_text("utf-8")


def test_strongest_segment(bundle, tmp_path):
    """Where all rows drift, and a segment far more, the words say where it is strongest."""
    columns = house_rows(ROWS, seed=9)
    is_late = np.arange(ROWS) >= ROWS // 2
    is_low = columns["location_score"] < 1.9
    columns["sqft"] += np.where(is_late, np.where(is_low, 400, 120), 0)
    csv.write_csv(table(columns), tmp_path / "rows.csv")
    words = ["--data", str(tmp_path / "rows.csv"), "--baseline", str(bundle)]
    page = tmp_path / "page.html"
    shown = " ".join(CliRunner().invoke(replay, [*words, "--html", str(page)]).output.split())
    assert "2 segments were watched" in shown
    assert "2 segments were watched" in page.read_text("utf-8")
    assert "strongest in location_score below 1.9" in shown


def test_quiet_segments(bundle, tmp_path):
    """Where nothing drifts the words name no segment."""
    csv.write_csv(table(house_rows(400, seed=9)), tmp_path / "rows.csv")
    words = ["--data", str(tmp_path / "rows.csv"), "--baseline", str(bundle)]
    shown = " ".join(CliRunner().invoke(replay, words).output.split())
    assert "none drifts alone" in shown
    assert "strongest" not in shown


def test_switched_off(run):
    """Without segments the rows are watched as a whole, with all of the budget."""
    _, document = run(lambda score: score < 0, "--no-segments")
    assert document["segments"] == []
    assert document["replay"]["budget_events"] == 100_000


def test_sessions_of_a_segment(bundle):
    """The sessions of a segment's rows are counted in its windows."""
    loaded = load_bundle(bundle)
    segments = read_segments(bundle, loaded.manifest, Baseline.from_json(loaded.baseline))
    counted = SegmentWindows(segments, loaded.feature_set, "0" * 12)
    rows = house_rows(40, seed=9)
    visits = np.array([f"v{number // 4}" for number in range(40)], dtype=object)
    counted.take(rows, Answers(np.ones(40)), None, visits)
    counted.close()
    windows = [window for segment in segments for window in counted.windows(segment)]
    assert sum(window.sketches.sessions.events for window in windows) == 40
