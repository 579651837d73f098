"""The charts: exact on the reference's bin distribution, for every kind of channel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drift_ml.baseline import Channel
from drift_ml.evidence import Budget, EvidenceError, Tables, charts
from drift_ml.evidence._distributions import reference_distribution
from hypothesis import given, settings
from hypothesis import strategies as st

counts_of_bins = st.lists(st.integers(0, 500), min_size=2, max_size=40).filter(sum)


def channel(kind: str, counts: list[int], name: str = "c") -> Channel:
    bins = len(counts)
    own = Channel(name, kind, ("c",), tuple(counts))
    if kind == "categories":
        return replace(own, categories=tuple(f"k{i}" for i in range(bins)))
    if kind == "values":
        return replace(own, values=tuple(map(float, range(bins))))
    if kind == "quantiles":
        return replace(own, edges=tuple(map(float, range(bins - 1))))
    if kind == "product":
        edges = range(-500 * (bins - 1), 500 * (bins - 1), 1000)
        scores = tuple(1000 * i - 500 * (bins - 1) for i in range(bins))
        return replace(own, edges=tuple(map(float, edges)), scores=scores)
    return own


@pytest.mark.no_cover
@pytest.mark.parametrize("kind", ["values", "quantiles", "categories", "product", "sum_of_squares"])
@settings(deadline=None)
@given(counts=counts_of_bins)
def test_expectation(kind: str, counts: list[int]) -> None:
    """Every chart has expectation 1 under the reference."""
    found, table = charts(channel(kind, counts))
    reference = reference_distribution(counts)
    assert np.allclose(reference @ np.exp(table), 1.0)
    assert sum(chart.weight for chart in found) == pytest.approx(1.0)
    assert all(chart.information > 0 > chart.mean_under_null and chart.noise >= 1 for chart in found)


@pytest.mark.parametrize("kind", ["missing", "out_of_range", "new"])
@settings(deadline=None)
@given(yes=st.integers(0, 50), no=st.integers(1, 10_000))
def test_indicator_expectation(kind: str, yes: int, no: int) -> None:
    """Charts of an indicator have expectation 1 too."""
    _, table = charts(channel(kind, [no, yes]))
    assert np.allclose(reference_distribution([no, yes]) @ np.exp(table), 1.0)


def test_information() -> None:
    """A shift on many bins has almost the information of the normal shift."""
    found, _ = charts(channel("quantiles", [1000] * 64))
    information = {chart.size: chart.information for chart in found if chart.kind == "location"}
    assert information[0.5] == pytest.approx(0.125, rel=0.02)
    assert information[1.0] == pytest.approx(0.5, rel=0.03)


def test_constant_channel() -> None:
    """A constant channel has no chart."""
    found, table = charts(channel("values", [10]))
    assert (found, table.shape) == ([], (1, 0))


def test_two_values() -> None:
    """A channel of two values has no chart of its variance."""
    found, _ = charts(channel("values", [10, 10]))
    assert {chart.kind for chart in found} == {"location"}


def test_product_of_two_bins() -> None:
    """A product channel of two bins has a chart of the correlation."""
    found, _ = charts(channel("product", [10, 10]))
    assert {chart.kind for chart in found} == {"correlation"}


def test_absent_groups() -> None:
    """The weights of groups that a baseline lacks are shared by the others."""
    one = Tables.build([channel("values", [50, 50])])
    both = Tables.build([channel("values", [50, 50]), channel("missing", [100, 0], "missing:c")])
    assert np.exp(one.log_weights).sum() > np.exp(both.log_weights[:8]).sum()


def test_no_varying_channel() -> None:
    """A baseline without a varying channel is refused."""
    with pytest.raises(EvidenceError, match="two bins"):
        Tables.build([channel("values", [10])])


def test_unknown_kind() -> None:
    """A channel of an unknown kind is refused with the choices."""
    with pytest.raises(EvidenceError, match="sum_of_squares"):
        Tables.build([channel("values", [1, 1]), channel("riddle", [1, 1])])


def test_other_counts() -> None:
    """Counts of another baseline are refused."""
    with pytest.raises(EvidenceError, match="'c': expected 2 bins"):
        Tables.build([channel("values", [5, 5])]).ratio({"c": [1, 2, 3]})


@pytest.mark.no_cover
@settings(deadline=None)
@given(bins=st.lists(st.integers(-1, 3), min_size=1, max_size=20))
def test_batch_is_sum(bins: list[int]) -> None:
    """The evidence of a batch is the sum of that of its events."""
    tables = Tables.build([channel("values", [10, 20, 30, 40])])
    counts = [bins.count(k) for k in range(4)]
    each = sum(tables.ratio_of_event({"c": bin_}) for bin_ in bins)
    assert np.allclose(tables.ratio({"c": counts}), each)


@pytest.mark.parametrize("events", [0, 99.9, -1, float("inf"), float("nan")])
def test_budget_bounds(events: float) -> None:
    """A budget is a finite number of events, at least 100."""
    with pytest.raises(EvidenceError, match="at least 100"):
        Budget(events)


@settings(deadline=None)
@given(days=st.floats(0.1, 1000), traffic=st.floats(1e4, 1e8))
def test_budget_in_days(days: float, traffic: float) -> None:
    """A budget converts to days of traffic and back."""
    assert Budget.per_days(days, traffic).days(traffic) == pytest.approx(days)


SIZES = {
    ("quantiles", "location"): {0.25, 0.5, 1.0, 2.0, -0.25, -0.5, -1.0, -2.0},
    ("quantiles", "scale"): {0.6, 0.8, 1.25, 1.6},
    ("quantiles", "share"): {0.05},
    ("product", "correlation"): {0.3, -0.3, 0.6, -0.6},
    ("sum_of_squares", "together"): {0.5, 1.0, 2.0, 3.0, -0.5, -1.0},
    ("categories", "share"): {1 / 3, 2 / 3, 1.5, 3.0, 0.2},
    ("missing", "share"): {0.01, 0.03, 0.1, 0.3, 1 / 3},
}
#: The size of a chart that stands for no change.
NEUTRAL = {"location": 0.0, "scale": 1.0, "correlation": 0.0, "together": 0.0, "share": 0.0}


@pytest.mark.parametrize(("kind", "drift"), SIZES, ids=" ".join)
def test_sizes(kind: str, drift: str) -> None:
    """The drifts that are looked for are these, and the weights of a channel sum to 1."""
    found, _ = charts(channel(kind, [1000, 1000] if kind == "missing" else [1000] * 8))
    assert {chart.size for chart in found if chart.kind == drift} == SIZES[kind, drift]
    assert sum(chart.weight for chart in found) == pytest.approx(1.0)


@pytest.mark.parametrize("kind", ["quantiles", "product", "sum_of_squares"])
def test_directions(kind: str) -> None:
    """A chart is called up where its size is above no change, and its alternative lies that way."""
    found, table = charts(channel(kind, [1000] * 8))
    reference = reference_distribution([1000] * 8)
    place = np.arange(8)
    for chart, ratio in zip(found, table.T, strict=True):
        rises = chart.size > NEUTRAL[chart.kind]
        assert chart.direction.rpartition(" ")[2] == ("up" if rises else "down")
        if chart.kind not in ("scale", "share"):
            assert ((reference * np.exp(ratio)) @ place > reference @ place) == rises


@pytest.mark.parametrize("size", [0.25, 0.5])
def test_noise(size: float) -> None:
    """The noise of a normal shift is (exp(size^2) - 1) / size^2."""
    found, _ = charts(channel("quantiles", [1000] * 64))
    noise = {chart.size: chart.noise for chart in found if chart.kind == "location"}
    assert noise[size] == pytest.approx(np.expm1(size**2) / size**2, rel=0.1)


def test_uncorrelated_without_a_line() -> None:
    """Two bins fit no line: their reference counts as uncorrelated, so both directions are alike."""
    found, _ = charts(channel("product", [1000, 1000]))
    information = {chart.size: chart.information for chart in found}
    assert information[0.3] == pytest.approx(information[-0.3])


@pytest.mark.parametrize(("outermost", "alike"), [(8.5, False), (9.5, True)])
def test_farthest_product(outermost: float, alike: bool) -> None:
    """A product beyond 9 counts as 9."""
    inner = channel("product", [1000] * 8)
    tables = []
    for score in (outermost, 20.0):
        scores = (*inner.scores[:-1], int(1000 * score))
        tables.append(charts(replace(inner, scores=scores))[1])
    assert np.allclose(*tables) is alike


def test_event_without_a_channel() -> None:
    """An event that lacks a channel is evidence of nothing."""
    tables = Tables.build([channel("values", [10, 20, 30, 40])])
    assert not tables.ratio_of_event({}).any()
    assert not tables.ratio({}).any()
