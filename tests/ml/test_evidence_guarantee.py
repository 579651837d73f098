"""What the mixture promises, in a smaller seeded simulation: its false-alarm rate, and how fast it is.

The bar is one false alarm per 100,000 events: 0.1 per 10,000. Counts of false alarms are judged as Poisson:
one fails whose excess over the nominal rate has a probability under 1 in 1,000 if the nominal rate were true.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import poisson

from benchmarks.simulate.limit import cusum_delays
from benchmarks.simulate.mixture import Watched, alarms
from benchmarks.simulate.streams import LAWS, drifted, normals, real, through

# Many draws through branches that other tests reach: tracing each would double the time.
pytestmark = pytest.mark.no_cover

BUDGET = 100_000
WARM = 100
REPLICATES = 120


def at_most_nominal(count: int, events: int) -> bool:
    return bool(poisson.sf(count - 1, events / BUDGET) > 1e-3)


@pytest.mark.parametrize(
    ("law", "rows", "references"),
    [
        ("normal", 500, 40),
        ("t3", 500, 40),
        ("integer", 1000, 40),
        ("category", 1000, 40),
        ("lognormal", 10_000, 10),
        ("normal", 100_000, 2),
    ],
)
def test_false_alarms(law: str, rows: int, references: int) -> None:
    """False alarms are at most as many as promised, whatever the size of the reference."""
    assert law in LAWS
    rng = np.random.default_rng(rows)
    watched = []
    for _ in range(references):
        watched += [Watched(through(law, normals(rng, rows)), law)] * (40 // references)
    streams = [through(law, normals(rng, 10_000)) for _ in watched]
    found = alarms(watched, streams, batch=50, bar=BUDGET)
    assert at_most_nominal(sum(map(len, found)), 10_000 * len(watched))


def test_many_features() -> None:
    """Many features raise no more false alarms, and their drifts are found."""
    rng = np.random.default_rng(50)
    watched = [Watched(normals(rng, 1000, columns=50)) for _ in range(2)] * 10
    quiet = [normals(rng, 5000, columns=50) for _ in watched]
    found = alarms(watched, quiet, batch=50, bar=BUDGET)
    assert at_most_nominal(sum(map(len, found)), 5000 * len(watched))
    shifted = [drifted(normals(rng, 400, columns=50), "mean", 1.0, rng) for _ in watched]
    assert all(alarms(watched, shifted, batch=20, bar=BUDGET, until=0))


@pytest.mark.parametrize(("kind", "size"), [("mix", 0.2), ("newcomer", 0.05)])
def test_categories(kind: str, size: float) -> None:
    """A changed mix of categories and a new category are found."""
    rng = np.random.default_rng(6)
    watched = [Watched(through("category", normals(rng, 10_000)), "category")] * 10
    streams = [through("category", drifted(normals(rng, 400), kind, size, rng)) for _ in watched]
    assert all(alarms(watched, streams, batch=1, bar=BUDGET, until=0))


def test_exact_small_reference() -> None:
    """Taking a small reference for exact breaks the promise."""
    rng = np.random.default_rng(500)
    watched = [Watched(normals(rng, 500)) for _ in range(20)]
    streams = [normals(rng, 10_000) for _ in watched]
    found = alarms(watched, streams, batch=50, bar=BUDGET, exact=True)
    assert not at_most_nominal(sum(map(len, found)), 10_000 * len(watched))


@pytest.mark.parametrize("data", ["diabetes", "breast_cancer", "digits"])
def test_real_rows(data: str) -> None:
    """Real rows in random order raise no more alarms than promised."""
    rng, rows, count, events = np.random.default_rng(1), real(data), 0, 0
    for _ in range(20):
        order = rng.permutation(len(rows))
        half = len(rows) // 2
        stream = rows[order[half : half + half // 10 * 10]]
        count += len(alarms([Watched(rows[order[:half]])], [stream], batch=10, bar=BUDGET)[0])
        events += len(stream)
    assert at_most_nominal(count, events)


def test_autocorrelation() -> None:
    """Autocorrelation breaks the promise, and the variance inflation restores it."""
    rng = np.random.default_rng(3)
    watched = [Watched(normals(rng, 10_000))] * 10
    streams = [normals(rng, 20_000, ar=0.3) for _ in watched]
    blind = alarms(watched, streams, batch=50, bar=BUDGET)
    inflated = alarms(watched, streams, batch=50, bar=BUDGET, spread=1.3 / 0.7)
    assert not at_most_nominal(sum(map(len, blind)), 200_000)
    assert at_most_nominal(sum(map(len, inflated)), 200_000)


def first_after(found: list[list[int]]) -> np.ndarray:
    return np.array([next((at - WARM for at in each if at > WARM), np.inf) for each in found])


def streams_of(kind: str, size: float, events: int) -> list[np.ndarray]:
    rng = np.random.default_rng(round(100 * size))
    after = (drifted(normals(rng, events), kind, size, rng) for _ in range(REPLICATES))
    return [np.concatenate([normals(rng, WARM), each]) for each in after]


@pytest.fixture(scope="module")
def exactly_known() -> Watched:
    return Watched(normals(np.random.default_rng(0), 100_000))


@pytest.mark.parametrize(("size", "events", "most"), [(0.25, 1400, 1.2), (0.5, 400, 1.2), (1.0, 100, 1.3)])
def test_mean_shift_delay(exactly_known: Watched, size: float, events: int, most: float) -> None:
    """A shift of a single mean is found almost as fast as possible."""
    streams = streams_of("mean", size, events)
    ours = first_after(alarms([exactly_known] * REPLICATES, streams, batch=1, bar=BUDGET, until=WARM)).mean()
    assert ours <= most * np.mean(cusum_delays(np.stack(streams), WARM, shift=size, budget=BUDGET))


@pytest.mark.parametrize(
    ("kind", "size", "events", "possible"),
    [("variance", 1.5, 300, 40), ("correlation", 0.6, 300, 42)],
)
def test_other_drift_delay(exactly_known: Watched, kind: str, size: float, events: int, possible: float) -> None:
    """Half of other drifts are found within twice the median of a tuned CUSUM."""
    streams = streams_of(kind, size, events)
    ours = first_after(alarms([exactly_known] * REPLICATES, streams, batch=1, bar=BUDGET, until=WARM))
    assert np.median(ours) <= 2 * possible


def test_all_features_delay(exactly_known: Watched) -> None:
    """A shift of all features is found as fast as ten tuned CUSUMs find it."""
    streams = streams_of("all", 1.0, 60)
    ours = first_after(alarms([exactly_known] * REPLICATES, streams, batch=1, bar=BUDGET, until=WARM)).mean()
    assert ours <= 1.2 * np.mean(cusum_delays(np.stack(streams), WARM, shift=1.0, budget=BUDGET))


@pytest.mark.parametrize("size", [0.5, 1.0])
def test_faster_than_adwin(exactly_known: Watched, size: float) -> None:
    """Drifts are found before ADWIN finds them at its false alarm rate, by its recorded delays."""
    adwin = json.loads((Path(__file__).parent / "data" / "adwin_delays.json").read_text())
    streams = streams_of("mean", size, 400)
    ours = first_after(alarms([exactly_known] * REPLICATES, streams, batch=1, bar=BUDGET, until=WARM))
    assert ours.mean() < adwin["delays"][str(size)]
