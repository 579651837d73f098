"""Small classifiers written by hand: flights that may be late, of two classes or of three."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts import FeatureSet, schemas
from drift_engine.bundle import describe_files, load_bundle, model_version
from drift_engine.model import PackedModel
from drift_engine.model.writer import Column, Model, Tree, encode
from drift_ml.baseline.fit import fit_baseline
from drift_ml.calibration import calibration_bins
from drift_ml.replay.answering import classified

if TYPE_CHECKING:
    from pathlib import Path

    from drift_engine.bundle import Bundle
    from drift_ml.baseline import Baseline
    from drift_ml.replay.answering import Answers

TWO = ("on-time", "late")
THREE = ("early", "on-time", "late")
NAMES = ("wind", "distance", "carrier")
CARRIERS = ("AA", "B6", "DL")


def delays(classes: tuple[str, ...] = TWO, **target: object) -> FeatureSet:
    """The feature set of the classifier."""
    common = {"unit": "m", "description": "A number.", "type": "number"}
    return FeatureSet.from_json(
        {
            "contract": "feature-set.v2",
            "name": "small-delays",
            "version": "1.0.0",
            "description": "Whether a flight is late.",
            "target": {
                "name": "delay",
                "description": "How it went.",
                "kind": "classification",
                "classes": list(classes),
                **target,
            },
            "features": [
                {"name": "wind", "example": 5.0, "nullable": True, "usual": [-10, 30], **common},
                {"name": "distance", "example": 900.0, "usual": [-100, 3000], **common},
                {
                    "name": "carrier",
                    "type": "category",
                    "categories": list(CARRIERS),
                    "unit": "none",
                    "example": "AA",
                    "description": "Who flies.",
                },
            ],
        }
    )


def flights(rows: int, seed: int, *, wind: float = 0.0) -> dict[str, np.ndarray]:
    """Rows as in training; `wind` is added to its column, in m/s."""
    random = np.random.default_rng(seed)
    column = random.normal(8 + wind, 4, rows)
    column[random.random(rows) < 0.05] = np.nan
    return {
        "wind": column,
        "distance": random.normal(1000, 250, rows),
        "carrier": np.array(CARRIERS, dtype=object)[random.choice(3, rows, p=[0.5, 0.3, 0.2])],
    }


def matrix(columns: dict[str, np.ndarray]) -> np.ndarray:
    """The rows as the model takes them."""
    places = {name: float(place) for place, name in enumerate(CARRIERS)}
    carrier = np.array([places[name] for name in columns["carrier"]])
    return np.column_stack([columns["wind"], columns["distance"], carrier])


def model(classes: tuple[str, ...] = TWO) -> bytes:
    """Stumps over each feature, more of them for the later classes; softmax over the classes."""
    trees = []
    for place in range(len(classes)):
        for column, low, step in ((0, 2.0, 3.0), (1, 600.0, 150.0), (2, 0.5, 1.0)):
            for stump in range(2 if column == 2 else 6):
                size = 0.2 * (place + 1) if column else 0.35 * place
                values = [0.0, -size, size if column != 1 else -size / 2]
                threshold = [low + step * stump, 0.0, 0.0]
                trees.append(Tree([column] * 3, threshold, [1, -1, -1], [2, -1, -1], values, [1, 0, 0], output=place))
    start = [0.513, 0.1] if len(classes) == 2 else [0.313, 0.5, -0.31]
    columns = [Column(place) for place in range(3)]
    return encode(Model(3, "classification", len(classes), columns, trees, start, link="softmax"))


@dataclass(frozen=True)
class Delays:
    """A bundle on disk, and what is in it."""

    folder: Path
    bundle: Bundle
    feature_set: FeatureSet
    baseline: Baseline

    def answers(self, columns: dict[str, np.ndarray]) -> Answers:
        """What the model answers, by the packed model itself."""
        return answers_of(self.bundle.model, self.feature_set, columns)


def answers_of(packed: PackedModel, feature_set: FeatureSet, columns: dict[str, np.ndarray]) -> Answers:
    decided = packed.decide_many(matrix(columns).tolist())
    scores = np.array([scores for scores, _ in decided])
    return classified(feature_set.target, scores, np.array([code for _, code in decided]))


def make_delays(root: Path, classes: tuple[str, ...] = TWO, **target: object) -> Delays:
    """Write the bundle to a folder under `root`, fitted and calibrated on random rows."""
    feature_set, packed = delays(classes, **target), model(classes)
    read = PackedModel.from_bytes(packed)
    learnt, held_out = flights(4000, 1), flights(2000, 2)
    answers = answers_of(read, feature_set, held_out)
    scores = np.array(read.scores_many(matrix(held_out).tolist()))
    random = np.random.default_rng(3)
    drawn = np.array([random.choice(len(classes), p=row / row.sum()) for row in scores])
    positive = feature_set.target.positive_class
    happened = drawn == (answers.labels if positive is None else classes.index(positive))
    baseline = replace(
        fit_baseline(feature_set, learnt, target=drawn, labels=answers.labels, scores=scores),
        calibration=calibration_bins(answers.predictions, happened),
    )
    files = {
        "feature_set.json": json.dumps(feature_set.to_json()).encode(),
        "baseline.json": json.dumps(baseline.to_json()).encode(),
        "model.bin": packed,
    }
    described = describe_files(files)
    manifest = {
        "contract": "bundle.manifest.v2",
        "model": feature_set.name,
        "model_version": model_version(described),
        "feature_set": feature_set.version,
        "estimator": {"kind": "Stumps", "parameters": {}},
        "training": {
            "source": "hand",
            "data_sha256": "0" * 64,
            "rows": 6000,
            "held_out_rows": 2000,
            "seed": 1,
            "libraries": {},
        },
        "scores": {"log_loss": {"value": 0.5, "low": 0.4, "high": 0.6}},
        "class_scores": {name: dict.fromkeys(("precision", "recall", "f1"), 0.8) | {"support": 9} for name in classes},
        "calibration": [filled.to_json() for filled in baseline.calibration],
        "held_out": {"by": "random"},
        "warnings": [],
        "files": described,
    }
    schemas.check("bundle.manifest.v2", manifest)
    folder = root / feature_set.name / manifest["model_version"]
    folder.mkdir(parents=True)
    for name, content in {**files, "manifest.json": json.dumps(manifest).encode()}.items():
        (folder / name).write_bytes(content)
    (folder.parent / "current").write_text(f"{folder.name}\n", encoding="utf-8")
    return Delays(folder, load_bundle(folder), feature_set, baseline)
