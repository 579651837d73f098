"""A classifier tells drifted rows from training rows, and cannot tell rows that have not drifted."""

import numpy as np
import pytest
from drift_contracts import FeatureSet
from drift_ml.training import TrainingError, domain
from drift_ml.training.domain import LEAF, MOST_ROWS, tell_apart
from scipy import stats
from sklearn.metrics import roc_auc_score
from sklearn.tree import DecisionTreeClassifier

FEATURES = FeatureSet.from_json(
    {
        "contract": "feature-set.v1",
        "name": "houses",
        "version": "1.0.0",
        "description": "Houses.",
        "target": {"name": "price", "unit": "EUR", "description": "Price."},
        "features": [
            {"name": "area", "type": "number", "unit": "m2", "example": 90, "description": "Area."},
            {"name": "age", "type": "number", "unit": "years", "example": 9, "nullable": True, "description": "Age."},
            {
                "name": "heating",
                "type": "category",
                "unit": "kind",
                "categories": ["gas", "oil"],
                "example": "gas",
                "description": "Heating.",
            },
        ],
    }
)


def rows(seed, count, shift=0.0):
    random = np.random.default_rng(seed)
    age = random.normal(size=count)
    age[::7] = np.nan
    heating = random.choice(np.array(["gas", "oil", None], dtype=object), count)
    return {"area": random.normal(shift, 1, count), "age": age, "heating": heating}


def small_tree(_categories, seed):
    return DecisionTreeClassifier(max_leaf_nodes=4, min_samples_leaf=LEAF, random_state=seed)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("classifier", "seeds", "below_a_twentieth", "below_a_half"),
    [(small_tree, 50, 6, 33), (domain.make_classifier, 30, 4, 21)],
    ids=["a small tree", "the real one"],
)
def test_uniform_p(monkeypatch, classifier, seeds, below_a_twentieth, below_a_half):
    """Without drift p is about uniform, since it comes from the shuffles, whatever the classifier."""
    monkeypatch.setattr(domain, "make_classifier", classifier)
    found = [
        tell_apart(FEATURES, rows(seed, 80), rows(seed + 1000, 70), seed=seed, permutations=2).p
        for seed in range(seeds)
    ]
    assert stats.kstest(found, "uniform").pvalue > 0.01
    assert sum(p < 0.05 for p in found) <= below_a_twentieth
    assert sum(p < 0.5 for p in found) <= below_a_half


def test_shift():
    """A shift is found as well as by the best threshold, and its feature is named."""
    before, now = rows(1, 800), rows(2, 600, shift=1.0)
    found = tell_apart(FEATURES, before, now)
    best = roc_auc_score(np.repeat([0, 1], [800, 600]), np.concatenate([before["area"], now["area"]]))
    assert best - 0.03 < found.auc < best + 0.03
    assert found.p < 1e-6
    assert found.giveaways[0][0] == "area"
    assert found.giveaways[0][1] > 0.1 > found.giveaways[1][1]
    assert (found.reference_rows, found.window_rows) == (800, 600)


def test_changed_mix():
    """A changed mix of categories names the category."""
    now = rows(2, 600)
    now["heating"] = np.where(np.arange(600) % 4 == 0, "gas", "oil").astype(object)
    assert tell_apart(FEATURES, rows(1, 800), now, permutations=2).giveaways[0][0] == "heating"


def test_same_seed():
    """The same seed gives the same answer."""
    one, other = (tell_apart(FEATURES, rows(1, 200), rows(2, 200), seed=3, permutations=2) for _ in range(2))
    assert one == other


def test_sampled_rows():
    """Of many rows a sample is used."""
    assert tell_apart(FEATURES, rows(1, MOST_ROWS + 1), rows(2, 100), permutations=2).reference_rows == MOST_ROWS


def test_too_few_rows():
    """Fewer than ten rows are refused."""
    with pytest.raises(TrainingError, match="at least 10 rows"):
        tell_apart(FEATURES, rows(1, 9), rows(2, 100))


LEVELS = [f"district {number}" for number in range(1_000)]
DISTRICTS = FeatureSet.from_json(
    {
        **FEATURES.to_json(),
        "features": [
            {
                "name": "district",
                "type": "category",
                "unit": "kind",
                "categories": LEVELS,
                "example": LEVELS[0],
                "description": "District.",
            }
        ],
    }
)


@pytest.mark.parametrize(("highest", "apart"), [(1_000, False), (120, True)], ids=["the same levels", "fewer levels"])
def test_many_categories(highest, apart):
    """Categories beyond the classifier's limit share a code, and a changed mix is still found."""
    random = np.random.default_rng(5)
    before, now = (np.array(LEVELS, dtype=object)[random.integers(0, most, 1_500)] for most in (1_000, highest))
    told = tell_apart(DISTRICTS, {"district": before}, {"district": now}, permutations=2)
    assert (told.auc > 0.8) is apart
    assert apart or told.auc < 0.6
