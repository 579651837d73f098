"""Make the two small bundles beside this file: python tests/predictor/make_bundles.py (needs numpy, the tests do not).

`house-price` is a toy of the model that ships; `mixed` has a feature of every kind, nulls and a constant. Their
forests are random: what they answer means nothing, that it is the same everywhere is all that matters.
"""

from __future__ import annotations

import json
from math import isnan
from pathlib import Path
from random import Random

from drift_contracts import FeatureSet, RequestValidator, feature_set
from drift_engine.bundle import describe_files, model_version
from drift_engine.forest import Forest
from drift_engine.forest.writer import Tree, encode
from drift_ml.baseline.fit import fit_baseline

HERE = Path(__file__).parent / "bundles"
ROWS = 400

MIXED = {
    "contract": "feature-set.v1",
    "name": "mixed",
    "version": "1.0.0",
    "description": "A feature of every kind.",
    "target": {"name": "y", "unit": "points", "description": "Nothing."},
    "features": [
        {"name": "flag", "type": "boolean", "unit": "none", "example": True, "description": "Yes or no."},
        {
            "name": "colour",
            "type": "category",
            "unit": "none",
            "categories": ["red", "green", "blue"],
            "example": "red",
            "description": "One of three.",
        },
        {
            "name": "shop",
            "type": "category",
            "unit": "none",
            "categories": ["north", "south"],
            "other": True,
            "nullable": True,
            "example": "north",
            "description": "Two that are known, and others.",
        },
        {
            "name": "size",
            "type": "number",
            "unit": "m",
            "minimum": 0,
            "nullable": True,
            "example": 1.5,
            "description": "May be missing.",
        },
        {"name": "constant", "type": "integer", "unit": "none", "example": 7, "description": "Always 7 in training."},
        {"name": "load", "type": "number", "unit": "N", "example": 0.5, "description": "Without bounds."},
    ],
}


def house(random: Random) -> dict[str, object]:
    return {
        "bedrooms": random.randint(1, 5),
        "bathrooms": random.randint(1, 3),
        "sqft": round(random.gauss(2000, 500)),
        "age": random.randint(0, 49),
        "location_score": round(random.uniform(1, 10), 1),
    }


def mixture(random: Random) -> dict[str, object]:
    return {
        "flag": random.random() < 0.3,
        "colour": random.choice(["red", "green", "blue"]),
        "shop": random.choice(["north", "south", None]),
        "size": None if random.random() < 0.1 else round(random.uniform(0, 3), 2),
        "constant": 7,
        "load": round(random.gauss(0, 1), 2),
    }


def random_tree(random: Random, rows: list[tuple[float, ...]], missing: bool) -> Tree:
    """Four levels of splits at values that occur, so that every branch is taken."""
    left, right, feature, threshold, value, missing_left = [], [], [], [], [], []

    def grow(depth: int) -> int:
        node = len(left)
        for column, empty in ((left, -1), (right, -1), (feature, -2), (threshold, -2.0), (missing_left, 0)):
            column.append(empty)
        value.append(round(random.uniform(100_000, 900_000), 2))
        if depth:
            feature[node] = random.randrange(len(rows[0]))
            seen = [row[feature[node]] for row in rows]
            threshold[node] = random.choice([one for one in seen if not isnan(one)])
            missing_left[node] = random.randint(0, 1)
            left[node] = grow(depth - 1)
            right[node] = grow(depth - 1)
        return node

    grow(4)
    return Tree(left, right, feature, threshold, value, missing_left if missing else None)


def make(features: FeatureSet, draw, seed: int, *, missing: bool) -> None:
    random = Random(seed)
    instances = [draw(random) for _ in range(ROWS)]
    rows = [RequestValidator(features).row({"features": instance}) for instance in instances]
    forest = encode([random_tree(random, rows, missing) for _ in range(10)], features=len(features.names))
    answers = Forest.from_bytes(forest).predict_many(rows)
    columns = {name: [instance[name] for instance in instances] for name in features.names}
    baseline = fit_baseline(
        features, columns, target=answers, predictions=answers[:100], errors=[0.5, -0.5] * 50
    ).to_json()
    files = {"feature_set.json": text(features.to_json()), "baseline.json": text(baseline), "forest.bin": forest}
    described = describe_files(files)
    scores = {name: {"value": 0.5, "low": 0.4, "high": 0.6} for name in ("r2", "mae", "rmse", "mape")}
    manifest = {
        "contract": "bundle.manifest.v1",
        "model": features.name,
        "model_version": model_version(described),
        "feature_set": features.version,
        "estimator": {"kind": "RandomForestRegressor", "parameters": {"n_estimators": 10, "random_state": seed}},
        "training": {
            "source": "synthetic:test",
            "data_sha256": "0" * 64,
            "rows": ROWS,
            "held_out_rows": 100,
            "seed": seed,
            "libraries": {"python": "3.11.7", "scikit-learn": "1.7.0", "numpy": "2.0.0"},
        },
        "scores": scores,
        "files": described,
    }
    folder = HERE / features.name
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in {**files, "manifest.json": text(manifest)}.items():
        (folder / name).write_bytes(content)


def text(document: object) -> bytes:
    return (json.dumps(document, indent=1) + "\n").encode()


if __name__ == "__main__":
    make(feature_set("house-price"), house, 7, missing=False)
    make(FeatureSet.from_json(MIXED), mixture, 11, missing=True)
