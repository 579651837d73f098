"""scikit-learn's trees, forests and isolation forests, without importing scikit-learn."""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING

import numpy as np
from drift_engine.model.writer import Column, Model, Tree

from .converted import Converted, Reference, as_columns
from .errors import CannotServe
from .estimators import library_version, method_of, version_numbers
from .inputs import inputs_of, label_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    import numpy.typing as npt
    from drift_contracts import FeatureSet

    from .converted import Scorer
    from .inputs import Inputs, JsonRow

    Floats = npt.NDArray[np.float64]

LIBRARY = "scikit-learn"
#: Samples that one split isolates.
_PAIR = 2
#: From here on a classifier's leaves hold shares of the classes; before, they held counts.
SHARES_SINCE = (1, 4)


def quiet(call: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a call that does not warn of columns without names, or of sums that overflow."""

    def answer(matrix: Any) -> Any:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter(
                "ignore",
                UserWarning,
            )
            return call(matrix)

    return answer


def single_columns(inputs: Inputs) -> list[Column]:
    """Return the columns of an estimator that rounds its rows to float32."""
    return [
        Column(
            source,
            cast="f32",
        )
        for source in inputs.sources
    ]


def to_tree(
    tree: Any,
    values: Floats,
    *,
    features: Sequence[int] | None = None,
    output: int = 0,
) -> Tree:
    """Return a tree of scikit-learn as the writer takes it.

    Args:
        tree: A `tree_`.
        values: By node, shape (nodes,), or (nodes, values) where a leaf has several.
        features: Which column of the estimator each of the tree's is, where that is another.
        output: Which raw score the values are added to.
    """
    column = tree.feature
    if features is not None:
        # Leaves have -2, which stands for no column here as well.
        column = np.where(column >= 0, np.asarray(features)[column], column)
    # Before 1.3 trees knew no missing values; the library refuses rows that have them.
    missing = getattr(tree, "missing_go_to_left", None)
    return Tree(
        column=column.tolist(),
        threshold=tree.threshold.tolist(),
        left=tree.children_left.tolist(),
        right=tree.children_right.tolist(),
        value=values.tolist(),
        missing_left=None if missing is None else missing.tolist(),
        output=output,
    )


def convert_forest(estimator: Any, feature_set: FeatureSet) -> Converted:
    """Return a random forest, extra trees, or one decision tree.

    Raises:
        CannotServe: a classifier of several outputs.
        DoesNotFit: the features are not the estimator's columns.
    """
    kind = type(estimator).__name__
    inputs = inputs_of(estimator, feature_set, estimator.n_features_in_)
    is_forest = hasattr(estimator, "estimators_")
    members = estimator.estimators_ if is_forest else [estimator]
    classes = classes_of(estimator, kind)
    trees = [to_tree(member.tree_, _leaves(member, len(classes))) for member in members]
    outputs = len(classes) or estimator.n_outputs_
    model = Model(
        features=len(feature_set.features),
        task="classification" if classes else "regression",
        outputs=outputs,
        columns=single_columns(inputs),
        trees=trees,
        start=(0.0,) * outputs,
        divisor=float(len(trees)) if is_forest else None,
    )
    reference = _forest_reference(estimator, inputs, kind, classes)
    return Converted(model, inputs, reference, kind, classes)


def classes_of(estimator: Any, kind: str) -> tuple[str, ...]:
    """Return the classes as texts, none for a regressor. Raises CannotServe for several outputs."""
    classes = getattr(
        estimator,
        "classes_",
        None,
    )
    if classes is None:
        return ()
    if (
        getattr(
            estimator,
            "n_outputs_",
            1,
        )
        != 1
    ):
        raise CannotServe(
            kind, "a classifier of several outputs is not served", "fit one classifier for each"
        )
    return tuple(label_text(value) for value in classes.tolist())


def _leaves(member: Any, classes: int) -> Floats:
    """Return a tree's values by node, shape (nodes,) or (nodes, values)."""
    value = member.tree_.value
    if not classes:
        outputs: Floats = value[:, :, 0]
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs
    shares: Floats = np.ascontiguousarray(value[:, 0, :classes])
    if version_numbers(member) >= SHARES_SINCE:
        return shares
    # As that version's predict_proba does it, in the same order.
    total = shares.sum(axis=1)[:, np.newaxis]
    total[total == 0.0] = 1.0
    normalised: Floats = shares / total
    return normalised


def _forest_reference(
    estimator: Any,
    inputs: Inputs,
    kind: str,
    classes: Sequence[str],
) -> Reference:
    alone = copy.copy(estimator)
    suffix = ""
    if hasattr(
        alone,
        "n_jobs",
    ):
        # Threads add up the trees in any order, and so round otherwise from call to call.
        alone.n_jobs = None
        suffix = ", n_jobs=None"
    method = "predict_proba" if classes else "predict"
    scores = scorer(inputs, method_of(alone, method))
    labels = (
        labeller(
            inputs,
            alone,
        )
        if classes
        else None
    )
    call = f"{kind}.{method}{suffix}"
    return Reference(
        LIBRARY,
        library_version(estimator),
        call,
        scores,
        raw=scores,
        labels=labels,
    )


def scorer(inputs: Inputs, call: Callable[[Any], Any]) -> Scorer:
    """Return a library's call as one that takes rows as JSON has them."""
    answer = quiet(call)

    def scores(rows: Sequence[JsonRow]) -> Floats:
        return as_columns(answer(inputs.matrix(rows)))

    return scores


def labeller(inputs: Inputs, estimator: Any) -> Callable[[Sequence[JsonRow]], npt.NDArray[np.intp]]:
    """Return a classifier's `predict` as places in its classes, for rows as JSON has them."""
    answer = quiet(method_of(estimator, "predict"))

    def labels(rows: Sequence[JsonRow]) -> npt.NDArray[np.intp]:
        places: npt.NDArray[np.intp] = np.searchsorted(
            estimator.classes_, answer(inputs.matrix(rows))
        )
        return places

    return labels


def convert_isolation(estimator: Any, feature_set: FeatureSet) -> Converted:
    """Return an isolation forest, whose answer is `score_samples`: the lower, the more abnormal.

    Raises:
        DoesNotFit: the features are not the estimator's columns.
    """
    kind = type(estimator).__name__
    inputs = inputs_of(estimator, feature_set, estimator.n_features_in_)
    trees, lengths = [], []
    members = list(zip(estimator.estimators_, estimator.estimators_features_, strict=True))
    for member, features in members:
        tree = member.tree_
        # The order of that library's sum: the depth first, then the rest.
        lengths.append(_depths(tree) + _path_length(tree.n_node_samples) - 1.0)
        trees.append(to_tree(tree, lengths[-1], features=features))
    samples = np.array([estimator.max_samples_])
    denominator = float(len(trees) * _path_length(samples)[0])
    model = Model(
        features=len(feature_set.features),
        task="regression",
        outputs=1,
        columns=single_columns(inputs),
        trees=trees,
        start=(0.0,),
        link="isolation",
        parameters=(denominator, 0.0),
    )

    def depth(matrix: Floats) -> Floats:
        # There is no public method for it, but one for the leaf of each tree.
        total = np.zeros(len(matrix))
        for (member, features), values in zip(members, lengths, strict=True):
            total += values[method_of(member, "apply")(matrix[:, features])]
        return total

    reference = Reference(
        LIBRARY,
        library_version(estimator),
        f"{kind}.score_samples",
        scorer(inputs, method_of(estimator, "score_samples")),
        raw=scorer(inputs, depth),
    )
    return Converted(model, inputs, reference, kind)


def _depths(tree: Any) -> Floats:
    """Return the number of nodes from the root to each node, both counted, shape (nodes,)."""
    depths = np.ones(len(tree.feature))
    for node, (left, right) in enumerate(
        zip(
            tree.children_left.tolist(),
            tree.children_right.tolist(),
            strict=True,
        )
    ):
        if left >= 0:
            # scikit-learn numbers a node before its children.
            depths[left] = depths[right] = depths[node] + 1
    return depths


def _path_length(samples: Floats) -> Floats:
    """Return the mean path length of trees over so many samples, as scikit-learn computes it.

    Source: Liu, Ting and Zhou 2008, equation 1.
    """
    lengths = np.zeros(len(samples))
    lengths[samples == _PAIR] = 1.0
    many = samples > _PAIR
    counts = samples[many]
    lengths[many] = 2.0 * (np.log(counts - 1.0) + np.euler_gamma) - 2.0 * (counts - 1.0) / counts
    return lengths
