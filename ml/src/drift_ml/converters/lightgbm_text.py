"""LightGBM's model text as the model file has it; LightGBM is not needed."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from drift_engine.model.writer import Column, Model, Tree

from .errors import CannotServe
from .inputs import Inputs, category_codes, category_numbers, inputs_by_name, label_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from drift_contracts import FeatureSet

#: Objectives by what turns a score into an answer.
IDENTITY = (
    "regression",
    "regression_l1",
    "huber",
    "fair",
    "quantile",
    "mape",
    "lambdarank",
    "rank_xendcg",
)
EXPONENTIAL = ("poisson", "gamma", "tweedie")
CATEGORICAL, DEFAULT_LEFT = 1, 2
#: By two bits of a split: what NaN is to it. A number next to zero is zero, or missing.
MISSING: tuple[dict[str, Any], ...] = (
    {"zero": "tiny", "missing": "zero"},
    {"zero": "missing"},
    {"zero": "tiny"},
)
_DEFAULT_NAME = re.compile(r"Column_\d+")


@dataclass(frozen=True)
class LightgbmText:
    """What a text says, converted."""

    model: Model
    inputs: Inputs
    objective: str
    #: What the library's raw scores, which are sums, are divided by before the link.
    divisor: float


def convert_lightgbm_text(text: str, feature_set: FeatureSet) -> LightgbmText:
    """Return the trees of LightGBM's text, for the rows of a feature set.

    Args:
        text: As Booster.save_model writes it.
        feature_set: Whose features the text's columns must be.

    Raises:
        CannotServe: it is no such text, or its objective or its trees are not served.
        DoesNotFit: the features are not its columns.
    """
    head, *blocks = re.split(r"\n\nTree=\d+\n", text.split("\nend of trees", maxsplit=1)[0])
    facts = _members(head)
    if not head.startswith("tree\n") or "feature_names" not in facts:
        raise CannotServe(
            "model file", "expected LightGBM's text", "save it with Booster.save_model('model.txt')"
        )
    words = facts.get("objective", "").split()
    objective = words[0] if words else "custom"
    groups = int(facts["num_tree_per_iteration"])
    link = _link(objective, words[1:], groups)
    inputs = _inputs(facts, text, feature_set)
    columns = _Columns(inputs)
    trees = []
    for number, block in enumerate(blocks):
        trees.append(_tree(_members(block), columns, number % groups))
    averaged = "average_output" in head.split("\n")
    rounds = float(len(trees) // groups)
    model = Model(
        features=len(feature_set.features),
        columns=columns.listed,
        trees=trees,
        start=(0.0,) * groups,
        outputs=2 if objective == "binary" else groups,
        divisor=rounds if averaged else None,
        **link,
    )
    return LightgbmText(model, inputs, objective, rounds if averaged else 1.0)


def _members(block: str) -> dict[str, str]:
    """Return the lines NAME=VALUE of a part of the text."""
    found = {}
    for line in block.split("\n"):
        name, equals, value = line.partition("=")
        if equals:
            found[name] = value
    return found


def _link(
    objective: str,
    words: list[str],
    groups: int,
) -> dict[str, Any]:
    """Return task, link and decision. Raises CannotServe for an objective that is not served."""
    parameters = dict(word.split(":") for word in words if ":" in word)
    factor = float(parameters.get("sigmoid", 1.0))
    if objective == "binary":
        return {
            "task": "classification",
            "link": "sigmoid",
            "parameters": (factor,),
            "decision": "above",
        }
    if objective == "multiclass":
        return {"task": "classification", "link": "softmax"}
    if objective == "multiclassova":
        return {
            "task": "classification",
            "link": "sigmoid",
            "parameters": (factor,),
        }
    regression = _regression_link(objective, words)
    if regression is None or groups != 1:
        raise CannotServe(
            f"objective={objective}",
            "this objective is not served",
            "train with another one of LightGBM's",
        )
    return {"task": "regression", "link": regression}


def _regression_link(objective: str, words: list[str]) -> str | None:
    """Return the link of a regression's objective, None for one that is not known."""
    if objective in IDENTITY:
        return "square" if "sqrt" in words else "identity"
    if objective in EXPONENTIAL:
        return "exp"
    return "sigmoid" if objective == "cross_entropy" else None


def _inputs(
    facts: Mapping[str, str],
    text: str,
    feature_set: FeatureSet,
) -> Inputs:
    names = facts["feature_names"].split(" ")
    has_names = not all(_DEFAULT_NAME.fullmatch(name) for name in names)
    inputs = inputs_by_name(
        names if has_names else None,
        feature_set,
        len(names),
    )
    kinds = facts["feature_infos"].split(" ")
    # A range is a number; a list of codes is a category.
    marked = [place for place, kind in enumerate(kinds) if ":" in kind and "[" not in kind]
    listed = _pandas_categories(text)
    named: dict[int, tuple[str, ...]] = {}
    for column, categories in zip(
        _named_columns(
            marked,
            listed,
        ),
        listed,
        strict=False,
    ):
        named[column] = tuple(label_text(value) for value in categories)
    return replace(
        inputs,
        names=named,
    )


def _named_columns(marked: list[int], listed: list[Any]) -> list[int]:
    """Return the columns that have names; a category that was constant has no codes in the text."""
    return marked if len(marked) == len(listed) else []


def _pandas_categories(text: str) -> list[Any]:
    """Return the names of the categories of each column that has some, as pandas had them."""
    _, found, line = text.rpartition("\npandas_categorical:")
    listed = json.loads(line.split("\n")[0]) if found else None
    return listed or []


class _Columns:
    """The columns of the file: one for each feature and each way to take what is missing."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self.listed: list[Column] = []
        self._places: dict[tuple[int, int], int] = {}

    def place(self, column: int, kind: int) -> int:
        """Return the place of a column of the estimator for splits of a kind."""
        is_category = bool(kind & CATEGORICAL)
        way = -1 if is_category else kind >> 2 & 3
        place = self._places.setdefault(
            (column, way),
            len(self.listed),
        )
        if place == len(self.listed):
            source = self.inputs.sources[column]
            if is_category:
                codes = category_codes(
                    self.inputs,
                    column,
                )
                self.listed.append(
                    Column(
                        source,
                        categories=codes,
                    )
                )
            else:
                self.listed.append(Column(source, **MISSING[way]))
        return place


def _tree(
    facts: Mapping[str, str],
    columns: _Columns,
    output: int,
) -> Tree:
    """Return a tree; the text has splits and leaves apart, a leaf is the complement of its place.

    Raises:
        CannotServe: its leaves are linear models.
    """
    if facts.get("is_linear", "0") != "0":
        reason = "leaves that are linear models are not served"
        raise CannotServe("linear_tree", reason, "train with linear_tree=False")
    leaves = _numbers(facts["leaf_value"])
    features = [int(word) for word in facts.get("split_feature", "").split()]
    kinds = [int(word) for word in facts.get("decision_type", "").split()]
    splits = len(features)
    no_split, ends = [0] * len(leaves), [-1] * len(leaves)
    places = [columns.place(*split) for split in zip(features, kinds, strict=True)]
    # Of a category, what is missing goes right.
    missing_left = [int(kind & 3 == DEFAULT_LEFT) for kind in kinds]
    return Tree(
        column=places + no_split,
        threshold=_numbers(facts.get("threshold", "")) + [0.0] * len(leaves),
        left=_children(facts.get("left_child", ""), splits) + ends,
        right=_children(facts.get("right_child", ""), splits) + ends,
        value=[0.0] * splits + leaves,
        missing_left=missing_left + no_split,
        categories=_sets(facts, features, kinds, columns.inputs) + [None] * len(leaves),
        output=output,
    )


def _numbers(text: str) -> list[float]:
    return [float(word) for word in text.split()]


def _children(text: str, splits: int) -> list[int]:
    """Return children as nodes: the splits first, then the leaves."""
    children = []
    for word in text.split():
        child = int(word)
        children.append(child if child >= 0 else splits + ~child)
    return children


def _sets(
    facts: Mapping[str, str],
    features: list[int],
    kinds: list[int],
    inputs: Inputs,
) -> list[frozenset[int] | None]:
    """Return the codes of a row that go left at each split, None where it is no category's."""
    bounds = [int(word) for word in facts.get("cat_boundaries", "").split()]
    words = [int(word) for word in facts.get("cat_threshold", "").split()]
    thresholds = _numbers(facts.get("threshold", ""))
    sets: list[frozenset[int] | None] = [None] * len(features)
    for node, (feature, kind) in enumerate(zip(features, kinds, strict=True)):
        if kind & CATEGORICAL:
            place = int(thresholds[node])
            bits = words[bounds[place] : bounds[place + 1]]
            numbers = category_numbers(inputs, feature)
            codes = (code for code, number in enumerate(numbers) if _holds(bits, number))
            sets[node] = frozenset(codes)
    return sets


def _holds(bits: list[int], number: float) -> bool:
    """Return whether a category is in a set; NaN is in none."""
    if number != number:  # noqa: PLR0124 - NaN
        return False
    word, bit = divmod(
        int(number),
        32,
    )
    return word < len(bits) and bool(bits[word] >> bit & 1)
