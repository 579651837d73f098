"""The files that a table consists of: one, or those of a folder in the order of their names."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING

from .errors import CellFinding, DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OUTCOME = "nothing was compared"
SUFFIXES = (".csv", ".tsv", ".tab", ".parquet", ".pq")
"""Endings of the files of a folder that are read, each also with .gz behind it."""

KINDS = "a CSV, TSV or Parquet file, or a folder of them"
GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"
OTHERS = {
    b"PK\x03\x04": "an archive or a workbook: unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "a workbook: save the sheet as CSV",
    b"\x28\xb5\x2f\xfd": "compressed by zstd: unpack it",
    b"BZh": "compressed by bzip2: unpack it",
    b"\xfd7zXZ": "compressed by xz: unpack it",
    b"ARROW1": "an Arrow file: save it as Parquet",
    b"ORC": "an ORC file: save it as Parquet",
    b"Obj\x01": "an Avro file: save it as Parquet",
    b"SQLite": "a database: export the table as CSV",
}
"""First bytes of files that people take for tables, and what each is."""


@dataclass(frozen=True)
class Part:
    """One file of a table. name: as messages call it. parquet, gzip: told by its first bytes."""

    path: Path
    name: str
    parquet: bool
    gzip: bool


def parts_of(path: Path) -> list[Part]:
    """Return the files of a table in order.

    Raises:
        DataError: there is none, or one is of another kind.
    """
    if not path.is_dir():
        return [_part(path, path.name)]
    files = [file for file in path.rglob("*") if _is_table(file, path)]
    if not files:
        raise file_error(
            path.name,
            "exists",
            f"{KINDS}; the folder holds none that ends in {', '.join(SUFFIXES)}",
        )
    files.sort(key=lambda file: _natural(str(file.relative_to(path))))
    parts = []
    for file in files:
        name = str(file.relative_to(path))
        try:
            parts.append(_part(file, name))
        except DataError as error:
            findings = [replace(finding, files=(name,)) for finding in error.findings]
            raise DataError(path.name, findings, OUTCOME) from error
    return parts


@contextmanager
def opened(part: Part) -> Iterator[IO[bytes]]:
    """Open the bytes of a file, unpacked."""
    with part.path.open("rb") as file:
        if part.gzip:
            import gzip  # noqa: PLC0415 - most files are not packed

            with gzip.GzipFile(fileobj=file) as unpacked:
                yield unpacked  # type: ignore[misc]  # it is an IO[bytes] in all but name
        else:
            yield file


def file_error(
    name: str,
    rule: str,
    expected: str,
    hint: str = "",
    line: int | None = None,
) -> DataError:
    """Return the error of a file as a whole."""
    lines = () if line is None else (line,)
    finding = CellFinding("(file)", rule, expected, lines=lines, hint=hint)
    return DataError(name, (finding,), OUTCOME)


def _is_table(path: Path, folder: Path) -> bool:
    names = path.relative_to(folder).parts
    if any(name.startswith((".", "_")) for name in names):
        return False  # marks of other programs, such as _SUCCESS
    return path.name.lower().removesuffix(".gz").endswith(SUFFIXES) and path.is_file()


def _natural(text: str) -> list[tuple[int, int, str]]:
    """Return a key by which part-2 comes before part-10."""
    pieces = re.findall(r"\d+|\D+", text)
    return [_piece_key(piece) for piece in pieces]


def _piece_key(piece: str) -> tuple[int, int, str]:
    # Numbers are compared as such, and come before letters.
    if piece.isdecimal():
        return 0, int(piece), ""
    return 1, 0, piece


def _part(path: Path, name: str) -> Part:
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise file_error(name, "exists", "a readable CSV or Parquet file") from error
    for first, words in OTHERS.items():
        if head.startswith(first):
            raise file_error(name, "format", KINDS, f"this is {words}")
    parquet = head.startswith(PARQUET)
    if path.suffix.lower() in {".parquet", ".pq"} and not parquet:
        raise file_error(name, "format", "a Parquet file")
    return Part(path, name, parquet, head.startswith(GZIP))
