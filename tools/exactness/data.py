"""Seeded rows with numbers, whole numbers, booleans and a category, some of them missing."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from drift_contracts import FeatureSet

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

NUMBERS = ("width", "height", "depth")
CATEGORIES = tuple(f"k{place}" for place in range(12))
#: Places of the columns that are no plain numbers.
COUNT, FLAG, KIND = 3, 4, 5
#: Columns that may be missing.
NULLABLE = (0, 1, 2, KIND)
#: Share of cells of a nullable feature that are missing.
MISSING = 0.1
#: Counts are below.
MOST = 50
#: Borders of the classes on the number that is predicted.
BORDERS = {
    2: [1.0],
    3: [0.0, 2.0],
    10: np.linspace(-2.0, 4.0, 9).tolist(),
}


@dataclass(frozen=True)
class Data:
    """Rows as requests hold them, as a matrix of codes, and what is to be predicted."""

    feature_set: FeatureSet
    rows: list[dict[str, Any]]
    #: Shape (rows, features), NaN for missing, a category as its place.
    matrix: Floats
    #: Shape (rows,).
    number: Floats

    @property
    def positive(self) -> Floats:
        """Return the number as one above zero, shape (rows,)."""
        numbers: Floats = np.exp(self.number / 3)
        return numbers

    def labels(self, classes: int) -> npt.NDArray[np.intp]:
        """Return places of so many classes, shape (rows,)."""
        borders = BORDERS[classes]
        return np.digitize(self.number, borders)

    def frame(self) -> Any:
        """Return the rows as a data frame of pandas, null as None among texts."""
        pandas = importlib.import_module("pandas")
        columns = {}
        for feature in self.feature_set.features:
            kind = object if feature.type == "category" else "float64"
            cells = [row[feature.name] for row in self.rows]
            columns[feature.name] = pandas.Series(cells, dtype=kind)
        return pandas.DataFrame(columns)


def make_feature_set(*, nullable: bool) -> FeatureSet:
    """Return three numbers, a whole one, a boolean and a category.

    Args:
        nullable: Whether numbers and category may be missing.
    """
    missing = {"nullable": True} if nullable else {}
    features = []
    for name in NUMBERS:
        number = _feature(name, "number", 0.5)
        features.append(number | missing)
    features.append(_feature("count", "integer", 1) | {"minimum": 0})
    features.append(_feature("flag", "boolean", example=True))
    listed = {"categories": list(CATEGORIES), "other": True}
    features.append(_feature("kind", "category", "k0") | listed | missing)
    document = {
        "contract": "feature-set.v1",
        "name": "made-up",
        "version": "1.0.0",
        "description": "Rows for the proof of exactness.",
        "target": {
            "name": "worth",
            "unit": "none",
            "description": "Made up.",
        },
        "features": features,
    }
    return FeatureSet.from_json(document)


def _feature(
    name: str,
    kind: str,
    example: object,
) -> dict[str, Any]:
    """Return a feature as its file holds it."""
    return {
        "name": name,
        "type": kind,
        "example": example,
        "unit": "none",
        "description": "Made up.",
    }


def make_data(
    count: int,
    *,
    nullable: bool,
    seed: int = 0,
) -> Data:
    """Return seeded rows.

    Args:
        count: How many.
        nullable: Whether some cells are missing.
        seed: Of everything.
    """
    random = np.random.default_rng(seed)
    matrix = _matrix(
        random,
        count,
        nullable=nullable,
    )
    number = _number(random, matrix)
    feature_set = make_feature_set(nullable=nullable)
    names = feature_set.names
    rows = []
    for values in matrix.tolist():
        cells = _cells(values)
        rows.append(dict(zip(names, cells, strict=True)))
    return Data(
        feature_set,
        rows,
        matrix,
        number,
    )


def _matrix(
    random: np.random.Generator,
    count: int,
    *,
    nullable: bool,
) -> Floats:
    """Return so many rows of six columns; of nullable ones a tenth is missing."""
    columns = (
        random.normal(size=(count, len(NUMBERS))),
        random.integers(0, MOST, count),
        random.integers(0, 2, count),
        random.integers(0, len(CATEGORIES), count),
    )
    matrix: Floats = np.column_stack(columns).astype(np.float64, copy=False)
    if nullable:
        for column in NULLABLE:
            is_missing = random.random(count) < MISSING
            matrix[is_missing, column] = np.nan
    return matrix


def _number(
    random: np.random.Generator,
    matrix: Floats,
) -> Floats:
    """Return what is to be predicted of rows, with noise."""
    filled = np.nan_to_num(matrix)
    width = filled[:, 0]
    height = filled[:, 1]
    count = filled[:, COUNT]
    kind = filled[:, KIND]
    worth = width + 2 * height + count / 25 + kind % 2
    noise = random.normal(size=len(matrix)) / 2
    return np.asarray(worth + noise, dtype=np.float64)


def _cells(values: list[float]) -> list[Any]:
    """Return a row's cells as a request holds them."""
    cells: list[Any] = []
    for value in values:
        is_missing = value != value  # noqa: PLR0124 - NaN
        cells.append(None if is_missing else value)
    cells[COUNT] = int(values[COUNT])
    cells[FLAG] = bool(values[FLAG])
    if cells[KIND] is not None:
        place = int(values[KIND])
        cells[KIND] = CATEGORIES[place]
    return cells
