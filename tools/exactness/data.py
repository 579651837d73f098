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

CATEGORIES = tuple(f"k{place}" for place in range(12))
#: Share of cells of a nullable feature that are missing.
MISSING = 0.1
#: Borders of the classes on the number that is predicted.
BORDERS = {2: [1.0], 3: [0.0, 2.0], 10: np.linspace(-2.0, 4.0, 9).tolist()}


@dataclass(frozen=True)
class Data:
    """Rows as requests hold them, as a matrix of codes, and what is to be predicted."""

    feature_set: FeatureSet
    rows: list[dict[str, Any]]
    #: Shape (rows, features), NaN for missing, a category as its place.
    matrix: Floats
    #: Shape (rows,).
    number: Floats

    def labels(self, classes: int) -> npt.NDArray[np.intp]:
        """Return places of so many classes, shape (rows,)."""
        return np.digitize(self.number, BORDERS[classes])

    def frame(self) -> Any:
        """Return the rows as a data frame of pandas, null as None among texts."""
        pandas = importlib.import_module("pandas")
        columns = {}
        for feature in self.feature_set.features:
            kind = object if feature.type == "category" else "float64"
            cells = [row[feature.name] for row in self.rows]
            columns[feature.name] = pandas.Series(cells, dtype=kind)
        return pandas.DataFrame(columns)

    @property
    def positive(self) -> Floats:
        """Return the number as one above zero, shape (rows,)."""
        numbers: Floats = np.exp(self.number / 3)
        return numbers


def make_feature_set(*, nullable: bool) -> FeatureSet:
    """Return three numbers, a whole one, a boolean and a category.

    Args:
        nullable: Whether numbers and category may be missing.
    """
    common = {"unit": "none", "description": "Made up."}
    missing: dict[str, Any] = {"nullable": True} if nullable else {}
    number = {"type": "number", "example": 0.5, **common, **missing}
    features = [{"name": name, **number} for name in ("width", "height", "depth")]
    features.append({"name": "count", "type": "integer", "example": 1, "minimum": 0, **common})
    features.append({"name": "flag", "type": "boolean", "example": True, **common})
    category = {"name": "kind", "type": "category", "example": "k0", "other": True}
    features.append({**category, "categories": list(CATEGORIES), **common, **missing})
    target = {"name": "worth", **common}
    head = {"contract": "feature-set.v1", "name": "made-up", "version": "1.0.0"}
    description = "Rows for the proof of exactness."
    document = {**head, "description": description, "target": target, "features": features}
    return FeatureSet.from_json(document)


def make_data(count: int, *, nullable: bool, seed: int = 0) -> Data:
    """Return seeded rows.

    Args:
        count: How many.
        nullable: Whether some cells are missing.
        seed: Of everything.
    """
    random = np.random.default_rng(seed)
    feature_set = make_feature_set(nullable=nullable)
    matrix = np.column_stack(
        [
            random.normal(size=(count, 3)),
            random.integers(0, 50, count),
            random.integers(0, 2, count),
            random.integers(0, len(CATEGORIES), count),
        ]
    ).astype(np.float64)
    if nullable:
        for column in (0, 1, 2, 5):
            matrix[random.random(count) < MISSING, column] = np.nan
    filled = np.nan_to_num(matrix)
    worth = filled[:, 0] + 2 * filled[:, 1] + filled[:, 3] / 25 + filled[:, 5] % 2
    number = worth + random.normal(size=count) / 2
    rows = [_json(feature_set.names, values) for values in matrix.tolist()]
    return Data(feature_set, rows, matrix, number)


def _json(names: tuple[str, ...], values: list[float]) -> dict[str, Any]:
    """Return a row as a request holds it."""
    cells: list[Any] = [None if value != value else value for value in values]  # noqa: PLR0124 - NaN
    cells[3], cells[4] = int(values[3]), bool(values[4])
    if cells[5] is not None:
        cells[5] = CATEGORIES[int(values[5])]
    return dict(zip(names, cells, strict=True))
