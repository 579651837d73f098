"""XGBoost's model document (ubj or json) as the model file has it; XGBoost is not needed."""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import struct
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from drift_engine.model.writer import Column, Model, Tree

from .errors import CannotServe
from .inputs import Inputs, category_codes, category_numbers, inputs_by_name
from .ubjson import read_ubjson

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from drift_contracts import FeatureSet

#: Objectives by what turns a score into an answer; the start is given in the answer's unit.
LOGISTIC = ("binary:logistic", "reg:logistic")
EXPONENTIAL = ("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft")
IDENTITY = (
    "reg:squarederror",
    "reg:squaredlogerror",
    "reg:absoluteerror",
    "reg:pseudohubererror",
    "reg:quantileerror",
    "rank:pairwise",
    "rank:ndcg",
    "rank:map",
)
SOFTMAX = "multi:softprob"
OLDEST = (2, 0)


@dataclass(frozen=True)
class XgboostFile:
    """What a document says, converted."""

    model: Model
    inputs: Inputs
    objective: str


def parse_xgboost(content: bytes) -> Any:
    """Return XGBoost's document from the bytes of a .ubj or .json file.

    Raises:
        CannotServe: it is neither.
    """
    start = content[:2]
    # In JSON a quote follows the brace, or a blank; in UBJSON the kind of a length does.
    if start[:1] == b"{" and start[1:] not in (b'"', b" ", b"\n"):
        return read_ubjson(content)
    try:
        return json.loads(content)
    except ValueError:
        raise CannotServe(
            "model file",
            "expected XGBoost's document in UBJSON or JSON",
            "save it with Booster.save_model('model.ubj')",
        ) from None


def convert_xgboost_file(
    document: Any,
    feature_set: FeatureSet,
    *,
    iterations: int | None = None,
) -> XgboostFile:
    """Return a document's trees, for the rows of a feature set.

    Args:
        document: As `parse_xgboost` returns it.
        feature_set: Whose features the document's columns must be.
        iterations: How many rounds count, where early stopping chose; all by default.

    Raises:
        CannotServe: its booster, its objective or its version is not served.
        DoesNotFit: the features are not its columns.
    """
    learner = _learner(document)
    objective = str(learner["objective"]["name"])
    parameters = learner["learner_model_param"]
    classes = int(parameters["num_class"])
    groups = max(classes, int(parameters.get("num_target", 1)))
    link = _link(objective, groups)
    booster = learner["gradient_booster"]["model"]
    inputs = _inputs(learner, booster, feature_set)
    columns = _columns(learner, inputs)
    trees = []
    for tree, group in zip(*_rounds(booster, iterations), strict=True):
        trees.append(_tree(tree, group, inputs))
    model = Model(
        features=len(feature_set.features),
        outputs=2 if objective == "binary:logistic" else groups,
        columns=columns,
        trees=trees,
        start=_start(parameters["base_score"], objective, groups),
        sum="f32",
        **link,
    )
    return XgboostFile(model, inputs, objective)


def _learner(document: Any) -> Any:
    """Return the part with the trees. Raises CannotServe for what is no tree booster of ours."""
    try:
        version = tuple(document["version"][:2])
        learner = document["learner"]
        booster = learner["gradient_booster"]["name"]
    except (KeyError, TypeError, IndexError):
        raise CannotServe(
            "model file", "expected XGBoost's document", "save it with Booster.save_model"
        ) from None
    if version < OLDEST:
        raise CannotServe(
            "XGBoost", "models before 2.0 are not read", "load and save it with XGBoost 2 or later"
        )
    # From 3.4 on dropout is a setting of the tree booster, whose trees then have weights.
    weights = learner["gradient_booster"].get("model", {}).get("weight_drop", [])
    if any(float(weight) != 1.0 for weight in weights):
        booster = "dart"
    if booster != "gbtree":
        reason = "its predictions are no plain sum of trees"
        raise CannotServe(f"booster={booster}", reason, "train with booster='gbtree'")
    return learner


def _link(objective: str, groups: int) -> dict[str, Any]:
    """Return task, link and decision. Raises CannotServe for an objective that is not served."""
    if objective == "binary:logistic" and groups == 1:
        return {"task": "classification", "link": "sigmoid32", "decision": "above"}
    if objective == SOFTMAX:
        return {"task": "classification", "link": "softmax32"}
    if objective in LOGISTIC:
        return {"task": "regression", "link": "sigmoid32"}
    if objective in EXPONENTIAL:
        return {"task": "regression", "link": "exp32"}
    if objective in IDENTITY:
        return {"task": "regression"}
    way_out = "train with multi:softprob" if objective == "multi:softmax" else "train with another"
    raise CannotServe(
        f"objective={objective}",
        "this objective is not served",
        way_out,
    )


def _inputs(
    learner: Any,
    booster: Any,
    feature_set: FeatureSet,
) -> Inputs:
    names = learner.get("feature_names") or None
    columns = int(learner["learner_model_param"]["num_feature"])
    inputs = inputs_by_name(
        names,
        feature_set,
        columns,
    )
    named: dict[int, tuple[str, ...]] = {}
    # From 3.1 on a model keeps the names of its categories.
    for column, entry in enumerate(
        booster.get(
            "cats",
            {},
        ).get(
            "enc",
            [],
        )
    ):
        texts = _category_names(entry)
        if set(texts) & set(inputs.feature(column).categories):
            named[column] = texts
    return replace(
        inputs,
        names=named,
        unknown_is_missing=False,
    )


def _columns(learner: Any, inputs: Inputs) -> list[Column]:
    """Return the columns: float32 numbers, or codes of categories."""
    kinds = learner.get("feature_types") or ["float"] * len(inputs.sources)
    columns = []
    for column, kind in enumerate(kinds):
        source = inputs.sources[column]
        if kind == "c":
            columns.append(
                Column(
                    source,
                    categories=category_codes(
                        inputs,
                        column,
                    ),
                )
            )
        else:
            columns.append(
                Column(
                    source,
                    cast="f32",
                    rule="<",
                )
            )
    return columns


def _category_names(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Return names from their bytes one after another; numbers, which have no offsets, are none."""
    offsets = entry.get(
        "offsets",
        [],
    )
    content = bytes(value & 255 for value in entry["values"]) if offsets else b""
    return tuple(content[start:end].decode() for start, end in pairwise(offsets))


def _rounds(booster: Any, iterations: int | None) -> tuple[list[Any], list[int]]:
    """Return the trees that count, and the group of each."""
    trees, groups = booster["trees"], booster["tree_info"]
    if iterations is None:
        return trees, groups
    end = booster["iteration_indptr"][iterations]
    return trees[:end], groups[:end]


def _start(
    base_score: str,
    objective: str,
    groups: int,
) -> tuple[float, ...]:
    """Return the scores before the first tree, shape (groups,), in float32."""
    # Since 3.1 one for each group; before, one for all.
    texts = str(base_score).strip("[]").split(",")
    starts = [
        _margin(
            _single(float(text)),
            objective,
        )
        for text in texts
    ]
    if len(starts) == 1:
        starts *= groups
    return tuple(starts)


def _margin(start: float, objective: str) -> float:
    """Return the score whose answer is a number, with XGBoost's own float32 arithmetic."""
    if objective in LOGISTIC:
        return -_logf(_single(_single(1.0 / start) - 1.0))
    return _logf(start) if objective in EXPONENTIAL else start


def _logf(value: float) -> float:
    """Return the C library's float32 logarithm, which XGBoost calls; numpy's is another."""
    library = ctypes.CDLL(ctypes.util.find_library("m"))
    library.logf.restype = ctypes.c_float
    library.logf.argtypes = [ctypes.c_float]
    return float(library.logf(value))


def _single(value: float) -> float:
    (rounded,) = struct.unpack(
        "<f",
        struct.pack(
            "<f",
            value,
        ),
    )
    return float(rounded)


def _tree(
    tree: Any,
    group: int,
    inputs: Inputs,
) -> Tree:
    """Return a tree. Raises CannotServe where its leaves are vectors."""
    if int(tree["tree_param"]["size_leaf_vector"]) > 1:
        raise CannotServe(
            "multi_strategy=multi_output_tree",
            "trees whose leaves are vectors are not served",
            "train with multi_strategy='one_output_per_tree'",
        )
    conditions = [_single(value) for value in tree["split_conditions"]]
    return Tree(
        column=tree["split_indices"],
        threshold=conditions,
        left=tree["left_children"],
        right=tree["right_children"],
        # A leaf's condition is its value.
        value=conditions,
        missing_left=tree["default_left"],
        categories=_sets(tree, inputs),
        output=group,
    )


def _sets(tree: Any, inputs: Inputs) -> list[frozenset[int] | None] | None:
    """Return the codes that go left by node: at a categorical split, those not in its set."""
    if not tree["categories_nodes"]:
        return None
    sets: list[frozenset[int] | None] = [None] * len(tree["split_indices"])
    parts = zip(
        tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True
    )
    for node, start, size in parts:
        right = {float(value) for value in tree["categories"][start : start + size]}
        numbers = category_numbers(
            inputs,
            tree["split_indices"][node],
        )
        # A number that the library does not know is not in the set either.
        codes = (code for code, number in enumerate(numbers) if number not in right)
        sets[node] = frozenset(codes)
    return sets
