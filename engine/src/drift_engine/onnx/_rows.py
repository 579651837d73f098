"""Fill the inputs of an ONNX model from rows as the engine has them."""

from __future__ import annotations

import numpy as np
from drift_contracts.records import Record

from drift_engine.forest import BadRow
from drift_engine.onnx._errors import BadOnnx

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import numpy.typing as npt
    from drift_contracts import Feature, FeatureSet

    Floats = npt.NDArray[np.float64]

#: By the runtime's name: what an input holds, and whether NaN has a place in it.
TYPES: dict[str, tuple[type, bool]] = {
    "tensor(float)": (np.float32, True),
    "tensor(double)": (np.float64, True),
    "tensor(int64)": (np.int64, False),
    "tensor(int32)": (np.int32, False),
    "tensor(bool)": (np.bool_, False),
    "tensor(string)": (np.object_, False),
}
_MATRIX = 2


class Feed(Record):
    """An input, and the features that fill it."""

    name: str
    #: What numpy calls its type.
    dtype: type
    #: Whether it holds NaN.
    takes_missing: bool
    #: Places of its features in a row.
    places: tuple[int, ...]
    #: Whether it is a matrix; else a row is one value.
    is_matrix: bool
    #: Of an input of texts: by feature the text of each code, the last one of a newcomer.
    texts: tuple[tuple[str, ...], ...]

    # Any: of any type
    def fill(self, matrix: Floats) -> npt.NDArray[Any]:
        """Return what the input holds for rows of shape (rows, features).

        Raises:
            BadRow: a value is missing that the input has no place for.
        """
        columns = matrix[:, self.places]
        if not self.takes_missing and np.isnan(columns).any():
            raise BadRow("expected a value: an input of the model has no place for a missing one")
        filled = _texts(columns, self.texts) if self.texts else columns.astype(self.dtype)
        return filled if self.is_matrix else filled[:, 0]


def feeds_of(inputs: Sequence[Any], feature_set: FeatureSet) -> tuple[list[Feed], bool]:
    """Return how the inputs of a model are filled, and whether each call has one row.

    Args:
        inputs: as the runtime describes them: one of all features in their order, or one for each
            feature by its name or its column.
        feature_set: what rows are.

    Raises:
        BadOnnx: they are no such inputs.
    """
    features = feature_set.features
    count = len(features)
    if len(inputs) == 1 and _width(inputs[0]) in (None, count):
        return [_feed(inputs[0], features, tuple(range(count)))], _has_one_row(inputs)
    if len(inputs) == 1 and count > 1:
        raise BadOnnx(
            f"its input has {_width(inputs[0])} columns, and the feature set {count} features",
            "list those columns in the feature set, in their order, and leave the others out"
            " (--ignore)",
        )
    places = {feature.name: place for place, feature in enumerate(features)}
    places |= {feature.column or feature.name: place for place, feature in enumerate(features)}
    named = [places.get(entry.name) for entry in inputs]
    if None in named or not len(set(named)) == len(inputs) == count:
        raise BadOnnx(
            "its inputs are not the features of the feature set, one for each",
            "name the features, or their columns, as the inputs are named",
        )
    feeds = []
    for entry in inputs:
        place = places[entry.name]
        if _width(entry) not in (None, 1):
            raise BadOnnx(
                f"the input of feature {features[place].name} has several columns",
                "export it with one input for each column, or one for all",
            )
        feeds.append(_feed(entry, [features[place]], (place,)))
    return feeds, _has_one_row(inputs)


def _feed(entry: Any, features: Sequence[Feature], places: tuple[int, ...]) -> Feed:
    """Return how one input is filled. Raises BadOnnx for a type that its features do not have."""
    names = ", ".join(feature.name for feature in features[:10])
    if entry.type not in TYPES:
        raise BadOnnx(
            f"the input of {names} is a {entry.type}",
            "export it with inputs of float, double, int64, int32, bool or string",
        )
    dtype, takes_missing = TYPES[entry.type]
    texts: tuple[tuple[str, ...], ...] = ()
    if dtype is np.object_:
        if not all(feature.type == "category" for feature in features):
            raise BadOnnx(
                f"the input of {names} is of texts, and these are not all categories",
                "make them categories in the feature set",
            )
        texts = tuple(_labels(feature) for feature in features)
    is_matrix = len(entry.shape) == _MATRIX
    if not is_matrix and (len(entry.shape) != 1 or len(features) > 1):
        raise BadOnnx(f"the input of {names} is no table", "export it with inputs of two axes")
    return Feed(
        name=entry.name,
        dtype=dtype,
        takes_missing=takes_missing,
        places=places,
        is_matrix=is_matrix,
        texts=texts,
    )


def _labels(feature: Feature) -> tuple[str, ...]:
    """Return the text of each code of a category; a newcomer has one that no category has."""
    newcomer = "(other)"
    while newcomer in feature.categories:
        newcomer += ")"
    return (*feature.categories, newcomer)


def _texts(columns: Floats, texts: Sequence[Sequence[str]]) -> npt.NDArray[np.object_]:
    filled = np.empty(columns.shape, np.object_)
    for column, labels in enumerate(texts):
        filled[:, column] = [labels[int(code)] for code in columns[:, column]]
    return filled


def _width(entry: Any) -> int | None:
    """Return the columns of an input, None where the file leaves them open."""
    if len(entry.shape) != _MATRIX:
        return 1 if len(entry.shape) == 1 else None
    width = entry.shape[1]
    return width if isinstance(width, int) else None


def _has_one_row(inputs: Sequence[Any]) -> bool:
    """Return whether a call has exactly one row. Raises BadOnnx for another fixed number."""
    fixed = {entry.shape[0] for entry in inputs if entry.shape and isinstance(entry.shape[0], int)}
    if fixed - {1}:
        raise BadOnnx(
            "a call takes a fixed number of rows other than one",
            "export it with an open first axis",
        )
    return bool(fixed)
