"""The cells of one column: checked and encoded at once, whatever type the file gives them.

There is one function for each type of feature. What it returns is what it has checked, so that no
cell can be judged as one value and kept as another.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from drift_contracts.value_schema import FLOAT32
from pyarrow import compute

from .errors import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    from drift_contracts import Feature

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]
    Codes = tuple[Floats, Mask, Mask]
    """Values with NaN where there is none, which cells are missing, which of another type."""

TRUE = ("true", "t", "yes", "y", "on", "1")
FALSE = ("false", "f", "no", "n", "off", "0")
BOOLEANS = dict.fromkeys(TRUE, 1.0) | dict.fromkeys(FALSE, 0.0)
BOOLEAN = "a boolean: true or false, t or f, yes or no, y or n, on or off, 1 or 0, in any case"

NAN_WORDS = ("nan", "NaN")
THOUSANDS = re.compile(r"[+-]?\d{1,3}([,. '\u00a0\u202f]\d{3})+([.,]\d+)?")
UNIT = re.compile(r"[^\w\s.,+-]\s*[+-]?[\d.,]+|[+-]?[\d.,]+\s*[^\d\s.,]+")
HEXADECIMAL = re.compile(r"[+-]?0[xXoObB][0-9a-fA-F]+")
WHOLE_FRACTION = re.compile(r"([+-]?\d+)\.0+")
LOOKED_AT = 1000
"""Wrong cells of a batch at most that are looked at for their cause."""


@dataclass(frozen=True)
class Reading:
    """What the cells of a column are read with."""

    #: Texts that mean a missing value.
    missing: tuple[str, ...]
    #: The decimal point of numbers in text.
    decimal: str = "."

    @property
    def missing_numbers(self) -> tuple[float, ...]:
        """Return the numbers among the texts that mean a missing value."""
        numbers = (_number(word, self.decimal) for word in self.missing)
        return tuple(number for number in numbers if number is not None and math.isfinite(number))


@dataclass(frozen=True)
class Problem:
    """One rule that cells of a batch break."""

    rule: str
    expected: str
    #: Which cells break it.
    broken: Mask
    #: The way out, where the cause can be seen.
    hint: str = ""


@dataclass
class Checked:
    """A column that was checked."""

    #: float64, or for a category objects.
    values: npt.NDArray[Any]
    #: What is wrong.
    problems: list[Problem] = field(default_factory=list)

    def add(self, rule: str, expected: str, broken: Mask, hint: str = "") -> None:
        """Note a rule, if any cell breaks it."""
        if broken.any():
            self.problems.append(Problem(rule, expected, broken, hint))


def check_column(feature: Feature | None, column: pa.Array, reading: Reading) -> Checked:
    """Return the column as a vector, and what is wrong with it.

    Numbers and booleans become float64 with NaN for missing, categories objects with None. Without
    a feature the column holds numbers, none of them missing.
    """
    if isinstance(column.type, pa.BaseExtensionType):
        column = column.storage
    if feature is not None and feature.type == "category":
        return check_category(feature, column, reading)
    if feature is not None and feature.type == "boolean":
        return check_boolean(feature, column, reading)
    return check_number(feature, column, reading)


def check_number(feature: Feature | None, column: pa.Array, reading: Reading) -> Checked:
    """Check numbers: type, range of a float32 and the feature's bounds."""
    values, missing, wrong = _coded(column, reading, _numbers)
    sentinels = reading.missing_numbers
    if not sentinels and _all_fit(feature, values):
        return Checked(values)
    if sentinels:
        missing = missing | np.isin(values, sentinels)
        values = np.where(missing, np.nan, values)
    checked = Checked(values)
    no_number = np.isnan(values) & ~missing & ~wrong
    hint = ""
    if feature is not None and feature.nullable:
        no_number = np.zeros_like(no_number)  # a NaN is how tables mark a missing number
    elif no_number.any() or missing.any():
        hint = _not_nullable(feature)
    if feature is None or not feature.nullable:
        checked.add("missing", "a value in every row", missing, hint)
    checked.add("type", "a number", wrong, _number_hint(column, wrong, feature, reading))
    infinite = np.isinf(values)
    checked.add("finite", "a finite number", infinite | no_number, hint if no_number.any() else "")
    large = (np.abs(values) > FLOAT32) & ~infinite
    checked.add("range", "a number in the range of a float32, up to 3.4e38 either way", large)
    if feature is not None:
        _check_bounds(feature, values, np.isfinite(values) & ~large, checked)
    return checked


def check_boolean(feature: Feature, column: pa.Array, reading: Reading) -> Checked:
    """Check booleans in every usual spelling; they become 1 and 0."""
    values, missing, wrong = _coded(column, reading, _booleans)
    checked = Checked(values)
    if not feature.nullable:
        checked.add("missing", "a value in every row", missing, _not_nullable(feature))
    checked.add("type", BOOLEAN, wrong, _missing_hint(feature))
    return checked


def check_category(feature: Feature, column: pa.Array, reading: Reading) -> Checked:
    """Check categories: each cell becomes one of them, an open category's newcomer its own text.

    A number or a boolean is the category of its usual text, so that a column holds the same
    categories whether a file keeps it as text, as numbers or as a dictionary.
    """
    codes = column if pa.types.is_dictionary(column.type) else _dictionary(column)
    # Each different cell is looked at once; the last place is that of a null.
    texts = [_category(feature, cell, reading) for cell in _cells(codes.dictionary)]
    texts.append(None)
    places = _places(codes)
    strangers = _strangers(feature, texts)
    checked = Checked(np.array(texts, dtype=object)[places])
    if not feature.nullable:
        absent = np.array([text is None for text in texts], dtype=bool)
        hint = _not_nullable(feature)
        checked.add("missing", "a value in every row", absent[places], hint)
    wrong = np.array([text is WRONG for text in texts], dtype=bool)
    checked.add("type", "a text, a number or a boolean", wrong[places])
    if strangers:
        strange = np.array([text in strangers for text in texts], dtype=bool)
        expected = f"one of {listed(feature.categories)}"
        checked.add("enum", expected, strange[places], _category_hint(feature, strangers))
    return checked


def _strangers(feature: Feature, texts: Sequence[str | _Wrong | None]) -> list[str]:
    """Return the texts that are no category; none where the feature is open to newcomers."""
    if feature.other:
        return []
    categories = set(feature.categories)
    return [text for text in texts if isinstance(text, str) and text not in categories]


class _Wrong:
    """A cell that cannot be a category, such as a list."""


WRONG = _Wrong()


def _check_bounds(feature: Feature, values: Floats, present: Mask, checked: Checked) -> None:
    if feature.type == "integer":
        checked.add("type", "a whole number", present & (values != np.floor(values)))
    low, high = feature.exclusive_minimum, feature.exclusive_maximum
    if feature.minimum is not None:
        expected = f"at least {feature.minimum:g}"
        checked.add("minimum", expected, present & (values < feature.minimum))
    if low is not None:
        checked.add("minimum", f"more than {low:g}", present & (values <= low))
    if feature.maximum is not None:
        expected = f"at most {feature.maximum:g}"
        checked.add("maximum", expected, present & (values > feature.maximum))
    if high is not None:
        checked.add("maximum", f"less than {high:g}", present & (values >= high))


def _all_fit(feature: Feature | None, values: Floats) -> bool:
    """Return whether no value can be wrong, by the least and the greatest alone.

    Nearly all columns are good, so it saves most of the time.
    """
    if not len(values):
        return True
    low, high = float(values.min()), float(values.max())  # NaN if any is
    if not -FLOAT32 <= low <= high <= FLOAT32:
        return False
    if feature is None:
        return True
    above = low > _or(feature.exclusive_minimum, -math.inf)
    above = above and low >= _or(feature.minimum, -math.inf)
    below = high < _or(feature.exclusive_maximum, math.inf)
    below = below and high <= _or(feature.maximum, math.inf)
    whole = feature.type != "integer" or bool((values == np.floor(values)).all())
    return above and below and whole


def _or(bound: float | None, default: float) -> float:
    return default if bound is None else bound


def _coded(column: pa.Array, reading: Reading, code: Callable[[pa.Array, Reading], Codes]) -> Codes:
    """Return the codes of a column; of a dictionary, those of its values by its indices."""
    if not pa.types.is_dictionary(column.type):
        return code(column, reading)
    values, missing, wrong = code(column.dictionary, reading)
    places = _places(column)
    return (
        np.append(values, np.nan)[places],
        np.append(missing, True)[places],
        np.append(wrong, False)[places],
    )


def _numbers(column: pa.Array, reading: Reading) -> Codes:
    kind = column.type
    missing = nulls(column)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        numbers = compute.cast(column, pa.float64(), safe=False)
        numbers = numbers.fill_null(np.nan) if numbers.null_count else numbers
        values = np.asarray(numbers.to_numpy(zero_copy_only=False))
        return values, missing, np.zeros(len(values), dtype=bool)
    texts = _texts(compute.cast(column, pa.string()) if pa.types.is_decimal(kind) else column)
    if texts is None:
        return np.full(len(column), np.nan), missing, ~missing
    trimmed = compute.utf8_trim_whitespace(texts)
    words = tuple(word for word in reading.missing if word not in NAN_WORDS)  # these are numbers
    missing = nulls(trimmed) | _is_in(trimmed, words)
    present = compute.if_else(pa.array(missing), None, trimmed)
    return _parsed(present, missing, "." if pa.types.is_decimal(kind) else reading.decimal)


def _parsed(texts: pa.Array, missing: Mask, decimal: str) -> Codes:
    """Return the numbers in texts: by Arrow if it can, else by Python, which reads more."""
    if decimal == ".":
        try:
            numbers = compute.cast(texts, pa.float64())
        except pa.ArrowInvalid:
            pass
        else:
            values = np.asarray(numbers.fill_null(np.nan).to_numpy(zero_copy_only=False))
            return values, missing, np.zeros(len(values), dtype=bool)
    codes = texts.dictionary_encode()
    numbers = [_number(text, decimal) for text in codes.dictionary.to_pylist()]
    # The last place is that of a null.
    values = np.array([*numbers, None], dtype=np.float64)
    wrong = np.array([number is None for number in numbers] + [False], dtype=bool)
    places = _places(codes)
    return values[places], missing, wrong[places]


def _booleans(column: pa.Array, reading: Reading) -> Codes:
    kind = column.type
    if pa.types.is_boolean(kind):
        values = np.asarray(compute.cast(column, pa.float64()).fill_null(np.nan))
        return values, nulls(column), np.zeros(len(values), dtype=bool)
    texts = _texts(column)
    if texts is None:
        values, missing, wrong = _numbers(column, reading)
        missing = missing | (np.isnan(values) & ~wrong)
        missing |= np.isin(values, reading.missing_numbers)
        wrong = wrong | ~(missing | np.isin(values, (0.0, 1.0)))
        return np.where(missing | wrong, np.nan, values), missing, wrong
    codes = texts.dictionary_encode()
    words = [text.strip() for text in codes.dictionary.to_pylist()]
    # The last place is that of a null.
    absent = np.array([word in reading.missing for word in words] + [True], dtype=bool)
    values = np.array([_boolean(word) for word in words] + [np.nan], dtype=np.float64)
    values[absent] = np.nan
    wrong = np.isnan(values) & ~absent
    places = _places(codes)
    return values[places], absent[places], wrong[places]


def _boolean(word: str) -> float:
    """Return 1 or 0, NaN for what is no boolean; 1.0 is how tables of numbers write true."""
    whole = WHOLE_FRACTION.fullmatch(word)
    return BOOLEANS.get(whole[1] if whole else word.lower(), math.nan)


def _number(text: str, decimal: str) -> float | None:
    """Return the number that a text is, None if it is none."""
    if decimal == ",":
        if "." in text:
            return None
        text = text.replace(",", ".")
    try:
        return float(text)
    except ValueError:
        return None


def _category(feature: Feature, cell: object, reading: Reading) -> str | _Wrong | None:
    """Return the category that a cell is, a newcomer's text, or None for missing."""
    if cell is None or cell != cell:  # noqa: PLR0124 - NaN is how tables mark a missing category
        return None
    if isinstance(cell, list | dict | tuple):
        return WRONG
    if isinstance(cell, bytes):
        try:
            cell = cell.decode()
        except UnicodeDecodeError:
            return WRONG
    spellings = _spellings(cell)
    for text in spellings:
        if text in feature.categories:
            return text
    word = spellings[0].strip()
    if word == "" or (feature.nullable and word in reading.missing):
        return None
    return spellings[0]


def _spellings(cell: object) -> list[str]:
    """Return the texts that a cell may be written as, the usual one first."""
    text = str(cell)
    if isinstance(cell, str):
        word = text.strip()
        whole = WHOLE_FRACTION.fullmatch(word)
        spellings = [text, word, *([whole[1]] if whole else [])]
        if not word.isascii():
            # Accents are encoded in two ways that look alike.
            spellings += [unicodedata.normalize(form, word) for form in ("NFC", "NFD")]
        if word.lower() in {"true", "false"}:
            spellings += [word.lower(), word.capitalize(), word.upper()]
        return spellings
    if isinstance(cell, bool):
        return [text.lower(), text, text.upper()]
    whole = WHOLE_FRACTION.fullmatch(text)
    if isinstance(cell, float) and cell.is_integer():
        return [str(int(cell)), text]
    return [whole[1], text] if whole else [text]


def _cells(values: pa.Array) -> list[object]:
    """Return the cells as Python has them; of short floats, as they are written."""
    if values.type in {pa.float32(), pa.float16()}:
        return [
            None if cell is None else float(str(cell))
            for cell in values.to_numpy(zero_copy_only=False)
        ]
    cells: list[object] = values.to_pylist()
    return cells


def _dictionary(column: pa.Array) -> pa.DictionaryArray:
    """Return a column as a dictionary; of lists each cell is a value of its own."""
    if pa.types.is_null(column.type):
        column = compute.cast(column, pa.string())
    try:
        return column.dictionary_encode()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        indices = pa.array(
            [place if cell.is_valid else None for place, cell in enumerate(column)], pa.int64()
        )
        return pa.DictionaryArray.from_arrays(indices, column)


def _places(codes: pa.DictionaryArray) -> npt.NDArray[np.int64]:
    """Return where in the dictionary each cell is; null is the place behind its end."""
    indices = compute.cast(codes.indices, pa.int64())
    return np.asarray(indices.fill_null(len(codes.dictionary)).to_numpy(zero_copy_only=False))


def _texts(column: pa.Array) -> pa.Array | None:
    """Return a column of texts, None if it holds others.

    Bytes that are no UTF-8 become a text that is no value.
    """
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_null(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return compute.cast(column, pa.string())
    if (
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    ):
        cells = (
            None if cell is None else cell.decode(errors="replace") for cell in column.to_pylist()
        )
        return pa.array(cells, pa.string())
    return None


def nulls(column: pa.Array) -> Mask:
    """Return which cells are null."""
    if not column.null_count:
        return np.zeros(len(column), dtype=bool)
    return np.asarray(column.is_null().to_numpy(zero_copy_only=False), dtype=bool)


def _is_in(texts: pa.Array, words: tuple[str, ...]) -> Mask:
    matches = compute.is_in(texts, value_set=pa.array(words, pa.string()))
    return np.asarray(matches.to_numpy(zero_copy_only=False), dtype=bool)


def _not_nullable(feature: Feature | None) -> str:
    return "" if feature is None else 'or "nullable": true for this feature in the feature set'


def _missing_hint(feature: Feature | None) -> str:
    """Return the way out where a text stands for a missing value."""
    if feature is None or not feature.nullable:
        return ""
    return "if the text means a missing value, name it with --missing"


def _number_hint(column: pa.Array, wrong: Mask, feature: Feature | None, reading: Reading) -> str:
    """Return the cause, as far as the first wrong cells show it."""
    places = np.flatnonzero(wrong)[:LOOKED_AT]
    if not len(places):
        return ""
    sample = column.take(pa.array(places))
    texts = _texts(sample.dictionary_decode() if pa.types.is_dictionary(sample.type) else sample)
    if texts is None:
        return f"the column holds {sample.type}, not numbers"
    words = [text.strip() for text in texts.to_pylist()]
    another = "," if reading.decimal == "." else "."
    hints = []
    if any(
        word.count(another) == 1 and _number(word.replace(another, "."), ".") is not None
        for word in words
    ):
        name = "comma" if another == "," else "point"
        hints.append(f"a decimal {name}: --decimal {another}")
    if any(THOUSANDS.fullmatch(word) for word in words):
        hints.append("separators of thousands: write the digits without them")
    if any(HEXADECIMAL.fullmatch(word) for word in words):
        hints.append("write decimal digits")
    elif not hints and any(UNIT.fullmatch(word) for word in words):
        hints.append("write the number alone, without unit, currency or %")
    return "; or ".join(hints) or _missing_hint(feature)


def _category_hint(feature: Feature, strangers: list[str]) -> str:
    """Return the cause of texts that are no category, as far as it can be seen."""
    folded = {category.casefold() for category in feature.categories}
    if any(text.strip().casefold() in folded for text in strangers):
        return "differs in case only from a category"
    if any(not text.isprintable() for text in strangers):
        return "the text holds a character that is not seen"
    return _missing_hint(feature)
