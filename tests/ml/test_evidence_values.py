"""Values that hide from shifts: frozen in part of the traffic, rare levels, sparse features."""

from __future__ import annotations

import numpy as np
import pytest
from drift_ml.baseline import Channel
from drift_ml.descriptions import describe
from drift_ml.evidence import Budget, MixtureDetector, Seasonality, Settings, Tables, charts
from drift_ml.evidence._distributions import reference_distribution

from benchmarks.simulate.coding import counted
from benchmarks.simulate.mixture import Watched, alarms
from benchmarks.simulate.streams import drifted, normals

BUDGET = 100_000
BATCH = 10


def first(found: list[list[int]]) -> np.ndarray:
    """Return the events to the first alarm of each stream, infinity where there was none."""
    return np.array([each[0] if each else np.inf for each in found])


def levels(rng: np.random.Generator, shares: np.ndarray, rows: int) -> Channel:
    """Return the channel of a category drawn from a law."""
    names = tuple(f"k{place}" for place in range(len(shares)))
    counts = tuple(rng.multinomial(rows, shares).tolist())
    return Channel("level", "categories", ("level",), counts, categories=names)


def alarm_of(detector: MixtureDetector, rng: np.random.Generator, shares: np.ndarray, most: int) -> int:
    """Return after how many events of a law the detector raises an alarm, at most a number."""
    for step in range(1, most // BATCH + 1):
        if detector.update({"level": rng.multinomial(BATCH, shares).tolist()}):
            return step * BATCH
    return most + 1


def zipf(bins: int, rare: float) -> np.ndarray:
    """Return a law of levels whose last one has a share."""
    shares = 1 / np.arange(1, bins + 1)
    shares[-1] = 0
    shares *= (1 - rare) / shares.sum()
    shares[-1] = rare
    return shares


@pytest.mark.parametrize(("share", "most"), [(0.05, 200), (0.02, 500)])
@pytest.mark.parametrize("bins", [12, 60, 300])
def test_rare_level(bins: int, share: float, most: int) -> None:
    """A level of .02 % that becomes frequent is found, wherever it stands among the others."""
    if bins == 12 and share == 0.02:
        most = 1000
    rng, usual = np.random.default_rng(bins), zipf(bins, 0.0002)
    after = usual * (1 - share)
    after[-1] += share
    delays = []
    for _ in range(15):
        detector = MixtureDetector(Settings([levels(rng, usual, 20_000)], Budget(BUDGET)))
        delays.append(alarm_of(detector, rng, after, 2000))
        assert detector.alarm is not None
        assert detector.alarm.direction == f"k{bins - 1} up"
    assert np.mean(delays) <= most


@pytest.mark.no_cover
@pytest.mark.parametrize("rows", [500, 2000])
def test_thousand_levels(rows: int) -> None:
    """A thousand levels raise no more alarms than promised, of a reference with fewer rows too."""
    rng, shares = np.random.default_rng(rows), np.full(1000, 0.001)
    count = 0
    for _ in range(6):
        detector = MixtureDetector(Settings([levels(rng, shares, rows)], Budget(BUDGET)))
        count += alarm_of(detector, rng, shares, 3000) <= 3000
    assert count <= 1


def test_unseen_levels_expectation() -> None:
    """Charts of rare levels have an expectation of at most 1 under the reference."""
    rng = np.random.default_rng(1)
    channel = levels(rng, np.full(200, 0.005), 300)
    listed, table = charts(channel)
    expectation = reference_distribution(channel.counts) @ np.exp(table)
    assert (expectation <= 1 + 1e-9).all()
    assert sum(chart.weight for chart in listed) == pytest.approx(1.0)
    assert len({chart.direction for chart in listed if chart.direction.endswith(" up")}) == 200


def test_one_row_among_many_levels() -> None:
    """Of more than 64 bins, or mostly empty ones, one row is added in all, of others half a row each."""
    assert reference_distribution([0] * 65).sum() == pytest.approx(1.0)
    assert reference_distribution([99, *[0] * 99])[0] == pytest.approx(99.01 / 100)
    assert reference_distribution([99, *[0] * 63])[0] == pytest.approx((99 + 1 / 64) / 100)
    assert reference_distribution([99, *[1] * 63])[0] == pytest.approx(99.5 / 194)


@pytest.mark.no_cover
@pytest.mark.parametrize(("rows", "most"), [(20_000, 500), (2000, 900)])
def test_frozen_value(rows: int, most: int) -> None:
    """A value frozen at the median in 5 % of the traffic is found."""
    rng = np.random.default_rng(rows)
    watched = [Watched(normals(rng, rows))] * 40
    streams = []
    for _ in watched:
        stream = normals(rng, 2000)
        stream[rng.random(len(stream)) < 0.05, 0] = 0.01
        streams.append(stream)
    assert first(alarms(watched, streams, batch=BATCH, bar=BUDGET, until=0)).mean() <= most


def test_frozen_value_is_named() -> None:
    """The alarm names the bin that froze, in words, and ends when the values vary again."""
    rng = np.random.default_rng(8)
    watched = Watched(normals(rng, 20_000))
    rows = normals(rng, 1200)
    rows[rng.random(len(rows)) < 0.15, 2] = 0.01
    detector = MixtureDetector(Settings(watched.channels, Budget(BUDGET)))
    for counts in counted(watched.baseline, rows, BATCH):
        detector.update(counts)
    assert detector.alarm is not None
    assert (detector.alarm.channel, detector.alarm.kind) == ("x2", "share")
    words = describe(watched.baseline, detector.alarm).words
    assert words.startswith("x2: the share of ")
    assert words.endswith(" rose")
    for counts in counted(watched.baseline, normals(rng, 6000), BATCH):
        detector.update(counts)
        detector.end_recovered()
    assert detector.alarms == ()


@pytest.mark.no_cover
@pytest.mark.parametrize("size", [0.5, 1.0])
def test_sparse_feature(size: float) -> None:
    """A feature that nine of ten events lack takes as many values as one that all have."""
    rng = np.random.default_rng(9)

    def sparse(rows: np.ndarray) -> np.ndarray:
        rows[rng.random(len(rows)) < 0.9, 0] = np.nan
        return rows

    watched = Watched(sparse(normals(rng, 20_000)))
    streams = [sparse(drifted(normals(rng, 4000), "mean", size, rng)) for _ in range(30)]
    dense = Watched(normals(rng, 2000))
    full = [drifted(normals(rng, 600), "mean", size, rng) for _ in range(30)]
    seen = first(alarms([watched] * 30, streams, batch=BATCH, bar=BUDGET, until=0)).mean() / 10
    alone = first(alarms([dense] * 30, full, batch=1, bar=BUDGET, until=0)).mean()
    assert seen <= 1.2 * alone


@pytest.mark.no_cover
def test_sparse_false_alarms() -> None:
    """Sparse features raise no more alarms than promised."""
    rng = np.random.default_rng(10)

    def sparse(rows: np.ndarray) -> np.ndarray:
        rows[rng.random(rows.shape) < 0.9] = np.nan
        return rows

    watched = [Watched(sparse(normals(rng, 2000))) for _ in range(20)]
    streams = [sparse(normals(rng, 10_000)) for _ in watched]
    assert sum(map(len, alarms(watched, streams, batch=50, bar=BUDGET))) <= 6


def test_events_that_a_channel_saw() -> None:
    """Events count for a channel where they have a bin in it."""
    rooms = Channel("rooms", "values", ("rooms",), (50, 50), values=(1.0, 2.0))
    tables = Tables.build([rooms, Channel("age", "values", ("age",), (5, 5), values=(1.0, 2.0))])
    assert set(tables.ratio_and_seen({"rooms": [3, 4]})[1][:8]) == {7.0}
    assert set(tables.ratio_and_seen({"rooms": [3, 4]})[1][8:]) == {0.0}
    assert tables.seen_in_event({"rooms": 0, "age": 1}) is None
    partly = tables.seen_in_event({"age": 1})
    assert partly is not None
    assert partly.tolist() == [0.0] * 8 + [1.0] * 8


def test_concentrated_reference():
    """Traffic of one bin is no drift from a reference of the same bin, however many others are empty."""
    channel = Channel("heat", "quantiles", ("heat",), (*(0,) * 40, 600), values=tuple(range(40)))
    detector = MixtureDetector(Settings([channel], Budget(BUDGET)))
    for _ in range(300):
        assert not detector.update({"heat": [*(0,) * 40, BATCH]})
    assert reference_distribution([600, 0, 0])[1] < reference_distribution([600, 0])[1]


@pytest.mark.parametrize("bursting", [(), ("rooms",)], ids=["steady", "bursting"])
def test_burst_is_no_change(bursting):
    """A batch of one value alone raises an alarm, but where traffic bursts; there several do."""
    channel = Channel("rooms", "values", ("rooms",), (5_000, 5_000), values=(1, 2))
    seasonality = Seasonality(86_400.0, ({"rooms": (5_000, 5_000)},), {"rooms": 2.0}, bursting=bursting)
    settings = Settings([channel], Budget(BUDGET), seasonality=seasonality)
    detector = MixtureDetector(settings)
    assert detector.update({"rooms": [0, 200]}) == (not bursting)
    again = Seasonality.from_json(seasonality.to_json())
    assert again == seasonality
    assert any(detector.update({"rooms": [0, 200]}) for _ in range(8))
