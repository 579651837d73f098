"""What CatBoost's splits look at: numbers, categories, and statistics of categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift_engine.model.steps import Program
from drift_engine.model.writer import Column

from .catboost_combinations import Parts, add_statistics
from .catboost_hashes import category_hash, combined
from .catboost_statistics import Statistics
from .errors import DoesNotFit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .inputs import Inputs

#: What CatBoost reads a truth value as, where it is a category.
TRUTHS = ("0", "1")
NAN = float("nan")
#: What NaN is to a number's splits: above all borders, or below.
ABOVE = "AsTrue"


@dataclass(frozen=True)
class Split:
    """A split as trees of the model file have it."""

    #: Place of the input.
    column: int
    threshold: float
    #: Whether a missing value goes left.
    missing_left: bool
    #: Codes that go left, None where it compares with the threshold.
    left_codes: frozenset[int] | None = None


class Columns:
    """The inputs of a document's trees, each made when the first split looks at it."""

    def __init__(self, document: Any, inputs: Inputs) -> None:
        info = document["features_info"]
        self._inputs = inputs
        self._numbers = _by_index(info.get("float_features", ()))
        categories = _by_index(info.get("categorical_features", ()))
        # By index among categories: places among all columns, and hashes by code.
        self._flat: dict[int, int] = {}
        self._hashes: dict[int, tuple[int, ...]] = {}
        for index, category in categories.items():
            self._flat[index] = int(category["flat_feature_index"])
            self._hashes[index] = _hashes(inputs, self._flat[index])
        #: Places of the columns that hold categories.
        self.categories = tuple(self._flat.values())
        self._statistics = Statistics(document)
        # By place, which of the combinations that trees look at each is.
        self._combinations: dict[int, int] = {}
        #: As the model file has them.
        self.listed: list[Column] = []
        self._places: dict[tuple[str, int], int] = {}

    def split(self, split: Any) -> Split:
        """Return a split of a tree, as the document has it.

        Raises:
            LookupError: it looks at what the document does not describe.
        """
        return _SPLITS[split["split_type"]](self, split)

    def _number(self, split: Any) -> Split:
        index = int(split["float_feature_index"])
        feature = self._numbers[index]
        source = self._inputs.sources[int(feature["flat_feature_index"])]
        place = self._place(("number", index), Column(source, cast="f32"))
        return Split(place, float(split["border"]), missing_left=not _is_above(feature))

    def _one_hot(self, split: Any) -> Split:
        index, value = int(split["cat_feature_index"]), int(split["value"])
        hashes = self._hashes[index]
        source = self._inputs.sources[self._flat[index]]
        column = Column(source, categories=len(hashes), missing="refuse")
        place = self._place(("category", index), column)
        # Any text that is not listed is no value that the library knows.
        codes = [code for code, number in enumerate(hashes) if number != value]
        return Split(place, 0.0, missing_left=True, left_codes=frozenset([*codes, len(hashes)]))

    def _statistic(self, split: Any) -> Split:
        place = self._statistics.place(split)
        statistic = self._statistics.listed[place]
        if statistic.category is None:
            column = Column(self._combined(place))
        else:
            hashes = self._hashes[statistic.category]
            keys = [combined(0, number) for number in hashes]
            values = [statistic.value(statistic.counts.get(key)) for key in keys]
            # A text that is not listed was not counted, and null is refused.
            values += (statistic.value(None), NAN)
            source = self._inputs.sources[self._flat[statistic.category]]
            column = Column(source, lookup=values, missing="refuse")
        number = self._place(("statistic", place), column)
        return Split(number, float(split["border"]), missing_left=True)

    def _combined(self, place: int) -> int:
        """Return where trees find the statistic of a combination: behind the features of a row."""
        following = self._combinations.setdefault(place, len(self._combinations))
        return len(self._inputs.sources) + following

    @property
    def width(self) -> int:
        """Return how many numbers trees take: features, and statistics of combinations."""
        return len(self._inputs.sources) + len(self._combinations)

    def steps(self) -> tuple[Program, list[int]]:
        """Return a program that computes what trees take, and the registers of that."""
        inputs = self._inputs
        program = Program(len(inputs.sources))
        program.refuse(sorted(inputs.sources[column] for column in self.categories), missing=True)
        categories = {}
        for index, column in self._flat.items():
            categories[index] = (inputs.sources[column], self._hashes[index])
        numbers = {}
        for index, feature in self._numbers.items():
            source = inputs.sources[int(feature["flat_feature_index"])]
            numbers[index] = (source, _is_above(feature))
        statistics = [self._statistics.listed[place] for place in self._combinations]
        parts = Parts(program, categories, numbers)
        registers = add_statistics(program, parts, statistics)
        return program, [*range(program.features), *registers]

    def _place(self, key: tuple[str, int], column: Column) -> int:
        """Return the place of an input, which is added where it is new."""
        if key not in self._places:
            self._places[key] = len(self.listed)
            self.listed.append(column)
        return self._places[key]


_SPLITS = {
    "FloatFeature": Columns._number,
    "OneHotFeature": Columns._one_hot,
    "OnlineCtr": Columns._statistic,
}


def _is_above(feature: Any) -> bool:
    """Return whether NaN is above all borders of a number."""
    return bool(feature["has_nans"]) and feature["nan_value_treatment"] == ABOVE


def _by_index(features: Sequence[Any]) -> dict[int, Any]:
    return {int(feature["feature_index"]): feature for feature in features}


def category_texts(inputs: Inputs, column: int) -> tuple[str, ...]:
    """Return the text that CatBoost sees for each code of a category's column.

    Raises:
        DoesNotFit: the feature is a number, whose texts nobody lists.
    """
    feature = inputs.feature(column)
    if feature.type == "boolean":
        return TRUTHS
    if feature.type != "category":
        raise DoesNotFit(
            f"/features/{inputs.sources[column]}/type",
            "category or boolean, as the estimator was fitted with categories there",
            "list its categories in the feature set",
        )
    return tuple(feature.categories)


def _hashes(inputs: Inputs, column: int) -> tuple[int, ...]:
    return tuple(category_hash(text) for text in category_texts(inputs, column))
