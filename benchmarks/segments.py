"""How soon a drift of one segment is told, and how often segments cry without one.

`python -m benchmarks.segments` prints two tables: events of the segment until it is told, for the
deployed evaluator against a detector of that segment alone, and false alarms of the whole and its
ten segments together against the budget.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts import FeatureSet
from drift_ml.baseline.fit import fit_baseline
from drift_ml.evidence import Budget, MixtureDetector, Settings, observe_window
from drift_ml.segments.fit import fit_segments
from drift_ml.window import Window
from drift_monitor.evaluate import Evaluator
from drift_monitor.keys import Series, WindowKey
from drift_monitor.policy import Policy
from drift_monitor.reference import Reference
from drift_monitor.stores import Fragment, MemoryStore

if TYPE_CHECKING:
    from drift_ml.baseline import Baseline

BUDGET = 100_000
LEVELS = tuple(f"region-{place}" for place in range(10))
NUMBERS = ("a", "b", "c", "d", "e")
MINUTE_EVENTS = 50
FIRST_MINUTE = 29_700_000
SERIES = Series("segments", "0123456789ab")


@dataclass(frozen=True)
class Told:
    """One run: events of the segment until an alert, and what the alert names."""

    events: int | None
    alone: int | None
    is_named: bool


def feature_set() -> FeatureSet:
    """Return five numbers, and a category that cuts the traffic into tenths."""
    features = [
        {"name": name, "type": "number", "unit": "none", "description": "A number.", "example": 0} for name in NUMBERS
    ]
    region = {"name": "region", "type": "category", "unit": "none", "description": "Where."}
    features.append({**region, "categories": list(LEVELS), "example": LEVELS[0]})
    return FeatureSet.from_json(
        {
            "contract": "feature-set.v2",
            "name": SERIES.model,
            "version": "1.0.0",
            "description": "Numbers by region.",
            "target": {"name": "y", "unit": "none", "description": "Nothing."},
            "features": features,
            "segments": [{"feature": "region"}],
        }
    )


def table(random: np.random.Generator, rows: int) -> dict[str, np.ndarray]:
    """Return columns of standard normal numbers, and places of equally frequent regions."""
    columns: dict[str, np.ndarray] = {name: random.normal(size=rows) for name in NUMBERS}
    columns["region"] = random.integers(0, len(LEVELS), rows).astype(float)
    return columns


def reference(seed: int, rows: int) -> Reference:
    """Return what traffic is held against."""
    features, columns = feature_set(), table(np.random.default_rng(seed), rows)
    baseline = fit_baseline(features, columns)
    return Reference(features, baseline, segments=fit_segments(features, columns, baseline))


def counted(baseline: Baseline, columns: dict[str, np.ndarray]) -> Window:
    """Return the window of some rows."""
    window = Window.empty(baseline, SERIES.version)
    window.observe_rows(columns)
    return window


def delay(seed: int, rows: int, shift: float) -> Told:
    """Return how soon the deployed evaluator tells a shift of `a` in one region, and what it names.

    Args:
        seed: of the reference and the traffic.
        rows: of training.
        shift: in standard deviations.
    """
    held = reference(seed, rows)
    random = np.random.default_rng([seed, 1])
    parts = held.parts(SERIES)
    target = next(segment for segment in parts.values() if segment.value == LEVELS[0])
    alone = MixtureDetector(Settings(target.baseline.channels, Budget(BUDGET)))
    store, sent, now = MemoryStore(), [], [FIRST_MINUTE * 60.0]
    clock = lambda: now[0] + 1  # noqa: E731 - the evaluator asks for one
    evaluator = Evaluator({SERIES: held}, store, sent.append, clock, stack="test", policy=Policy(BUDGET))
    seen, alone_at = 0, None
    for minute in range(FIRST_MINUTE, FIRST_MINUTE + 400):
        columns = table(random, MINUTE_EVENTS)
        is_moved = minute >= FIRST_MINUTE + 20
        in_target = columns["region"] == 0
        columns["a"] = columns["a"] + np.where(in_target & is_moved, shift, 0.0)
        batches = {SERIES: counted(held.baseline, columns)}
        for series, segment in parts.items():
            chosen = columns["region"] == LEVELS.index(segment.value)
            batches[series] = counted(segment.baseline, {k: v[chosen] for k, v in columns.items()})
        filled = [(series, window) for series, window in batches.items() if window.events]
        fragments = [Fragment(WindowKey(s, minute), str(minute), w.to_json()) for s, w in filled]
        store.add(str(minute), fragments)
        now[0] = (minute + 3) * 60.0
        list(evaluator.run())
        seen += int(in_target.sum()) if is_moved else 0
        window = batches[series_of(parts, target.value)]
        if alone_at is None and window.events:
            step = observe_window(alone, window.channel_counts(), events=window.events)
            alone_at = seen if step.raised else None
        if sent and alone_at is not None:
            break
    segment = sent[0].get("segment", {}) if sent else {}
    is_named = segment.get("value") == LEVELS[0] and sent[0]["drift"]["of"] == ["a"]
    return Told(seen if sent else None, alone_at, is_named)


def series_of(parts: dict[Series, object], value: str) -> Series:
    """Return the series of a segment by its value."""
    return next(series for series, segment in parts.items() if segment.value == value)


def false_alarms(seed: int, rows: int, events: int, batch: int = 1_000) -> tuple[int, int]:
    """Return the false alarms of the whole and of all segments in so many events of the whole."""
    held = reference(seed, rows)
    shares, random = held.shares, np.random.default_rng([seed, 2])
    whole = MixtureDetector(Settings(held.baseline.channels, Budget(shares.whole(BUDGET))))
    detectors = [
        (
            LEVELS.index(segment.value),
            segment.baseline,
            MixtureDetector(Settings(segment.baseline.channels, Budget(shares.segment(BUDGET)))),
        )
        for segment in held.segments.watched
    ]
    of_whole = of_parts = 0
    for _ in range(events // batch):
        columns = table(random, batch)
        window = counted(held.baseline, columns)
        step = observe_window(whole, window.channel_counts(), events=batch)
        of_whole += len(step.raised)
        if step.raised:
            whole.reset()
        for place, baseline, detector in detectors:
            chosen = columns["region"] == place
            window = counted(baseline, {k: v[chosen] for k, v in columns.items()})
            step = observe_window(detector, window.channel_counts(), events=window.events)
            of_parts += len(step.raised)
            if step.raised:
                detector.reset()
    return of_whole, of_parts


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--shift", type=float, default=1.0)
    parser.add_argument("--null-seeds", type=int, default=10)
    parser.add_argument("--null-events", type=int, default=400_000)
    chosen = parser.parse_args()
    runs = [delay(seed, chosen.rows, chosen.shift) for seed in range(chosen.seeds)]
    found = [run for run in runs if run.events is not None and run.alone is not None]
    told, alone = [np.array([getattr(run, name) for run in found]) for name in ("events", "alone")]
    print(f"{chosen.shift} sd in a tenth of the traffic, {chosen.rows:,} rows, {len(runs)} seeds")
    print(f"found {len(found)}, the segment and the feature named {sum(r.is_named for r in runs)}")
    print(f"events of the segment: mean {told.mean():.1f}, largest {told.max()}")
    print(f"a detector of it alone: mean {alone.mean():.1f}, largest {alone.max()}")
    print(f"ratio of means {told.mean() / alone.mean():.2f}", flush=True)
    null = [false_alarms(s, chosen.rows, chosen.null_events) for s in range(chosen.null_seeds)]
    events = chosen.null_seeds * chosen.null_events
    whole, parts = (sum(column) for column in zip(*null, strict=True))
    print(f"false alarms in {events:,} events: whole {whole}, segments {parts}")
    print(f"allowed: {events / BUDGET:.0f} together")


if __name__ == "__main__":
    main()
