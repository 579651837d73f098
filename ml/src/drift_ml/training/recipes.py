"""What decides a model besides its data; it is imported without numpy."""

from __future__ import annotations

from dataclasses import dataclass

#: Classes of sklearn.ensemble by the name of the option.
ESTIMATORS = {"random-forest": "RandomForestRegressor", "extra-trees": "ExtraTreesRegressor"}
#: Rows that a source generates by default.
ROWS = 10_000


@dataclass(frozen=True)
class Recipe:
    """What decides a model besides its data."""

    estimator: str = "random-forest"
    trees: int = 100
    #: Rows that a leaf must hold.
    min_samples_leaf: int = 5
    #: Share of the rows that are kept for the scores.
    held_out: float = 0.2
    #: Of split and forest.
    seed: int = 7
