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
