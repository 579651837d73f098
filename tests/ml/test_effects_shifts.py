"""Intervals hold what they should, as often as they should."""

import numpy as np
import pytest
from drift_ml import effects
from scipy import stats


def coverage(interval_of, truth, tries=400):
    random = np.random.default_rng(11)
    held = 0
    for _ in range(tries):
        interval = interval_of(random)
        held += interval.low <= truth <= interval.high
    return held / tries


def test_mean_interval():
    """The interval of the mean covers the shift in 95 %, though the baseline is a sample."""

    def one(random):
        before, now = random.normal(size=300), random.normal(0.8, 1.5, size=200)
        z = (now - before.mean()) / before.std(ddof=1)
        return effects.mean_shift(z.mean(), z.var(ddof=1), 200, 300)

    assert coverage(one, 0.8) == pytest.approx(0.95, abs=0.03)


def test_variance_interval():
    """The interval of the variance ratio covers it in 95 %."""

    def one(random):
        before, now = random.normal(size=300), random.normal(0, 1.5, size=200)
        return effects.variance_ratio(now.var(ddof=1) / before.var(ddof=1), 200, 300)

    assert coverage(one, 2.25) == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize(("variance", "actual", "expected"), [(0.0, 10, 10), (1.0, 1, 10), (1.0, 10, 1)])
def test_no_variance(variance, actual, expected):
    """Without a variance there is no ratio."""
    assert effects.variance_ratio(variance, actual, expected) is None


@pytest.mark.parametrize(("count", "total"), [(0, 10), (3, 10), (10, 10), (150, 1000)])
def test_wilson(count, total):
    """Wilson's interval is that of scipy."""
    found = stats.binomtest(count, total).proportion_ci(method="wilson")
    ours = effects.wilson(count, total)
    assert (ours.low, ours.high) == (pytest.approx(found.low, abs=1e-12), pytest.approx(found.high, abs=1e-12))


@pytest.mark.parametrize(
    ("actual", "events", "expected", "reference", "low", "high"),
    [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (10, 10, 0, 20, 0.6791, 1.0),
    ],
)
def test_share_shift(actual, events, expected, reference, low, high):
    """The interval of a share's shift is that of Newcombe's table."""
    found = effects.share_shift(expected, reference, actual, events)
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
