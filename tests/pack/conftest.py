"""Rows, feature sets and models in files, as users hand them over."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from drift_ml.handover.commands import main

from tests.support.handover import DATA, write_table

VERSIONS = ("1.2.2", "1.5.2")


@pytest.fixture(params=VERSIONS)
def older(request):
    """Return the folder of models of an older scikit-learn."""
    return DATA / f"scikit-learn-{request.param}"


@pytest.fixture
def houses(tmp_path):
    """Return seeded rows with a number and a class to predict, in a table."""
    random = np.random.default_rng(3)
    rows = np.round(random.normal(size=(150, 3)), 3)
    price = np.round(rows[:, 0] * 3 + rows[:, 1] ** 2 + 10, 2)
    sold = np.where(price > np.median(price), "yes", "no")
    columns = {name: rows[:, place].tolist() for place, name in enumerate(("size", "age", "floor"))}
    columns |= {"price": price.tolist(), "sold": sold.tolist()}
    file = write_table(tmp_path / "rows.csv", columns)
    return SimpleNamespace(file=file, rows=rows, price=price, sold=sold, columns=columns)


@pytest.fixture
def pack(tmp_path):
    """Return a call of the command; the bundles lie in `tmp_path / "bundles"`."""

    def call(model, data, *words, code=0):
        """Return its output and the manifest that it wrote last."""
        words = ["--model", str(model), "--data", str(data), "--out", str(tmp_path / "bundles"), *map(str, words)]
        result = CliRunner().invoke(main, words)
        assert result.exit_code == code, result.output
        current = sorted((tmp_path / "bundles").glob("*/current"))
        manifest = None
        if current:
            version = current[-1].read_text().strip()
            manifest = json.loads((current[-1].parent / version / "manifest.json").read_text())
        return SimpleNamespace(output=result.output, manifest=manifest)

    return call
