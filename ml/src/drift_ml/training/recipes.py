"""What decides a model besides its data; it is imported without numpy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """A kind of estimator, and where its classes are."""

    #: That the two classes are imported from.
    module: str
    regressor: str
    classifier: str
    #: The distribution whose version decides the model too.
    library: str = "scikit-learn"
    #: Of drift-ml, which brings the library; None where the extra `train` does.
    extra: str | None = None
    #: Whether its trees are grown one after the other, each on what the others leave.
    boosting: bool = True
    #: Whether it learns from missing values.
    takes_missing: bool = True
    #: How many categories it can tell apart by name; those of a feature with more, and all where
    #: it is 0, are numbers to it: their places in the feature set's list.
    most_categories: int = 0


#: By the name of the option.
ESTIMATORS = {
    "random-forest": Family(
        "sklearn.ensemble", "RandomForestRegressor", "RandomForestClassifier", boosting=False
    ),
    "extra-trees": Family(
        "sklearn.ensemble", "ExtraTreesRegressor", "ExtraTreesClassifier", boosting=False
    ),
    "hist-boosting": Family(
        "sklearn.ensemble",
        "HistGradientBoostingRegressor",
        "HistGradientBoostingClassifier",
        # Its bins are bytes, and one of them is for missing values.
        most_categories=255,
    ),
    "gradient-boosting": Family(
        "sklearn.ensemble",
        "GradientBoostingRegressor",
        "GradientBoostingClassifier",
        takes_missing=False,
    ),
    "xgboost": Family(
        "xgboost",
        "XGBRegressor",
        "XGBClassifier",
        library="xgboost",
        extra="xgboost",
        most_categories=1001,
    ),
    "lightgbm": Family(
        "lightgbm",
        "LGBMRegressor",
        "LGBMClassifier",
        library="lightgbm",
        extra="lightgbm",
        most_categories=1001,
    ),
}
#: Rows that a source generates by default.
ROWS = 10_000


@dataclass(frozen=True)
class Recipe:
    """What decides a model besides its data."""

    estimator: str = "random-forest"
    #: Trees of a forest; rounds of a boosting, of which each grows a tree, or one for each class.
    trees: int = 100
    #: Rows that a leaf must hold; to XGBoost their weight in the loss.
    min_samples_leaf: int = 5
    #: What each round of a boosting adds of its tree; nothing to a forest.
    learning_rate: float = 0.1
    #: Share of the rows that are kept for the scores.
    held_out: float = 0.2
    #: Of split and estimator.
    seed: int = 7

    @property
    def family(self) -> Family:
        """Return the kind of estimator."""
        return ESTIMATORS[self.estimator]


#: Of models that ship, where it is another than the default.
SHIPPED = {
    # Chosen by `tools.flight_recipe` among learnt rows alone; a tenth is too fast for so weak a
    # signal.
    "flight-delay": Recipe("hist-boosting", learning_rate=0.02),
}


def recipe_of(model: str) -> Recipe:
    """Return the recipe of a model where nobody asks for another."""
    return SHIPPED.get(model, Recipe())
