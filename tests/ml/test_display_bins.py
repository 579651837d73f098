"""Display bins: few, ordered, holding all of the baseline, and readable."""

from itertools import pairwise

import numpy as np
import pytest
from drift_console.histogram import Distribution
from drift_ml.display_bins import INNER_BINS, display_bins
from hypothesis import given
from hypothesis import strategies as st


def quantiles(values, bins=64):
    edges = sorted(set(np.quantile(values, np.arange(1, bins) / bins).tolist()))
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    return {"kind": "quantiles", "edges": edges, "counts": counts.tolist()}, {
        "min": min(values),
        "max": max(values),
    }


numbers = st.lists(st.floats(-1e6, 1e6).map(lambda value: round(value, 3)), min_size=1, max_size=200)


@given(numbers)
def test_any_baseline(values):
    """Bins of any baseline are few and ordered, and hold all of it."""
    bins = display_bins(*quantiles(values))
    assert len(bins.shares) == len(bins.labels) == len(bins.edges) + 1 <= INNER_BINS + 2
    assert all(low < high for low, high in pairwise(bins.edges))
    assert sum(bins.shares) == pytest.approx(1.0)
    assert min(bins.shares) >= -1e-12


@given(
    st.lists(st.integers(-50, 50), min_size=1, max_size=80)
    | st.lists(st.integers(-99, 99).map(lambda n: n / 4), min_size=30)
)
def test_listed_values(values):
    """Bins of listed values are few and ordered, and hold all of them."""
    listed, counts = np.unique(values, return_counts=True)
    bins = display_bins({"kind": "values", "values": listed.tolist(), "counts": counts.tolist()}, {})
    assert len(bins.shares) == len(bins.labels) == len(bins.edges) + 1 <= INNER_BINS + 2
    assert all(low < high for low, high in pairwise(bins.edges))
    assert sum(bins.shares) == pytest.approx(1.0)
    assert Distribution.of(values).shares(bins.edges) == pytest.approx(bins.shares)


def test_baseline_shares():
    """The baseline's shares are those of its rows."""
    values = np.random.default_rng(5).normal(2000, 500, 20_000)
    bins = display_bins(*quantiles(values))
    live = Distribution.of(values).shares(bins.edges)
    assert np.abs(np.array(live) - bins.shares).max() < 0.01


def test_few_values():
    """A few values have a bin each, with room at both ends."""
    channel = {"kind": "values", "values": [1, 2, 3, 4, 5], "counts": [1990, 2010, 2003, 1999, 1998]}
    bins = display_bins(channel, {"min": 1, "max": 5})
    assert bins.labels == ("below 1", "1", "2", "3", "4", "5", "above 5")
    assert bins.edges == (0.5, 1.5, 2.5, 3.5, 4.5, 5.5)
    assert bins.shares[1] == 0.199
    assert Distribution.of([0, 1, 5, 15]).shares(bins.edges) == [0.25, 0.25, 0, 0, 0, 0.25, 0.25]


def test_categories():
    """Categories are named, and new ones come last."""
    bins = display_bins({"kind": "categories", "categories": ["red", "blue"], "counts": [3, 1]}, {})
    assert bins.labels == ("red", "blue", "other")
    assert bins.shares == (0.75, 0.25, 0.0)
    assert Distribution.of([0, 1, 1, 2]).shares(bins.edges) == [0.25, 0.5, 0.25]


def test_truth_values():
    """Truth values are named."""
    bins = display_bins({"kind": "categories", "categories": [False, True], "counts": [1, 3]}, {})
    assert (bins.labels, bins.shares) == (("false", "true"), (0.25, 0.75))
    assert Distribution.of([0, 1, 1, 1]).shares(bins.edges) == [0.25, 0.75]


def test_whole_numbers():
    """Many whole numbers are put together evenly."""
    bins = display_bins({"kind": "values", "values": list(range(50)), "counts": [1] * 50}, {})
    assert bins.labels[:3] == ("below 0", "0 to 2", "3 to 5")
    assert bins.shares[1:-2] == pytest.approx([0.06] * 16)
    assert bins.shares[0] == bins.shares[-1] == 0


def test_constant_feature():
    """A constant feature still has bins."""
    bins = display_bins({"kind": "quantiles", "edges": [], "counts": [10]}, {"min": 7.0, "max": 7.0})
    assert bins.edges[0] < 7.0 < bins.edges[-1]


def test_labels():
    """Labels and borders agree."""
    shown = display_bins(
        {"kind": "quantiles", "edges": [1500.0, 2000.0, 2500.0], "counts": [1, 3, 3, 1]},
        {"min": 0.0, "max": 4000.0},
    ).to_json()
    assert shown[0]["low"] is None
    assert shown[-1]["high"] is None
    assert [one["high"] for one in shown[:-1]] == [one["low"] for one in shown[1:]]
    assert shown[0]["label"].startswith("below ")
