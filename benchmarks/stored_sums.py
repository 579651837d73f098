"""What the windows of a model and their sums take in the store, by how many features it has."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts import FeatureSet
from drift_contracts.exits import SUCCESS
from drift_ml.baseline.fit import fit_baseline
from drift_ml.window import Window
from drift_monitor.keys import Series, WindowKey
from drift_monitor.stores import MemoryStore, StoredWindow
from drift_monitor.stores.packing import pack
from drift_monitor.sums import DAYS, HOURS, TENS, Sums, size_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from drift_ml.baseline import Baseline

    Columns = dict[str, npt.NDArray[np.float64]]

FEATURES = (5, 60, 500)
A_DAY = 1_440
DAY = 20_003
NUMBER = {"type": "number", "example": 0.0, "unit": "1", "description": "A number."}


def rows_of(rng: np.random.Generator, names: Sequence[str], number: int) -> Columns:
    """Return events of normal numbers, by feature.

    Args:
        rng: the generator.
        names: of the features.
        number: of events.
    """
    return {name: rng.normal(size=number) for name in names}


def baseline_of(rng: np.random.Generator, names: Sequence[str]) -> Baseline:
    """Return the baseline of 5,000 rows.

    Args:
        rng: the generator.
        names: of the features.
    """
    features = FeatureSet.from_json(
        {
            "contract": "feature-set.v2",
            "name": "sizes",
            "version": "1.0.0",
            "description": "Numbers.",
            "target": {"name": "y", "unit": "1", "description": "A number."},
            "features": [{"name": name, **NUMBER} for name in names],
        }
    )
    return fit_baseline(features, rows_of(rng, names, 5_000))


def sizes_of(features: int, events_a_day: int) -> tuple[int, dict[str, int]]:
    """Return bins of a model, and bytes of its day by kind of sum.

    Args:
        features: how many it has.
        events_a_day: on average.
    """
    rng = np.random.default_rng(features)
    names = [f"x{number}" for number in range(features)]
    baseline = baseline_of(rng, names)
    store, series = MemoryStore(), Series("sizes", "0" * 12)
    minutes = 0
    for minute in range(A_DAY):
        window = Window.empty(baseline, series.version)
        window.observe_rows(rows_of(rng, names, int(rng.poisson(events_a_day / A_DAY))))
        document = window.to_json()
        minutes += len(pack(document))
        key = WindowKey(series, DAY * A_DAY + minute)
        store.compact(StoredWindow(key, 0, {}), document, [])
    sums = Sums(store, 60)
    written = sums.add_day(series, baseline, DAY, range(DAY * 24, DAY * 24 + 24))
    later = sums.add_day(series, baseline, DAY + HOURS.places, [(DAY + HOURS.places) * 24])
    sizes = {"minutes": minutes, TENS.name: 0}
    for place, size in {**later, **written}.items():
        sizes[place.removeprefix(f"{series.version}-").partition("-")[0]] = size
    return sum(len(channel.counts) for channel in baseline.channels), sizes


def main(words: Sequence[str] | None = None) -> int:
    """Print the table of docs/monitor.md about what is kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stored_sums", description=__doc__)
    parser.add_argument("--events", type=int, default=10_000, help="a day (default: 10000)")
    parser.add_argument("--features", type=int, nargs="+", default=FEATURES, help="how many (default: 5 60 500)")
    options = parser.parse_args(words)
    print("| features | bins | a day of minutes | ten minutes | hours | days | all sums |")
    print("|---|---|---|---|---|---|---|")
    for features in options.features:
        bins, sizes = sizes_of(features, options.events)
        kept = [
            sizes[TENS.name] * TENS.kept_days,
            sizes[HOURS.name] * HOURS.kept_days,
            sizes[DAYS.name] * DAYS.kept_days,
        ]
        listed = [size_in_words(size) for size in (sizes["minutes"], *kept, sum(kept))]
        print(f"| {features} | {bins:,} | {' | '.join(listed)} |", flush=True)
    return SUCCESS


if __name__ == "__main__":
    raise SystemExit(main())
