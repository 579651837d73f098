"""What an estimator's matrix holds for a row as JSON has it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts.json_types import JsonValue

from .errors import DoesNotFit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    import numpy.typing as npt
    from drift_contracts import Feature, FeatureSet

    Floats = npt.NDArray[np.float64]

#: A row as a request holds it: every feature by its name.
JsonRow = Mapping[str, JsonValue]

MISSING = float("nan")
#: Classes of which a library has one score, and both probabilities.
TWO_CLASSES = 2


@dataclass(frozen=True)
class Inputs:
    """How the rows of a feature set become the columns of an estimator."""

    feature_set: FeatureSet
    #: Per column of the estimator, the place of its feature in the feature set.
    sources: tuple[int, ...]
    #: Names of the estimator's columns; those of the features where it has none.
    columns: tuple[str, ...]
    #: Per column whose categories the library knows by name, those names in the order of its codes.
    #: A category of any other column is its place in the feature set.
    names: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    #: Whether a text that the library does not know is a missing value to it.
    unknown_is_missing: bool = True

    def feature(self, column: int) -> Feature:
        """Return the feature that a column of the estimator holds."""
        return self.feature_set.features[self.sources[column]]

    def codes(self, column: int) -> tuple[float, ...]:
        """Return what the library sees for each code of a row.

        Args:
            column: Of the estimator; a category.

        Returns:
            One number for each listed category, then one for every new category.
        """
        categories = self.feature(column).categories
        if column not in self.names:
            return tuple(map(float, range(len(categories) + 1)))
        places = {name: float(place) for place, name in enumerate(self.names[column])}
        unknown = MISSING if self.unknown_is_missing else float(len(places))
        listed = [places.get(category, unknown) for category in categories]
        return (*listed, unknown)

    def matrix(self, rows: Sequence[JsonRow]) -> Floats:
        """Return rows as numbers, shape (rows, columns), NaN for what is missing."""
        columns = [
            self._numbers(
                column,
                rows,
            )
            for column in range(len(self.sources))
        ]
        return np.column_stack(columns)

    def frame(self, rows: Sequence[JsonRow]) -> Any:
        """Return rows as a pandas DataFrame, categories as texts of the library's own kind."""
        pandas = sys.modules["pandas"]
        columns = {}
        for column, name in enumerate(self.columns):
            if column in self.names:
                texts = [row[self.feature(column).name] for row in rows]
                known = self.names[column]
                # pandas takes no value beside its categories, so that unseen ones are some too.
                unseen = [text for text in dict.fromkeys(texts) if text not in (None, *known)]
                columns[name] = pandas.Categorical(
                    texts,
                    categories=[*known, *unseen],
                )
            else:
                columns[name] = self._numbers(
                    column,
                    rows,
                )
        return pandas.DataFrame(columns)

    def _numbers(self, column: int, rows: Sequence[JsonRow]) -> Floats:
        feature = self.feature(column)
        values = [row[feature.name] for row in rows]
        if feature.type != "category":
            return np.array(
                [MISSING if value is None else value for value in values],
                np.float64,
            )
        codes = self.codes(column)
        table: dict[object, float] = dict(
            zip(
                feature.categories,
                codes,
                strict=False,
            )
        )
        table[None] = MISSING
        return np.array(
            [
                table.get(
                    value,
                    codes[-1],
                )
                for value in values
            ],
            np.float64,
        )


def inputs_of(
    estimator: Any,
    feature_set: FeatureSet,
    columns: int,
) -> Inputs:
    """Return how rows of a feature set become an estimator's columns.

    Args:
        estimator: Its `feature_names_in_`, if it has one, names the columns.
        feature_set: Whose features must be those columns.
        columns: How many the estimator takes.

    Raises:
        DoesNotFit: the features are not the columns.
    """
    names = getattr(estimator, "feature_names_in_", None)
    return inputs_by_name(
        names,
        feature_set,
        columns,
    )


def inputs_by_name(
    names: Iterable[object] | None,
    feature_set: FeatureSet,
    columns: int,
) -> Inputs:
    """Return how rows of a feature set become columns of these names.

    Args:
        names: Of the columns, None where the library has none; the features' order decides then.
        feature_set: Whose features, by name or by column, must be those columns.
        columns: How many there must be.

    Raises:
        DoesNotFit: the features are not the columns.
    """
    features = feature_set.features
    if len(features) != columns:
        raise DoesNotFit(
            "/features",
            f"{columns} features, one for each column that the estimator was fitted on",
            "list those columns in the feature set, or fit without the others",
        )
    if names is None:
        return Inputs(feature_set, tuple(range(columns)), feature_set.names)
    places: dict[str, int] = {}
    for place, feature in enumerate(features):
        places[feature.column or feature.name] = place
        places.setdefault(feature.name, place)
    texts = tuple(str(name) for name in names)
    unknown = [text for text in texts if text not in places]
    if unknown:
        raise DoesNotFit(
            "/features",
            f"features for the estimator's columns {', '.join(unknown)}",
            "name the feature so, or name its column by the member column",
        )
    return Inputs(feature_set, tuple(places[text] for text in texts), texts)


def label_text(value: object) -> str:
    """Return a class or a category as the text that a contract has for it.

    >>> label_text(1.0), label_text(True), label_text("late")
    ('1', 'true', 'late')
    """
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def category_numbers(inputs: Inputs, column: int) -> Sequence[float]:
    """Return the library's number of each code of a row. Raises DoesNotFit for a number."""
    feature = inputs.feature(column)
    if feature.type == "boolean":
        return (0.0, 1.0, MISSING)
    if feature.type != "category":
        raise DoesNotFit(
            f"/features/{inputs.sources[column]}/type",
            "category or boolean, as the estimator was fitted with categories there",
            "list its categories in the feature set",
        )
    return inputs.codes(column)


def category_codes(inputs: Inputs, column: int) -> int:
    """Return how many codes a category's column has, without the one of new categories."""
    feature = inputs.feature(column)
    return 2 if feature.type == "boolean" else len(feature.categories)
