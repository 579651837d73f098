"""Rows of any kind, a data frame or mappings, as requests hold them, with their targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts import ContractError, RequestValidator

from drift_ml.converters import JsonRow, label_text

from .errors import ExportError

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt
    from drift_contracts import Feature, FeatureSet
    from drift_contracts.json_types import JsonValue

    Floats = npt.NDArray[np.float64]

#: Classes of a missing cell that do not differ from themselves, as NaN does.
NOTHING = ("NAType", "NaTType")


@dataclass(
    frozen=True,
    eq=False,
)
class Rows:
    """Rows that keep their feature set, as requests hold them and as models take them."""

    json: list[JsonRow]
    #: Shape (rows, features).
    matrix: Floats
    #: Places of the classes, or numbers; shape (rows, outputs), empty where there is no target.
    target: Floats

    @property
    def count(self) -> int:
        """Return how many rows there are."""
        return len(self.json)


def read_rows(
    argument: str,
    rows: Any,
    feature_set: FeatureSet,
    *,
    with_target: bool,
) -> Rows:
    """Return rows, checked against their feature set.

    Args:
        argument: Its name, for messages.
        rows: A data frame of pandas or Polars, a sequence of mappings, or a pair of one of these
            and the targets. Without a pair the targets are columns among the rows.
        feature_set: Whose features and target the columns must hold, by name or by column.
        with_target: Whether there must be a target.

    Raises:
        ExportError: a column is absent, a row breaks the feature set, or a target is none.
    """
    given, targets = rows if isinstance(rows, tuple) else (rows, None)
    cells = {}
    for feature in feature_set.features:
        column = _column(argument, given, feature.column, feature.name)
        cells[feature.name] = [to_json(feature, value) for value in column]
    names = feature_set.names
    values = zip(*(cells[name] for name in names), strict=True)
    json: list[JsonRow] = [dict(zip(names, row, strict=True)) for row in values]
    if not json:
        raise ExportError(argument, "at least one row", "pass the rows that were meant")
    matrix = _encode(argument, json, feature_set)
    target = np.zeros((len(json), 0))
    if with_target:
        target = _target(argument, given, targets, feature_set)
        if len(target) != len(json):
            raise ExportError(argument, "as many targets as rows", "pass a target for each row")
    return Rows(json, matrix, target)


def _column(
    argument: str,
    rows: Any,
    column: str | None,
    name: str,
) -> list[Any]:
    """Return a column as a list, by the name that it has in files or by its own."""
    if isinstance(rows, Sequence):
        return _cells(
            argument,
            rows,
            column,
            name,
        )
    for present in (column, name):
        if present is not None and present in rows.columns:
            return _listed(rows[present])
    raise _absent(
        argument,
        column or name,
    )


def _cells(
    argument: str,
    rows: Sequence[Any],
    column: str | None,
    name: str,
) -> list[Any]:
    cells = []
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            way_out = "pass a data frame, or a list of mappings by feature"
            raise ExportError(
                f"{argument}: row {number}",
                "a mapping",
                way_out,
            )
        present = column if column in row else name
        if present not in row:
            raise _absent(
                f"{argument}: row {number}",
                column or name,
            )
        cells.append(row[present])
    return cells


def _absent(
    place: str,
    column: str,
) -> ExportError:
    return ExportError(
        place, f"the column {column}", "add it, or name its column in the feature set"
    )


def _listed(values: Any) -> list[Any]:
    """Return a series or an array as Python's own values."""
    convert = getattr(values, "tolist", None) or getattr(values, "to_list", None)
    listed: list[Any] = list(values) if convert is None else convert()
    return listed


def to_json(
    feature: Feature,
    value: Any,
) -> JsonValue:
    """Return a cell as a request holds it; what the feature cannot hold stays as it is.

    Args:
        feature: Whose cell it is.
        value: Of Python, numpy or pandas; None, NaN and pandas' own are missing.
    """
    if value is None or type(value).__name__ in NOTHING or value != value:  # noqa: PLR0124 - NaN
        return None
    plain = value.item() if isinstance(value, np.generic) else value
    if feature.type == "category":
        return label_text(plain)
    if feature.type == "boolean" and plain in (0, 1):
        return bool(plain)
    if feature.type == "integer" and isinstance(plain, float) and plain.is_integer():
        return int(plain)
    result: JsonValue = plain
    return result


def _encode(
    argument: str,
    rows: Sequence[JsonRow],
    feature_set: FeatureSet,
) -> Floats:
    """Return rows as the service reads them. Raises ExportError for the first that it refuses."""
    validator = RequestValidator(feature_set)
    encoded = []
    for number, row in enumerate(rows):
        try:
            encoded.append(validator.row({"features": row}))
        except ContractError as error:
            raise ExportError(
                f"{argument}: row {number}",
                f"a row of the feature set ({error})",
                "widen the feature set, or leave out rows that a request could not hold",
            ) from error
    return np.array(encoded)


def _target(
    argument: str,
    rows: Any,
    targets: Any,
    feature_set: FeatureSet,
) -> Floats:
    """Return the targets, shape (rows, outputs). Raises ExportError for what is none."""
    target = feature_set.target
    if targets is not None:
        columns = _target_columns(targets)
    elif target.outputs:
        outputs = target.outputs
        columns = [_column(argument, rows, output.column, output.name) for output in outputs]
    else:
        columns = [_column(argument, rows, target.column, target.name)]
    if not target.is_class:
        return np.column_stack([_numbers(argument, column) for column in columns])
    places = {name: float(place) for place, name in enumerate(target.classes)}
    labels = [places.get(label_text(value)) for value in columns[0]]
    if None in labels:
        number = labels.index(None)
        way_out = "list all classes in the feature set's target"
        raise ExportError(f"{argument}: row {number}", "a class of the target", way_out)
    return np.array(labels, dtype=np.float64).reshape(-1, 1)


def _target_columns(targets: Any) -> list[list[Any]]:
    """Return targets as columns; an array or a frame may have several."""
    array = np.asarray(targets)
    if array.ndim == 1:
        return [array.tolist()]
    return [column.tolist() for column in array.T]


def _numbers(
    argument: str,
    column: Sequence[Any],
) -> Floats:
    try:
        numbers = np.array(
            column,
            dtype=np.float64,
        )
    except (TypeError, ValueError):
        numbers = np.array([np.nan])
    if not np.isfinite(numbers).all():
        way_out = "leave out rows without a target"
        raise ExportError(
            argument,
            "a number for the target of each row",
            way_out,
        )
    return numbers
