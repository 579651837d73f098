"""Which rows are held out: the last by time where there are times, else a random share."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from drift_contracts import feature_set
from drift_engine.bundle import load_bundle
from drift_ml.baseline import Baseline
from drift_ml.rhythm import read_rhythm
from drift_ml.training import Recipe, TrainingError, load_rows, split, train
from drift_ml.training.__main__ import main
from drift_ml.training.recipes import recipe_of
from drift_ml.training.sources import FLIGHTS
from sklearn.model_selection import train_test_split

from tools.flight_recipe import inner_sides

SMALL = Recipe(trees=3)
HEADER = "bedrooms,bathrooms,sqft,age,location_score,price,sold"


def test_without_times():
    """A random share is held out, the same as ever."""
    sides = split(100, Recipe(seed=3))
    learnt, held_out = train_test_split(np.arange(100), test_size=0.2, random_state=3)
    assert sides.learnt.tolist() == learnt.tolist()
    assert sides.held_out.tolist() == held_out.tolist()
    assert sides.period_ms is None


def test_the_last_rows_by_time():
    """They are held out whatever their order, and both sides are shuffled by the seed."""
    times = np.random.default_rng(0).permutation(100) * 1000
    sides = split(100, Recipe(), times)
    assert sorted(times[sides.held_out].tolist()) == list(range(80_000, 100_000, 1000))
    assert sides.period_ms == (80_000, 99_000)
    assert times[sides.learnt].max() < times[sides.held_out].min()
    assert sides.learnt.tolist() != sorted(sides.learnt.tolist())
    again, other = split(100, Recipe(), times), split(100, Recipe(seed=8), times)
    assert again.learnt.tolist() == sides.learnt.tolist() != other.learnt.tolist()
    assert sorted(other.held_out.tolist()) == sorted(sides.held_out.tolist())


@pytest.mark.parametrize(
    ("times", "held_out"),
    [
        ([1] * 75 + [2] * 20 + [3] * 5, 25),
        ([1] * 82 + [2] * 18, 18),
        ([1] * 10 + [2] * 90, 90),
        ([1] * 99 + [2], 1),
        ([*range(70), *[100] * 30], 30),
    ],
)
def test_rows_of_one_time(times, held_out):
    """They stay together, on the side that brings the share nearest to what is wanted."""
    sides = split(100, Recipe(held_out=0.2), np.array(times))
    assert len(sides.held_out) == held_out
    assert set(np.array(times)[sides.learnt]).isdisjoint(np.array(times)[sides.held_out])


def test_one_time_only():
    """Rows that all have one time cannot be divided by it, and the way out is named."""
    with pytest.raises(TrainingError, match=r"at least two times.*at random"):
        split(100, Recipe(), np.full(100, 7))


@pytest.fixture
def dated_houses(tmp_path, houses):
    """A CSV of houses with the day on which each was sold, the newest first."""
    table = load_rows(houses, rows=200)
    columns = [table.columns[name] for name in houses.names]
    lines = [HEADER]
    for place in range(200):
        cells = [f"{column[place]:.6g}" for column in columns]
        day = 200 - place
        lines.append(",".join([*cells, f"{table.target[place]:.0f}", f"2026-{1 + day // 28:02}-{1 + day % 28:02}"]))
    path = tmp_path / "houses.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def run(*words: object):
    """Run the command."""
    return CliRunner().invoke(main, [str(word) for word in words])


def test_the_command(dated_houses, tmp_path):
    """A column of times decides what is held out; the terminal and the manifest have the period."""
    words = ("--model", "house-price", "--data", dated_houses, "--trees", 5, "--out", tmp_path / "build")
    result = run(*words, "--time-column", "sold")
    assert result.exit_code == 0, result.output
    assert "the last 40 of 200 rows by sold: 2026-06-22" in " ".join(result.output.split())
    (path,) = (tmp_path / "build/bundles/house-price").glob("*/manifest.json")
    manifest = json.loads(path.read_text())
    assert manifest["held_out"] == {
        "by": "time",
        "column": "sold",
        "from": "2026-06-22T00:00:00.000Z",
        "to": "2026-08-05T00:00:00.000Z",
    }
    assert manifest["training"]["held_out_rows"] == 40


def test_a_column_of_no_times(dated_houses, tmp_path):
    """What is no time is refused, and so is a column that is not there."""
    words = ("--model", "house-price", "--data", dated_houses, "--out", tmp_path / "build")
    result = run(*words, "--time-column", "sqft", "--ignore", "sold")
    assert result.exit_code == 1
    assert "column sqft: type: expected a time" in result.output
    assert "column day: required" in run(*words, "--time-column", "day").output
    assert not (tmp_path / "build").exists()


def test_time_column_without_file():
    """A column of times is refused without a file, which alone has columns to name."""
    assert run("--model", "house-price", "--time-column", "sold").exit_code == 2


def test_regressor_at_random(tmp_path, houses):
    """The manifest of a regressor says that rows were held out at random, and nothing of classes."""
    trained = train(houses, load_rows(houses, rows=200), tmp_path, recipe=SMALL)
    manifest = trained.manifest
    assert manifest["held_out"] == {"by": "random"}
    exactness = manifest["exactness"]
    assert (exactness["grade"], exactness["rows"], exactness["worst_ulp"]) == ("exact", 200, 0)
    assert exactness["hard_rows"] == 20_000
    assert set(manifest["importances"]) == set(houses.names)
    assert manifest["importances"]["bedrooms"]["value"] > 0
    assert {"class_scores", "calibration"}.isdisjoint(manifest)
    # Its answers and lines stay of the first version; its baseline counts the sum and signs too.
    baseline = json.loads((trained.bundle / "baseline.json").read_text())
    assert baseline["contract"] == "baseline.v2"


def test_recipe_by_inner_split():
    """The recipe of the flights is chosen among learnt rows: none of those held out is looked at."""
    flights = feature_set("flight-delay")
    table = load_rows(flights)
    recipe = recipe_of(flights.name)
    outer = split(table.rows, recipe, table.times_ms)
    inner = inner_sides(table.times_ms, recipe)
    both = np.concatenate([inner.learnt, inner.held_out])
    assert sorted(both) == sorted(outer.learnt)
    assert table.times_ms[inner.learnt].max() < table.times_ms[inner.held_out].min()


def test_flights_in_order():
    """The flights that ship are read with their times, whatever the order in their file."""
    flights = feature_set("flight-delay")
    table = load_rows(flights)
    assert table.rows == 18_186
    assert table.time_column == "scheduled"
    assert (np.diff(table.times_ms) >= 0).all()
    assert table.target.mean() == pytest.approx(0.2356, abs=1e-4)
    assert np.isnan(table.columns["wind_gust"]).mean() == pytest.approx(0.766, abs=1e-3)
    assert table.columns["engine"].tolist().count(None) == 2661


def test_reversed_flights(tmp_path):
    """A file in another order gives the same table, with equal times in the order of the file."""
    header, *lines = gzip.decompress(FLIGHTS.read_bytes()).decode().splitlines()
    path = tmp_path / "flights.csv"
    path.write_text("\n".join([header, *reversed(lines)]) + "\n")
    flights = feature_set("flight-delay")
    table = load_rows(flights, data=path, time_column="scheduled")
    shipped = load_rows(flights)
    assert table.times_ms.tolist() == shipped.times_ms.tolist()
    assert sorted(table.columns["distance"]) == sorted(shipped.columns["distance"])


def test_rhythm_of_the_rows(tmp_path, houses):
    """The rhythm of rows with times goes into the bundle where it is asked for, and not otherwise."""
    table = load_rows(houses, rows=15 * 24)
    timed = replace(table, times_ms=np.arange(15 * 24) * 3_600_000, time_column="sold")
    trained = train(houses, timed, tmp_path, recipe=SMALL, rhythm=True)
    assert trained.rhythm.events == 15 * 24
    bundle = load_bundle(trained.bundle)
    assert read_rhythm(trained.bundle, bundle.manifest, Baseline.from_json(bundle.baseline)) == trained.rhythm
    assert train(houses, timed, tmp_path, recipe=SMALL).rhythm is None
    assert not (trained.bundle / "rhythm.json").exists()
    short = replace(timed, times_ms=timed.times_ms // 2)
    assert train(houses, short, tmp_path, recipe=SMALL, rhythm=True).rhythm is None
    assert train(houses, table, tmp_path, recipe=SMALL, rhythm=True).rhythm is None
