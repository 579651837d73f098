"""Stored models of CatBoost, and a stand-in for the library that answers with what it answered."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
from drift_contracts import FeatureSet

FOLDER = Path(__file__).parents[1] / "export/data/catboost"
ANSWERS = json.loads((FOLDER / "answers.json").read_text())
NAMES = tuple(ANSWERS)


class CatBoostError(Exception):
    """The library's own error, which its core has."""


class CatBoost:
    """An estimator of a document, whose answers are stored."""

    __module__ = "catboost.core"
    #: What is lost when the library reads numbers of its own JSON.
    lost = 1.0

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.document = json.loads((FOLDER / f"{name}.json").read_text()) if name else None

    def is_fitted(self) -> bool:
        return self.document is not None

    def save_model(self, path: str, **options: str) -> None:
        assert options == {"format": "json"}
        Path(path).write_text(json.dumps(self.document))

    def load_model(self, path: str, **options: str) -> CatBoost:
        assert options == {"format": "json"}
        self.document = json.loads(Path(path).read_text())
        guid = self.document["model_info"].get("model_guid")
        if guid == "damaged":
            raise CatBoostError
        self.name = guid
        self.set_leaf_values([value * self.lost for value in self._leaves()])
        return self

    def get_scale_and_bias(self):
        scale, biases = self.document["scale_and_bias"]
        return float(scale), biases if len(biases) > 1 else biases[0]

    def set_scale_and_bias(self, scale: float, bias: object) -> None:
        self.document["scale_and_bias"] = [scale, np.ravel(bias).tolist()]

    def _leaves(self) -> list[float]:
        return [value for tree in self.document["oblivious_trees"] for value in tree["leaf_values"]][::-1]

    def set_leaf_values(self, values) -> None:
        """Take leaves in an order of its own, from the last one to the first."""
        values = [float(value) for value in values]
        for tree in self.document["oblivious_trees"]:
            tree["leaf_values"] = [values.pop() for _ in tree["leaf_values"]]

    def predict(self, rows, prediction_type: str):
        stored = ANSWERS[self.name]
        features = FeatureSet.from_json(stored["features"])
        places = {as_seen(features, row): place for place, row in enumerate(stored["rows"])}
        chosen = []
        for row in rows.tolist():
            if None in row:
                raise TypeError("must be real number, not NoneType")
            cells = tuple(None if isinstance(cell, float) and np.isnan(cell) else cell for cell in row)
            if "refused" in cells:
                raise CatBoostError("refused")
            chosen.append(places[cells])
        kinds = {"RawFormulaVal": "raw", "Class": "labels"}
        values = np.array(stored[kinds.get(prediction_type, "scores")])
        return values[chosen]


class CatBoostClassifier(CatBoost):
    __module__ = "catboost.core"


def as_seen(features, row):
    """Return a row of JSON as the library gets it."""
    cells = []
    for feature in features.features:
        value = row[feature.name]
        cells.append("01"[value] if feature.type == "boolean" else value)
    return tuple(cells)


def module() -> ModuleType:
    """Return what stands for the library."""
    made = ModuleType("catboost")
    made.core = ModuleType("catboost.core")
    made.CatBoost = CatBoost
    made.CatBoostError = made.core.CatBoostError = CatBoostError
    return made
