"""A scikit-learn forest as plain arrays, for the writer."""

from __future__ import annotations

from typing import Any

from drift_ml import forest


def forest_bytes(estimator: Any, *, features: int) -> bytes:
    """The forest file of a fitted RandomForestRegressor or ExtraTreesRegressor with one output."""
    return forest.encode([_plain(fitted.tree_) for fitted in estimator.estimators_], features=features)


def _plain(tree: Any) -> forest.Tree:
    return forest.Tree(
        children_left=tree.children_left,
        children_right=tree.children_right,
        feature=tree.feature,
        threshold=tree.threshold,
        value=tree.value[:, 0, 0],
        missing_go_to_left=tree.missing_go_to_left,
    )
