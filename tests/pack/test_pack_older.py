"""Pipelines of older versions of scikit-learn, packed here, answer as those versions did."""

from __future__ import annotations

import pytest

from tests.support.handover import DATA, write_features

NAMES = ("x0", "x1", "x2", "x3")
NUMBER = {"name": "number", "unit": "none"}
LATE = {"name": "late", "kind": "classification", "classes": ["0", "1"]}


@pytest.mark.parametrize(
    ("model", "target"),
    [
        ("forest", LATE),
        ("extra", NUMBER),
        ("boosting", LATE),
        ("histogram", LATE),
        ("categories", NUMBER),
        ("isolation", NUMBER),
    ],
)
def test_older_equal(older, pack, tmp_path, model, target):
    """Every answer is equal to the last bit to that version's own."""
    category = "x3" if model == "categories" else ""
    features = write_features(tmp_path / "features.json", NAMES, target, category=category)
    data = older / "rows.csv"
    packed = pack(older / f"{model}.joblib", data, "--features", features, "--answers", model)
    exactness = packed.manifest["exactness"]
    assert (exactness["grade"], exactness["rows"], exactness["worst_ulp"]) == ("exact", 120, 0)
    assert exactness["reference"]["version"] == older.name.removeprefix("scikit-learn-")


def test_fixtures_documented():
    """The folder says how its files are made."""
    assert (DATA / "make.py").is_file()
