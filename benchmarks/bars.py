"""Every bar of speed: the least ratio of a usual way, or of a yardstick, to ours. README.md states some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection


class Bar(NamedTuple):
    """One row of the benchmark's table.

    least: ratio of the usual side's seconds to ours. usual: what is compared. readme: whether README.md states the
    bar; `nox -s benchmark -- --quick` judges these alone.
    """

    least: float
    usual: str
    readme: bool = False
    #: Of packed models, which `--models` asks for.
    models: bool = False


JSON_TRIPS = 7
"""A request's body read and written by the json module so often: 40 to 48 us where 50 were promised."""
JSON_TRIPS_OF_THE_SYSTEM = 8
"""The same on the system's own Python, whose json module is faster: 38 us where 50 were promised."""

BARS = {
    "one row": Bar(1000, "scikit-learn's predict", readme=True),
    "one row, min_samples_leaf=1": Bar(250, "scikit-learn's predict"),
    "1,000 rows": Bar(2, "scikit-learn's predict"),
    "1,000 rows, min_samples_leaf=1": Bar(2, "scikit-learn's predict"),
    "cold process to the first answer": Bar(30, "joblib and scikit-learn", readme=True),
    "cold process, min_samples_leaf=1": Bar(30, "joblib and scikit-learn"),
    "handler of one request": Bar(500, "json, scikit-learn, numpy and boto3", readme=True),
    "handler beside its JSON": Bar(1, f"{JSON_TRIPS} times the request's JSON read and written"),
    "handler beside its JSON, the system's Python": Bar(
        1, f"{JSON_TRIPS_OF_THE_SYSTEM} times the request's JSON read and written"
    ),
    "handler through the Lambda client": Bar(10, "the usual handler through the same client"),
    "one request validated": Bar(15, "compiled jsonschema", readme=True),
    "replay of a million rows, parquet": Bar(0.8, "pandas and ks_2samp of every day and feature"),
    "replay of a million rows, csv": Bar(0.7, "pandas and ks_2samp of every day and feature"),
    # A trial's ratios less a fifth; `--models` judges these alone.
    "XGBoost 500 x 6: its library": Bar(40, "inplace_predict", models=True),
    "LightGBM 500 x 31, numbers: its library": Bar(5.6, "Booster.predict", models=True),
    "LightGBM 500 x 31, categories: its library": Bar(5.6, "Booster.predict", models=True),
    "HistGradientBoosting 300: its library": Bar(560, "predict_proba of one row", models=True),
    "RandomForestClassifier 100, 4 classes: its library": Bar(2000, "predict_proba of one row", models=True),
    # No trial had these two: a fifth less than what was measured here, and what every model is held to.
    "ExtraTreesClassifier 100: its library": Bar(500, "predict_proba of one row", models=True),
    "DecisionTreeClassifier: its library": Bar(200, "predict_proba of one row", models=True),
    "GradientBoosting 200 x 3: its library": Bar(232, "predict_proba of one row", models=True),
    "XGBoost 500 x 6: lignum": Bar(0.8, "lignum's predict", models=True),
    "LightGBM 500 x 31, numbers: lignum": Bar(0.8, "lignum's predict", models=True),
    "LightGBM 500 x 31, categories: lignum": Bar(1, "lignum's predict", models=True),
    # A trial's 35; with statistics of categories, one's 17.6.
    "CatBoost 500 x 6, numbers: its library": Bar(28, "predict of one row", models=True),
    "CatBoost 500 x 6, categories: its library": Bar(14, "predict of one row", models=True),
    "CatBoost 500 x 6, numbers: lignum": Bar(0.8, "lignum's predict", models=True),
    "CatBoost 500 x 6, categories: lignum": Bar(1, "lignum's predict", models=True),
    "HistGradientBoosting 300: its pipeline": Bar(500, "a pipeline's call for a data frame of one row", models=True),
    "RandomForestClassifier 100, 4 classes: its pipeline": Bar(
        500, "a pipeline's call for a data frame of one row", models=True
    ),
    "GradientBoosting 200 x 3: its pipeline": Bar(500, "a pipeline's call for a data frame of one row", models=True),
    **{
        f"{name}: its pipeline": Bar(least, "a pipeline's call for a data frame of one row", models=True)
        for name, least in {
            # A trial's 620 less a fifth.
            "steps and RandomForestClassifier 100": 500,
            "steps and ExtraTreesClassifier 100": 500,
            "codes and HistGradientBoosting 100": 500,
            # A trial's 100,000 are of the loop alone; Python's call of it takes twenty times as long.
            "sparse LogisticRegression": 5000,
            "dense LogisticRegression": 5000,
            "isotonic calibration of boosting": 500,
            "sigmoid calibration of a forest": 500,
        }.items()
    },
    "IsolationForest 100: its library": Bar(500, "score_samples of one row", models=True),
    "request to HistGradientBoosting: its pipeline's call": Bar(
        100, "a pipeline's call for a data frame of one row", models=True
    ),
    "cold process, xgboost": Bar(22, "joblib and XGBoost", models=True),
    "cold process, lightgbm": Bar(22, "joblib and LightGBM", models=True),
    "cold process, histogram": Bar(21, "joblib, pandas and a pipeline of scikit-learn", models=True),
}


class Options(NamedTuple):
    """What a run of the benchmarks is asked for; all of them off is everything but the planted slowdowns."""

    quick: bool = False
    counts: bool = False
    planted: bool = False
    models: bool = False

    def ask_for(self, bars: Collection[str], markers: Collection[str]) -> bool:
        """Return whether a test of these bars and markers runs.

        >>> Options(quick=True).ask_for(["one row"], ["bar"]), Options(quick=True).ask_for(["1,000 rows"], ["bar"])
        (True, False)
        """
        if self.planted or "planted" in markers:
            return self.planted and "planted" in markers
        if self.models or "models" in markers:
            return self.models and "models" in markers
        if "counts" in markers:
            return self.counts or not self.quick
        if self.quick:
            return any(BARS[name].readme for name in bars)
        return not self.counts
