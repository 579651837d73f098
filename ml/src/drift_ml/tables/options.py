"""How a file is to be read, where that cannot be seen from the file itself."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from .errors import OptionError

MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")
"""Texts that mean a missing value, where a feature may be missing and no category is called so."""

DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
"""Names of delimiters that a shell makes hard to type; any other character stands for itself."""


@dataclass(frozen=True)
class ReadOptions:
    """Options for reading a table. Raises OptionError for a value that is none.

    Attributes:
        delimiter: one character between the cells of a text file, or a name (`tab`). None: a tab in
            files named .tsv, a comma in all others.
        decimal: the decimal point of numbers in text, `.` or `,`.
        encoding: of a text file, as Python names it. None: UTF-8.
        missing: further texts that mean a missing value. A number means each cell of that value.
        sort: whether rows that are not in the order of time are sorted; needs a column of times.
        ignore: columns to leave out, by name, by place (`#3`), or by a pattern with `*`, `?` or
            `[...]`, which never leaves out a column that is needed.
    """

    delimiter: str | None = None
    decimal: str = "."
    encoding: str | None = None
    missing: tuple[str, ...] = ()
    sort: bool = False
    ignore: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.delimiter is not None:
            character = DELIMITERS.get(self.delimiter, self.delimiter)
            if len(character) != 1 or character in '"\r\n':
                raise OptionError(
                    "delimiter", "one character, or tab, comma, semicolon, pipe or space"
                )
            object.__setattr__(self, "delimiter", character)
        if self.decimal not in {".", ","}:
            raise OptionError("decimal", ". or ,")
        if self.decimal == self.delimiter:
            raise OptionError("decimal", "another character than the delimiter's")
        if self.encoding is not None:
            object.__setattr__(self, "encoding", _encoding(self.encoding))

    @property
    def missing_words(self) -> tuple[str, ...]:
        """Return every text that means a missing value."""
        return (*MISSING, *self.missing)


def _encoding(name: str) -> str | None:
    """Return the codec's own name, None for UTF-8."""
    expected = "an encoding of text, such as utf-8, utf-16, windows-1252 or latin-1"
    try:
        codec = codecs.lookup(name)
        text = "a".encode(name).decode(name)
    except (LookupError, ValueError, TypeError) as error:
        raise OptionError("encoding", expected) from error
    if text != "a" or codec.name in {
        "idna",
        "punycode",
        "unicode_escape",
        "raw_unicode_escape",
        "utf-7",
    }:
        raise OptionError("encoding", expected)
    return None if codec.name in {"utf-8", "utf-8-sig", "ascii"} else codec.name
