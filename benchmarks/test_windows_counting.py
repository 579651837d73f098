"""A million rows against a baseline, and one event at a time, beside numpy's histogram and scipy's KS test."""

import numpy as np
import pytest
from drift_contracts import feature_set
from drift_ml.baseline.fit import fit_baseline
from drift_ml.report import window_report
from drift_ml.window import Window
from scipy import stats
from workloads import houses

ROWS = 1_000_000
HOUSES = feature_set("house-price")


def columns(rows, seed):
    table, price = houses(rows, seed)
    return {name: np.ascontiguousarray(table[:, place]) for place, name in enumerate(HOUSES.names)}, price


@pytest.fixture(scope="module")
def reference():
    of, price = columns(10_000, 7)
    return of, fit_baseline(HOUSES, of, target=price, predictions=price[:2000])


@pytest.fixture(scope="module")
def traffic():
    return columns(ROWS, 8)


def counted(baseline, of, predictions):
    window = Window.empty(baseline)
    window.observe_rows(of, predictions)
    return window


@pytest.mark.benchmark(group="a million rows against the baseline")
def test_all_thirty_channels_and_the_report(benchmark, reference, traffic):
    baseline = reference[1]
    document = benchmark.pedantic(
        lambda: window_report(baseline, counted(baseline, *traffic)), rounds=9, warmup_rounds=1
    )
    assert document["verdict"]["level"] == "none"
    assert document["window"]["events"] == ROWS


@pytest.mark.benchmark(group="a million rows against the baseline")
def test_all_thirty_channels(benchmark, reference, traffic):
    window = benchmark.pedantic(counted, (reference[1], *traffic), rounds=9, warmup_rounds=1)
    for channel in reference[1].channels[:5]:
        found = np.bincount(np.searchsorted(channel.cuts, traffic[0][channel.name]), minlength=len(channel.counts))
        assert window.channel_counts()[channel.name] == found.tolist()


@pytest.mark.benchmark(group="a million rows against the baseline")
def test_numpy_histograms_with_equal_widths(benchmark, traffic):
    found = benchmark.pedantic(
        lambda: [np.histogram(column, 64)[0] for column in traffic[0].values()], rounds=5, warmup_rounds=1
    )
    assert all(counts.sum() == ROWS for counts in found)


@pytest.mark.benchmark(group="a million rows against the baseline")
def test_numpy_histograms_on_the_same_quantiles(benchmark, reference, traffic):
    channels = reference[1].channels[:5]
    ends = {channel.name: [-np.inf, *channel.cuts, np.inf] for channel in channels}
    found = benchmark.pedantic(
        lambda: [np.histogram(traffic[0][name], edges)[0] for name, edges in ends.items()], rounds=5, warmup_rounds=1
    )
    assert all(counts.sum() == ROWS for counts in found)


@pytest.mark.benchmark(group="a million rows against the baseline")
def test_scipy_ks_2samp_per_feature(benchmark, reference, traffic):
    of = reference[0]
    found = benchmark.pedantic(
        lambda: [stats.ks_2samp(of[name], traffic[0][name], method="asymp").pvalue for name in HOUSES.names],
        rounds=3,
    )
    assert min(found) > 1e-4


@pytest.mark.benchmark(group="one event")
def test_one_event_in_plain_python(benchmark, reference, traffic):
    window = Window.empty(reference[1])
    event = {name: float(column[0]) for name, column in traffic[0].items()}
    benchmark(window.observe, event, float(traffic[1][0]), 1)
    assert sum(window.channel_counts()["sum_of_squares"]) == window.events


@pytest.mark.benchmark(group="two windows")
def test_adding_two_windows(benchmark, reference, traffic):
    part = {name: column[:1000] for name, column in traffic[0].items()}
    window = counted(reference[1], part, traffic[1][:1000])
    assert benchmark(lambda: window + window).events == 2000
