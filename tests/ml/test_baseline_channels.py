"""Where the frozen bins are cut, what they count and what they score."""

from itertools import pairwise

import numpy as np
import pytest
from drift_ml.baseline import Channel
from drift_ml.baseline._bins import between, bin_limit, cut, normal_scores, standardised
from drift_ml.baseline.fit import fit_baseline
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

COUNTS = st.lists(st.integers(0, 50), min_size=1, max_size=20).filter(sum)


def channel_of(make, column, kind="area"):
    return fit_baseline(make.feature_set(kind), {kind: column}).channel(kind)


def test_few_values(make):
    """Few distinct values have a bin each."""
    channel = channel_of(make, [1, 1, 2, 5] * 10, "rooms")
    assert (channel.kind, channel.values, channel.counts) == ("values", (1.0, 2.0, 5.0), (20, 10, 10))


def test_many_values(make):
    """Many distinct values are cut at quantiles into 64 equal bins."""
    channel = channel_of(make, np.arange(10_000) / 7)
    assert channel.kind == "quantiles"
    assert len(channel.counts) == 64
    assert max(channel.counts) - min(channel.counts) <= 1


def test_ties(make):
    """Equal values are in the same bin."""
    column = np.concatenate([np.zeros(500), np.arange(1, 501)])
    channel = channel_of(make, column)
    assert channel.counts[0] == 500
    assert sum(channel.counts) == 1000


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=200), st.integers(2, 12))
def test_counts_by_numpy(values, limit):
    """Counts are those of numpy on the same edges."""
    distinct, counted = np.unique(np.array(values) / 7, return_counts=True)
    edges, counts = cut(distinct, counted, limit)
    assert len(counts) == len(edges) + 1 <= limit
    assert 0 not in counts
    found = np.bincount(np.searchsorted(edges, np.array(values) / 7), minlength=len(counts))
    assert found.tolist() == counts


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_short_edge(one, other):
    """An edge is a short number between two values."""
    assume(one != other)
    low, high = min(one, other), max(one, other)
    assert low <= between(low, high) < high


def test_edge_of_all_digits():
    """Between neighbours the edge is the lower one."""
    low = 0.30000000000000004
    assert between(low, np.nextafter(low, 1)) == low


def test_bin_limit():
    """The number of bins grows with the reference, up to 64."""
    assert [bin_limit(rows) for rows in (1, 32, 1000, 10**6)] == [2, 8, 31, 64]


@given(COUNTS)
def test_standard_scores(counts):
    """Scores are standardised and ascending."""
    scores = normal_scores(counts)
    total = sum(counts)
    mean = sum(score * count for score, count in zip(scores, counts, strict=True)) / total
    assert abs(mean) <= 1
    filled = [score for score, count in zip(scores, counts, strict=True) if count]
    assert filled == sorted(filled)
    if len(filled) > 1:
        variance = sum(score**2 * count for score, count in zip(scores, counts, strict=True)) / total
        assert variance == pytest.approx(1e6, rel=0.01)


def test_scores_of_normal():
    """Scores are the means of a normal distribution that is cut at the bins."""
    means = [stats.truncnorm(low, high).mean() for low, high in ((-np.inf, 0), (0, np.inf))]
    assert normal_scores([5, 5]) == standardised(means, [5, 5]) == (-1000, 1000)
    ends = stats.norm.ppf([0, 0.2, 0.5, 1])
    means = [stats.truncnorm(low, high).mean() for low, high in pairwise(ends)]
    assert normal_scores([2, 3, 5]) == standardised(means, [2, 3, 5])


def test_empty_bin_score():
    """An empty bin has the score of its quantile."""
    assert normal_scores([0, 4]) == standardised([stats.norm.ppf(0.125), 0.0], [0, 4])
    assert normal_scores([0, 1]) == (0, 0)


def test_products(make):
    """A product channel counts the products of the scores."""
    of = make.columns(2, 400)
    baseline = fit_baseline(make.feature_set("area", "ground"), of)
    one, other = baseline.channel("area"), baseline.channel("ground")
    product = baseline.channel("product:area:ground")
    found = [0] * len(product.counts)
    for first, second in zip(of["area"], of["ground"], strict=True):
        if not np.isnan(second):
            found[product.bin(one.scores[one.bin(first)] * other.scores[other.bin(second)] // 1000)] += 1
    assert tuple(found) == product.counts


def test_sum_of_squares(make):
    """The sum of squares counts a missing feature as 1, its expectation."""
    of = make.columns(2, 400)
    baseline = fit_baseline(make.feature_set("area", "ground"), of)
    one, other = baseline.channel("area"), baseline.channel("ground")
    squares = baseline.channel("sum_of_squares")
    found = [0] * len(squares.counts)
    for first, second in zip(of["area"], of["ground"], strict=True):
        ours = other.scores[other.bin(second)] ** 2 // 1000 if not np.isnan(second) else 1000
        found[squares.bin(one.scores[one.bin(first)] ** 2 // 1000 + ours)] += 1
    assert tuple(found) == squares.counts


def test_never_together(make):
    """Features that never occur together have no product channel."""
    area = np.where(np.arange(20) < 10, np.arange(20.0), np.nan)
    ground = np.where(np.arange(20) < 10, np.nan, np.arange(20.0))
    baseline = fit_baseline(make.feature_set("area", "ground"), {"area": area, "ground": ground})
    kinds = [channel.kind for channel in baseline.channels]
    assert "product" not in kinds
    assert "sum_of_squares" in kinds


def test_most_correlated_pairs(make):
    """Of more than ten features only the most correlated pairs have a product channel."""
    names = [f"f{place}" for place in range(12)]
    random = np.random.default_rng(0)
    of = {name: random.normal(size=300) for name in names}
    of["f11"] = of["f0"] + 0.1 * of["f11"]
    features = make.feature_set("area", **{name: {"type": "number", "example": 1} for name in names})
    baseline = fit_baseline(features, of | {"area": np.zeros(300)})
    pairs = [channel.name for channel in baseline.channels if channel.kind == "product"]
    assert len(pairs) == 45
    assert "product:f0:f11" in pairs
    assert not any("area" in pair for pair in pairs)


def test_usual_bounds(make):
    """Values outside the usual bounds are counted."""
    baseline = fit_baseline(make.feature_set("rooms"), {"rooms": [1, 2, 5, 6, 9]})
    channel = baseline.channel("out_of_range:rooms")
    assert (channel.bounds, channel.counts) == ((1.0, 5.0), (3, 2))


@pytest.mark.parametrize(("column", "counts"), [([1, 2, 3], (1, 2)), ([1, 1, 3], (2, 1)), ([1, 1, 3, 3], (4, 0))])
def test_bounds_from_data(make, column, counts):
    """Without usual bounds, those outside are expected as often as the ends occurred alone."""
    baseline = fit_baseline(make.feature_set("area"), {"area": column})
    assert baseline.channel("out_of_range:area").counts == counts


def test_new_values(make):
    """New values are expected as often as values occurred once."""
    baseline = fit_baseline(make.feature_set("rooms"), {"rooms": [1] * 30 + [2] * 30 + [7]})
    assert baseline.channel("new:rooms").counts == (60, 1)


def test_new_categories(houses, make):
    """Categories outside the feature set are counted as new."""
    heating = make.columns(1, 600)["heating"].tolist()
    channel = houses.channel("heating")
    assert dict(zip(channel.categories, channel.counts, strict=True)) == {
        name: heating.count(name) for name in ("gas", "oil", "wood")
    }
    assert houses.channel("new:heating").counts[1] == heating.count("heat pump")
    assert houses.channel("missing:heating").counts[1] == heating.count(None)


@pytest.mark.parametrize(
    ("channel", "labels"),
    [
        (Channel("a", "values", ("a",), (1, 1), values=(1.0, 2.5)), ["1", "2.5"]),
        (Channel("a", "categories", ("a",), (1, 1), categories=(False, True)), ["false", "true"]),
        (Channel("a", "categories", ("a",), (1,), categories=("red",)), ["red"]),
        (Channel("a", "missing", ("a",), (1, 1)), ["no", "yes"]),
        (Channel("a", "quantiles", ("a",), (1,)), ["all"]),
        (Channel("a", "product", ("a", "b"), (1, 1, 1), edges=(0.0, 5.0)), ["<= 0", "0 to 5", "> 5"]),
    ],
)
def test_bin_labels(channel, labels):
    """Every bin has a label."""
    assert channel.labels == labels
