"""What one column of a sample holds: numbers, booleans, times, texts, and how many of each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
from pyarrow import compute

from drift_ml.tables.cells import BOOLEANS, NAN_WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from drift_ml.tables import ReadOptions

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]
    ColumnKind = Literal["number", "boolean", "time", "text", "nested", "empty"]

#: Texts that people write where a value is missing, beside those that every command knows.
FURTHER_MISSING = ("?", "-", "--", ".", "#N/A", "n.a.", "missing", "Missing", "unknown", "NULL")
#: Share of a column's cells that must have the shape of a date, or of a number with a comma.
MOSTLY = 0.5
#: A whole number that begins with a zero is a code: a postal code, an article number.
LEADING_ZERO = r"^[+-]?0\d+$"
#: What a date or a time begins with.
DATE = (
    r"^\d{4}-\d{2}(-\d{2})?([T ]\d{2}:?\d{2}.*)?$"
    r"|^\d{4}([/.])\d{1,2}\3\d{1,2}([T ].*)?$"
    r"|^\d{1,2}[./-]\d{1,2}[./-]\d{2,4}( .*)?$"
    # Names of months: Jan 31 2026, and 31 January 2026.
    r"|^([A-Z][a-z]{2,8}\.? \d{1,2},?|\d{1,2}\.? [A-Z][a-z]{2,8}\.?) \d{4}$"
)
#: Types whose cells are texts; bytes are texts to be decoded.
TEXT_TYPES = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_binary,
)
DECIMAL_COMMA = r"^[+-]?\d+,\d+$"


@dataclass(frozen=True)
class Profile:
    """What a column holds."""

    #: In the header.
    name: str
    kind: ColumnKind
    #: Cells, and how many of them are missing.
    rows: int
    missing: int
    #: Of a number or a boolean: float64 with NaN for missing, shape (rows,).
    values: Floats | None = None
    #: Of a text: cells by value, the most frequent first.
    levels: Mapping[str, int] | None = None
    #: Of a text: per row the place of its value in `levels`, -1 for missing, shape (rows,).
    codes: Codes | None = None
    #: Texts that stand for a missing value and that commands must be told of.
    marks: tuple[str, ...] = ()
    #: Whether its texts are numbers with a decimal comma.
    has_decimal_comma: bool = False
    #: Whether it holds whole numbers with a leading zero, which are codes.
    has_leading_zero: bool = False

    @cached_property
    def present(self) -> Floats:
        """Return the numbers that are there."""
        values = self.values if self.values is not None else np.zeros(0)
        return values[~np.isnan(values)]

    @cached_property
    def distinct(self) -> int:
        """Return how many different values there are, the missing aside."""
        if self.levels is not None:
            return len(self.levels)
        return len(np.unique(self.present))


def profile_column(
    name: str,
    column: pa.ChunkedArray,
    options: ReadOptions,
) -> Profile:
    """Return what a column holds.

    Args:
        name: in the header.
        column: its cells.
        options: how the file is read: the words for missing values and the decimal point.
    """
    cells = _plain_cells(column)
    kind = cells.type
    if pa.types.is_nested(kind):
        return Profile(name, "nested", len(cells), cells.null_count)
    if pa.types.is_temporal(kind):
        return Profile(name, "time", len(cells), cells.null_count)
    if pa.types.is_boolean(kind):
        return _numbers(name, cells.cast(pa.float64()), "boolean")
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _numbers(name, cells.cast(pa.float64(), safe=False))
    return _texts(name, _as_strings(cells), options)


def written_texts(
    column: pa.ChunkedArray,
    options: ReadOptions,
    marks: tuple[str, ...] = (),
) -> list[str]:
    """Return the different texts of a column, without spaces around them; none of a typed one.

    Args:
        column: its cells.
        options: how the file is read: the words for missing values.
        marks: further texts that stand for a missing value.
    """
    cells = _plain_cells(column)
    if not any(is_text(cells.type) for is_text in TEXT_TYPES):
        return []
    trimmed = compute.utf8_trim_whitespace(_as_strings(cells.unique()))
    present = _without(trimmed, [*options.missing_words, *marks])
    texts: list[str] = present.drop_null().unique().to_pylist()
    return sorted(texts)


def _plain_cells(column: pa.ChunkedArray) -> pa.Array:
    """Return the cells of a column as one array, without an extension type or a dictionary."""
    cells = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if isinstance(cells.type, pa.BaseExtensionType):
        cells = cells.storage
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    return cells


def _as_strings(cells: pa.Array) -> pa.Array:
    """Return texts; bytes that are no UTF-8 become texts that are no value."""
    if pa.types.is_null(cells.type) or pa.types.is_large_string(cells.type):
        return cells.cast(pa.string())
    if pa.types.is_string(cells.type):
        return cells
    decoded = [
        None if cell is None else cell.decode(errors="replace") for cell in cells.to_pylist()
    ]
    return pa.array(decoded, pa.string())


def _numbers(
    name: str,
    cells: pa.Array,
    kind: ColumnKind = "number",
    marks: tuple[str, ...] = (),
    *,
    has_decimal_comma: bool = False,
) -> Profile:
    """Return the profile of a column of numbers, nulls of which are missing values."""
    values = np.asarray(cells.fill_null(np.nan).to_numpy(zero_copy_only=False), dtype=np.float64)
    missing = int(np.isnan(values).sum())
    return Profile(
        name=name,
        kind="empty" if missing == len(values) else kind,
        rows=len(values),
        missing=missing,
        values=values,
        marks=marks,
        has_decimal_comma=has_decimal_comma,
    )


def _texts(
    name: str,
    cells: pa.Array,
    options: ReadOptions,
) -> Profile:
    """Return the profile of a column of texts, which may be numbers, booleans or times."""
    trimmed = compute.utf8_trim_whitespace(cells)
    words = [word for word in options.missing_words if word not in NAN_WORDS]
    present = _without(trimmed, words)
    if present.null_count == len(present):
        return Profile(name, "empty", len(present), present.null_count)
    has_zero = _has_leading_zero(present)
    if not has_zero:
        numbers = _parsed(present, options.decimal)
        if numbers is not None:
            return _numbers(name, numbers)
    levels = _levels(present)
    booleans = [BOOLEANS.get(level.lower()) for level in levels]
    # 0 and 1 were numbers above: two words are left, one of each meaning.
    if set(booleans) == {0.0, 1.0}:
        truths = dict(zip(levels, booleans, strict=True))
        flags = [None if text is None else truths[text] for text in present.to_pylist()]
        return _numbers(name, pa.array(flags, pa.float64()), "boolean")
    if not has_zero:
        mostly = _mostly_numbers(name, present, levels, options)
        if mostly is not None:
            return mostly
    if _share_of(levels, DATE) > MOSTLY:
        return Profile(name, "time", len(present), present.null_count)
    return _text_profile(name, present, levels, has_leading_zero=has_zero)


def _text_profile(
    name: str,
    present: pa.Array,
    levels: Mapping[str, int],
    *,
    has_leading_zero: bool,
) -> Profile:
    encoded = present.dictionary_encode()
    places = {level: place for place, level in enumerate(levels)}
    by_index = [places[text] for text in encoded.dictionary.to_pylist()]
    indices = np.asarray(encoded.indices.fill_null(len(by_index)).to_numpy(zero_copy_only=False))
    return Profile(
        name=name,
        kind="text",
        rows=len(present),
        missing=present.null_count,
        levels=levels,
        # The last place is that of a null.
        codes=np.array([*by_index, -1], dtype=np.int64)[indices],
        has_leading_zero=has_leading_zero,
    )


def _mostly_numbers(
    name: str,
    present: pa.Array,
    levels: Mapping[str, int],
    options: ReadOptions,
) -> Profile | None:
    """Return the profile of numbers among which a few marks mean that a value is missing.

    It is None where the other texts are no such marks. Numbers with a decimal comma are numbers
    too: the profile says that they were read as such.
    """
    has_comma = options.decimal == "." and _share_of(levels, DECIMAL_COMMA) > MOSTLY
    decimal = "," if has_comma else options.decimal
    strange = tuple(level for level in levels if number_of(level, decimal) is None)
    if set(strange) - set(FURTHER_MISSING) or len(strange) == len(levels):
        return None
    numbers = _parsed(_without(present, strange), decimal)
    if numbers is None:
        return None
    return _numbers(name, numbers, marks=strange, has_decimal_comma=has_comma)


def _without(
    texts: pa.Array,
    words: list[str] | tuple[str, ...],
) -> pa.Array:
    """Return texts with nulls where one of some words stands."""
    is_word = compute.is_in(texts, value_set=pa.array(words, pa.string()))
    return compute.if_else(is_word, pa.scalar(None, pa.string()), texts)


def _parsed(
    texts: pa.Array,
    decimal: str,
) -> pa.Array | None:
    """Return texts as numbers, None if one of them is none."""
    if decimal == ",":
        texts = compute.replace_substring(texts, ",", ".")
    try:
        return texts.cast(pa.float64())
    except pa.ArrowInvalid:
        return None


def number_of(
    text: str,
    decimal: str,
) -> float | None:
    """Return the number that a text is, None if it is none.

    Args:
        text: a cell.
        decimal: its decimal point, "." or ",".
    """
    try:
        return float(text.replace(",", ".") if decimal == "," else text)
    except ValueError:
        return None


def _levels(present: pa.Array) -> dict[str, int]:
    """Return how many cells have each text, the most frequent first, equal ones by their text."""
    counted = compute.value_counts(present.drop_null())
    texts = counted.field("values").to_pylist()
    counts = counted.field("counts").to_pylist()
    pairs = sorted(zip(texts, counts, strict=True), key=lambda pair: (-pair[1], pair[0]))
    return dict(pairs)


def _share_of(
    levels: Mapping[str, int],
    shape: str,
) -> float:
    """Return the share of cells whose text has a shape."""
    pattern = re.compile(shape)
    cells = sum(count for level, count in levels.items() if pattern.match(level))
    return cells / sum(levels.values())


def _has_leading_zero(texts: pa.Array) -> bool:
    """Return whether a text is a whole number that begins with a zero; 0.5 and 0 are none."""
    # By the first character alone, since a pattern takes ten times as long.
    zeros = texts.filter(compute.starts_with(texts, "0"))
    return bool(compute.any(compute.match_substring_regex(zeros, LEADING_ZERO)).as_py())
