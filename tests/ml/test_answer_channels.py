"""A classifier's answers are channels: label, score, margin and entropy, of baseline, window and evidence."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from drift_contracts import ContractError, FeatureSet, schemas
from drift_contracts.baseline_rules import broken_baseline, broken_figures, contract_of
from drift_ml.answers import undecided
from drift_ml.baseline import ANSWERS, Baseline, BaselineError, CalibrationBin, Channel
from drift_ml.baseline.fit import fit_baseline
from drift_ml.calibration import calibration_bins
from drift_ml.evidence import Budget, MixtureDetector, Settings, Tables, charts
from drift_ml.report import window_report
from drift_ml.watch import DriftWatch, compare
from drift_ml.window import Window, WindowError
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy, poisson

TWO = ("on time", "late")
FOUR = ("red", "green", "blue", "grey")


def feature_set(classes, *names, **target):
    kind = {"type": "number", "unit": "m", "description": "A length.", "example": 0}
    return FeatureSet.from_json(
        {
            "contract": "feature-set.v2",
            "name": "delays",
            "version": "1.0.0",
            "description": "Delays.",
            "target": {
                "name": "delay",
                "description": "How it went.",
                "kind": "classification",
                "classes": list(classes),
                **target,
            },
            "features": [{"name": name, **kind} for name in names or ("distance", "wind")],
        }
    )


class Answered:
    """Rows that a classifier answered, at random."""

    def __init__(self, seed, rows, classes, *, tilt=0.0):
        random = np.random.default_rng(seed)
        self.columns = {name: random.normal(size=rows) for name in ("distance", "wind")}
        raw = random.normal(size=(rows, len(classes))) * 1.5 + np.linspace(0.8, 0.0, len(classes))
        raw[:, -1] += tilt
        powers = np.exp(raw)
        self.scores = powers / powers.sum(axis=1, keepdims=True)
        self.codes = self.scores.argmax(axis=1)
        self.labels = np.array(classes, dtype=object)[self.codes]
        doubt = undecided(self.scores)
        self.margins, self.entropies = doubt.margins, doubt.entropies
        binary = len(classes) == 2
        self.predictions = self.scores[:, -1] if binary else self.scores.max(axis=1)

    def fill(self, window, part=slice(None)):
        window.observe_rows(
            {name: column[part] for name, column in self.columns.items()},
            self.predictions[part],
            labels=self.codes[part],
            margins=self.margins[part],
            entropies=self.entropies[part],
        )
        return window


def fitted(classes, seed=1, rows=2000, **more):
    answered = Answered(seed, rows, classes)
    baseline = fit_baseline(
        feature_set(classes),
        answered.columns,
        target=answered.labels,
        labels=answered.labels,
        scores=answered.scores,
    )
    return replace(baseline, **more)


@pytest.fixture(scope="module")
def two():
    return fitted(TWO, calibration=calibration_bins([0.2, 0.7], [False, True]))


@pytest.fixture(scope="module")
def four():
    return fitted(FOUR)


@pytest.mark.parametrize("classes", [TWO, FOUR])
def test_channel_order(classes):
    """The channels of an answer are between those of features and indicators."""
    names = [channel.name for channel in fitted(classes).channels]
    assert names[:7] == ["distance", "wind", *ANSWERS, "missing:distance"]
    assert [fitted(classes).channel(name).answer for name in ANSWERS] == list(ANSWERS)


def test_figures_are_those_of_the_columns(four):
    """Summaries and counts are of the held-out rows, checked by numpy and scipy."""
    answered = Answered(1, 2000, FOUR)
    assert four.margin.mean == pytest.approx(answered.margins.mean())
    assert four.entropy.mean == pytest.approx(entropy(answered.scores, axis=1).mean())
    assert four.prediction.mean == pytest.approx(answered.scores.max(axis=1).mean())
    assert four.label.type == four.target.type == "category"
    assert four.channel("label").counts == tuple(np.bincount(answered.codes).tolist())
    assert four.channel("label").categories == four.classes == FOUR


def test_positive_class(two):
    """The score of two classes is that of the last, or of the one that the feature set names."""
    answered = Answered(1, 2000, TWO)
    assert two.prediction.mean == pytest.approx(answered.scores[:, 1].mean())
    first = fit_baseline(
        feature_set(TWO, positive="on time"),
        answered.columns,
        labels=answered.codes,
        scores=answered.scores,
    )
    assert first.prediction.mean == pytest.approx(answered.scores[:, 0].mean())


def test_document(two, four):
    """The document keeps the contract's second version, and an equal baseline is read from it."""
    for baseline in (two, four, fitted(TWO, importances={"wind": {"value": 0.1, "low": 0, "high": 0.2}})):
        document = json.loads(json.dumps(baseline.to_json()))
        schemas.check("baseline.v2", document)
        assert contract_of(document) == "baseline.v2"
        assert broken_baseline(document) == broken_figures(document) == []
        assert Baseline.from_json(document) == baseline
        assert Baseline.from_json(document).digest == baseline.digest


def test_empty_curve_bin(two):
    """A bin of the curve without rows, which the contract allows, is skipped when read."""
    empty = {"low": 0.8, "high": 0.9, "count": 0}
    empty |= dict.fromkeys(["predicted", "observed", "observed_low", "observed_high"])
    document = two.to_json()
    longer = {**document, "calibration": [*document["calibration"], empty]}
    assert Baseline.from_json(longer) == two
    assert len(two.calibration) == 2


def test_broken_documents_are_refused(two):
    """A document that breaks the second version is refused, and the error names the version."""
    document = two.to_json()
    strange = {"height": {"value": 0.1, "low": 0, "high": 0.2}}
    with pytest.raises(ContractError, match=r"baseline\.v2.*/importances"):
        Baseline.from_json({**document, "importances": strange})
    margin = {**document["margin"], "mean": 7.0}
    with pytest.raises(ContractError, match=r"baseline\.v2.*/margin/mean"):
        Baseline.from_json({**document, "margin": margin})


def test_feature_called_score():
    """A feature may be called `score`, and the answer's channel then has a prefix."""
    answered = Answered(1, 500, TWO)
    values = np.arange(500.0)
    baseline = fit_baseline(
        feature_set(TWO, "score", "label"),
        {"score": values, "label": values},
        labels=answered.codes,
        scores=answered.scores,
    )
    names = [channel.name for channel in baseline.channels]
    assert names[:6] == ["score", "label", "answer:label", "answer:score", "margin", "entropy"]
    assert Baseline.from_json(json.loads(json.dumps(baseline.to_json()))) == baseline
    window = Window.empty(baseline)
    window.observe({"score": 3.0, "label": 4.0}, 0.9, label="late", margin=0.8, entropy=0.3)
    counts = window.channel_counts()
    assert counts["answer:label"] == [0, 1]
    assert sum(counts["score"]) == sum(counts["answer:score"]) == 1
    words = {channel["name"]: channel["words"] for channel in window_report(baseline, window)["channels"]}
    assert words["answer:score"].startswith("the answer's score")


ANSWER = st.tuples(
    st.sampled_from([None, *TWO, "diverted"]),
    st.one_of(st.none(), st.floats(0, 1)),
    st.one_of(st.none(), st.floats(0, 1)),
    st.one_of(st.none(), st.floats(0, 1)),
    st.one_of(st.none(), st.floats(-3, 3)),
)


def observed(baseline, answers):
    window = Window.empty(baseline)
    for label, score, margin, doubt, distance in answers:
        window.observe({"distance": distance}, score, label=label, margin=margin, entropy=doubt)
    return window


@pytest.mark.no_cover
@given(st.lists(ANSWER, max_size=12), st.integers(0, 12))
def test_splits(two, answers, split):
    """Any split gives the same sum, and numpy the same counts as plain Python."""
    whole = observed(two, answers)
    assert observed(two, answers[:split]) + observed(two, answers[split:]) == whole
    columns = [np.array(list(column), dtype=object) for column in zip(*answers, strict=True)] or [[]] * 5
    rows = Window.empty(two)
    rows.observe_rows(
        {"distance": columns[4]},
        columns[1],
        labels=columns[0],
        margins=columns[2],
        entropies=columns[3],
    )
    assert rows == whole
    document = json.loads(json.dumps(whole.to_json()))
    schemas.check(document["contract"], document)
    assert Window.from_json(document, two) == whole


def test_other_label_type(two):
    """A label of another type is refused with its place, and the window is unchanged."""
    window = Window.empty(two)
    with pytest.raises(WindowError, match="type at /label"):
        window.observe({}, 0.5, label=["late"])
    with pytest.raises(WindowError, match="type at /margin"):
        window.observe({}, 0.5, label="late", margin="much")
    assert window == Window.empty(two)


def test_regressor_ignores_labels(houses):
    """A regressor's windows do not count labels, and stay what they were."""
    window, other = Window.empty(houses), Window.empty(houses)
    window.observe({"area": 90.0}, 5000.0)
    other.observe({"area": 90.0}, 5000.0, label="late", margin=0.5, entropy=0.1)
    assert window == other
    assert list(houses.answers) == ["score"]
    assert houses.to_json()["contract"] == contract_of(houses.to_json()) == "baseline.v2"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"labels": [0, 1]}, "expected labels and scores"),
        ({"labels": [0, 1], "scores": [[0.5, 0.5]]}, "a row of 2 probabilities"),
        ({"labels": [0, 1], "scores": [[0.5, 0.5], [math.nan, 1]]}, "between 0 and 1"),
        ({"labels": [0, 7], "scores": [[0.5, 0.5], [0, 1]]}, "labels: expected classes"),
        ({"target": ["late", "lost"]}, "target: expected classes"),
    ],
)
def test_other_classes(options, words):
    """Answers that do not fit the classes are refused with what was expected."""
    columns = {"distance": [1.0, 2.0], "wind": [1.0, 2.0]}
    with pytest.raises(BaselineError, match=words):
        fit_baseline(feature_set(TWO), columns, **options)


def test_regressor_refuses_labels(make):
    """A regressor's feature set, which has no classes, refuses labels."""
    with pytest.raises(BaselineError, match="target has classes"):
        fit_baseline(make.feature_set("area"), {"area": [1.0]}, labels=[0], scores=[[1.0]])


def test_no_held_out_rows():
    """A classifier without held-out rows has summaries and no channel of answers."""
    baseline = fit_baseline(
        feature_set(TWO), {"distance": [1.0, 2.0], "wind": [1.0, 2.0]}, labels=[], scores=np.empty((0, 2))
    )
    assert not any(channel.answer for channel in baseline.channels)
    window = Window.empty(baseline)
    window.observe({"distance": 1.0}, 0.5, label="late", margin=0.0, entropy=0.7)
    assert Window.from_json(window.to_json(), baseline) == window


def test_margin_and_entropy_need_two_classes():
    """Margin and entropy refuse a plain vector of scores, and a single class."""
    with pytest.raises(ValueError, match="two classes or more"):
        undecided([0.5, 0.5])
    with pytest.raises(ValueError, match="two classes or more"):
        undecided([[1.0]])


def test_label_charts(two, four):
    """No change of the label mix counts twice: K - 1 of K shares are free, so of two classes one has charts."""
    for baseline in (two, four):
        channel = baseline.channel("label")
        listed, table = charts(channel)
        named = {chart.direction.rpartition(" ")[0] for chart in listed}
        most = channel.categories[int(np.argmax(channel.counts))]
        assert named == set(channel.categories) - ({most} if len(channel.categories) == 2 else set())
        assert sum(chart.weight for chart in listed) == pytest.approx(1)
        assert table.shape == (len(channel.categories), 5 * len(named))
        assert len({tuple(column) for column in table.T.round(6).tolist()}) == table.shape[1]
    feature = Channel("label", "categories", ("label",), (5, 3), categories=("a", "b"))
    assert len(charts(feature)[0]) == 10


def test_margin_and_entropy_share_a_weight(two):
    """Margin and entropy, which say the same, together weigh what a column does."""
    tables = Tables.build(two.channels)
    weights = dict.fromkeys(tables.names, 0.0)
    plain = {}
    for chart, weight in zip(tables.charts, np.exp(tables.log_weights), strict=True):
        weights[chart.channel] += weight
        plain.setdefault(chart.channel, []).append(chart)
    assert weights["margin"] + weights["entropy"] == pytest.approx(weights["score"], rel=0.1)
    assert weights["label"] == pytest.approx(weights["distance"], rel=0.2)


def detect(baseline, answered, budget, batch=50):
    """Return after how many events each alarm came, and its finding; the evidence starts anew."""
    detector = MixtureDetector(Settings(baseline.channels, Budget(budget)))
    found = []
    for start in range(0, len(answered.codes), batch):
        window = answered.fill(Window.empty(baseline), slice(start, start + batch))
        if detector.update(window.channel_counts(), events=window.events):
            found.append((start + batch, detector.alarm))
            detector.reset()
    return found


@pytest.mark.no_cover
@pytest.mark.parametrize("classes", [TWO, FOUR])
def test_false_alarms_stay_at_most_nominal(classes):
    """False alarms stay within the promise with answers' channels, though they are dependent."""
    budget, events, replicates = 10_000, 10_000, 30
    count = 0
    for seed in range(replicates):
        baseline = fitted(classes, seed=seed)
        count += len(detect(baseline, Answered(1000 + seed, events, classes), budget))
    nominal = events * replicates / budget
    assert poisson.sf(count - 1, nominal) > 1e-3


@pytest.mark.no_cover
@pytest.mark.parametrize(("classes", "tilt"), [(TWO, 0.8), (FOUR, 1.0), (FOUR, -2.5)])
def test_label_shift(classes, tilt):
    """Another mix of labels is found in a channel of the answer while no feature changes."""
    for seed in range(3):
        shifted = Answered(500 + seed, 3000, classes, tilt=tilt)
        after, finding = detect(fitted(classes), shifted, 300_000, batch=20)[0]
        assert after <= 1000
        assert finding.channel in ANSWERS


def test_most_frequent_class(four):
    """Labels that turn into the most frequent class are found, though scores stay as they were."""
    answered = Answered(701, 4000, FOUR)
    flipped = np.random.default_rng(1).random(4000) < 0.15
    answered.codes = np.where(flipped, 0, answered.codes)
    after, finding = detect(four, answered, 300_000, batch=20)[0]
    assert (finding.channel, finding.direction) == ("label", "red up")
    assert after <= 2500


def test_moved_threshold(two):
    """A moved threshold is found as a drift of the labels, while scores stay."""
    answered = Answered(9, 3000, TWO)
    answered.codes = (answered.predictions > 0.3).astype(int)
    _, finding = detect(two, answered, 300_000, batch=20)[0]
    assert finding.channel == "label"
    assert finding.direction == "late up"


def test_a_report_names_what_changed(two):
    """The report has every channel, and states which label's share changed most."""
    window = Answered(5, 3000, TWO, tilt=1.5).fill(Window.empty(two))
    report = window_report(two, window)
    schemas.check("window.report.v1", report)
    channels = {channel["name"]: channel for channel in report["channels"]}
    assert channels["label"]["level"] == "large"
    assert channels["label"]["words"].startswith("label: the share of ")
    assert channels["label"]["test"]["degrees"] == 1
    assert channels["score"]["mean"]["shift"] > 0.3
    assert set(report["verdict"]["drifted"]) >= {"label", "score"}


def test_compare_takes_a_classifiers_answers(two):
    """A frame and its answers are compared with the baseline in one call."""
    same, other = Answered(6, 1000, TWO), Answered(6, 1000, TWO, tilt=2.0)
    for answered, level in ((same, "none"), (other, "large")):
        report = compare(
            two,
            answered.columns,
            predictions=answered.predictions,
            labels=answered.labels,
            probabilities=answered.scores,
        )
        assert report["verdict"]["level"] == level


def test_watch_of_answers(two):
    """A watch takes the service's answers, whose probabilities give margin and entropy."""
    watch = DriftWatch(two, Budget(10_000))
    answer = {"on time": 0.02, "late": 0.98}
    raised = [
        watch.observe({"distance": 0.0, "wind": 0.0}, 0.98, label="late", probabilities=answer) for _ in range(60)
    ]
    assert raised.count(True) == 1
    moved = DriftWatch.from_json(watch.to_json(), two, Budget(10_000))
    assert moved.alarm == watch.alarm


def test_the_curve_counts_every_row_once():
    """The curve counts every row once, in bins that include their upper end."""
    random = np.random.default_rng(3)
    scores = random.uniform(size=4000)
    bins = calibration_bins(scores, random.uniform(size=4000) < scores)
    assert sum(filled.count for filled in bins) == 4000
    assert [filled.low for filled in bins] == [place / 10 for place in range(10)]
    for filled in bins:
        assert filled.low < filled.predicted <= filled.high
        assert filled.observed_low < filled.observed < filled.observed_high
        assert filled.observed_low < filled.predicted < filled.observed_high
    edge = calibration_bins([0.0, 0.5, 1.0], [False, True, True], bins=2)
    assert [filled.count for filled in edge] == [2, 1]
    assert CalibrationBin.from_json(edge[0].to_json()) == edge[0]


def test_curve_refuses():
    """A curve refuses lengths that differ, and scores outside 0 to 1."""
    with pytest.raises(ValueError, match="as many outcomes"):
        calibration_bins([0.5], [True, False])
    with pytest.raises(ValueError, match="between 0 and 1"):
        calibration_bins([math.nan], [True])
