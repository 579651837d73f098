"""The whole job: equal inputs give equal bytes, bad models are not packed, a third model is two files."""

from __future__ import annotations

import json
from pathlib import Path

import joblib
import numpy as np
import pytest
from click.testing import CliRunner
from drift_contracts import FeatureSet, schemas
from drift_engine.bundle import load_bundle
from drift_engine.forest.writer import Tree
from drift_ml.converters import CannotServe, NotExact
from drift_ml.training import ModelWorseThanMean, Recipe, Table, load_rows, pack, train
from drift_ml.training.__main__ import main

SMALL = Recipe(trees=10)


def run(*words: object):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def trained(tmp_path_factory, houses):
    return train(houses, load_rows(houses, rows=600), tmp_path_factory.mktemp("build"), recipe=SMALL)


def test_identical_bundles(tmp_path, trained, houses):
    """Equal inputs and seed give byte-identical bundles."""
    again = train(houses, load_rows(houses, rows=600), tmp_path, recipe=SMALL)
    first, second = ({path.name: path.read_bytes() for path in job.bundle.iterdir()} for job in (trained, again))
    assert first == second
    assert set(first) == {"manifest.json", "feature_set.json", "baseline.json", "forest.bin", "rows.bin"}


def test_another_seed(tmp_path, trained, houses):
    """Another seed gives another version."""
    other = train(houses, load_rows(houses, rows=600), tmp_path, recipe=Recipe(trees=10, seed=8))
    assert other.manifest["model_version"] != trained.manifest["model_version"]


def test_contracts(trained):
    """The manifest and the baseline keep their contracts."""
    for name in ("bundle.manifest.v2", "baseline.v2"):
        file = "manifest.json" if "manifest" in name else "baseline.json"
        schemas.check(name, json.loads((trained.bundle / file).read_text()))


def test_answers_of_estimator(trained, houses):
    """The bundle answers as the estimator beside it."""
    bundle = load_bundle(trained.bundle)
    estimator = joblib.load(trained.estimator)
    rows = load_rows(houses, rows=300, seed=99).matrix(houses)
    np.testing.assert_array_equal(bundle.model.predict_many(rows.tolist()), estimator.predict(rows))


def test_training_again(tmp_path, houses):
    """Training again replaces the bundle and leaves nothing else."""
    for seed in (1, 2):
        train(houses, load_rows(houses, rows=100), tmp_path, recipe=Recipe(trees=3, seed=seed))
    assert [path.name for path in (tmp_path / "bundles").iterdir()] == ["house-price"]
    assert load_bundle(tmp_path / "bundles" / "house-price").manifest["training"]["seed"] == 2


def test_segments(tmp_path, houses, monkeypatch):
    """Where the feature set names segments, the bundle has a baseline of each, with its held-out answers."""
    monkeypatch.setattr("drift_ml.segments.fit.FEWEST_ROWS", 100)
    document = houses.to_json() | {"contract": "feature-set.v2", "segments": [{"feature": "age", "cuts": [10]}]}
    cut = FeatureSet.from_json(document)
    trained = train(cut, load_rows(cut, rows=600), tmp_path, recipe=SMALL)
    young, old = trained.segments.watched
    assert young.rows + old.rows == 600
    bundle = load_bundle(trained.bundle)
    assert bundle.feature_set.segments == cut.segments
    held_out = [segment.baseline.prediction.count for segment in (young, old)]
    assert sum(held_out) == trained.manifest["training"]["held_out_rows"]


def noise(houses, target):
    table = load_rows(houses, rows=200)
    return Table("noise", table.columns, target)


@pytest.mark.parametrize(
    "target", [np.random.default_rng(0).normal(0, 1, 200), np.ones(200)], ids=["noise", "a constant"]
)
def test_worse_than_mean(tmp_path, houses, target):
    """A model that is no better than the mean is not packed."""
    with pytest.raises(ModelWorseThanMean, match=r"no better than .* the mean"):
        train(houses, noise(houses, target), tmp_path, recipe=SMALL)
    assert not list(tmp_path.rglob("*.bin"))


def test_other_forest_bit(tmp_path, houses, monkeypatch):
    """A packed forest that differs by a bit is refused."""
    honest = pack.encode_forest

    def one_bit_off(trees, **rest):
        return honest([Tree(**(vars(tree) | {"value": np.nextafter(tree.value, np.inf)})) for tree in trees], **rest)

    monkeypatch.setattr(pack, "encode_forest", one_bit_off)
    with pytest.raises(NotExact) as refused:
        train(houses, load_rows(houses, rows=100), tmp_path, recipe=Recipe(trees=3))
    assert refused.value.what == "scores"
    assert refused.value.differing > 0
    assert not list(tmp_path.rglob("*.bin"))


def test_large_forest(tmp_path, houses, monkeypatch):
    """A forest whose file would be larger than 512 MB is refused."""
    monkeypatch.setattr(pack, "LARGEST_FILE", 100)
    with pytest.raises(CannotServe, match="512 MB"):
        train(houses, load_rows(houses, rows=100), tmp_path, recipe=Recipe(trees=3))
    assert not list(tmp_path.rglob("*.bin"))


def test_command(tmp_path):
    """The command trains and shows a prediction from the bundle."""
    result = run("--model", "house-price", "--rows", 300, "--trees", 5, "--out", tmp_path)
    assert result.exit_code == 0
    assert "price" in result.output
    assert load_bundle(tmp_path / "bundles" / "house-price").manifest["training"]["rows"] == 300


def test_all_models(tmp_path):
    """Without a model, every model that ships is trained."""
    assert run("--rows", 200, "--trees", 5, "--out", tmp_path).exit_code == 0
    assert sorted(path.name for path in (tmp_path / "bundles").iterdir()) == [
        "diabetes",
        "flight-delay",
        "house-price",
    ]


def test_bad_data(tmp_path, csv):
    """Bad data end with exit code 1 and every finding."""
    path = csv(change={(3, "sqft"): "NaN", (7, "age"): "old"})
    result = run("--model", "house-price", "--data", path, "--out", tmp_path)
    assert result.exit_code == 1
    assert "column sqft: finite: expected a finite number (row 3)" in result.output
    assert "column age: type: expected a number (row 7)" in result.output
    assert not (tmp_path / "bundles").exists()


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("bedrooms;bathrooms;sqft;age;location_score;price\n3;2;2000;10;7;1\n", "--delimiter"),
        ("3,2,2000,10,7,690000\n3,2,2000,10,7,690000\n", "holds values"),
        ('bedrooms,bathrooms,sqft,age,location_score,price\n3,2,2000,10,7,"1\n2,2,3\n', "quote"),
    ],
)
def test_unreadable_file(tmp_path, text, hint):
    """A file that cannot be read ends with exit code 2, as its rows are unknown."""
    path = tmp_path / "t.csv"
    path.write_text(text)
    result = run("--model", "house-price", "--data", path, "--out", tmp_path)
    assert (result.exit_code, hint in result.output) == (2, True)


@pytest.mark.parametrize(
    "words",
    [
        ["--data", "houses.csv"],
        ["--model", "house-price", "--trees", 0],
        ["--model", "house-price", "--feature-set", __file__],
        ["--nonsense"],
    ],
)
def test_usage_errors(words):
    """Wrong usage ends with exit code 2."""
    assert run(*words).exit_code == 2


def test_unknown_model():
    """An unknown model ends with exit code 2 and those that ship."""
    result = run("--model", "no-such-model")
    assert result.exit_code == 2
    assert "house-price" in result.output


SOURCE = """
import numpy as np
from drift_ml.training import Table

def load(feature_set, rows, seed):
    random = np.random.default_rng(seed)
    sugar = random.uniform(1, 20, rows)
    colour = np.array(["red", "white"], dtype=object)[random.integers(0, 2, rows)]
    return Table("cellar", {"sugar": sugar, "colour": colour}, 80 + sugar + 3.0 * (colour == "red"))
"""


def test_third_model(tmp_path, monkeypatch):
    """A third model is a feature set file and a data source."""
    feature_set_file = tmp_path / "wine.json"
    feature_set_file.write_text(
        json.dumps(
            {
                "contract": "feature-set.v1",
                "name": "wine",
                "version": "1.0.0",
                "description": "Points for a wine.",
                "target": {"name": "points", "unit": "points", "description": "Jury's points."},
                "features": [
                    {
                        "name": "sugar",
                        "type": "number",
                        "unit": "g/l",
                        "minimum": 0,
                        "example": 5,
                        "description": "Residual sugar.",
                    },
                    {
                        "name": "colour",
                        "type": "category",
                        "unit": "none",
                        "categories": ["red", "white"],
                        "example": "red",
                        "description": "Colour.",
                    },
                ],
            }
        )
    )
    (tmp_path / "cellar_source.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    result = run(
        *("--feature-set", feature_set_file, "--source", "cellar_source:load"),
        *("--rows", 300, "--trees", 10, "--out", tmp_path / "build"),
    )
    assert result.exit_code == 0, result.output
    bundle = load_bundle(Path(tmp_path / "build" / "bundles" / "wine"))
    assert bundle.model.predict((5.0, 0.0)) == pytest.approx(88, abs=1)
