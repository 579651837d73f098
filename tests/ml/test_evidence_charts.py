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
    if kind == "product":
        edges = range(-500 * (bins - 1), 500 * (bins - 1), 1000)
        scores = tuple(1000 * i - 500 * (bins - 1) for i in range(bins))
        return replace(own, edges=tuple(map(float, edges)), scores=scores)
    return own


@pytest.mark.parametrize("kind", ["values", "quantiles", "categories", "product", "sum_of_squares"])
@settings(deadline=None)
@given(counts=counts_of_bins)
def test_every_chart_has_expectation_one_under_the_reference(kind: str, counts: list[int]) -> None:
    found, table = charts(channel(kind, counts))
    reference = reference_distribution(counts)
    assert np.allclose(reference @ np.exp(table), 1.0)
    assert sum(chart.weight for chart in found) == pytest.approx(1.0)
    assert all(chart.information > 0 > chart.mean_under_null and chart.noise >= 1 for chart in found)


@pytest.mark.parametrize("kind", ["missing", "out_of_range", "new"])
@settings(deadline=None)
@given(yes=st.integers(0, 50), no=st.integers(1, 10_000))
def test_indicator_charts_have_expectation_one_too(kind: str, yes: int, no: int) -> None:
    _, table = charts(channel(kind, [no, yes]))
    assert np.allclose(reference_distribution([no, yes]) @ np.exp(table), 1.0)


def test_a_normal_shift_on_many_bins_has_almost_the_information_of_the_normal_shift() -> None:
    found, _ = charts(channel("quantiles", [1000] * 64))
    information = {chart.size: chart.information for chart in found if chart.kind == "location"}
    assert information[0.5] == pytest.approx(0.125, rel=0.02)
    assert information[1.0] == pytest.approx(0.5, rel=0.03)


def test_a_constant_channel_has_no_chart() -> None:
    found, table = charts(channel("values", [10]))
    assert (found, table.shape) == ([], (1, 0))


def test_two_values_have_no_variance_to_drift() -> None:
    found, _ = charts(channel("values", [10, 10]))
    assert {chart.kind for chart in found} == {"location"}


def test_a_product_of_two_bins_stands_on_its_scores() -> None:
    found, _ = charts(channel("product", [10, 10]))
    assert {chart.kind for chart in found} == {"correlation"}


def test_the_groups_that_a_baseline_lacks_are_shared_out() -> None:
    one = Tables.build([channel("values", [50, 50])])
    both = Tables.build([channel("values", [50, 50]), channel("missing", [100, 0], "missing:c")])
    assert np.exp(one.log_weights).sum() > np.exp(both.log_weights[:8]).sum()


def test_a_baseline_without_a_varying_channel_is_refused() -> None:
    with pytest.raises(EvidenceError, match="two bins"):
        Tables.build([channel("values", [10])])


def test_an_unknown_kind_of_channel_is_refused_with_the_choices() -> None:
    with pytest.raises(EvidenceError, match="sum_of_squares"):
        Tables.build([channel("values", [1, 1]), channel("riddle", [1, 1])])


def test_counts_of_another_baseline_are_refused() -> None:
    with pytest.raises(EvidenceError, match="'c': expected 2 bins"):
        Tables.build([channel("values", [5, 5])]).ratio({"c": [1, 2, 3]})


@settings(deadline=None)
@given(bins=st.lists(st.integers(-1, 3), min_size=1, max_size=20))
def test_a_batch_is_worth_the_sum_of_its_events(bins: list[int]) -> None:
    tables = Tables.build([channel("values", [10, 20, 30, 40])])
    counts = [bins.count(k) for k in range(4)]
    each = sum(tables.ratio_of_event({"c": bin_}) for bin_ in bins)
    assert np.allclose(tables.ratio({"c": counts}), each)


@pytest.mark.parametrize("events", [0, 99.9, -1, float("inf"), float("nan")])
def test_a_budget_is_a_finite_number_of_events(events: float) -> None:
    with pytest.raises(EvidenceError, match="at least 100"):
        Budget(events)


@settings(deadline=None)
@given(days=st.floats(0.1, 1000), traffic=st.floats(1e4, 1e8))
def test_a_budget_in_days_and_back(days: float, traffic: float) -> None:
    assert Budget.per_days(days, traffic).days(traffic) == pytest.approx(days)
