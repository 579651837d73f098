"""Text files record by record: encoding, delimiter, header, and the line of each record."""

from __future__ import annotations

import codecs
import csv
import io
import tempfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, TextIO

import numpy as np

from .parts import GZIP, PARQUET, Part, file_error, opened

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from .errors import DataError
    from .options import ReadOptions

QUOTE = ord('"')
HEAD = 2**20
"""Characters in which the header must end."""

SHORT_HEAD = 2**14
SHOWN_LINES = 3

BLOCK = 2**22
"""Bytes of a text that are read at a time: some 65,000 rows of ten numbers."""

LONGEST_CELL = 2**26
"""Characters of a cell at most: a quote that is never closed must not take all memory."""

BROKEN_PACK = (EOFError, zlib.error, OSError)
NO_ROWS = "a header line and at least one row"
BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""The marks of encodings by which a file begins; the longer first, as one begins with another."""

UNMARKED = {
    "utf-32-le": (1, 2, 3),
    "utf-32-be": (0, 1, 2),
    "utf-16-le": (1, 3),
    "utf-16-be": (0, 2),
}
"""Encodings without a mark, and which of every four bytes are zeros where the text is Latin."""

ZEROS = 16
"""Zero bytes at the beginning that no encoding of text has."""


@dataclass(frozen=True)
class TextTable:
    """A text file that is ready to be read.

    Attributes:
        part: the file, in UTF-8.
        delimiter: between its cells.
        skip: lines above the header.
        header: the names in it, as they stand there.
        beginning: the first lines, at most three.
    """

    part: Part
    delimiter: str
    skip: int
    header: tuple[str, ...]
    beginning: tuple[str, ...]

    def records(self) -> Generator[tuple[int, int, list[str]], None, None]:
        """Yield row, first line and cells of each record under the header; the header is row 1.

        Blank lines are left out, unless there is but one column, where they are missing values.
        Bytes that are not UTF-8 come as surrogates. Raises DataError where a quoted cell never
        ends.
        """
        usual_limit = csv.field_size_limit(LONGEST_CELL)
        row, begin = 0, self.skip + 1
        try:
            with opened(self.part) as file, _text(file) as stream:
                for _ in range(self.skip):
                    stream.readline()
                reader = csv.reader(stream, delimiter=self.delimiter)
                for cells in reader:
                    line, begin = begin, self.skip + reader.line_num + 1
                    if cells or len(self.header) == 1:
                        row += 1
                        if row > 1:
                            yield row, line, cells or [""]
        except csv.Error as error:
            raise unclosed(self.part.name, begin) from error
        finally:
            csv.field_size_limit(usual_limit)

    def lines(self, wanted: set[tuple[int, int]]) -> dict[tuple[int, int], int]:
        """Return the line on which each (row, place of the column) begins."""
        places: dict[int, list[int]] = {}
        for row, place in wanted:
            places.setdefault(row, []).append(place)
        line_of = {}
        records = self.records()
        while places:
            row, line, cells = next(records)
            for place in places.pop(row, ()):
                line_of[row, place] = line + sum(_ends(cell) for cell in cells[:place])
        records.close()
        return line_of

    @cached_property
    def quotes(self) -> int:
        """Return how many quotes the file has. Raises DataError for a damaged packed file."""
        try:
            return _quotes(self.part)
        except BROKEN_PACK as error:
            raise broken_pack(self.part) from error

    def unclosed_line(self) -> int | None:
        """Return the line of a quote that is open at the end of the file, or None."""
        if self.quotes % 2 == 0:
            return None
        with opened(self.part) as file, _text(file) as stream:
            begin, is_open = 0, False
            for number, line in enumerate(stream, start=1):
                was_open = is_open
                if '"' in line:
                    is_open = _open_after(line, self.delimiter, is_open)
                begin = number if is_open and not was_open else begin
        return begin if is_open else None


@contextmanager
def text_table(part: Part, options: ReadOptions) -> Iterator[TextTable]:
    """Open a text file: find its encoding, delimiter and header.

    A file in another encoding than UTF-8 is copied into one that is, which is gone at the end.
    Raises DataError for a file without a header, in another encoding than the one given, or that is
    no text.
    """
    if options.encoding is None:
        yield _described(part, options)
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "table.csv"
        _copy_as_utf8(part, options.encoding, copy)
        yield _described(replace(part, path=copy, gzip=False), options)


def count_lines(part: Part) -> int:
    """Return how many line ends a text file has. Raises DataError for a damaged packed file."""
    try:
        with opened(part) as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(BLOCK), b""))
    except BROKEN_PACK as error:
        raise broken_pack(part) from error


def unclosed(name: str, line: int) -> DataError:
    """Return the error of a quoted cell that never ends."""
    hint = "close it, or double it to mean itself"
    return file_error(name, "quote", 'a second " where a quoted cell ends', hint, line)


def broken_pack(part: Part) -> DataError:
    """Return the error of a packed file that cannot be unpacked."""
    return file_error(
        part.name, "format", "a whole gzip file", "it is damaged or was cut off: copy it again"
    )


def wrong_encoding(
    part: Part,
    hint: str = "",
    line: int | None = None,
) -> DataError:
    """Return the error of a file that is not in UTF-8."""
    hint = hint or "--encoding names another, such as windows-1252 or latin-1"
    return file_error(part.name, "format", "text in UTF-8", hint, line)


def names_in(line: str, delimiter: str) -> list[str]:
    """Return the cells of one line."""
    return next(csv.reader([line], delimiter=delimiter), [])


def _described(part: Part, options: ReadOptions) -> TextTable:
    try:
        with opened(part) as file:
            beginning = file.read(512)
            _check_unpacked(part, beginning)
            _check_encoding(part, beginning)
        with opened(part) as file, _text(file) as stream:
            head = stream.read(HEAD)
    except BROKEN_PACK as error:
        raise broken_pack(part) from error
    if not head.strip():
        raise file_error(part.name, "rows", NO_ROWS)
    delimiter = options.delimiter or ("\t" if _is_tsv(part.name) else ",")
    skip = 0
    beginning_lines = _first_lines(head)
    first = beginning_lines[0].strip(' "')
    if first.lower().startswith("sep=") and len(first) == len("sep=,"):
        skip = 1  # Excel's own line that names the delimiter
        delimiter = options.delimiter or first[-1]
    lines = io.StringIO(head, newline="")
    for _ in range(skip):
        lines.readline()
    try:
        header = next(filter(None, csv.reader(lines, delimiter=delimiter)), [])
    except csv.Error as error:
        raise unclosed(part.name, skip + 1) from error
    if not header:
        raise file_error(part.name, "rows", NO_ROWS)
    if any(map(has_surrogates, header)):
        raise wrong_encoding(part, line=skip + 1)
    return TextTable(part, delimiter, skip, tuple(header), beginning_lines)


def has_surrogates(text: str) -> bool:
    """Return whether a text holds bytes that were no UTF-8."""
    return not text.isascii() and any("\udc80" <= character <= "\udcff" for character in text)


def _is_tsv(name: str) -> bool:
    return name.lower().removesuffix(".gz").endswith((".tsv", ".tab"))


def _first_lines(head: str) -> tuple[str, ...]:
    """Return the first lines of a text, at most three."""
    lines = head[:SHORT_HEAD].splitlines()  # a long text takes as long as thousands of rows
    if len(lines) <= SHOWN_LINES:
        lines = head.splitlines()
    return tuple(lines[:SHOWN_LINES])


def _check_encoding(part: Part, head: bytes) -> None:
    """Refuse UTF-16 and UTF-32 by name: by their mark, or by the zeros between Latin letters."""
    for mark, name in BOMS:
        if head.startswith(mark):
            raise wrong_encoding(part, f"this is {name.upper()}: --encoding {name}")
    if not any(head[:ZEROS]) and len(head) > ZEROS:
        raise wrong_encoding(part, "it begins with zero bytes: this is no text")
    zeros = [head[place::4].count(0) for place in range(4)]
    quarter = len(head) // 4
    for name, places in UNMARKED.items():
        # Of a character that is no Latin letter, these bytes are no zeros.
        if quarter and all(zeros[place] > quarter // 2 for place in places):
            family = name[:6].upper()
            raise wrong_encoding(part, f"this is {family} without a mark: --encoding {name}")


def _check_unpacked(part: Part, head: bytes) -> None:
    """Refuse what was packed and is no text."""
    if part.gzip and head.startswith((GZIP, PARQUET)):
        content = "a packed file" if head.startswith(GZIP) else "a Parquet file"
        raise file_error(part.name, "format", "a packed text", f"it holds {content}: unpack it")


def _copy_as_utf8(
    part: Part,
    encoding: str,
    copy: Path,
) -> None:
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = 1
    try:
        with opened(part) as file, copy.open("w", encoding="utf-8", newline="") as target:
            while block := file.read(BLOCK):
                text = decoder.decode(block)
                lines += text.count("\n")
                target.write(text)
            target.write(decoder.decode(b"", final=True))
    except UnicodeError as error:
        expected = f"text in {encoding}, as --encoding says"
        if isinstance(error, UnicodeDecodeError):
            lines += error.object[: error.start].decode(encoding, "ignore").count("\n")
        raise file_error(
            part.name, "format", expected, "leave it out, or name another", lines
        ) from error
    except BROKEN_PACK as error:
        raise broken_pack(part) from error


@contextmanager
def _text(file: IO[bytes]) -> Iterator[TextIO]:
    with io.TextIOWrapper(
        file, encoding="utf-8-sig", errors="surrogateescape", newline=""
    ) as stream:
        yield stream


def _quotes(part: Part) -> int:
    """Return how many quotes a file has, at the speed at which it can be read."""
    block = bytearray(2**18)
    values = np.frombuffer(block, np.uint8)
    quotes = 0
    with opened(part) as file:
        while length := file.readinto(block):  # type: ignore[attr-defined]  # binary files have it
            if block.find(b'"', 0, length) >= 0:
                quotes += int(np.count_nonzero(values[:length] == QUOTE))
    return quotes


def _ends(cell: str) -> int:
    """Return how many lines end within a cell."""
    return cell.count("\n") + cell.count("\r") - cell.count("\r\n")


def _open_after(
    line: str,
    delimiter: str,
    is_open: bool,
) -> bool:
    """Return whether a quoted cell is open behind this line, as it was or not before it."""
    at = 0
    while True:
        if is_open:
            at = line.find('"', at)
            if at < 0:
                return True
            if line[at + 1 : at + 2] == '"':
                at += 2  # a doubled quote means itself
                continue
            is_open, at = False, at + 1
        elif line[at : at + 1] == '"':
            is_open, at = True, at + 1
            continue
        at = line.find(delimiter, at) + 1
        if at == 0:
            return False
