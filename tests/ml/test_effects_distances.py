"""Distances between histograms agree with scipy and with sums worked by hand."""

import math

import numpy as np
import pytest
from drift_ml import effects
from hypothesis import given
from hypothesis import strategies as st
from scipy import spatial, stats

COUNTS = st.integers(2, 12).flatmap(
    lambda k: st.tuples(*[st.lists(st.integers(0, 200), min_size=k, max_size=k).filter(sum)] * 2)
)


@pytest.mark.no_cover
@given(COUNTS)
def test_psi(pair):
    """PSI is the sum of both relative entropies of the smoothed shares."""
    p, q = ([(count + 0.5) / (sum(counts) + 0.5 * len(counts)) for count in counts] for counts in pair)
    assert effects.psi(*pair) == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p), abs=1e-12)


@pytest.mark.no_cover
@given(COUNTS)
def test_ks(pair):
    """KS is the largest gap between the cumulated shares."""
    p, q = (np.cumsum(counts) / sum(counts) for counts in pair)
    assert effects.ks(*pair) == pytest.approx(np.abs(p - q).max(), abs=1e-12)
    samples = [np.repeat(np.arange(len(counts)), counts) for counts in pair]
    assert effects.ks(*pair) == pytest.approx(stats.ks_2samp(*samples, method="asymp").statistic, abs=1e-12)


@pytest.mark.no_cover
@given(COUNTS)
def test_wasserstein(pair):
    """Wasserstein's distance is that of scipy."""
    places = np.cumsum(np.arange(len(pair[0])) % 3)
    expected = stats.wasserstein_distance(places, places, *pair)
    assert effects.wasserstein(*pair, places.tolist()) == pytest.approx(expected, abs=1e-12)


@pytest.mark.no_cover
@given(COUNTS)
def test_jensen_shannon(pair):
    """The Jensen-Shannon distance is that of scipy."""
    expected = spatial.distance.jensenshannon(*pair, base=2)
    assert effects.jensen_shannon(*pair) == pytest.approx(expected, abs=1e-6)


@pytest.mark.no_cover
@given(COUNTS)
def test_same_histogram(pair):
    """A histogram is at distance 0 from itself."""
    counts = pair[0]
    assert effects.psi(counts, counts) == effects.ks(counts, counts) == effects.jensen_shannon(counts, counts) == 0
    assert effects.wasserstein(counts, counts, range(len(counts))) == 0


def test_psi_of_normal_shift():
    """PSI of a shifted normal distribution is the square of the shift."""
    ends = stats.norm.ppf(np.arange(65) / 64)
    before, after = np.full(64, 10**6), np.diff(stats.norm.cdf(ends - 0.5)) * 64e6
    assert effects.psi(before.tolist(), after.round().astype(int).tolist()) == pytest.approx(0.25, abs=0.01)


def test_expected_psi():
    """Without drift, PSI is on average as large as expected by chance."""
    random = np.random.default_rng(3)
    found = [
        effects.psi(random.multinomial(5000, [0.1] * 10).tolist(), random.multinomial(1000, [0.1] * 10).tolist())
        for _ in range(400)
    ]
    assert np.mean(found) == pytest.approx(effects.psi_expected(10, 5000, 1000), rel=0.1)


def test_empty_sample():
    """An empty sample is at distance 0."""
    assert effects.ks([1, 2], [0, 0]) == 0.0
    assert effects.jensen_shannon([1, 2], [0, 0]) == 0.0


@pytest.mark.parametrize(
    "measure",
    [effects.psi, effects.ks, effects.jensen_shannon, effects.chi_square, lambda a, b: effects.merge(a, b, 2)],
)
@pytest.mark.parametrize("pair", [([1], [1, 2]), ([], [])])
def test_different_bins(measure, pair):
    """Histograms on different bins are refused."""
    with pytest.raises(effects.BinsDiffer, match="the same bins"):
        measure(*pair)


@pytest.mark.no_cover
@given(COUNTS, st.integers(1, 12))
def test_merge_counts(pair, most):
    """Merging keeps all counts, in at most as many groups as asked for."""
    merged = effects.merge(*pair, most)
    assert [sum(counts) for counts in merged] == [sum(counts) for counts in pair]
    assert len(merged[0]) == len(merged[1]) <= max(most, 1)


def test_merge_equal_bins():
    """Equal bins are merged into groups of equal size."""
    assert effects.merge([5] * 64, [1] * 64, 10)[1] in ([6, 7, 6, 7, 6, 6, 7, 6, 7, 6], [6, 6, 7, 6, 7, 6, 7, 6, 7, 6])


def test_merge_empty():
    """A reference without counts is merged into a single group."""
    assert effects.merge([0, 0, 0], [1, 1, 1], 2) == ([0], [3])


def test_psi_by_hand():
    """PSI has the value worked by hand."""
    assert effects.psi([1, 1], [1, 3], smoothing=0) == pytest.approx(0.25 * math.log(1.5) + 0.25 * math.log(2))
