"""A training table: columns by feature name, the target, and what identifies them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    from drift_contracts import Feature, FeatureSet
    from drift_contracts.json_types import JsonValue

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """Rows of one feature set."""

    #: Where the rows came from, as the manifest shows it.
    source: str
    #: Per feature a vector of shape (rows,): float64 with NaN for missing, or for a category an
    #: object vector of strings with None for missing.
    columns: Mapping[str, npt.NDArray[Any]]
    #: Shape (rows,); of a classifier the place of each row's label in the target's classes.
    target: Floats
    #: Milliseconds of Unix time, shape (rows,), where the rows have times: in their order.
    times_ms: npt.NDArray[np.int64] | None = None
    #: The column of the times.
    time_column: str | None = None

    @property
    def rows(self) -> int:
        """Return how many rows there are."""
        return len(self.target)

    def matrix(self, feature_set: FeatureSet) -> Floats:
        """Return the encoded rows, shape (rows, features), in the order of the feature set."""
        features = feature_set.features
        vectors = [_encode(feature, self.columns[feature.name]) for feature in features]
        return np.column_stack(vectors)

    def json_rows(self, feature_set: FeatureSet) -> list[dict[str, JsonValue]]:
        """Return the rows as requests hold them: by feature, None for missing."""
        cells = [
            _json_cells(feature, self.columns[feature.name]) for feature in feature_set.features
        ]
        return [dict(zip(feature_set.names, row, strict=True)) for row in zip(*cells, strict=True)]

    def digest(self, feature_set: FeatureSet) -> str:
        """Return the SHA-256 over names and values of features and target, 64 hex digits."""
        names = [*feature_set.names, feature_set.target.name]
        vectors = [*self.matrix(feature_set).T, self.target]
        content = hashlib.sha256()
        for name, values in zip(names, vectors, strict=True):
            content.update(name.encode() + b"\0")
            # Little-endian, so that every machine has the same digest.
            content.update(np.ascontiguousarray(values, "<f8").tobytes())
        return content.hexdigest()


def _json_cells(feature: Feature, values: npt.NDArray[Any]) -> list[JsonValue]:
    """Return a column as JSON has it."""
    cells: list[JsonValue] = values.tolist()
    if feature.type == "category":
        return cells
    if feature.type == "boolean":
        return [None if cell != cell else bool(cell) for cell in cells]  # noqa: PLR0124 - NaN
    return [None if cell != cell else cell for cell in cells]  # noqa: PLR0124 - NaN


def _encode(feature: Feature, values: npt.NDArray[Any]) -> Floats:
    """Return codes: a category's index, a newcomer's is their number; NaN for None."""
    if feature.type != "category":
        return values.astype(np.float64)
    codes: dict[str | None, float] = {None: np.nan}
    for code, category in enumerate(feature.categories):
        codes[category] = float(code)
    newcomer = float(len(feature.categories))
    return np.array([codes.get(value, newcomer) for value in values], dtype=np.float64)
