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


@dataclass(frozen=True)
class Table:
    """Rows of one feature set.

    columns: per feature a vector of shape (rows,): float64 with NaN for missing, or for a category
    an object vector of strings with None for missing. target: float64, shape (rows,). source: where
    the rows came from, as the manifest shows it.
    """

    source: str
    columns: Mapping[str, npt.NDArray[Any]]
    target: npt.NDArray[np.float64]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.target)

    def matrix(self, feature_set: FeatureSet) -> npt.NDArray[np.float64]:
        """The encoded rows, shape (rows, features), in the order of the feature set."""
        return np.column_stack(
            [_encode(feature, self.columns[feature.name]) for feature in feature_set.features]
        )

    def digest(self, feature_set: FeatureSet) -> str:
        """Hex sha256 over names and values of features and target: equal data, equal digest."""
        content = hashlib.sha256()
        for name, values in zip(feature_set.names, self.matrix(feature_set).T, strict=True):
            content.update(name.encode() + b"\0" + np.ascontiguousarray(values, "<f8").tobytes())
        content.update(
            feature_set.target.name.encode() + b"\0" + self.target.astype("<f8").tobytes()
        )
        return content.hexdigest()


def _encode(feature: Feature, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return codes: a category's index, a newcomer's is their number; NaN for None."""
    if feature.type != "category":
        return values.astype(np.float64)
    index = {category: float(i) for i, category in enumerate(feature.categories)} | {None: np.nan}
    newcomer = float(len(feature.categories))
    return np.array([index.get(value, newcomer) for value in values], dtype=np.float64)
