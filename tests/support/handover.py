"""Tables and feature sets of models that are handed over."""

from __future__ import annotations

import csv
import json
from pathlib import Path

#: Models of older versions of scikit-learn, with their own answers.
DATA = Path(__file__).parents[1] / "pack" / "data"


def write_table(path: Path, columns: dict[str, list[object]]) -> Path:
    """Write a CSV."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def write_features(path: Path, names: tuple[str, ...], target: dict[str, object], *, category: str = "") -> Path:
    """Write a feature set of numbers, one of which may be a category of the texts 0 to 4."""
    features = []
    for name in names:
        feature = {"name": name, "type": "number", "unit": "none", "description": "A number.", "example": 0.5}
        if name == category:
            feature |= {"type": "category", "categories": list("01234"), "example": "0"}
        features.append(feature)
    document = {
        "contract": "feature-set.v2",
        "name": "handed-over",
        "version": "1.0.0",
        "description": "Rows of a test.",
        "target": {"description": "What is predicted.", **target},
        "features": features,
    }
    path.write_text(json.dumps(document))
    return path
