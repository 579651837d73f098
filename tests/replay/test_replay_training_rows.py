"""A replay of training rows is told, in every report; a replay of other rows is not."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from drift_contracts import FeatureSet
from drift_ml.replay.commands import replay
from drift_ml.replay.training_rows import TrainingRows
from drift_ml.tables.row_digests import Comparison
from drift_ml.training import Recipe, Table, train
from pyarrow import csv, parquet

ROWS = 2000
FEATURES = FeatureSet.from_json(
    {
        "contract": "feature-set.v1",
        "name": "noisy",
        "version": "1.0.0",
        "description": "Numbers, a whole number, a flag and a colour.",
        "target": {"name": "y", "unit": "points", "description": "Mostly noise."},
        "features": [
            {"name": "a", "type": "number", "unit": "sd", "example": 0, "description": "One."},
            {
                "name": "b", "type": "number", "unit": "sd", "example": 0, "nullable": True,
                "description": "May be missing.",
            },
            {"name": "n", "type": "integer", "unit": "none", "example": 0, "description": "Whole."},
            {"name": "flag", "type": "boolean", "unit": "none", "example": True, "description": "Yes or no."},
            {
                "name": "colour", "type": "category", "unit": "none", "categories": ["red", "blue"],
                "other": True, "example": "red", "description": "Open.",
            },
        ],
    }
)  # fmt: skip


def columns_of(rows, seed):
    random = np.random.default_rng(seed)
    b = random.normal(size=rows)
    return {
        "a": random.normal(size=rows),
        "b": np.where(random.random(rows) < 0.1, np.nan, b),
        "n": random.integers(0, 100, rows).astype(float),
        "flag": random.integers(0, 2, rows).astype(float),
        "colour": np.array(["red", "blue", "grey"], dtype=object)[random.integers(0, 3, rows)],
    }


def target_of(columns, seed):
    return columns["a"] + columns["n"] / 50 + np.random.default_rng(seed).normal(size=len(columns["a"]))


def table_of(columns):
    """Return columns as files have them: whole numbers, booleans, nulls."""
    return pa.table(
        {
            "a": pa.array(columns["a"]),
            "b": pa.array(columns["b"], from_pandas=True),
            "n": pa.array(columns["n"].astype(int)),
            "flag": pa.array(columns["flag"].astype(bool)),
            "colour": pa.array(columns["colour"].tolist()),
        }
    )


LEARNT = columns_of(ROWS, 1)
FRESH = columns_of(ROWS, 2)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A bundle trained on the rows."""
    table = Table("rows of a test", LEARNT, target_of(LEARNT, 3))
    return train(FEATURES, table, tmp_path_factory.mktemp("build"), recipe=Recipe(trees=5)).bundle


@pytest.fixture
def backtest(bundle):
    """Replay a file, by the command."""

    def run(path, *more):
        words = ["--data", path, "--baseline", bundle, *more]
        return CliRunner().invoke(replay, [str(word) for word in words])

    return run


def document(result):
    return json.loads(result.stdout)


def as_csv(table, path):
    csv.write_csv(table, path)


def as_parquet(table, path):
    parquet.write_table(table, path)


def as_float32(table, path):
    places = [table.schema.get_field_index(name) for name in ("a", "b")]
    for place, name in zip(places, ("a", "b"), strict=True):
        table = table.set_column(place, name, table[name].cast(pa.float32()))
    parquet.write_table(table, path)


def as_fifteen_digits(table, path):
    """Write numbers as R and Excel do, whole ones as 1.0, missing ones as nothing."""
    lines = [",".join(table.column_names)]
    for row in table.to_pylist():
        b = "" if row["b"] is None else f"{row['b']:.15g}"
        lines.append(f"{row['a']:.15g},{b},{row['n']}.0,{str(row['flag']).lower()},{row['colour']}")
    path.write_text("\n".join(lines) + "\n")


def reordered(table, path):
    csv.write_csv(table.select(["colour", "n", "b", "flag", "a"]), path)


def with_more_columns(table, path):
    more = pa.array([f"street {place}" for place in range(len(table))])
    target = pa.array(target_of(LEARNT, 3)[: len(table)])
    csv.write_csv(table.add_column(0, "street", more).append_column("y", target), path)


def with_predictions(table, path):
    csv.write_csv(table.append_column("prediction", pa.array(np.zeros(len(table)))), path)


FORMATS = {
    "CSV": (as_csv, "rows.csv"),
    "Parquet": (as_parquet, "rows.parquet"),
    "float32": (as_float32, "rows.parquet"),
    "fifteen digits": (as_fifteen_digits, "rows.csv"),
    "columns in another order": (reordered, "rows.csv"),
    "more columns": (with_more_columns, "rows.csv"),
    "a column of predictions": (with_predictions, "rows.csv"),
}


@pytest.mark.no_cover
@pytest.mark.parametrize(("write", "name"), FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("rows", [slice(0, ROWS), slice(700, 1200)], ids=["all", "a month"])
def test_any_format(backtest, tmp_path, write, name, rows):
    """Training rows are recognised in any format."""
    write(table_of(LEARNT).slice(rows.start, rows.stop - rows.start), tmp_path / name)
    found = document(backtest(tmp_path / name, "--json"))
    size = rows.stop - rows.start
    figures = found["training_rows"]["figures"]
    assert found["training_rows"]["verdict"] == "training-rows"
    assert (figures["rows"], figures["learnt"] + figures["held_out"]) == (size, size)
    assert figures["learnt"] == pytest.approx(0.8 * size, rel=0.1)
    assert [warning["kind"] for warning in found["warnings"]] == ["training-rows"]


@pytest.fixture
def files(tmp_path):
    """A file of training rows and one of others."""
    as_csv(table_of(LEARNT), tmp_path / "learnt.csv")
    as_csv(table_of(FRESH), tmp_path / "fresh.csv")
    return tmp_path / "learnt.csv", tmp_path / "fresh.csv"


def test_reports_warn(backtest, files, tmp_path):
    """Every report warns that learnt and held-out rows are compared."""
    result = backtest(files[0], "--html", tmp_path / "report.html")
    words = " ".join(result.stdout.split())
    assert "Warning: This file holds rows of the training data" in words
    assert "Learnt and held-out rows are compared here" in words
    assert "Learnt and held-out rows are compared here" in (tmp_path / "report.html").read_text()


def test_other_rows(backtest, files, tmp_path):
    """Other rows give no warning."""
    result = backtest(files[1], "--html", tmp_path / "report.html")
    found = document(backtest(files[1], "--json"))
    assert (found["warnings"], found["training_rows"]["verdict"]) == ([], "other-rows")
    assert "Warning" not in result.stdout
    page = (tmp_path / "report.html").read_text()
    assert "compared here" not in page
    assert "this file is not of it" in page


def test_strict(backtest, files):
    """With `--strict` the warning is a finding."""
    learnt, fresh = files
    plain, strict = backtest(learnt, "--json"), backtest(learnt, "--json", "--strict")
    assert strict.exit_code == 1
    assert plain.exit_code == int(document(plain)["drift"])
    assert backtest(fresh, "--strict").exit_code == 0


def test_no_digests(bundle, files, tmp_path):
    """A bundle without digests, as earlier ones are, decides nothing about training rows."""
    folder = tmp_path / "noisy"
    folder.mkdir()
    for path in bundle.iterdir():
        if path.name != "rows.bin":
            (folder / path.name).write_bytes(path.read_bytes())
    words = ["--data", str(files[0]), "--baseline", str(folder)]
    result = CliRunner().invoke(replay, words)
    assert "cannot be told" in " ".join(result.stdout.split())
    found = document(CliRunner().invoke(replay, [*words, "--json"]))
    assert found["warnings"] == []
    assert found["training_rows"]["verdict"] == "cannot-tell"
    assert found["training_rows"]["figures"] is None


def test_damaged_digests(bundle, files, tmp_path):
    """A bundle with damaged digests is refused."""
    folder = tmp_path / "noisy"
    folder.mkdir()
    for path in bundle.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "rows.bin").write_bytes(gzip.compress(b"rows"))
    result = CliRunner().invoke(replay, ["--data", str(files[0]), "--baseline", str(folder)])
    assert result.exit_code == 5
    assert "rows.bin" in result.stderr


@pytest.mark.parametrize(
    ("comparison", "words"),
    [
        (Comparison(400, 400, 0, 1.0, 800, 790), "790 of 800 distinct held-out rows equal a learnt one"),
        (Comparison(1, 1, 0, 0.1, 800, 0), "only 1 distinct rows could be looked up"),
        (None, "no digests of its training rows"),
    ],
    ids=["rows repeat", "too few rows", "no digests"],
)
def test_cannot_tell(comparison, words):
    """Where nothing can be decided, the reason is reported."""
    rows = TrainingRows(comparison)
    assert (rows.verdict, rows.warns) == ("cannot-tell", False)
    assert words in rows.words
