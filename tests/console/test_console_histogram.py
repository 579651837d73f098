"""Distributions: exact moments, percentiles within a cell's width, and addition without order."""

import math

import numpy as np
import pytest
from drift_console.alarms import UnknownStatistic, samples_needed, value_of
from drift_console.histogram import Distribution
from hypothesis import given
from hypothesis import strategies as st

finite = st.floats(-1e30, 1e30, allow_subnormal=False).filter(lambda value: value == 0 or abs(value) > 1e-30)
samples = st.lists(finite, min_size=1, max_size=60)


def nearest_rank(values, percent):
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100 * (1 - 1e-12)) - 1)]


@given(samples, st.floats(0, 100))
def test_percentiles(values, percent):
    """Percentiles are those of the sorted values within a cell."""
    expected = nearest_rank(values, percent)
    assert Distribution.of(values).percentile(percent) == pytest.approx(expected, rel=1 / 256)


@given(st.lists(st.integers(-256, 256), min_size=1, max_size=60), st.integers(0, 100))
def test_exact_percentiles(values, percent):
    """Percentiles of small whole numbers are exact."""
    assert Distribution.of(values).percentile(percent) == nearest_rank(values, percent)


@given(samples, samples)
def test_addition(first, second):
    """Adding two distributions equals having observed both."""
    added = Distribution.of(first) + Distribution.of(second)
    both = Distribution.of([*first, *second])
    assert (added.count, added.minimum, added.maximum) == (both.count, both.minimum, both.maximum)
    assert added.total == pytest.approx(both.total, rel=1e-9, abs=1e21)
    assert dict(zip(added.keys, added.counts, strict=True)) == dict(zip(both.keys, both.counts, strict=True))


@given(samples)
def test_round_trip(values):
    """Cells give the same distribution back."""
    seen = Distribution.of(values)
    again = Distribution.from_cells(seen.count, seen.total, seen.minimum, seen.maximum, seen.cells())
    assert again.keys.tolist() == seen.keys.tolist()
    assert again.counts.tolist() == seen.counts.tolist()


@given(samples)
def test_cell_width(values):
    """Every value is within a 256th of its cell."""
    for value in values:
        assert Distribution.of([value]).values[0] == pytest.approx(value, rel=1 / 256)


def test_no_parts():
    """Nothing merged is nothing."""
    assert Distribution.merge([]) is None


def test_shares():
    """Shares count a value on an edge above it."""
    assert Distribution.of([1.0, 2.0, 2.0, 3.0]).shares([2.0, 3.0]) == [0.25, 0.5, 0.25]


def test_above():
    """Above counts what is strictly greater."""
    assert Distribution.of([1.0, 2.0, 2.5, 9.0]).above(2.0) == 2


def test_huge_values():
    """Values beyond float32 are counted at its edge."""
    assert Distribution.of([1e300]).values[0] == pytest.approx(3.0e38, rel=0.01)


STATISTICS = [
    ("Average", 2.5),
    ("Sum", 10.0),
    ("SampleCount", 4.0),
    ("Minimum", 1.0),
    ("Maximum", 4.0),
    ("p50", 2.0),
    ("p99", 4.0),
    ("p10", 1.0),
    ("p100", 4.0),
    ("p0", 1.0),
    ("p99.9", 4.0),
]


@pytest.mark.parametrize(("statistic", "expected"), STATISTICS)
def test_statistics(statistic, expected):
    """A statistic is what CloudWatch means by its name."""
    assert value_of(statistic, Distribution.of([4.0, 1.0, 3.0, 2.0])) == expected


@pytest.mark.parametrize("statistic", [name for name, _ in STATISTICS])
def test_no_data(statistic):
    """A statistic of no data is missing."""
    assert value_of(statistic, None) is None


@pytest.mark.parametrize("statistic", ["average", "p101", "P99", "pp", ""])
def test_unknown_statistic(statistic):
    """An unknown statistic is refused with the choices."""
    with pytest.raises(UnknownStatistic, match="Average"):
        value_of(statistic, None)


@pytest.mark.parametrize(
    ("statistic", "needed"),
    [
        ("p99", 1000),
        ("p50", 20),
        ("p10", 100),
        ("p90", 100),
        ("p100", math.inf),
        ("p0", math.inf),
        ("Average", 0),
    ],
)
def test_samples_needed(statistic, needed):
    """Low sample limits are the documented ones."""
    assert samples_needed(statistic) == pytest.approx(needed)


def test_size():
    """A thousand ordinary values take less than a kilobyte."""
    values = np.random.default_rng(1).normal(640_000, 134_000, 1000)
    assert len(Distribution.of(values).cells()) < 3000
