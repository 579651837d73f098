"""The cells of one column: checked and encoded at once, whatever type the file gives them.

There is one function for each type of feature. What it returns is what it has checked, so that no
cell can be judged as one value and kept as another.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from drift_contracts.value_schema import FLOAT32
from drift_contracts.wording import listed
from pyarrow import compute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy.typing as npt
    from drift_contracts import Feature

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]

TRUE = ("true", "t", "yes", "y", "on", "1")
FALSE = ("false", "f", "no", "n", "off", "0")
BOOLEANS = dict.fromkeys(TRUE, 1.0) | dict.fromkeys(FALSE, 0.0)
RANGE = "a number in the range of a float32, up to 3.4e38 either way"
BOOLEAN = "a boolean: true or false, t or f, yes or no, y or n, on or off, 1 or 0, in any case"

NAN_WORDS = ("nan", "NaN")
THOUSANDS = re.compile(r"[+-]?\d{1,3}([,. '\u00a0\u202f]\d{3})+([.,]\d+)?")
UNIT = re.compile(r"[^\w\s.,+-]\s*[+-]?[\d.,]+|[+-]?[\d.,]+\s*[^\d\s.,]+")
HEXADECIMAL = re.compile(r"[+-]?0[xXoObB][0-9a-fA-F]+")
WHOLE_FRACTION = re.compile(r"([+-]?\d+)\.0+")
#: Wrong cells of a batch at most that are looked at for their cause.
LOOKED_AT = 1000


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


class Codes(NamedTuple):
    """The numbers that the cells of a column become."""

    #: NaN where a cell is missing or of another type.
    values: Floats
    #: Which cells are missing.
    missing: Mask
    #: Which cells are of another type.
    wrong: Mask

    def at(self, places: npt.NDArray[np.int64]) -> Codes:
        """Return the codes of cells by their places in a dictionary; the one behind it is null."""
        values = np.append(self.values, np.nan)
        missing = np.append(self.missing, True)
        wrong = np.append(self.wrong, False)
        return Codes(values[places], missing[places], wrong[places])


@dataclass
class Checked:
    """A column that was checked."""

    #: float64, or for a category objects.
    values: npt.NDArray[Any]
    #: What is wrong.
    problems: list[Problem] = field(default_factory=list)

    def add(
        self,
        rule: str,
        expected: str,
        broken: Mask,
        hint: str = "",
    ) -> None:
        """Note a rule, if any cell breaks it."""
        if broken.any():
            self.problems.append(Problem(rule, expected, broken, hint))


def check_column(
    feature: Feature | None,
    column: pa.Array,
    reading: Reading,
) -> Checked:
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


def check_number(
    feature: Feature | None,
    column: pa.Array,
    reading: Reading,
) -> Checked:
    """Check numbers: type, range of a float32 and the feature's bounds."""
    values, missing, wrong = _coded(column, reading, _numbers)
    # A number such as -999 may mean a missing value, and would else break the feature's bounds.
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
        # A NaN is how tables mark a missing number.
        no_number = np.zeros_like(no_number)
    elif no_number.any() or missing.any():
        hint = _not_nullable(feature)
    if feature is None or not feature.nullable:
        checked.add("missing", "a value in every row", missing, hint)
    checked.add("type", "a number", wrong, _number_hint(column, wrong, feature, reading))
    infinite = np.isinf(values)
    # An infinity is no missing value, so that the way out would not help.
    way_out = hint if no_number.any() else ""
    checked.add("finite", "a finite number", infinite | no_number, way_out)
    large = (np.abs(values) > FLOAT32) & ~infinite
    checked.add("range", RANGE, large)
    if feature is not None:
        _check_bounds(feature, values, np.isfinite(values) & ~large, checked)
    return checked


def check_boolean(
    feature: Feature,
    column: pa.Array,
    reading: Reading,
) -> Checked:
    """Check booleans in every usual spelling; they become 1 and 0."""
    values, missing, wrong = _coded(column, reading, _booleans)
    checked = Checked(values)
    if not feature.nullable:
        checked.add("missing", "a value in every row", missing, _not_nullable(feature))
    checked.add("type", BOOLEAN, wrong, _missing_hint(feature))
    return checked


def check_category(
    feature: Feature,
    column: pa.Array,
    reading: Reading,
) -> Checked:
    """Check categories: each cell becomes one of them, an open category's newcomer its own text.

    A number or a boolean is the category of its usual text, so that a column holds the same
    categories whether a file keeps it as text, as numbers or as a dictionary.
    """
    codes = column
    if not pa.types.is_dictionary(column.type):
        codes = _dictionary(column)
    # Each different cell is looked at once; the last place is that of a null.
    texts = [_category(feature, cell, reading) for cell in _cells(codes.dictionary)]
    texts.append(None)
    places = _places(codes)
    strangers = _strangers(feature, texts)
    checked = Checked(np.array(texts, dtype=object)[places])
    if not feature.nullable:
        absent = _mask(text is None for text in texts)
        hint = _not_nullable(feature)
        checked.add("missing", "a value in every row", absent[places], hint)
    wrong = _mask(text is WRONG for text in texts)
    checked.add("type", "a text, a number or a boolean", wrong[places])
    if strangers:
        strange = _mask(text in strangers for text in texts)
        expected = f"one of {listed(feature.categories)}"
        hint = _category_hint(feature, strangers)
        checked.add("enum", expected, strange[places], hint)
    return checked


def _mask(answers: Iterable[bool]) -> Mask:
    return np.fromiter(answers, dtype=bool)


def _strangers(feature: Feature, texts: Sequence[str | _Wrong | None]) -> list[str]:
    """Return the texts that are no category; none where the feature is open to newcomers."""
    if feature.other:
        return []
    categories = set(feature.categories)
    return [text for text in texts if isinstance(text, str) and text not in categories]


class _Wrong:
    """A cell that cannot be a category, such as a list."""


WRONG = _Wrong()


def _check_bounds(
    feature: Feature,
    values: Floats,
    present: Mask,
    checked: Checked,
) -> None:
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
    # NaN if any value is, which then fails the comparison.
    low = float(values.min())
    high = float(values.max())
    if not -FLOAT32 <= low <= high <= FLOAT32:
        return False
    if feature is None:
        return True
    outside = (
        feature.minimum is not None and low < feature.minimum,
        feature.exclusive_minimum is not None and low <= feature.exclusive_minimum,
        feature.maximum is not None and high > feature.maximum,
        feature.exclusive_maximum is not None and high >= feature.exclusive_maximum,
    )
    if any(outside):
        return False
    return feature.type != "integer" or bool((values == np.floor(values)).all())


def _coded(
    column: pa.Array,
    reading: Reading,
    code: Callable[[pa.Array, Reading], Codes],
) -> Codes:
    """Return the codes of a column; of a dictionary, those of its values by its indices."""
    if not pa.types.is_dictionary(column.type):
        return code(column, reading)
    # Each value of a dictionary is read once, however many cells have it.
    return code(column.dictionary, reading).at(_places(column))


def _numbers(column: pa.Array, reading: Reading) -> Codes:
    kind = column.type
    missing = nulls(column)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        numbers = compute.cast(column, pa.float64(), safe=False)
        values = _vector(numbers)
        return Codes(values, missing, np.zeros(len(values), dtype=bool))
    decimal = reading.decimal
    if pa.types.is_decimal(kind):
        # Arrow writes decimals with a point, whatever the file's texts have.
        column = compute.cast(column, pa.string())
        decimal = "."
    texts = _texts(column)
    if texts is None:
        return Codes(np.full(len(column), np.nan), missing, ~missing)
    trimmed = compute.utf8_trim_whitespace(texts)
    # The words for NaN are numbers, and parsed as such.
    words = tuple(word for word in reading.missing if word not in NAN_WORDS)
    missing = nulls(trimmed) | _is_in(trimmed, words)
    present = compute.if_else(pa.array(missing), None, trimmed)
    return _parsed(present, missing, decimal)


def _vector(numbers: pa.Array) -> Floats:
    """Return numbers of Arrow as a vector, with NaN for null."""
    if numbers.null_count:
        numbers = numbers.fill_null(np.nan)
    return np.asarray(numbers.to_numpy(zero_copy_only=False))


def _parsed(
    texts: pa.Array,
    missing: Mask,
    decimal: str,
) -> Codes:
    """Return the numbers in texts: by Arrow if it can, else by Python, which reads more."""
    if decimal == ".":
        try:
            numbers = compute.cast(texts, pa.float64())
        except pa.ArrowInvalid:
            pass
        else:
            values = _vector(numbers)
            return Codes(values, missing, np.zeros(len(values), dtype=bool))
    codes = texts.dictionary_encode()
    numbers = [_number(text, decimal) for text in codes.dictionary.to_pylist()]
    parsed = Codes(
        values=np.array(numbers, dtype=np.float64),
        missing=np.zeros(len(numbers), dtype=bool),
        wrong=_mask(number is None for number in numbers),
    )
    # Words for missing values became nulls: which cells are missing is known by `missing` alone.
    return parsed.at(_places(codes))._replace(missing=missing)


def _booleans(column: pa.Array, reading: Reading) -> Codes:
    kind = column.type
    if pa.types.is_boolean(kind):
        values = _vector(compute.cast(column, pa.float64()))
        return Codes(values, nulls(column), np.zeros(len(values), dtype=bool))
    texts = _texts(column)
    if texts is None:
        return _numeric_booleans(column, reading)
    codes = texts.dictionary_encode()
    words = [text.strip() for text in codes.dictionary.to_pylist()]
    missing = _mask(word in reading.missing for word in words)
    values = np.array([_boolean(word) for word in words], dtype=np.float64)
    # A word such as "no" may be a boolean by itself and mean a missing value in this file.
    values[missing] = np.nan
    wrong = np.isnan(values) & ~missing
    return Codes(values, missing, wrong).at(_places(codes))


def _numeric_booleans(column: pa.Array, reading: Reading) -> Codes:
    """Return booleans that are written as the numbers 1 and 0."""
    values, missing, wrong = _numbers(column, reading)
    missing = missing | (np.isnan(values) & ~wrong)
    missing |= np.isin(values, reading.missing_numbers)
    wrong = wrong | ~(missing | np.isin(values, (0.0, 1.0)))
    return Codes(np.where(missing | wrong, np.nan, values), missing, wrong)


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


def _category(
    feature: Feature,
    cell: object,
    reading: Reading,
) -> str | _Wrong | None:
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
        spellings = [text, word]
        if whole:
            spellings.append(whole[1])
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
        places = (place if cell.is_valid else None for place, cell in enumerate(column))
        indices = pa.array(places, pa.int64())
        return pa.DictionaryArray.from_arrays(indices, column)


def _places(codes: pa.DictionaryArray) -> npt.NDArray[np.int64]:
    """Return where in the dictionary each cell is; null is the place behind its end."""
    indices = compute.cast(codes.indices, pa.int64())
    filled = indices.fill_null(len(codes.dictionary))
    return np.asarray(filled.to_numpy(zero_copy_only=False))


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


def _number_hint(
    column: pa.Array,
    wrong: Mask,
    feature: Feature | None,
    reading: Reading,
) -> str:
    """Return the cause, as far as the first wrong cells show it."""
    places = np.flatnonzero(wrong)[:LOOKED_AT]
    if not len(places):
        return ""
    sample = column.take(pa.array(places))
    if pa.types.is_dictionary(sample.type):
        sample = sample.dictionary_decode()
    texts = _texts(sample)
    if texts is None:
        return f"the column holds {sample.type}, not numbers"
    words = [text.strip() for text in texts.to_pylist()]
    hints = []
    another, name = (",", "comma") if reading.decimal == "." else (".", "point")
    if any(_has_decimal(word, another) for word in words):
        hints.append(f"a decimal {name}: --decimal {another}")
    if any(THOUSANDS.fullmatch(word) for word in words):
        hints.append("separators of thousands: write the digits without them")
    if any(HEXADECIMAL.fullmatch(word) for word in words):
        hints.append("write decimal digits")
    elif not hints and any(UNIT.fullmatch(word) for word in words):
        hints.append("write the number alone, without unit, currency or %")
    return "; or ".join(hints) or _missing_hint(feature)


def _has_decimal(word: str, character: str) -> bool:
    """Return whether a word is a number with another decimal point, which it has once."""
    if word.count(character) != 1:
        return False
    return _number(word.replace(character, "."), ".") is not None


def _category_hint(feature: Feature, strangers: list[str]) -> str:
    """Return the cause of texts that are no category, as far as it can be seen."""
    folded = {category.casefold() for category in feature.categories}
    if any(text.strip().casefold() in folded for text in strangers):
        return "differs in case only from a category"
    if any(not text.isprintable() for text in strangers):
        return "the text holds a character that is not seen"
    return _missing_hint(feature)
