"""The sources' facts, the forest grown in steps, and scores checked against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from drift_contracts import feature_set
from drift_ml.training import DataError, Recipe, TrainingError, find_source, fit, load_rows
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import train_test_split

FACTS = {
    "bedrooms": (3.0, 1.41, 1, 5),
    "bathrooms": (2.0, 0.82, 1, 3),
    "sqft": (2000, 500, 0, 5000),
    "age": (24.5, 14.4, 0, 49),
    "location_score": (5.5, 2.6, 1, 10),
}


@pytest.mark.parametrize("name", FACTS)
def test_houses_distribution(houses, name):
    """The synthetic houses have the documented distribution."""
    mean, deviation, low, high = FACTS[name]
    values = load_rows(houses).columns[name]
    assert len(values) == 10_000
    assert values.mean() == pytest.approx(mean, abs=4 * deviation / 100)
    assert values.std() == pytest.approx(deviation, rel=0.03)
    assert low <= values.min()
    assert values.max() <= high


def test_price_formula(houses):
    """The price is the documented formula with noise of 20,000."""
    table = load_rows(houses)
    matrix = table.matrix(houses)
    formula = matrix @ [50_000, 30_000, 150, -1_000, 20_000] + 50_000
    noise = table.target - formula
    assert abs(noise.mean()) < 1_000
    assert noise.std() == pytest.approx(20_000, rel=0.03)


def test_seed_of_rows(houses):
    """The seed determines the rows."""
    first, again, other = (load_rows(houses, rows=50, seed=seed).digest(houses) for seed in (1, 1, 2))
    assert first == again != other


def test_diabetes_rows():
    """The diabetes rows are the 442 patients in original units."""
    features = feature_set("diabetes")
    table = load_rows(features)
    assert table.matrix(features).shape == (442, 10)
    assert table.columns["age"][:3].tolist() == [59.0, 48.0, 72.0]
    assert table.target[:3].tolist() == [151.0, 75.0, 141.0]


@pytest.mark.parametrize("reference", ["no_such_module:load", "json:no_such_function", "json", ":"])
def test_unknown_source(reference):
    """A source that cannot be imported is refused with the form that is expected."""
    with pytest.raises(TrainingError, match="MODULE:FUNCTION"):
        find_source("house-price", reference)


def test_no_source():
    """A model without a source lists the ways to give rows."""
    with pytest.raises(TrainingError, match="--data FILE or --source"):
        find_source("wine")


def test_too_few_rows(houses):
    """Fewer than twenty rows are refused."""
    with pytest.raises(DataError, match="at least 20 rows"):
        load_rows(houses, rows=19)


def test_growing_in_steps(houses):
    """A forest that grows in steps equals the one of a single call."""
    table = load_rows(houses, rows=200)
    matrix = table.matrix(houses)
    recipe = Recipe(trees=12, min_samples_leaf=2, seed=3)
    steps: list[int] = []
    fitted = fit(houses, matrix, table.target, recipe, lambda done, _total: steps.append(done))
    seen, unseen = train_test_split(np.arange(200), test_size=0.2, random_state=3)
    whole = RandomForestRegressor(12, min_samples_leaf=2, random_state=3).fit(matrix[seen], table.target[seen])
    np.testing.assert_array_equal(fitted.predicted, whole.predict(matrix[unseen]))
    assert steps == [5, 10, 12]
