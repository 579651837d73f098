"""Decide what a column becomes: a feature, with what was assumed, or nothing, with the reason."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts.value_schema import FLOAT32

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_ml.proposal.profile import Profile

#: Of more levels only the most frequent are listed; contracts allow no more.
MOST_LEVELS = 10_000
LONGEST_LEVEL = 128
#: Share of different values from which texts are names or sentences, and whole numbers are keys.
ALL_DIFFERENT = 0.9
#: Of fewer rows nothing follows from their being different.
FEWEST_ROWS = 20
#: From so many levels on, new ones are to be expected.
MANY_LEVELS = 20
#: Whole numbers of at most so many values may be codes.
FEW_CODES = 12
#: Names of columns that are keys, times or codes.
KEY_NAME = re.compile(r"(^|[_\W])(id|uuid|guid|key|index|rowid|nr|no)($|[_\W])|Id$|ID$")
TIME_NAME = re.compile(r"(^|_)(time|timestamp|datetime|date|epoch)($|_)|_at$", re.IGNORECASE)
CODE_NAME = re.compile(
    r"(^|[_\W])(code|zip|zipcode|postal|postcode|type|class|category|cat|group|region|grade|level"
    r"|status|store|shop)($|[_\W])",
    re.IGNORECASE,
)
#: Seconds and milliseconds of Unix time from 1990 to 2050.
UNIX_TIMES = ((631_152_000.0, 2_524_608_000.0), (631_152_000_000.0, 2_524_608_000_000.0))
#: Numbers that people write where a value is missing.
SENTINELS = (-1.0, -9.0, -99.0, -999.0, -9999.0, 99.0, 999.0, 9999.0, 99999.0, 999999.0)
#: A sentinel is farther away from the other values than they are from each other.
FEWEST_SENTINELS = 3


@dataclass(frozen=True)
class Judged:
    """What becomes of a column."""

    #: In the header.
    name: str
    #: The members of the feature that its values decide, None where the column is left out.
    members: Mapping[str, object] | None
    #: What was assumed, in words.
    assumed: tuple[str, ...] = ()
    #: What somebody should look at, in words.
    doubts: tuple[str, ...] = ()
    #: Why the column is left out, "" for a feature.
    reason: str = ""
    #: The part of the target that the column says alone, 0 to 1; of a feature.
    share: float = 0.0


def judge(profile: Profile) -> Judged:
    """Return what a column becomes."""
    reason = _reason_to_leave_out(profile)
    if reason:
        return Judged(profile.name, None, reason=reason)
    if profile.kind == "text":
        return _category(profile)
    if profile.kind == "boolean":
        return _boolean(profile)
    return _number(profile)


def _reason_to_leave_out(profile: Profile) -> str:
    """Return why a column can be no feature, "" if it can."""
    reasons = {
        "it has no name": not profile.name,
        "its cells are lists or records: a feature is one value": profile.kind == "nested",
        "it has no value in any row that was looked at": profile.kind == "empty",
        _times_words(profile.name): _holds_times(profile),
        "it has one value only: a model learns nothing from it": profile.distinct == 1,
    }
    for reason, holds in reasons.items():
        if holds:
            return reason
    return _reason_of_text(profile) if profile.kind == "text" else _reason_of_number(profile)


def _times_words(name: str) -> str:
    """Return why a column of times is no feature, and what it may be."""
    option = f"--time-column {shlex.quote(name)}"
    return f"it holds times: run again with {option} if they say when each row was"


def _reason_of_text(profile: Profile) -> str:
    cells = profile.rows - profile.missing
    if cells >= FEWEST_ROWS and profile.distinct >= ALL_DIFFERENT * cells:
        return "nearly every row has another text: it is an identifier or free text"
    levels = profile.levels or {}
    if max(map(len, levels)) > LONGEST_LEVEL:
        return f"texts are longer than {LONGEST_LEVEL} characters: it is free text"
    return ""


def _reason_of_number(profile: Profile) -> str:
    values = profile.present
    if not np.isfinite(values).all() or np.abs(values).max() > FLOAT32:
        return "it holds numbers that a float32, in which models compare, cannot hold"
    if not _is_whole(profile) or len(values) < FEWEST_ROWS or profile.missing:
        return ""
    steps = np.diff(values)
    if (steps == 1).all():
        return "it counts the rows: it is an identifier"
    is_key = KEY_NAME.search(profile.name) is not None
    if is_key and profile.distinct >= ALL_DIFFERENT * len(values):
        return "its name and its values, nearly all different, are those of an identifier"
    return ""


def _holds_times(profile: Profile) -> bool:
    """Return whether a column holds dates, or by its name and values Unix times."""
    if profile.kind != "number" or TIME_NAME.search(profile.name) is None:
        return profile.kind == "time"
    low, high = float(profile.present.min()), float(profile.present.max())
    return any(first <= low <= high <= last for first, last in UNIX_TIMES)


def _is_whole(profile: Profile) -> bool:
    values = profile.present
    return bool((values == np.floor(values)).all())


def _number(profile: Profile) -> Judged:
    values = profile.present
    low, high = float(values.min()), float(values.max())
    whole = _is_whole(profile)
    middle = float(np.quantile(values, 0.5, method="nearest"))
    members: dict[str, object] = {
        "type": "integer" if whole else "number",
        "unit": "unknown",
        "example": _plain(middle, whole=whole),
    }
    assumed, doubts = _of_missing(profile, members)
    if low >= 0:
        members["minimum"] = 0
        assumed.append("never negative")
    members["usual"] = [_plain(low, whole=whole), _plain(high, whole=whole)]
    doubts += _doubts_of_number(profile, low, high, whole=whole)
    return Judged(profile.name, members, tuple(assumed), tuple(doubts))


def _doubts_of_number(
    profile: Profile,
    low: float,
    high: float,
    *,
    whole: bool,
) -> list[str]:
    doubts: list[str] = []
    distinct = profile.distinct
    if whole and (low, high) == (0, 1) and distinct == len((low, high)):
        doubts.append("0 and 1 only: make it boolean if requests will send true and false")
    elif whole and distinct <= FEW_CODES and CODE_NAME.search(profile.name):
        doubts.append(
            f"{distinct} whole numbers that may be codes: make it a category if their order means"
            " nothing"
        )
    elif whole and CODE_NAME.search(profile.name):
        doubts.append("by its name these may be codes: make it a category if so")
    sentinel = _sentinel(profile)
    if sentinel is not None:
        word = f"{sentinel:g}"
        doubts.append(
            f"{word} stands far from all other values: if it means missing, run again with"
            f" --missing={word}"
        )
    return doubts


def _sentinel(profile: Profile) -> float | None:
    """Return a number that seems to mean a missing value, or None."""
    values = profile.present
    for sentinel in SENTINELS:
        others = values[values != sentinel]
        if len(values) - len(others) < FEWEST_SENTINELS or len(others) < FEWEST_ROWS:
            continue
        low, high = float(others.min()), float(others.max())
        distance = max(low - sentinel, sentinel - high)
        is_alone = distance > max(high - low, 1.0)
        # -1 beside numbers from 0 on is near, and still the only one that is negative.
        is_only_negative = sentinel < 0 <= low
        if is_alone or is_only_negative:
            return sentinel
    return None


def _boolean(profile: Profile) -> Judged:
    is_mostly_true = bool(profile.present.mean() > 0.5)  # noqa: PLR2004 - one half
    members: dict[str, object] = {"type": "boolean", "unit": "none", "example": is_mostly_true}
    assumed, doubts = _of_missing(profile, members)
    return Judged(profile.name, members, tuple(assumed), tuple(doubts))


def _category(profile: Profile) -> Judged:
    levels = profile.levels or {}
    listed = list(levels)[:MOST_LEVELS]
    members: dict[str, object] = {
        "type": "category",
        "unit": "none",
        "example": listed[0],
        # In an order that the data do not decide: it is the encoding.
        "categories": sorted(listed),
    }
    assumed, doubts = _of_missing(profile, members)
    if len(levels) > len(listed):
        members["other"] = True
        doubts.append(
            f"{len(levels):,} levels: the {MOST_LEVELS:,} most frequent are listed, all others are"
            " one newcomer to the model"
        )
    elif len(levels) > MANY_LEVELS:
        members["other"] = True
        assumed.append("open to levels that are not listed, as there are many")
    if profile.has_leading_zero:
        assumed.append("a code and no number, as some values begin with a zero")
    return Judged(profile.name, members, tuple(assumed), tuple(doubts))


def _of_missing(
    profile: Profile,
    members: dict[str, object],
) -> tuple[list[str], list[str]]:
    """Add what missing values ask for to a feature; return what was assumed and doubted."""
    assumed: list[str] = []
    if profile.missing:
        members["nullable"] = True
        share = profile.missing / profile.rows
        assumed.append(f"null is answered, as {share:.2%} of the cells are missing")
    if profile.marks:
        words = ", ".join(profile.marks)
        assumed.append(f"{words} means a missing value")
    doubts = []
    if profile.has_decimal_comma:
        doubts.append("numbers with a decimal comma: run again with --decimal ,")
    return assumed, doubts


def _plain(
    value: float,
    *,
    whole: bool,
) -> float | int:
    return int(value) if whole else value
