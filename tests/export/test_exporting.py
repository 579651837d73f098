"""Export of a user's own estimator: its bundle, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys

import drift_ml
import numpy as np
import pytest
from drift_contracts import ContractError, FeatureSet, Violation
from drift_contracts.bundle_paths import current_version
from drift_engine.bundle import load_bundle
from drift_ml import importances as shuffling
from drift_ml.baseline import Baseline
from drift_ml.converters import DoesNotFit
from drift_ml.exporting import ExportError, export
from drift_ml.exporting.rows import read_rows, to_json
from drift_ml.importances import importances_of_numbers, permutation_importances, sampled_rows
from drift_ml.segments import read_segments
from drift_ml.tables.row_digests import read_row_digests
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

#: Rows that are fitted; those behind are held out.
LEARNT = 180
LATE, ON_TIME = "late", "on-time"


def with_target(feature_set, **target):
    """The same features with another target."""
    document = {**feature_set.to_json(), "contract": "feature-set.v2"}
    document["target"] = {"name": "worth", "description": "Made up.", **target}
    return FeatureSet.from_json(document)


def classes_of(feature_set, **members):
    """A feature set of two classes."""
    listed = {"kind": "classification", "classes": [LATE, ON_TIME], **members}
    return with_target(feature_set, **listed)


@pytest.fixture(scope="module")
def frame(with_missing):
    """Rows with both kinds of targets."""
    pandas = pytest.importorskip("pandas")
    made = pandas.DataFrame(with_missing.rows)
    numbers = ["width", "height", "depth"]
    made[numbers] = made[numbers].astype(float)
    late = with_missing.labels(2) == 1
    return made.assign(worth=np.where(late, LATE, ON_TIME), price=with_missing.number)


@pytest.fixture(scope="module")
def classifier(with_missing, frame):
    """A classifier that was fitted on codes and texts."""
    estimator = HistGradientBoostingClassifier(max_iter=8, categorical_features=[5], random_state=0)
    return estimator.fit(with_missing.matrix[:LEARNT], frame["worth"][:LEARNT])


@pytest.fixture(scope="module")
def classified(classifier, frame, with_missing, tmp_path_factory):
    """An exported classifier."""
    folder = tmp_path_factory.mktemp("classified")
    feature_set = classes_of(with_missing.feature_set, positive=LATE)
    rows = {"held_out": frame[LEARNT:], "feature_set": feature_set}
    return export(classifier, frame[:LEARNT], out=folder, source="a test", **rows)


def test_lazy_name():
    """The package's name is the function, imported when it is requested."""
    assert drift_ml.export is export
    with pytest.raises(AttributeError, match="absent"):
        _ = drift_ml.absent


def test_classifier(classified, classifier, with_missing):
    """A classifier becomes the current version, and answers its own probabilities."""
    folder = classified.bundle
    assert current_version(folder.parent) == folder.name == classified.manifest["model_version"]
    bundle = load_bundle(folder.parent)
    answers = np.array(bundle.model.scores_many(with_missing.matrix.tolist()))
    assert np.array_equal(answers, classifier.predict_proba(with_missing.matrix))
    assert bundle.feature_set.target.classes == (LATE, ON_TIME)


def test_manifest(classified, frame):
    """The manifest has scores, classes, calibration and importances on held-out rows, and
    exactness.
    """
    manifest = classified.manifest
    exactness = manifest["exactness"]
    assert (exactness["grade"], exactness["rows"], exactness["hard_rows"]) == ("exact", 240, 20_000)
    assert exactness["reference"]["call"].startswith("HistGradientBoostingClassifier.predict_proba")
    assert manifest["held_out"] == {"by": "caller"}
    assert manifest["training"]["held_out_rows"] == 60
    assert manifest["training"]["source"] == "a test"
    assert manifest["scores"]["brier_skill"]["value"] > 0
    late = int((frame["worth"][LEARNT:] == LATE).sum())
    assert manifest["class_scores"][LATE]["support"] == late
    assert sum(entry["count"] for entry in manifest["calibration"]) == 60
    importances = manifest["importances"]
    assert max(importances, key=lambda name: importances[name]["value"]) == "height"
    assert manifest["warnings"] == []


def test_the_baseline_has_the_answers_channels(classified):
    """Label and score, so that a drift of them is seen."""
    baseline = json.loads((classified.bundle / "baseline.json").read_text())
    assert baseline["contract"] == "baseline.v2"
    assert baseline["classes"] == [LATE, ON_TIME]
    assert {"label", "score"} <= {channel["name"] for channel in baseline["channels"]}
    assert set(baseline["importances"]) == set(baseline["features"])


def test_a_replay_knows_the_training_rows(classified):
    """By their digests, learnt and held out."""
    digests = read_row_digests(classified.bundle.parent, classified.manifest)
    assert digests is not None
    assert digests.rows == 240


@pytest.mark.parametrize("is_class", [True, False], ids=["classes", "numbers"])
def test_segments(whole, tmp_path, monkeypatch, is_class):
    """The answers of a segment's baseline are those of the held-out rows in it."""
    monkeypatch.setattr("drift_ml.segments.fit.FEWEST_ROWS", 20)
    target = {"kind": "classification", "classes": [LATE, ON_TIME]} if is_class else {"unit": "EUR"}
    document = with_target(whole.feature_set, **target).to_json() | {"contract": "feature-set.v2"}
    name = next(feature["name"] for feature in document["features"] if feature["type"] == "number")
    values = whole.matrix[:, whole.feature_set.names.index(name)]
    document["segments"] = [{"feature": name, "cuts": [float(np.median(values))]}]
    wanted = whole.labels(2) if is_class else whole.number
    estimator = (DecisionTreeClassifier if is_class else DecisionTreeRegressor)(max_depth=3, random_state=0)
    estimator.fit(whole.matrix[:LEARNT], wanted[:LEARNT])
    named = np.where(wanted == 1, ON_TIME, LATE) if is_class else wanted
    rows, unseen = (whole.rows[:LEARNT], named[:LEARNT]), (whole.rows[LEARNT:], named[LEARNT:])
    features = FeatureSet.from_json(document)
    exported = export(estimator, rows, held_out=unseen, feature_set=features, out=tmp_path)
    baseline = Baseline.from_json(load_bundle(exported.bundle).baseline)
    watched = read_segments(exported.bundle, exported.manifest, baseline).watched
    assert len(watched) == 2
    assert sum(segment.baseline.prediction.count for segment in watched) == len(unseen[0])


@pytest.mark.no_cover
def test_a_threshold_decides_the_labels(classifier, frame, with_missing, tmp_path):
    """Which the scores of labels are about."""
    feature_set = classes_of(with_missing.feature_set, positive=LATE, threshold=0.0)
    rows = {"held_out": frame[LEARNT:], "feature_set": feature_set}
    exported = export(classifier, frame[:LEARNT], out=tmp_path, **rows)
    assert exported.manifest["class_scores"][LATE]["recall"] == 1.0
    assert exported.manifest["class_scores"][ON_TIME]["recall"] == 0.0


def test_rows_as_mappings(whole, tmp_path):
    """Rows may be mappings with separate targets, and a feature set a path."""
    estimator = RandomForestRegressor(5, random_state=0)
    estimator.fit(whole.matrix[:LEARNT], whole.number[:LEARNT])
    path = tmp_path / "made-up.json"
    path.write_text(json.dumps(whole.feature_set.to_json()))
    rows = (whole.rows[:LEARNT], whole.number[:LEARNT].tolist())
    held_out = (whole.rows[LEARNT:], whole.number[LEARNT:])
    exported = export(estimator, rows, held_out=held_out, feature_set=str(path), out=tmp_path)
    manifest = exported.manifest
    assert set(manifest["scores"]) == {"r2", "mae", "rmse", "mape"}
    assert manifest["estimator"]["parameters"]["n_estimators"] == 5
    assert exported.exactness.grade == "exact"
    baseline = json.loads((exported.bundle / "baseline.json").read_text())
    assert baseline["error"]["count"] == 60


def test_several_outputs_are_scored_by_name(whole, tmp_path):
    """Each of them, and one that is no better than its mean is named in a warning."""
    noise = np.random.default_rng(0).normal(scale=1e-6, size=len(whole.rows))
    targets = np.column_stack([whole.number, whole.positive, noise])
    learner = DecisionTreeRegressor(max_depth=5, random_state=0)
    estimator = learner.fit(whole.matrix[:LEARNT], targets[:LEARNT])
    described = {"unit": "none", "description": "Made up."}
    outputs = [{"name": name, **described} for name in ("worthNow", "later", "noise")]
    feature_set = with_target(whole.feature_set, outputs=outputs)
    named = [
        {**row, "worthNow": first, "later": second, "noise": third}
        for row, (first, second, third) in zip(whole.rows, targets.tolist(), strict=True)
    ]
    rows = {"held_out": (whole.rows[LEARNT:], targets[LEARNT:]), "feature_set": feature_set}
    exported = export(estimator, named[:LEARNT], out=tmp_path, **rows)
    assert {"r2", "r2_worthnow", "mae_later"} <= set(exported.manifest["scores"])
    assert exported.manifest["scores"]["r2"] == exported.manifest["scores"]["r2_worthnow"]
    assert [warning["kind"] for warning in exported.manifest["warnings"]] == ["no-better"]
    assert "noise" in exported.manifest["warnings"][0]["words"]


def test_an_isolation_forest_needs_no_target(whole, tmp_path):
    """It has no errors either."""
    estimator = IsolationForest(n_estimators=5, random_state=0).fit(whole.matrix[:LEARNT])
    rows = {"held_out": whole.rows[LEARNT:], "feature_set": whole.feature_set}
    exported = export(estimator, whole.rows[:LEARNT], out=tmp_path, **rows)
    assert set(exported.manifest["scores"]) == {"mean_answer"}
    assert exported.exactness.grade in ("exact", "exact-link")


def test_no_better_than_mean(whole, tmp_path):
    """A user's model that is no better than the mean is packed with a warning."""
    noise = np.random.default_rng(0).normal(size=len(whole.rows))
    estimator = DecisionTreeRegressor().fit(whole.matrix[:LEARNT], noise[:LEARNT])
    rows = {"held_out": (whole.rows[LEARNT:], noise[LEARNT:]), "feature_set": whole.feature_set}
    exported = export(estimator, (whole.rows[:LEARNT], noise[:LEARNT]), out=tmp_path, **rows)
    assert [warning["kind"] for warning in exported.manifest["warnings"]] == ["no-better"]


@pytest.mark.no_cover
def test_no_better_than_prior(with_missing, tmp_path):
    """A classifier that is no better than the prior is packed with a warning."""
    labels = np.where(np.random.default_rng(0).random(240) < 0.5, LATE, ON_TIME)
    estimator = HistGradientBoostingClassifier(max_iter=60, learning_rate=0.9)
    estimator.fit(with_missing.matrix[:LEARNT], labels[:LEARNT])
    held_out = (with_missing.rows[LEARNT:], labels[LEARNT:])
    rows = {"held_out": held_out, "feature_set": classes_of(with_missing.feature_set)}
    learnt = (with_missing.rows[:LEARNT], labels[:LEARNT])
    exported = export(estimator, learnt, out=tmp_path, **rows)
    assert [warning["kind"] for warning in exported.manifest["warnings"]] == ["no-better"]


def test_no_held_out_rows(classifier, frame, with_missing, tmp_path):
    """Without held-out rows, or with those that were fitted, it is refused with the reason."""
    feature_set = classes_of(with_missing.feature_set)
    rows = frame[:LEARNT]
    for held_out in (None, rows, frame[20:90]):
        with pytest.raises(ExportError) as refusal:
            export(classifier, rows, held_out=held_out, feature_set=feature_set, out=tmp_path)
        assert refusal.value.place == "held_out"
        assert "fit" in refusal.value.way_out
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ({"unit": "none"}, "/target/kind"),
        ({"kind": "classification", "classes": ["a", "b", "c"]}, "/target/classes"),
    ],
)
def test_the_target_must_be_the_estimators(target, place, classifier, frame, with_missing, tmp_path):
    """Its kind, and its classes."""
    feature_set = with_target(with_missing.feature_set, **target)
    rows = {"held_out": frame[LEARNT:], "feature_set": feature_set}
    with pytest.raises(DoesNotFit) as refusal:
        export(classifier, frame[:LEARNT], out=tmp_path, **rows)
    assert refusal.value.place == place


def test_other_target(whole, tmp_path):
    """A regressor's target of another kind or size is refused."""
    targets = np.column_stack([whole.number, whole.positive])
    two = DecisionTreeRegressor(max_depth=2).fit(whole.matrix, targets)
    with pytest.raises(DoesNotFit, match="2 classes or outputs"):
        export(two, whole.rows, held_out=[], feature_set=whole.feature_set, out=tmp_path)
    listed = classes_of(whole.feature_set)
    with pytest.raises(DoesNotFit, match="regression"):
        export(two, whole.rows, held_out=[], feature_set=listed, out=tmp_path)


def test_wrong_rows(whole):
    """Rows that cannot be requests are refused by argument, row and rule, without the value."""
    feature_set, good = whole.feature_set, whole.rows[0]
    for rows, place in (
        ([], "rows"),
        ([good, {**good, "count": -99}], "rows: row 1"),
        ([good, 7], "rows: row 1"),
        ([{"width": 1.0}], "rows: row 0"),
        (([good], []), "rows"),
        (([good], [None]), "rows"),
        (([good], ["much"]), "rows"),
    ):
        with pytest.raises(ExportError) as refusal:
            read_rows("rows", rows, feature_set, with_target=isinstance(rows, tuple))
        assert refusal.value.place == place
        assert "-99" not in str(refusal.value)


def test_broken_baseline(whole, tmp_path, monkeypatch):
    """A baseline that breaks its contract is not written, whatever made it so."""
    broken = [Violation("/channels", "minItems", "at least one")]
    module = sys.modules["drift_ml.packing.bundle"]
    monkeypatch.setattr(module, "broken_baseline", lambda _: broken)
    estimator = DecisionTreeRegressor(max_depth=2).fit(whole.matrix, whole.number)
    rows = (whole.rows[:LEARNT], whole.number[:LEARNT])
    held_out = (whole.rows[LEARNT:], whole.number[LEARNT:])
    with pytest.raises(ContractError, match="channels"):
        export(estimator, rows, held_out=held_out, feature_set=whole.feature_set, out=tmp_path)
    assert not any(tmp_path.iterdir())


def test_shipped_feature_set(whole):
    """A feature set that ships is chosen by its name, and refuses other columns."""
    estimator = DecisionTreeRegressor(max_depth=2).fit(whole.matrix, whole.number)
    with pytest.raises(DoesNotFit, match="6 features"):
        export(estimator, whole.rows, held_out=[], feature_set="house-price")


def test_unknown_label(with_missing):
    """A label that is no class is refused by its row."""
    rows = (with_missing.rows[:2], [LATE, "elsewhere"])
    with pytest.raises(ExportError) as refusal:
        read_rows("rows", rows, classes_of(with_missing.feature_set), with_target=True)
    assert refusal.value.place == "rows: row 1"


def test_a_frame_needs_the_columns(frame, whole):
    """By name, or by the name that a feature has in files."""
    with pytest.raises(ExportError, match="width"):
        read_rows("rows", frame.drop(columns="width"), whole.feature_set, with_target=False)


def test_polars(with_missing):
    """A frame of polars is read, with null for what is missing."""
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(with_missing.rows)
    rows = read_rows("rows", frame, with_missing.feature_set, with_target=False)
    assert rows.json == with_missing.rows


def test_cells_become_what_requests_hold(whole):
    """Of numpy, of pandas, and of Python."""
    pandas = pytest.importorskip("pandas")
    features = {feature.name: feature for feature in whole.feature_set.features}
    assert to_json(features["count"], np.float64(3)) == 3
    assert to_json(features["flag"], np.int64(1)) is True
    assert to_json(features["kind"], "k1") == "k1"
    assert to_json(features["width"], 0.5) == 0.5
    for missing in (None, float("nan"), np.nan, pandas.NA, pandas.NaT):
        assert to_json(features["width"], missing) is None


def test_importances():
    """A column that makes no difference has importance 0, with an interval of no width."""
    matrix = np.random.default_rng(0).normal(size=(400, 2))

    def loss(rows):
        return np.abs(rows[:, 0] - matrix[:, 0])

    found = permutation_importances(loss, matrix, ("used", "unused"), seed=1)
    assert found["unused"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    # The mean distance of two normal values is 2 / sqrt(pi).
    assert found["used"]["low"] < 2 / np.pi**0.5 < found["used"]["high"]


def test_importances_of_a_sample():
    """Many features are shuffled in a seeded sample of the rows, of a hundred at least."""
    assert sampled_rows(2000, 5, seed=1).tolist() == list(range(2000))
    chosen = sampled_rows(5000, 100, seed=1)
    assert len(chosen) == len(set(chosen.tolist())) == 1000
    assert chosen.tolist() == sampled_rows(5000, 100, seed=1).tolist()
    assert len(sampled_rows(5000, 2000, seed=1)) == shuffling.FEWEST_ROWS


def test_importances_of_several_outputs():
    """An error is the mean over the outputs; a feature of one output counts half."""

    class Sum:
        """Answers its row."""

        def scores_many(self, rows):
            """Return the rows."""
            return rows

    matrix = np.random.default_rng(0).normal(size=(400, 2))
    found = importances_of_numbers(Sum(), matrix, matrix, ("first", "second"), seed=1)
    assert found["first"]["low"] < 1 / np.pi**0.5 < found["first"]["high"]


@pytest.mark.no_cover
@pytest.mark.parametrize("features", [30, 31])
def test_a_wide_baseline_has_importances(features, tmp_path):
    """A regressor's baseline names what its metrics are of, once there is a choice."""
    matrix = np.random.default_rng(0).normal(size=(60, features))
    names = [f"f{place}" for place in range(features)]
    feature = {"type": "number", "unit": "none", "example": 0.5, "description": "Made up."}
    document = {
        "contract": "feature-set.v2",
        "name": "wide",
        "version": "1.0.0",
        "description": "Made up.",
        "target": {"name": "worth", "unit": "none", "description": "Made up."},
        "features": [{"name": name, **feature} for name in names],
    }
    rows = [dict(zip(names, row, strict=True)) for row in matrix.tolist()]
    target = matrix[:, -1]
    estimator = DecisionTreeRegressor(max_depth=3).fit(matrix[:40], target[:40])
    exported = export(
        estimator,
        (rows[:40], target[:40]),
        held_out=(rows[40:], target[40:]),
        feature_set=FeatureSet.from_json(document),
        out=tmp_path,
    )
    baseline = load_bundle(exported.bundle).baseline
    importances = exported.manifest["importances"]
    assert max(importances, key=lambda name: importances[name]["value"]) == names[-1]
    assert baseline.get("importances", {}) == (importances if features > 30 else {})


def test_without_pyarrow():
    """An export imports no pyarrow, whose late releases refuse numpy 1.26."""
    code = "import sys, drift_ml; drift_ml.export; sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
