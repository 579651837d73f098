"""Every estimator: of numbers and of classes, the same bytes again, and what it cannot take."""

from __future__ import annotations

import builtins
import sys

import joblib
import numpy as np
import pytest
from click.testing import CliRunner
from drift_contracts import feature_set
from drift_contracts.exits import CANNOT_START
from drift_engine.bundle import load_bundle
from drift_ml.tables import Table
from drift_ml.training import Recipe, TrainingError, fit, load_rows, train
from drift_ml.training.__main__ import main
from drift_ml.training.estimators import categories_of, make_estimator, parameters
from drift_ml.training.recipe_options import read_recipe
from drift_ml.training.recipes import ESTIMATORS, recipe_of
from sklearn.ensemble import HistGradientBoostingClassifier

from tests.training.test_training_classes import wine, wines

FOREST = ("random-forest", "extra-trees")
BOOSTED = ("hist-boosting", "gradient-boosting", "xgboost", "lightgbm")


def bundle_bytes(trained):
    """Return all files of a bundle."""
    return {path.name: path.read_bytes() for path in trained.bundle.iterdir()}


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_numbers(tmp_path, houses, estimator):
    """A regressor of any family is packed exactly, and answers as the estimator beside it."""
    recipe = Recipe(estimator, trees=10)
    trained = train(houses, load_rows(houses, rows=300), tmp_path, recipe=recipe)
    bundle = load_bundle(trained.bundle)
    rows = load_rows(houses, rows=100, seed=9).matrix(houses)
    expected = np.asarray(joblib.load(trained.estimator).predict(rows), dtype=np.float64)
    np.testing.assert_array_equal(bundle.model.predict_many(rows.tolist()), expected)
    names = set(bundle_bytes(trained))
    assert ("forest.bin" in names, "model.bin" in names) == (estimator in FOREST, estimator in BOOSTED)
    assert trained.manifest.get("exactness", {"grade": "exact"})["grade"] == "exact"


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("classes", [("bad", "good"), ("bad", "fair", "good")], ids=["two", "three"])
def test_classes(tmp_path, estimator, classes):
    """A classifier of any family is packed, exactly or but for the link's last places."""
    chosen = wine(*classes)
    table = wines(chosen, missing=ESTIMATORS[estimator].takes_missing)
    if not ESTIMATORS[estimator].takes_missing:
        # It could not answer to a null, so requests may have none.
        document = chosen.to_json()
        for feature in document["features"][:2]:
            feature["nullable"] = False
        chosen = type(chosen).from_json(document)
    trained = train(chosen, table, tmp_path, recipe=Recipe(estimator, trees=10))
    assert trained.manifest["exactness"]["grade"] in {"exact", "exact-link"}
    assert (trained.bundle / "model.bin").is_file()
    model = load_bundle(trained.bundle).model
    rows = table.matrix(chosen)[:50]
    expected = joblib.load(trained.estimator).predict_proba(rows)
    np.testing.assert_allclose(model.scores_many(rows.tolist()), expected, rtol=1e-6)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_same_bytes_again(tmp_path, estimator):
    """Equal rows and recipes give equal bundles, whatever the library does in its threads."""
    chosen = wine("bad", "good") if estimator != "gradient-boosting" else feature_set("house-price")
    table = wines(chosen) if chosen.target.is_class else load_rows(chosen, rows=200)
    first, second = (
        bundle_bytes(train(chosen, table, tmp_path / str(run), recipe=Recipe(estimator, trees=5))) for run in range(2)
    )
    assert first == second


def test_missing_values_that_cannot_be_taken():
    """The estimator, the features and the ways out are named."""
    chosen = wine("bad", "good")
    table = wines(chosen)
    with pytest.raises(TrainingError, match=r"gradient-boosting .* sugar, colour .*hist-boosting"):
        fit(chosen, table.matrix(chosen), table.target, Recipe("gradient-boosting"))


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_a_library_that_is_not_installed(tmp_path, monkeypatch, library):
    """The line that installs it is printed, and nothing is written."""
    real = builtins.__import__

    def absent(name, *rest, **more):
        if name.partition(".")[0] == library:
            raise ModuleNotFoundError(f"No module named {library!r}", name=library)
        return real(name, *rest, **more)

    for name in [name for name in sys.modules if name.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    words = ["--model", "house-price", "--rows", "100", "--estimator", library, "--out", str(tmp_path / "build")]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == CANNOT_START
    assert f"pip install -e 'ml[{library}]'" in " ".join(result.output.split())
    assert not (tmp_path / "build").exists()


def test_categories():
    """Forests and gradient boosting see places in the list, the others categories by name."""
    chosen = wine("bad", "good")
    by_name = {name: categories_of(chosen, Recipe(name)) for name in ESTIMATORS}
    assert by_name == {
        "random-forest": [],
        "extra-trees": [],
        "hist-boosting": [1],
        "gradient-boosting": [],
        "xgboost": [1],
        "lightgbm": [1],
    }


def test_too_many_categories_for_bytes(tmp_path):
    """From 256 on they are numbers to histograms of bytes, and the model is packed all the same."""
    document = wine("bad", "good").to_json()
    document["features"][1]["categories"] = ["red", *map(str, range(253))]
    chosen = type(wine("a", "b")).from_json(document)
    assert categories_of(chosen, Recipe("hist-boosting")) == [1]
    document["features"][1]["categories"].append("last")
    chosen = type(chosen).from_json(document)
    assert categories_of(chosen, Recipe("hist-boosting")) == []
    table = wines(chosen)
    many = np.array([str(place % 253) for place in range(400)], dtype=object)
    many[::5] = "red"
    wide = Table("cellar", {**table.columns, "colour": many}, table.target)
    trained = train(chosen, wide, tmp_path, recipe=Recipe("hist-boosting", trees=5))
    assert trained.manifest["exactness"]["grade"] == "exact"


def test_parameters_by_library():
    """A recipe is written in the manifest by the names of its library."""
    assert parameters(Recipe()) == {"n_estimators": 100, "min_samples_leaf": 5, "random_state": 7}
    assert parameters(Recipe("lightgbm", learning_rate=0.2)) == {
        "n_estimators": 100,
        "min_child_samples": 5,
        "random_state": 7,
        "learning_rate": 0.2,
    }
    flights = feature_set("flight-delay")
    estimator = make_estimator(flights, recipe_of("flight-delay"))
    assert isinstance(estimator, HistGradientBoostingClassifier)
    assert (estimator.learning_rate, estimator.min_samples_leaf, estimator.early_stopping) == (0.02, 5, False)
    assert estimator.categorical_features == [0, 2, 3, 4, 8]


def test_recipes_by_model():
    """What nobody asks for is the model's own, unless another estimator is asked for."""
    assert read_recipe("house-price", {"trees": None}) == Recipe()
    assert read_recipe("flight-delay", {"trees": 5}).estimator == "hist-boosting"
    assert read_recipe("flight-delay", {"trees": 5}).learning_rate == 0.02
    assert read_recipe("flight-delay", {"estimator": "extra-trees"}) == Recipe("extra-trees")


def test_a_learning_rate_of_a_forest():
    """A forest has none, so it is refused."""
    assert CliRunner().invoke(main, ["--model", "house-price", "--learning-rate", "0.1"]).exit_code == 2
