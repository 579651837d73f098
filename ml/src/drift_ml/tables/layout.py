"""Which columns are read, and where a file has them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from drift_contracts import Feature
from drift_contracts.wording import listed

from .errors import CellFinding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_contracts import FeatureSet
    from drift_contracts.features import Target

PANDAS_INDEX = re.compile(r"__index_level_\d+__")
"""The columns in which pandas keeps its own row labels."""


@dataclass(frozen=True)
class Column:
    """A column that is read."""

    #: In the feature set.
    name: str
    #: In files.
    header: str
    #: Whose values it holds, None for numbers that are no feature's, and for times.
    feature: Feature | None = None
    is_time: bool = False
    #: Another name in files, as logs of requests call features by their names.
    fallback: str | None = None


@dataclass(frozen=True)
class Layout:
    """Which columns are read: the features, one more of numbers, one of times, some of names."""

    feature_set: FeatureSet
    #: The target's name, or the name of a column of predictions.
    number: str | None = None
    time: str | None = None
    #: Whether no feature may be missing, whatever the feature set says: a model that has learnt no
    #: missing value needs it.
    complete: bool = False
    #: Columns of names, such as those of sessions; what is a feature is read as that.
    names: tuple[str, ...] = ()

    @property
    def columns(self) -> list[Column]:
        """Return the columns that the file must have."""
        features = self.feature_set.features
        columns = [
            Column(feature.name, feature.column or feature.name, feature) for feature in features
        ]
        target = self.feature_set.target
        if self.number == target.name:
            labels = _label_feature(target) if target.is_class else None
            columns.append(Column(target.name, target.column or target.name, labels))
        elif self.number and self.number not in self.feature_set.names:
            columns.append(Column(self.number, self.number))
        if self.time:
            columns.append(Column(self.time, self.time, is_time=True))
        names = [name for name in self.names if name not in self.feature_set.names]
        columns += [Column(name, name, _name_feature(name)) for name in dict.fromkeys(names)]
        taken = {column.header for column in columns}
        return [
            column if column.name in taken else replace(column, fallback=column.name)
            for column in columns
        ]


def optional_target(target: Target) -> Feature:
    """Return a target as a feature that a row may lack."""
    if target.is_class:
        return _label_feature(target, nullable=True)
    return Feature(
        name=target.name,
        type="number",
        unit=target.unit,
        description=target.description,
        example=None,
        nullable=True,
    )


def _name_feature(name: str) -> Feature:
    """Return a column of names as a category of any texts, which a row may lack."""
    return Feature(
        name=name,
        type="category",
        unit="none",
        description="What names something.",
        example=None,
        nullable=True,
        other=True,
    )


def _label_feature(target: Target, *, nullable: bool = False) -> Feature:
    """Return the target of a classifier as a closed category."""
    return Feature(
        name=target.name,
        type="category",
        unit=target.unit,
        description=target.description,
        example=target.classes[0],
        categories=target.classes,
        column=target.column,
        nullable=nullable,
    )


@dataclass(frozen=True)
class Places:
    """Where a file has the columns.

    Attributes:
        columns: each column that the file has, with its place.
        blank: places of columns without a name, whose cells must be empty.
        findings: what is wrong with the header.
    """

    columns: tuple[tuple[Column, int], ...]
    blank: tuple[int, ...]
    findings: tuple[CellFinding, ...]


def find_columns(
    names: Sequence[str],
    layout: Layout,
    ignore: Sequence[str],
    *,
    strict: bool,
) -> Places:
    """Find the columns of a layout among the names of a header.

    Args:
        names: as the file has them. Spaces around them and the way in which accents are encoded do
            not matter.
        layout: what is looked for.
        ignore: names, places and patterns of columns to leave out.
        strict: whether other columns are refused.
    """
    keys = [_key(name) for name in names]
    wanted = layout.columns
    out = {place for place, key in enumerate(keys) if _is_ignored(key, place, ignore, wanted)}
    columns: list[tuple[Column, int]] = []
    absent: list[CellFinding] = []
    twice: list[CellFinding] = []
    used: set[int] = set()
    for column in wanted:
        places = _places(column, names, keys, out)
        used.update(places)
        if len(places) == 1:
            columns.append((column, places[0]))
        elif places:
            hint = f"--ignore '#{places[-1] + 1}' leaves the last out"
            twice.append(
                CellFinding(
                    column.header, "duplicate", "one column of this name", len(places), hint=hint
                )
            )
        else:
            near = _near(column, keys)
            used.update(near)
            hint = _near_hint(near, column, keys)
            absent.append(
                CellFinding(column.header, "required", "this column in the header", hint=hint)
            )
    findings = absent + twice
    unused = [place for place in range(len(keys)) if place not in used and place not in out]
    blank = [place for place in unused if not keys[place]] if strict else []
    if strict:
        expected = f"only {listed([column.header for column in wanted])}"
        unknown = [
            place for place in unused if keys[place] and not PANDAS_INDEX.fullmatch(keys[place])
        ]
        hints = {place: f"--ignore '#{place + 1}' leaves it out" for place in unknown}
        findings += [
            CellFinding(f"#{place + 1}", "unknown", expected, hint=hints[place])
            for place in unknown
        ]
    return Places(tuple(columns), tuple(blank), tuple(findings))


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip()


def _is_ignored(
    key: str,
    place: int,
    ignore: Sequence[str],
    wanted: Sequence[Column],
) -> bool:
    if key in map(_key, ignore) or f"#{place + 1}" in ignore:
        return True
    if key in {_key(column.header) for column in wanted}:
        return False
    return any(fnmatchcase(key, pattern) for pattern in ignore)


def _places(
    column: Column,
    names: Sequence[str],
    keys: Sequence[str],
    out: set[int],
) -> list[int]:
    """Return where a column is: by its name, else but for spaces, else by the feature's."""
    ways = [(column.header, names), (_key(column.header), keys), (column.fallback, keys)]
    for text, texts in ways:
        places = [place for place, name in enumerate(texts) if name == text and place not in out]
        if places:
            return places
    return []


def _squeezed(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def _near(column: Column, keys: Sequence[str]) -> list[int]:
    """Return the places of columns that are spelled in another way."""
    return [
        place
        for place, key in enumerate(keys)
        if key and _squeezed(key) == _squeezed(column.header)
    ]


def _near_hint(
    near: Sequence[int],
    column: Column,
    keys: Sequence[str],
) -> str:
    if not near:
        return ""
    place = near[0]
    difference = "case, spaces or punctuation"
    if keys[place].casefold() == column.header.casefold():
        difference = "case"
    way_out = 'rename it, or name it as "column" in the feature set'
    return f"column #{place + 1} differs in {difference} only from {column.header}: {way_out}"


def kept_names(names: Sequence[str], ignore: Sequence[str]) -> list[str]:
    """Return the names of a header that no option leaves out, without spaces around them."""
    keys = [_key(name) for name in names]
    return [key for place, key in enumerate(keys) if not _is_ignored(key, place, ignore, ())]
