"""CatBoost's JSON document as the model file has it; CatBoost is not needed."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift_engine.model.writer import Model, Tree

from .catboost_columns import Columns
from .catboost_combinations import stepped
from .errors import CannotServe
from .inputs import inputs_by_name, label_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from drift_contracts import FeatureSet
    from drift_engine.model.steps import StepsModel

    from .inputs import Inputs

#: Losses of classifiers with one raw score, by which two probabilities are made.
BINARY = ("Logloss", "CrossEntropy", "Focal")
#: Losses of more classes, and the link of each.
CLASSES = {"MultiClass": "fast-softmax", "MultiClassOneVsAll": "sigmoid"}
#: Losses whose raw scores are logarithms, which a regressor undoes.
EXPONENTIAL = ("Poisson", "Tweedie")
IDENTITY = (
    "RMSE",
    "MAE",
    "Quantile",
    "LogLinQuantile",
    "MAPE",
    "Lq",
    "Huber",
    "Expectile",
    "LogCosh",
    "Cox",
    "MultiRMSE",
    "MultiRMSEWithMissingValues",
    "MultiQuantile",
    "QueryRMSE",
    "QuerySoftMax",
    "QueryCrossEntropy",
    "PairLogit",
    "PairLogitPairwise",
    "YetiRank",
    "YetiRankPairwise",
    "StochasticFilter",
    "StochasticRank",
    "LambdaMart",
)
#: What the document lists of features that are no numbers and no categories.
OTHER_FEATURES = ("text_features", "embedding_features")
SAVE = "save it with model.save_model('model.json', format='json')"


@dataclass(frozen=True)
class CatboostFile:
    """What a document says, converted."""

    model: Model | StepsModel
    inputs: Inputs
    loss: str
    #: None for a regressor.
    classes: tuple[str, ...]
    #: Of the library, as it wrote it.
    version: str
    #: Places of the columns that it takes as categories.
    categories: tuple[int, ...]


def convert_catboost_file(document: Any, feature_set: FeatureSet) -> CatboostFile:
    """Return a document's trees, for the rows of a feature set.

    Args:
        document: As `save_model` with the format "json" writes it.
        feature_set: Whose features the document's columns must be.

    Raises:
        CannotServe: it is no such document, or its loss or its features are not served.
        DoesNotFit: the features are not its columns.
    """
    with refusing_others():
        return _convert(document, feature_set)


@contextmanager
def refusing_others() -> Iterator[None]:
    """Raise CannotServe where something else than CatBoost's document is read."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        raise CannotServe("model file", "expected CatBoost's document in JSON", SAVE) from None


def feature_names(document: Any) -> tuple[str, ...]:
    """Return the names of a document's columns, none where they have their places only.

    Raises:
        CannotServe: it is no such document, or has features of other kinds.
    """
    with refusing_others():
        features = _features(document)
    names = []
    for place, feature in enumerate(features):
        name = feature.get("feature_id") or feature.get("feature_name") or str(place)
        names.append(str(name))
    has_none = names == [str(place) for place in range(len(names))]
    return () if has_none else tuple(names)


def loss_of(document: Any) -> str:
    """Return the name of the loss that a document's model was trained with."""
    return str(document["model_info"]["params"]["loss_function"]["type"])


def catboost_version(document: Any) -> str:
    """Return the version of the library that wrote a document."""
    text = str(document["model_info"].get("catboost_version_info", ""))
    version = text.partition("tags/v")[2]
    return version.split("\n")[0].strip() or "unknown"


def leaf_numbers(document: Any) -> list[float]:
    """Return the numbers of all leaves, in the order of the document."""
    numbers: list[float] = []
    for tree in document.get("oblivious_trees") or ():
        numbers += tree["leaf_values"]
    for tree in document.get("trees") or ():
        for node in _levels(tree):
            value = node.get("value", [])
            numbers += value if isinstance(value, list) else [value]
    return numbers


def _levels(tree: Any) -> list[Any]:
    """Return the nodes of a grown tree by levels, so that siblings stand side by side."""
    nodes = [tree]
    for node in nodes:
        if "split" in node:
            nodes += (node["left"], node["right"])
    return nodes


def _convert(document: Any, feature_set: FeatureSet) -> CatboostFile:
    info = document["model_info"]
    loss = loss_of(document)
    features = _features(document)
    inputs = inputs_by_name(feature_names(document) or None, feature_set, len(features))
    columns = Columns(document, inputs)
    scale, biases = document["scale_and_bias"]
    outputs = len(biases)
    link = _link(loss, outputs)
    threshold = info.get("binclass_probability_threshold")
    if loss in BINARY and threshold is not None:
        # The user's own, which the library turns into one of raw scores.
        link |= {"decision": "above", "threshold": float(threshold)}
    trees = [*_trees(document, columns, outputs)]
    bias = [float(number) for number in biases]
    if not all(map(math.isfinite, (scale, *bias))):
        raise ValueError
    scaling = None if scale == 1 else (float(scale), bias)
    if not trees or (any(bias) and scaling is None):
        trees.append(_leaf([0.0] * outputs if scaling else bias))
    is_binary = loss in BINARY
    model = Model(
        features=columns.width,
        columns=columns.listed,
        trees=trees,
        start=(0.0,) * outputs,
        outputs=2 if is_binary else outputs,
        **link,
    )
    classes: tuple[str, ...] = ()
    if model.task == "classification":
        classes = _classes(info, model.outputs)
    whole: Model | StepsModel = model
    if scaling is not None or columns.width > len(features):
        whole = stepped(*columns.steps(), model, scaling)
    version = catboost_version(document)
    return CatboostFile(whole, inputs, loss, classes, version, columns.categories)


def _features(document: Any) -> list[Any]:
    """Return what the document has of each column, in their order. Raises CannotServe."""
    info = document["features_info"]
    for name in OTHER_FEATURES:
        if info.get(name):
            kind = name.replace("_", " ")
            raise CannotServe(kind, "they are not served", "train without them")
    listed = [*info.get("float_features", ()), *info.get("categorical_features", ())]
    listed.sort(key=lambda feature: int(feature["flat_feature_index"]))
    places = [feature["flat_feature_index"] for feature in listed]
    if places != list(range(len(places))):
        raise ValueError
    return listed


def _link(loss: str, outputs: int) -> dict[str, Any]:
    """Return task, link and decision. Raises CannotServe for a loss that is not served."""
    if loss in BINARY and outputs == 1:
        return {"task": "classification", "link": "sigmoid", "decision": "raw-above"}
    if loss in CLASSES:
        return {"task": "classification", "link": CLASSES[loss], "decision": "raw-argmax"}
    if loss in EXPONENTIAL:
        return {"task": "regression", "link": "fast-exp"}
    if loss in IDENTITY:
        return {"task": "regression"}
    raise CannotServe(
        f"loss_function={loss}",
        "this loss is not served",
        f"train with one of {', '.join((*BINARY, *CLASSES, *EXPONENTIAL, *IDENTITY))}",
    )


def _classes(info: Any, count: int) -> tuple[str, ...]:
    """Return the classes as texts; places where the document names none."""
    names = info.get("class_params", {}).get("class_names") or range(count)
    return tuple(label_text(name) for name in names)


def _trees(
    document: Any,
    columns: Columns,
    outputs: int,
) -> Sequence[Tree]:
    if "oblivious_trees" in document:
        trees = document["oblivious_trees"] or ()
        return [_oblivious(tree, columns, outputs) for tree in trees]
    return [_grown(tree, columns, outputs) for tree in document["trees"] or ()]


def _leaf(values: Sequence[float]) -> Tree:
    """Return a tree of one leaf, which adds to every row: the bias is added last."""
    value = _value(values, len(values))
    return Tree([0], [0.0], [-1], [-1], [value])


def _value(numbers: Any, outputs: int) -> Any:
    """Return what a leaf holds: a number, or a number for each raw score."""
    listed = [float(number) for number in (numbers if isinstance(numbers, list) else [numbers])]
    if len(listed) != outputs:
        raise ValueError
    return listed[0] if outputs == 1 else listed


def _oblivious(
    tree: Any,
    columns: Columns,
    outputs: int,
) -> Tree:
    """Return a tree whose splits of a level are all the same.

    A leaf's place has a bit for each split, the lowest one for the first. So the last split is the
    root here, and the leaves stay in their order.
    """
    splits = [columns.split(split) for split in reversed(tree.get("splits") or ())]
    values = tree["leaf_values"]
    inner = (1 << len(splits)) - 1
    leaves = [
        _value(values[start : start + outputs], outputs) for start in range(0, len(values), outputs)
    ]
    if len(leaves) != inner + 1:
        raise ValueError
    nodes = _Nodes()
    for level, split in enumerate(splits):
        for place in range(1 << level):
            node = (1 << level) - 1 + place
            nodes.add(split, 2 * node + 1, leaves[0])
    for leaf in leaves:
        nodes.add(None, -1, leaf)
    return nodes.tree()


def _grown(
    tree: Any,
    columns: Columns,
    outputs: int,
) -> Tree:
    """Return a tree that grew by depth or by loss, whose nodes are objects in each other."""
    nodes = _Nodes()
    filler = 0.0 if outputs == 1 else [0.0] * outputs
    next_child = 1
    for node in _levels(tree):
        if "split" in node:
            nodes.add(columns.split(node["split"]), next_child, filler)
            next_child += 2
        else:
            nodes.add(None, -1, _value(node["value"], outputs))
    return nodes.tree()


class _Nodes:
    """The nodes of a tree, one after the other."""

    def __init__(self) -> None:
        self._column: list[int] = []
        self._threshold: list[float] = []
        self._left: list[int] = []
        self._right: list[int] = []
        self._value: list[Any] = []
        self._missing: list[int] = []
        self._sets: list[frozenset[int] | None] = []

    def add(
        self,
        split: Any,
        left: int,
        value: Any,
    ) -> None:
        """Add a node.

        Args:
            split: As `Columns.split` returns it, None for a leaf.
            left: Place of its left child, whose sibling comes next; -1 for a leaf.
            value: Of a leaf; of a split it counts for nothing.
        """
        self._column.append(split.column if split else 0)
        self._threshold.append(split.threshold if split else 0.0)
        self._left.append(left)
        self._right.append(left + 1 if split else -1)
        self._value.append(value)
        self._missing.append(split.missing_left if split else 0)
        self._sets.append(split.left_codes if split else None)

    def tree(self) -> Tree:
        """Return the tree."""
        return Tree(
            self._column,
            self._threshold,
            self._left,
            self._right,
            self._value,
            self._missing,
            self._sets,
        )
