"""Classifiers: their labels, what they are held against, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from drift_contracts import FeatureSet, schemas
from drift_engine.bundle import load_bundle
from drift_ml.scores import classification
from drift_ml.tables import DataError, read_table
from drift_ml.training import ModelWorseThanMean, Recipe, Table, TrainingError, find_warnings, fit, split, train
from drift_ml.training.__main__ import main
from drift_ml.training.judging import answers_of
from drift_ml.training.labels import as_places

SMALL = Recipe(trees=10)
OPEN = {"categories": ["red", "white", "rose"], "other": True, "nullable": True}


def wine(*classes: str, **target: object) -> FeatureSet:
    """Return a feature set of a number, a category and a flag, for some classes."""
    return FeatureSet.from_json(
        {
            "contract": "feature-set.v2",
            "name": "wine",
            "version": "1.0.0",
            "description": "What a jury says of a wine.",
            "target": {
                "name": "verdict",
                "kind": "classification",
                "classes": list(classes),
                "description": "The jury's verdict.",
                **target,
            },
            "features": [
                {"name": "sugar", "type": "number", "unit": "g/l", "nullable": True, "example": 5, "description": "."},
                {"name": "colour", "type": "category", "unit": "none", "example": "red", "description": ".", **OPEN},
                {"name": "cork", "type": "boolean", "unit": "none", "example": True, "description": "."},
            ],
        }
    )


def wines(feature_set: FeatureSet, rows: int = 400, *, missing: bool = True) -> Table:
    """Return wines of which the sweet and the red ones are of later classes, most of the time."""
    random = np.random.default_rng(1)
    sugar = random.uniform(1, 20, rows)
    colour = np.array(["red", "white", "rose", "new"], dtype=object)[random.integers(0, 4, rows)]
    cork = random.integers(0, 2, rows).astype(np.float64)
    classes = len(feature_set.target.classes)
    liking = sugar / 20 + 0.5 * (colour == "red") + random.normal(0, 0.15, rows)
    target = np.clip(np.floor(liking / 1.5 * classes), 0, classes - 1)
    if missing:
        sugar[::9] = np.nan
        colour[::11] = None
    return Table("cellar", {"sugar": sugar, "colour": colour, "cork": cork}, target)


@pytest.mark.parametrize("classes", [("bad", "good"), ("bad", "fair", "good", "great")], ids=["two", "four"])
def test_a_classifier_from_end_to_end(tmp_path, classes):
    """Bundle, scores, class scores, calibration and proof: all in their contracts and true."""
    chosen = wine(*classes)
    trained = train(chosen, wines(chosen), tmp_path, recipe=SMALL)
    bundle = load_bundle(trained.bundle)
    manifest = trained.manifest
    schemas.check("bundle.manifest.v2", manifest)
    schemas.check("baseline.v2", json.loads((trained.bundle / "baseline.json").read_text()))
    assert manifest["exactness"]["grade"] == "exact"
    assert manifest["exactness"]["rows"] == 400
    assert manifest["exactness"]["hard_rows"] >= 20_000
    assert manifest["held_out"] == {"by": "random"}
    assert set(manifest["class_scores"]) == set(classes)
    assert sum(entry["support"] for entry in manifest["class_scores"].values()) == 80
    assert sum(entry["count"] for entry in manifest["calibration"]) == 80
    assert manifest["importances"]["sugar"]["value"] > manifest["importances"]["cork"]["value"]
    assert bundle.baseline["importances"] == manifest["importances"]
    assert manifest["scores"]["brier_skill"]["value"] > 0
    assert (bundle.model.task, bundle.model.outputs) == ("classification", len(classes))


def test_the_bundle_answers_as_the_estimator():
    """Probabilities of every class are those of the library, in the order of the feature set."""
    chosen = wine("zero", "and", "more")
    table = wines(chosen)
    fitted = fit(chosen, table.matrix(chosen), table.target, SMALL)
    assert fitted.estimator.classes_.tolist() == [0, 1, 2]
    assert fitted.predicted.shape == (80, 3)
    assert fitted.labels.tolist() == fitted.predicted.argmax(axis=1).tolist()


def test_threshold():
    """The label is the positive class from the threshold on; without one the library decides."""
    plain, strict = wine("bad", "good", positive="bad"), wine("bad", "good", positive="bad", threshold=0.9)
    table = wines(plain)
    by_library, by_threshold = (fit(chosen, table.matrix(chosen), table.target, SMALL) for chosen in (plain, strict))
    assert by_library.labels.tolist() == by_library.predicted.argmax(axis=1).tolist()
    assert by_threshold.labels.tolist() == np.where(by_threshold.predicted[:, 0] >= 0.9, 0, 1).tolist()
    answers = answers_of(strict, table, by_threshold)
    assert answers.positive == 0
    assert answers.scores.tolist() == by_threshold.predicted[:, 0].tolist()


def test_prior():
    """The prior is the classes' shares among the learnt rows."""
    chosen = wine("bad", "good")
    table = wines(chosen)
    sides = split(400, SMALL)
    fitted = fit(chosen, table.matrix(chosen), table.target, SMALL, None, sides)
    prior = answers_of(chosen, table, fitted).prior
    assert prior[1] == pytest.approx(table.target[sides.learnt].mean())
    assert prior.sum() == pytest.approx(1)


def test_no_better_than_prior(tmp_path):
    """A classifier that is no better than the prior is refused, and nothing is written."""
    chosen = wine("bad", "good")
    table = wines(chosen)
    noise = np.random.default_rng(4).integers(0, 2, 400).astype(np.float64)
    with pytest.raises(ModelWorseThanMean, match=r"Brier skill is -.*classes' shares"):
        train(chosen, Table("noise", table.columns, noise), tmp_path, recipe=SMALL)
    assert not list(tmp_path.rglob("*.bin"))


def test_class_without_rows():
    """A class that no learnt row has is named, with the ways out."""
    chosen = wine("bad", "good", "never")
    table = wines(wine("bad", "good"))
    with pytest.raises(TrainingError, match=r"none of never.*take the class out"):
        fit(chosen, table.matrix(chosen), table.target, SMALL)


def test_several_outputs(tmp_path):
    """They are not trained, and the way out is named."""
    outputs = [{"name": name, "unit": "points", "description": "."} for name in ("nose", "taste")]
    document = wine("bad", "good").to_json()
    document["target"] = {"name": "points", "description": ".", "outputs": outputs}
    chosen = FeatureSet.from_json(document)
    with pytest.raises(TrainingError, match=r"drift_ml\.export"):
        train(chosen, wines(wine("bad", "good")), tmp_path)


@pytest.mark.parametrize(
    ("classes", "labels"),
    [
        (("0", "1"), [0, 1, 1]),
        (("0", "1"), [0.0, 1.0, 1.0]),
        (("0", "1"), ["0", "1", "1"]),
        (("false", "true"), [False, True, True]),
        (("5", "7"), [5.0, 7.0, 7.0]),
        (("1", "0"), [1, 0, 0]),
    ],
)
def test_labels_of_a_source(classes, labels):
    """Labels are compared as texts, whatever their type, in the order of the feature set."""
    assert as_places(wine(*classes), np.array(labels), "cellar").tolist() == [0, 1, 1]


def test_labels_that_are_no_class():
    """Rows are named, counted from 1, and never the label."""
    labels = np.array(["good", "secret", None, "bad", 3], dtype=object)
    with pytest.raises(DataError, match=r"verdict: choice: .* bad, good") as refused:
        as_places(wine("bad", "good"), labels, "cellar")
    assert refused.value.findings[0].rows == (2, 3, 5)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("spelling", ["0,1,1", "0.0,1.0,1.0"])
def test_labels_of_a_file(tmp_path, spelling):
    """Numbers in a CSV are the classes of their usual texts."""
    path = tmp_path / "wines.csv"
    rows = [f"1,red,true,{label}" for label in spelling.split(",")]
    path.write_text("\n".join(["sugar,colour,cork,verdict", *rows]) + "\n")
    table = read_table(path, wine("0", "1"))
    assert table.target.tolist() == [0, 1, 1]


@pytest.mark.parametrize(("label", "rule"), [("", "missing"), ("secret", "choice")])
def test_bad_labels_of_a_file(tmp_path, label, rule):
    """A label that is missing or no class is refused by row and line."""
    path = tmp_path / "wines.csv"
    path.write_text(f"sugar,colour,cork,verdict\n1,red,true,good\n1,red,true,{label}\n")
    with pytest.raises(DataError, match=rf"column verdict: {rule}: expected .*row 3.*line 3") as refused:
        read_table(path, wine("bad", "good"))
    assert "secret" not in str(refused.value)


def test_warnings():
    """A target of two classes is no warning; a feature that says the class is one."""
    chosen = wine("bad", "good")
    table = wines(chosen, missing=False)
    matrix, sides = table.matrix(chosen), split(400, SMALL)
    assert find_warnings(chosen, matrix, table.target, sides) == []
    matrix[:, 2] = table.target
    (warning,) = find_warnings(chosen, matrix, table.target, sides)
    assert (warning.kind, warning.features) == ("target-among-features", ("cork",))


def test_the_command_with_a_source(tmp_path, monkeypatch):
    """Classes by name from a source of one's own; the terminal names the class and its odds."""
    (tmp_path / "jury.py").write_text(
        "import numpy as np\n"
        "from drift_ml.training import Table\n"
        "def load(feature_set, rows, seed):\n"
        "    sugar = np.random.default_rng(seed).uniform(1, 20, rows)\n"
        "    colour = np.full(rows, 'red', dtype=object)\n"
        "    verdict = np.where(sugar > 9, 'good', 'bad')\n"
        "    return Table('jury', {'sugar': sugar, 'colour': colour, 'cork': np.ones(rows)}, verdict)\n"
    )
    path = tmp_path / "wine.json"
    path.write_text(json.dumps(wine("good", "bad", positive="good").to_json()))
    monkeypatch.syspath_prepend(tmp_path)
    words = ["--feature-set", path, "--source", "jury:load", "--rows", 200, "--trees", 5, "--out", tmp_path / "build"]
    result = CliRunner().invoke(main, list(map(str, words)))
    assert result.exit_code == 0, result.output
    shown = " ".join(result.output.split())
    assert "brier_skill" in shown
    assert "verdict good with a probability of 0.0" in shown
    assert "exactness exact on" in shown


def test_unseen_rows_are_scored(tmp_path):
    """The manifest's scores are those of the held-out rows alone."""
    chosen = wine("bad", "good")
    table = wines(chosen)
    trained = train(chosen, table, tmp_path, recipe=SMALL)
    fitted = fit(chosen, table.matrix(chosen), table.target, SMALL)
    expected = classification.score(answers_of(chosen, table, fitted), seed=SMALL.seed)
    assert trained.manifest["scores"] == expected
