"""What a careful colleague would say of training rows, and what they would not."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from drift_contracts import FeatureSet, feature_set, schemas
from drift_engine.bundle import load_bundle
from drift_ml.training import Recipe, Table, WarningsFound, find_warnings, load_rows, split, train
from drift_ml.training.__main__ import main

ROWS = 2000
RECIPE = Recipe(trees=3)


def feature(name, kind="number", **more):
    rest = {"unit": "none", "example": 0, "description": "A feature."} | more
    return {"name": name, "type": kind, **rest}


FEATURES = FeatureSet.from_json(
    {
        "contract": "feature-set.v1",
        "name": "four",
        "version": "1.0.0",
        "description": "Two numbers, a flag and a colour.",
        "target": {"name": "y", "unit": "points", "description": "The target."},
        "features": [
            feature("a", nullable=True),
            feature("b", nullable=True),
            feature("flag", "boolean", example=True),
            feature("colour", "category", categories=["red", "green", "blue"], example="red"),
        ],
    }
)


def matrix_of(rows=ROWS, seed=1):
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(rows, 2))
    return np.column_stack([numbers, random.integers(0, 2, rows), random.integers(0, 3, rows)])


def target_of(matrix, seed=2):
    noise = np.random.default_rng(seed).normal(size=len(matrix))
    return 2 * matrix[:, 0] + matrix[:, 2] + noise


def found(matrix, target):
    return find_warnings(FEATURES, matrix, target, split(len(target), RECIPE))


def kinds(matrix, target):
    return [(warning.kind, warning.features) for warning in found(matrix, target)]


def with_column(place, values):
    matrix = matrix_of()
    matrix[:, place] = values
    return matrix


def test_good_rows():
    """Good rows have no warning."""
    matrix = matrix_of()
    assert found(matrix, target_of(matrix)) == []


@pytest.mark.parametrize("model", ["house-price", "diabetes"])
def test_shipped_models(model):
    """The models that ship have no warning."""
    shipped = feature_set(model)
    table = load_rows(shipped, rows=2000)
    assert find_warnings(shipped, table.matrix(shipped), table.target, split(table.rows, Recipe())) == []


def repeated(share):
    matrix = matrix_of()
    copies = round(ROWS * share)
    matrix = np.vstack([matrix[: ROWS - copies], matrix[:copies]])
    return matrix, target_of(matrix_of())[np.r_[: ROWS - copies, :copies]]


def test_duplicates():
    """Duplicates on both sides of the split are counted."""
    (warning,) = found(*repeated(0.2))
    matrix, target = repeated(0.2)
    rows = [tuple(row) for row in np.column_stack([matrix, target])]
    sides = split(ROWS, RECIPE)
    learnt, held_out = ([rows[place] for place in side] for side in (sides.learnt, sides.held_out))
    equal = sum(row in set(learnt) for row in held_out)
    both = equal + sum(row in set(held_out) for row in learnt)
    assert warning.kind == "duplicates-across-split"
    assert warning.figures == {
        "held_out_rows": 400,
        "equal_held_out_rows": equal,
        "rows_on_both_sides": both,
    }


@pytest.mark.parametrize(("share", "warned"), [(0.003, False), (0.02, True)])
def test_duplicates_limit(share, warned):
    """Duplicates are reported from 1 % on."""
    assert bool(found(*repeated(share))) is warned


def test_equal_features():
    """Equal features with another target are no duplicates, as some tables have few distinct rows."""
    matrix = np.round(matrix_of()) * [1, 0.5, 1, 1]
    assert "duplicates-across-split" not in dict(kinds(matrix, target_of(matrix)))


SCALE = target_of(matrix_of())
LEAKS = {
    "the target": SCALE,
    "the target within 1e-9": SCALE * (1 + 1e-11),
    "the target in other units": 1000 - 25.4 * SCALE,
    "a smooth function of it": np.exp(SCALE / 4),
    "a function that is not monotone": np.where(SCALE > 0, SCALE, 1000 + SCALE),
    "the target with a little noise": SCALE + np.random.default_rng(5).normal(0, 0.02, ROWS),
    "the target in float32": SCALE.astype(np.float32),
    "the target, often missing": np.where(np.arange(ROWS) % 3 == 0, SCALE, np.nan),
}


@pytest.mark.parametrize("values", LEAKS.values(), ids=LEAKS)
def test_target_among_features(values):
    """A feature that equals the target is named."""
    assert kinds(with_column(1, values), SCALE) == [("target-among-features", ("b",))]


HONEST = {
    "a strong feature": SCALE + np.random.default_rng(5).normal(0, 0.15, ROWS),
    "the sign of the target": np.sign(SCALE) + np.random.default_rng(5).normal(0, 0.1, ROWS),
    "the target in the few rows that have one": np.where(np.arange(ROWS) < 10, SCALE, np.nan),
}


@pytest.mark.parametrize("values", HONEST.values(), ids=HONEST)
def test_strong_feature(values):
    """A feature that only correlates strongly with the target is not named."""
    assert kinds(with_column(1, values), SCALE) == []


def test_category_as_target():
    """A category that determines the target is named."""
    matrix = matrix_of()
    target = np.array([5.0, -3.0, 90.0])[matrix[:, 3].astype(int)]
    assert ("target-among-features", ("colour",)) in kinds(matrix, target)


def test_boolean_as_target():
    """A boolean that equals the target is named."""
    matrix = matrix_of()
    assert kinds(matrix, matrix[:, 2].copy()) == [
        ("target-among-features", ("flag",)),
        ("two-valued-target", ()),
    ]


def test_separating_feature():
    """A feature that separates two classes is named with its AUC."""
    matrix = matrix_of()
    target = (matrix[:, 1] > 0).astype(float)
    matrix[:, 1] += np.random.default_rng(6).normal(0, 0.01, ROWS)
    warning = found(matrix, target)[0]
    assert (warning.kind, warning.features) == ("target-among-features", ("b",))
    assert warning.figures["auc"] > 0.999


def test_rare_class():
    """A class of a few rows separates nothing, as chance alone may put them last."""
    matrix = matrix_of()
    target = np.zeros(ROWS)
    target[np.argsort(matrix[:, 1])[-3:]] = 1.0
    assert kinds(matrix, target) == [("two-valued-target", ())]


CONSTANT = {
    "one value": 7.5,
    "one value where there is any": np.where(np.arange(ROWS) % 2 == 0, 7.5, np.nan),
    "the noise of a float sum": np.where(np.arange(ROWS) % 2 == 0, 0.3, 0.1 + 0.2),
    "no value": np.nan,
    "a spread under 1e-9 of the magnitude": 1e12 + np.arange(ROWS) % 3,
}


@pytest.mark.parametrize("values", CONSTANT.values(), ids=CONSTANT)
def test_constant_column(values):
    """A constant column is named."""
    matrix = with_column(1, values)
    assert kinds(matrix, target_of(matrix)) == [("constant-column", ("b",))]


@pytest.mark.parametrize("values", [np.r_[1.0, np.zeros(ROWS - 1)], 1e9 + np.arange(ROWS), 1e-12 * np.arange(ROWS)])
def test_nearly_constant_column(values):
    """A column that varies a little is not named."""
    matrix = with_column(1, values)
    assert kinds(matrix, target_of(matrix_of())) == []


def test_constant_columns():
    """Several constant columns give a single warning."""
    matrix = matrix_of()
    matrix[:, 1] = matrix[:, 3] = 1.0
    (warning,) = found(matrix, target_of(matrix))
    assert warning.features == ("b", "colour")
    assert warning.figures == {"columns": 2}


def test_ten_names():
    """At most ten names are shown."""
    names = [f"x{place}" for place in range(30)]
    document = FEATURES.to_json() | {"features": [feature(name) for name in names]}
    matrix = np.ones((100, 30))
    target = np.random.default_rng(0).normal(size=100)
    (warning,) = find_warnings(FeatureSet.from_json(document), matrix, target, split(100, RECIPE))
    assert warning.features == tuple(names)
    assert "x9 and 20 more have one value" in warning.words
    assert "x10" not in warning.words


def test_two_valued_target():
    """A target of two values is reported."""
    matrix = matrix_of()
    target = (target_of(matrix) > 1).astype(float)
    (warning,) = found(matrix, target)
    assert warning.kind == "two-valued-target"
    assert warning.figures["lower_rows"] + warning.figures["upper_rows"] == ROWS


def test_twenty_rows():
    """Twenty rows are enough for the search."""
    matrix = matrix_of(20)
    assert found(matrix, target_of(matrix)) == []


def table_of(matrix, target):
    colours = np.array(["red", "green", "blue"], dtype=object)[matrix[:, 3].astype(int)]
    columns = {"a": matrix[:, 0], "b": matrix[:, 1], "flag": matrix[:, 2], "colour": colours}
    return Table("rows of a test", columns, target)


def test_manifest(tmp_path):
    """The manifest holds the warnings."""
    trained = train(FEATURES, table_of(with_column(1, 1.0), SCALE), tmp_path, recipe=RECIPE)
    manifest = load_bundle(trained.bundle).manifest
    schemas.check("bundle.manifest.v2", manifest)
    (warning,) = manifest["warnings"]
    assert (warning["kind"], warning["features"]) == ("constant-column", ["b"])


def test_strict(tmp_path):
    """Strict training stops before anything is written."""
    with pytest.raises(WarningsFound) as caught:
        train(FEATURES, table_of(with_column(1, 1.0), SCALE), tmp_path, recipe=RECIPE, strict=True)
    assert len(caught.value.warnings) == 1
    assert "b has one value only" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_strict_with_good_rows(tmp_path):
    """Strict training does not stop good rows."""
    trained = train(FEATURES, table_of(matrix_of(), SCALE), tmp_path, recipe=RECIPE, strict=True)
    assert trained.manifest["warnings"] == []


@pytest.fixture
def command(tmp_path):
    """Train by the command on a file in which b is the target."""
    (tmp_path / "four.json").write_text(json.dumps(FEATURES.to_json()))
    table = table_of(with_column(1, SCALE), SCALE)
    lines = ["a,b,flag,colour,y"]
    for a, b, flag, colour, y in zip(*table.columns.values(), table.target, strict=True):
        lines.append(f"{a!r},{b!r},{int(flag)},{colour},{y!r}".replace("np.float64(", "").replace(")", ""))
    (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n")
    words = ["--feature-set", tmp_path / "four.json", "--data", tmp_path / "rows.csv"]
    words += ["--trees", 3, "--out", tmp_path / "build"]

    def run(*more):
        return CliRunner().invoke(main, [str(word) for word in (*words, *more)])

    return run


def test_command(command):
    """The command prints warnings and ends with exit code 0."""
    result = command()
    assert result.exit_code == 0
    assert "warning: b equals the target." in result.output


def test_strict_command(command, tmp_path):
    """The strict command ends with exit code 1 and writes nothing."""
    result = command("--strict")
    assert result.exit_code == 1
    assert "b equals the target" in result.output
    assert not (tmp_path / "build").exists()
