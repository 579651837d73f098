"""The columns of a matrix on its way through the steps of a pipeline."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .errors import CannotServe, DoesNotFit
from .inputs import label_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from drift_engine.model.steps import Program

NAN = math.nan
#: Of a category that the feature set does not list.
OTHER = object()
#: A one-hot place that no column has.
NOWHERE = -1.0


@dataclass(frozen=True)
class Number:
    """A column of numbers."""

    register: int


@dataclass(frozen=True)
class Texts:
    """A column of texts, which trees and sums cannot take before a step has encoded it."""

    #: Register of the category's code.
    register: int
    #: What the library sees for each code of the row, for any other text, and for null.
    objects: tuple[object, ...]


Value = Number | Texts


@dataclass(frozen=True)
class Matrix:
    """The columns that a step takes or gives."""

    columns: tuple[Value, ...]
    #: Whether the library holds it as a sparse matrix, whose zeros are not stored.
    sparse: bool = False


def is_missing(value: object) -> bool:
    """Return whether a value is NaN; None is another value to scikit-learn."""
    return isinstance(value, float) and math.isnan(value)


def is_text_column(categories: Sequence[object]) -> bool:
    """Return whether categories that an encoder has seen are texts."""
    return any(isinstance(value, str) for value in categories)


def numbers_of(matrix: Matrix, step: str) -> list[int]:
    """Return the registers of a matrix of numbers.

    Args:
        matrix: What the step takes.
        step: The class of the step, for the refusal.

    Raises:
        CannotServe: a column holds texts.
    """
    registers = []
    for column in matrix.columns:
        if isinstance(column, Texts):
            raise CannotServe(
                step,
                "a column of texts reaches it",
                "encode the texts before it, by OneHotEncoder or OrdinalEncoder",
            )
        registers.append(column.register)
    return registers


def looked_up(
    program: Program,
    column: Texts,
    number: Callable[[object], float],
) -> int:
    """Return the register of a number for each text of a column."""
    return program.lookup(column.register, [number(value) for value in column.objects])


def as_numbers(registers: Sequence[int], *, sparse: bool = False) -> Matrix:
    """Return a matrix of registers."""
    return Matrix(tuple(Number(register) for register in registers), sparse)


def encoded(
    program: Program,
    column: Value,
    categories: Sequence[Any],
    number: Callable[[int | None], float],
    *,
    refuses_unknown: bool,
) -> int:
    """Return the register of a category's number, as encoders have it.

    Args:
        program: That the encoder belongs to.
        column: Of texts or numbers.
        categories: That the encoder has seen, in its order.
        number: By place among the categories, None for any other value.
        refuses_unknown: Whether the library refuses a row with any other value.

    Raises:
        DoesNotFit: the column has numbers where the encoder has seen texts, or the reverse.
    """
    is_text = isinstance(column, Texts)
    if is_text_column(categories) != is_text:
        raise DoesNotFit(
            "/features",
            "texts where the estimator was fitted on texts, and numbers where on numbers",
            "give the feature the type that the rows of fit had",
        )
    if isinstance(column, Texts):
        places = [_place(categories, value) for value in column.objects]
    else:
        numbers = [float(value) for value in categories if not _is_nothing(value)]
        register = program.find(column.register, numbers)
        missing = _place(categories, NAN)
        places = [*range(len(numbers)), None, missing]
        column = Texts(register, ())
    table = [number(place) for place in places]
    if refuses_unknown and None in places:
        marks = [NAN if place is None else 0.0 for place in places]
        program.refuse([program.lookup(column.register, marks)], missing=True)
    return program.lookup(column.register, table)


def _place(categories: Sequence[Any], value: object) -> int | None:
    """Return the place of a value among categories, None where it is none of them."""
    for place, category in enumerate(categories):
        if is_missing(value) and is_missing(category):
            return place
        if value is None or category is None:
            if value is category:
                return place
        elif type(value) is str and label_text(category) == value:
            return place
    return None


def _is_nothing(value: object) -> bool:
    return value is None or is_missing(value)


def listed(values: Any) -> list[Any]:
    """Return an array of the library as Python's own values."""
    result: list[Any] = np.asarray(values).tolist()
    return result
