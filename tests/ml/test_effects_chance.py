"""p-values agree with scipy's, without scipy."""

import numpy as np
import pytest
from drift_ml import effects
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats


@given(st.floats(0, 2000), st.integers(1, 200))
def test_chi_square_tail(statistic, degrees):
    """The chi-square tail is that of scipy."""
    expected = stats.chi2.sf(statistic, degrees)
    assert effects.chi_square_tail(statistic, degrees) == pytest.approx(expected, rel=1e-8, abs=1e-13)


def test_far_chi_square_tail():
    """Far tails of chi-square do not become 0."""
    assert effects.chi_square_tail(500, 3) == pytest.approx(stats.chi2.sf(500, 3), rel=1e-10)


@given(st.floats(0, 12))
def test_kolmogorov_tail(point):
    """The tail of Kolmogorov's distribution is that of scipy."""
    assert effects.kolmogorov_tail(point) == pytest.approx(special.kolmogorov(point), rel=1e-9, abs=1e-15)


def test_ks_p():
    """The p-value of KS is scipy's asymptotic value."""
    random = np.random.default_rng(1)
    one, other = random.integers(0, 40, 3000), random.integers(0, 41, 900)
    found = stats.kstwobign.sf(0.05 * np.sqrt(3000 * 900 / 3900))
    assert effects.ks_p(0.05, len(one), len(other)) == pytest.approx(found, rel=1e-9)
    assert effects.ks_p(0.5, 0, 10) == effects.ks_p(0.5, 10, 0) == 1.0


def samples_apart(expected, actual, distance):
    """Two samples without ties whose Kolmogorov-Smirnov distance is the one asked for, or a step below it."""
    before = round(distance * actual)
    first = np.arange(expected) / expected
    second = np.concatenate([np.full(before, -1.0), (np.arange(actual - before) + 0.5) / actual])
    return first, second + np.arange(actual) * 1e-9


@pytest.mark.parametrize("sizes", [(100, 100), (500, 100), (500, 500), (2000, 1000), (10_000, 1000), (5000, 999)])
def test_ks_p_level(sizes):
    """The p-value of KS is at most 1 % under the exact one, and close for large windows."""
    for p in (0.2, 0.05, 0.05 / 15, 0.001):
        distance = special.kolmogi(p) / np.sqrt(sizes[0] * sizes[1] / sum(sizes))
        exact = stats.ks_2samp(*samples_apart(*sizes, distance), method="exact")
        ratio = effects.ks_p(exact.statistic, *sizes) / exact.pvalue
        assert 0.99 < ratio < (1.16 if min(sizes) < 500 else 1.06)


@given(st.integers(2, 8).flatmap(lambda k: st.tuples(*[st.lists(st.integers(10, 300), min_size=k, max_size=k)] * 2)))
def test_chi_square(pair):
    """Chi-square is scipy's where no bin is rare."""
    found = stats.chi2_contingency(np.array(pair), correction=False)
    share = min(map(sum, pair)) / sum(map(sum, pair))
    ours = effects.chi_square(*pair)
    if min(map(sum, zip(*pair, strict=True))) * share >= 5:
        assert ours.statistic == pytest.approx(found.statistic, rel=1e-9, abs=1e-9)
        assert (ours.degrees, ours.p) == (found.dof, pytest.approx(found.pvalue, rel=1e-8, abs=1e-13))


@pytest.mark.parametrize(
    ("expected", "actual", "pooled"),
    [
        ([50, 50, 1, 1], [40, 60, 1, 0], ([52, 50], [41, 60])),
        ([50, 50, 4, 4], [40, 60, 4, 4], ([50, 50, 8], [40, 60, 8])),
    ],
)
def test_rare_bins_pooled(expected, actual, pooled):
    """Rare bins are pooled, and join the smallest if the pool is still rare."""
    assert effects.chi_square(expected, actual) == effects.chi_square(*pooled)


@pytest.mark.parametrize("pair", [([5, 5], [0, 0]), ([0, 0], [0, 0]), ([100, 0], [100, 0]), ([1, 1], [1, 1])])
def test_single_bin(pair):
    """Histograms with a single filled bin cannot differ."""
    assert effects.chi_square(*pair) == effects.ChiSquare(0.0, 0, 1.0)


SMALL = st.tuples(st.integers(0, 60), st.integers(0, 60))


@given(SMALL, SMALL)
def test_fisher(expected, actual):
    """Fisher's test is that of scipy."""
    p = stats.fisher_exact([expected, actual]).pvalue
    assert effects.fisher(expected, actual) == pytest.approx(p, rel=1e-6)


def test_fisher_of_many():
    """For large counts Fisher's test becomes chi-square."""
    assert effects.fisher((9000, 1000), (8000, 1000)) == effects.chi_square((9000, 1000), (8000, 1000)).p


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_benjamini_hochberg(p):
    """Benjamini-Hochberg's correction is that of scipy."""
    assert effects.benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p))


def test_no_p_values():
    """A correction of no p-values gives none."""
    assert effects.benjamini_hochberg([]) == []
