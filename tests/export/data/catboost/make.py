"""Makes the models of CatBoost beside this file, with its own answers to rows that are hard for them.

Run it where CatBoost and our rooms are installed (requirements/exact.txt):

    python tests/export/data/catboost/make.py

The rows are drawn by a seed, so that they are nobody's data.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from catboost import CatBoostClassifier, CatBoostRegressor
from drift_contracts import FeatureSet
from drift_ml.converters import convert, label_text
from drift_ml.converters.hard_rows import hard_rows

FOLDER = Path(__file__).parent
NAMES = ("width", "height", "kind", "place", "flag")
CATEGORIES = {"kind": [f"k{place}" for place in range(9)], "place": ["north", "south", "in the east of Ålesund"]}
SETTINGS = {
    "iterations": 5,
    "depth": 3,
    "learning_rate": 0.5,
    "random_seed": 0,
    "thread_count": 1,
    "verbose": 0,
    "allow_writing_files": False,
}
#: Members of a document that say when and where it was trained.
LEFT_OUT = ("output_options", "train_finish_time", "training", "model_guid")
#: Hard rows that are kept.
KEPT = 40
MIXED = {"cat_features": [2, 3, 4], "one_hot_max_size": 3}
STATISTICS = ["Borders", "Buckets", "BinarizedTargetMeanValue", "Counter"]


def main() -> None:
    """Write a document for each model, and one with all rows and answers."""
    rows, number = make_rows()
    three = np.digitize(number, [-1.0, 1.0])
    late = np.where(number > 0, "late", "on time")
    models = {
        "number": (CatBoostRegressor, {}, number),
        "outputs": (CatBoostRegressor, {"loss_function": "MultiRMSE"}, np.column_stack([number, -number])),
        "poisson": (CatBoostRegressor, {"loss_function": "Poisson"}, np.exp(number / 3)),
        "missing-above": (CatBoostClassifier, {"nan_mode": "Max"}, late),
        "three": (CatBoostClassifier, {}, three),
        "each": (CatBoostClassifier, {"loss_function": "MultiClassOneVsAll"}, three),
        "by-depth": (CatBoostClassifier, {"grow_policy": "Depthwise"}, three),
        "by-loss": (CatBoostRegressor, {"grow_policy": "Lossguide", "max_leaves": 6}, number),
        "one-hot": (CatBoostClassifier, {**MIXED, "one_hot_max_size": 9}, late),
        "statistics": (CatBoostClassifier, {**MIXED, "max_ctr_complexity": 1, "simple_ctr": STATISTICS}, three),
    }
    combined = {
        **MIXED,
        "iterations": 8,
        "depth": 4,
        "one_hot_max_size": 2,
        "max_ctr_complexity": 4,
        "combinations_ctr": STATISTICS,
    }
    # Nothing else makes combinations of so few rows.
    combined |= {"model_size_reg": 0, "random_strength": 0, "random_seed": 5}
    models |= {
        "combinations": (CatBoostClassifier, {**combined, "nan_mode": "Max"}, mixed_of(rows)),
        "conditions": (CatBoostClassifier, {**combined, "one_hot_max_size": 3, "random_seed": 1}, mixed_of(rows)),
        "threshold": (CatBoostClassifier, {}, late),
        "scaled": (CatBoostClassifier, {}, late),
        "scaled-number": (CatBoostRegressor, {}, number),
    }
    answers = {}
    for name, (kind, settings, target) in models.items():
        is_class = kind is CatBoostClassifier
        features = make_features(mixed="cat_features" in settings, classes=classes_of(target) if is_class else ())
        taken = [{name: row[name] for name in features.names} for row in rows]
        model = kind(**{**SETTINGS, **settings}).fit(matrix_of(features, taken), target)
        if name.startswith("scaled"):
            # The document rounds the bias to float32, which is exact of this one.
            model.set_scale_and_bias(0.3, 0.75)
        if name == "threshold":
            model.set_probability_threshold(0.7)
        path = FOLDER / f"{name}.json"
        model.save_model(str(path), format="json")
        document = json.loads(path.read_text())
        for member in LEFT_OUT:
            document["model_info"].pop(member, None)
        path.write_text(json.dumps(document, separators=(",", ":")) + "\n")
        converted = convert(model, features)
        hard = hard_rows(converted.model, features, taken, KEPT, 1)
        matrix = matrix_of(features, hard)
        scores = model.predict_proba(matrix) if is_class else model.predict(matrix)
        answers[name] = {
            "features": features.to_json(),
            "rows": hard,
            "raw": columns_of(model.predict(matrix, prediction_type="RawFormulaVal")),
            "scores": columns_of(scores),
            "labels": [label_text(label) for label in np.ravel(model.predict(matrix)).tolist()] if is_class else None,
        }
    (FOLDER / "answers.json").write_text(json.dumps(answers, separators=(",", ":")) + "\n")


def make_rows():
    """Return rows as requests hold them, and a number that is to be predicted."""
    random = np.random.default_rng(20)
    rows, number = [], []
    for _ in range(160):
        width, height = random.normal(size=2).tolist()
        kind, place = (random.choice(values).item() for values in CATEGORIES.values())
        flag = bool(random.random() < 0.5)
        number.append(width + 2 * height * flag + int(kind[1:]) % 3 - 1 + (place == "north"))
        is_missing = random.random() < 0.1
        rows.append(dict(zip(NAMES, (None if is_missing else width, height, kind, place, flag), strict=True)))
    return rows, np.array(number)


def mixed_of(rows):
    """Return what only a combination of categories and a number tells."""
    parts = []
    for row in rows:
        listed = sum(values.index(row[name]) for name, values in CATEGORIES.items())
        parts.append((listed + row["flag"] + ((row["width"] or 3) > 0)) % 2)
    return np.array(parts)


def make_features(*, mixed, classes):
    """Return the feature set of two numbers, and with categories of these too."""
    common = {"unit": "none", "description": "Made up."}
    features = [{"name": name, "type": "number", "example": 0.5, "nullable": True, **common} for name in NAMES[:2]]
    if mixed:
        for name, listed in CATEGORIES.items():
            features.append({"name": name, "type": "category", "categories": listed, "other": True, **common})
            features[-1]["example"] = listed[0]
        features.append({"name": "flag", "type": "boolean", "example": True, **common})
    target = {"name": "worth", "description": "Made up."}
    target |= {"kind": "classification", "classes": list(classes)} if classes else {"unit": "none"}
    head = {"contract": "feature-set.v2", "name": "made-up", "version": "1.0.0", "description": "Made up."}
    return FeatureSet.from_json({**head, "target": target, "features": features})


def classes_of(target):
    """Return the classes as texts, in CatBoost's order."""
    return [label_text(value) for value in np.unique(target).tolist()]


def matrix_of(features, rows):
    """Return rows as a user gives them to CatBoost."""
    missing = float("nan")
    cells = [[missing if row[name] is None else row[name] for name in features.names] for row in rows]
    return np.array(cells, dtype=object if len(features.names) > 2 else np.float64)


def columns_of(values):
    """Return a row of numbers for each answer."""
    return np.asarray(values).reshape(len(values), -1).tolist()


if __name__ == "__main__":
    main()
