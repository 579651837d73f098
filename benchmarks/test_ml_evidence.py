"""An event and a window through the mixture detector, beside five river-like ADWINs in plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from drift_ml.detectors import Adwin
from drift_ml.evidence import MixtureDetector, Settings

from benchmarks.simulate.coding import codes
from benchmarks.simulate.mixture import Watched
from benchmarks.simulate.streams import normals


@pytest.fixture(scope="module")
def watched() -> Watched:
    return Watched(normals(np.random.default_rng(0), 10_000))


def test_a_thousand_events(benchmark, watched: Watched) -> None:
    found = codes(watched.baseline, normals(np.random.default_rng(1), 1000))
    names = [channel.name for channel in watched.channels]
    events = [dict(zip(names, row, strict=True)) for row in found.tolist()]

    def fresh() -> tuple[tuple[MixtureDetector], dict[str, object]]:
        return (MixtureDetector(Settings(watched.channels)),), {}

    def run(detector: MixtureDetector) -> MixtureDetector:
        for event in events:
            detector.update_event(event)
        return detector

    detector = benchmark.pedantic(run, setup=fresh, rounds=10)
    assert (detector.alarm, detector.events) == (None, len(events))


def test_one_window(benchmark, watched: Watched) -> None:
    found = codes(watched.baseline, normals(np.random.default_rng(2), 1000))
    counts = {
        channel.name: np.bincount(column[column >= 0], minlength=len(channel.counts)).tolist()
        for channel, column in zip(watched.channels, found.T, strict=True)
    }
    detector = MixtureDetector(Settings(watched.channels))
    assert benchmark(detector.update, counts) is False


def test_a_hundred_events_through_five_adwins(benchmark) -> None:
    rows = normals(np.random.default_rng(3), 100).tolist()
    detectors = [Adwin() for _ in range(5)]

    def run() -> bool:
        for row in rows:
            for detector, value in zip(detectors, row, strict=True):
                detector.update([value])
        return any(detector.reason for detector in detectors)

    assert benchmark(run) is False
