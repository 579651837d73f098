"""Make the small bundles beside this file: python tests/predictor/make_bundles.py (needs numpy, the tests do not).

`house-price` is a toy of the model that ships; `mixed` has a feature of every kind, nulls and a constant. In a folder
of their own are `late` (two classes), `weather` (three) and `times` (two outputs). Their trees are random: what they
answer means nothing, that it is the same everywhere is all that matters.
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
from drift_engine.model import PackedModel, writer
from drift_ml.baseline.fit import fit_baseline

HERE = Path(__file__).parent / "bundles"
SCORED = Path(__file__).parent / "scored_bundles"
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


TRIP = [
    {"name": "distance", "type": "number", "unit": "km", "minimum": 0, "example": 900, "description": "Distance."},
    {
        "name": "wind",
        "type": "number",
        "unit": "m/s",
        "minimum": 0,
        "nullable": True,
        "example": 4.5,
        "description": "May be missing.",
    },
    {
        "name": "carrier",
        "type": "category",
        "unit": "none",
        "categories": ["UA", "AA", "DL"],
        "other": True,
        "example": "UA",
        "description": "Three that are known, and others.",
    },
]
LATE = {"name": "late", "kind": "classification", "classes": ["on time", "late"], "description": "Late."}
WEATHER = {
    "name": "sky",
    "kind": "classification",
    "classes": ["clear", "50 % cloud", "\u201crain\u201d"],
    "description": "Sky.",
}
TIMES = {
    "name": "times",
    "description": "Two times.",
    "outputs": [
        {"name": "delay", "unit": "minutes", "description": "Delay."},
        {"name": "taxi", "unit": "minutes", "description": "Time to the runway."},
    ],
}


def trip(random: Random) -> dict[str, object]:
    return {
        "distance": random.randint(100, 4000),
        "wind": None if random.random() < 0.3 else round(random.uniform(0, 20), 1),
        "carrier": random.choice(["UA", "AA", "DL"]),
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
        "training": training(seed),
        "scores": scores,
        "files": described,
    }
    write(HERE / features.name, {**files, "manifest.json": text(manifest)})


def packed(features: FeatureSet, random: Random) -> bytes:
    """Trees of two levels, as histogram gradient boosting has them: a sigmoid, a softmax, or sums of vectors."""
    target = features.target
    raws = {2: 1}.get(len(target.classes), len(target.classes)) or len(target.outputs)
    trees = [
        writer.Tree(
            [0, 1, 2, 0, 0, 0, 0],
            [random.uniform(500, 3500), random.uniform(2, 15), 0.0, 0.0, 0.0, 0.0, 0.0],
            [1, 3, 5, -1, -1, -1, -1],
            [2, 4, 6, -1, -1, -1, -1],
            [random.uniform(-1, 1) for _ in range(7)],
            missing_left=[0, random.randint(0, 1), 0, 0, 0, 0, 0],
            categories=[None, None, frozenset({random.randint(0, 2)}), None, None, None, None],
            output=number % raws,
        )
        for number in range(6)
    ]
    columns = [writer.Column(0), writer.Column(1), writer.Column(2, categories=3)]
    shape = {"task": target.kind, "outputs": len(target.classes) or len(target.outputs), "start": [0.1] * raws}
    if target.is_class:
        binary = len(target.classes) == 2
        link, rule = ("sigmoid", "raw-above") if binary else ("softmax", "raw-argmax")
        shape |= {"link": link, "decision": rule}
    return writer.encode(writer.Model(3, columns=columns, trees=trees, **shape))


def make_scored(name: str, target: dict[str, object], seed: int) -> None:
    """Make the bundle of a classifier, or of a model of several outputs."""
    document = {"contract": "feature-set.v2", "name": name, "version": "1.0.0", "description": "A toy."}
    features = FeatureSet.from_json({**document, "target": target, "features": TRIP})
    random = Random(seed)
    instances = [trip(random) for _ in range(ROWS)]
    rows = [RequestValidator(features).row({"features": instance}) for instance in instances]
    content = packed(features, random)
    model = PackedModel.from_bytes(content)
    columns = {feature: [instance[feature] for instance in instances] for feature in features.names}
    if features.target.is_class:
        decided = model.decide_many(rows)
        labels = [label for _, label in decided]
        held_out = {"labels": labels[:100], "scores": [scores for scores, _ in decided[:100]]}
        baseline = fit_baseline(features, columns, target=labels, **held_out)
    else:
        answers = model.predict_many(rows)
        baseline = fit_baseline(features, columns, target=answers, predictions=answers[:100])
    files = {
        "feature_set.json": text(features.to_json()),
        "baseline.json": text(baseline.to_json()),
        "model.bin": content,
    }
    described = describe_files(files)
    manifest = {
        "contract": "bundle.manifest.v2",
        "model": name,
        "model_version": model_version(described),
        "feature_set": "1.0.0",
        "estimator": {"kind": "HistGradientBoosting", "parameters": {"random_state": seed}},
        "training": training(seed),
        "scores": {"score": {"value": 0.5, "low": 0.4, "high": 0.6}},
        "warnings": [],
        "files": described,
    }
    write(SCORED / name, {**files, "manifest.json": text(manifest)})


def training(seed: int) -> dict[str, object]:
    """Return what a manifest says of the training."""
    return {
        "source": "synthetic:test",
        "data_sha256": "0" * 64,
        "rows": ROWS,
        "held_out_rows": 100,
        "seed": seed,
        "libraries": {"python": "3.11.7", "scikit-learn": "1.7.0", "numpy": "2.0.0"},
    }


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Write the files of a bundle."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def text(document: object) -> bytes:
    return (json.dumps(document, indent=1) + "\n").encode()


if __name__ == "__main__":
    make(feature_set("house-price"), house, 7, missing=False)
    make(FeatureSet.from_json(MIXED), mixture, 11, missing=True)
    make_scored("late", LATE, 13)
    make_scored("weather", WEATHER, 17)
    make_scored("times", TIMES, 19)
