"""Choose the classes of a target, as the reader of tables matches them with the cells of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from drift_ml.proposal.profile import number_of
from drift_ml.tables.cells import BOOLEANS, WHOLE_FRACTION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_ml.proposal.profile import Profile

#: A target of so many values is taken for classes, if they are not numbers.
TWO = 2
TRUTHS = ["false", "true"]


def class_members(
    target: Profile,
    texts: Sequence[str],
    decimal: str,
) -> dict[str, Any]:
    """Return the members of a target of classes, none for a number.

    Args:
        target: the profile of the column.
        texts: its different texts in the file, none of a typed column.
        decimal: the decimal point of its numbers.
    """
    if target.kind == "text":
        return _members(sorted(target.levels or {}))
    if target.kind == "boolean":
        truths = {text: BOOLEANS[text.lower()] for text in texts}
        return _with_positive(_as_written(TRUTHS, truths))
    if target.distinct == TWO:
        numbers = {text: number_of(text, decimal) or 0.0 for text in texts}
        usual = [_usual_number(value) for value in np.unique(target.present).tolist()]
        return _with_positive(_as_written(usual, numbers))
    return {}


def _members(classes: list[str]) -> dict[str, Any]:
    return {"kind": "classification", "classes": classes}


def _with_positive(classes: list[str]) -> dict[str, Any]:
    """Return the members of ordered classes; of two, the higher one is positive."""
    members = _members(classes)
    if len(classes) == TWO:
        members["positive"] = classes[-1]
    return members


def _as_written(
    usual: list[str],
    values: dict[str, float],
) -> list[str]:
    """Return the usual names of two classes, or the texts of the file where it has other ones.

    Args:
        usual: the names by which the reader finds typed cells, the lower one first.
        values: what each text of the file means.
    """
    if {_usual_text(text) for text in values} <= set(usual):
        return usual
    return sorted(values, key=lambda text: (values[text], text))


def _usual_text(text: str) -> str:
    """Return a text as the reader also spells it: true and false in any case, 1.0 as 1."""
    whole = WHOLE_FRACTION.fullmatch(text)
    if whole:
        return whole[1]
    lowered = text.lower()
    return lowered if lowered in TRUTHS else text


def _usual_number(value: float) -> str:
    """Return a number as a class; a whole one has no exponent."""
    return str(int(value)) if value.is_integer() else f"{value:g}"
