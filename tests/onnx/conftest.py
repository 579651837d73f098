"""ONNX files, rows beside them, and what is packed of both; these tests need ONNX Runtime."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from drift_contracts import FeatureSet
from drift_ml.handover.commands import main

from tests.support.handover import write_table

DATA = Path(__file__).parent / "data"
#: Columns of answers in the rows.
ANSWERS = ("forest", "classes", "pipeline")


@pytest.fixture
def rows():
    """Return the columns of the rows, as texts."""
    with (DATA / "rows.csv").open(newline="", encoding="utf-8") as file:
        listed = list(csv.DictReader(file))
    return {name: [row[name] for row in listed] for name in listed[0]}


@pytest.fixture
def table(tmp_path, rows):
    """Return a call that writes the rows with some of their columns, and other ones."""

    def call(*names, **others):
        """Return the file."""
        return write_table(tmp_path / "rows.csv", {name: rows[name] for name in names} | others)

    return call


@pytest.fixture
def pack(tmp_path):
    """Return a call of the command; the bundles lie in `tmp_path / "bundles"`."""

    def call(model, data, *words, code=0):
        """Return its output, and the manifest and the bundle that it wrote."""
        place = model
        if isinstance(model, bytes):
            place = tmp_path / "model.onnx"
            place.write_bytes(model)
        words = ["--model", str(place), "--data", str(data), "--out", str(tmp_path / "bundles"), *map(str, words)]
        result = CliRunner().invoke(main, words)
        assert result.exit_code == code, result.output
        (current,) = (tmp_path / "bundles").glob("*/current") if code == 0 else [None]
        bundle = current and current.parent / current.read_text().strip()
        manifest = bundle and json.loads((bundle / "manifest.json").read_text())
        return SimpleNamespace(output=result.output, manifest=manifest, bundle=bundle)

    return call


@pytest.fixture
def features():
    """Return a call that makes a feature set of columns and a target."""

    def call(columns, **target):
        """Return the feature set; a column is a type, or the texts of a category."""
        listed = []
        for name, kind in columns.items():
            feature = {"name": name, "unit": "none", "description": "A column.", "type": kind, "example": 0}
            if isinstance(kind, list):
                feature |= {"type": "category", "categories": kind, "example": kind[0]}
            if kind == "boolean":
                feature["example"] = True
            listed.append(feature)
        if "classes" not in target:
            target.setdefault("unit", "none")
        document = {"contract": "feature-set.v2", "name": "rows", "version": "1.0.0", "description": "Rows."}
        document |= {"target": {"name": "y", "description": "An answer.", **target}, "features": listed}
        return FeatureSet.from_json(document)

    return call
