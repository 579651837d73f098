"""Answers of classifiers and of models of several outputs, and those of one number, which stay as they were."""

import json
from math import log
from pathlib import Path

import pytest
from drift_contracts import FeatureSet, MonitoringSpec, RequestValidator
from drift_engine.bundle import Bundle, load_bundle
from drift_predictor.lines import SpecNotMet
from drift_predictor.scored import NotFinite, answer_summaries

from tests.support.predictor import World

FOLDER = Path(__file__).parent / "scored_bundles"
TRIP = {"distance": 900, "wind": None, "carrier": "UA"}
RECORDED = json.loads((Path(__file__).parent / "answers_v1.json").read_text("utf-8"))


def bundle(name, **target):
    """A committed bundle, its target changed."""
    loaded = load_bundle(FOLDER / name)
    document = loaded.feature_set.to_json()
    changed = FeatureSet.from_json({**document, "target": {**document["target"], **target}})
    return Bundle(loaded.manifest, changed, loaded.baseline, loaded.model)


class Asked:
    """A service of one model, and what it answered and wrote."""

    def __init__(self, loaded, spec=None):
        self.world = World()
        name = loaded.feature_set.name
        self.service = self.world.service(spec, {name: loaded}, model=name)
        self.model = loaded.model
        self.row = RequestValidator(loaded.feature_set).row

    def __call__(self, document, path="/predict"):
        reply = self.service.respond("POST", path, json.dumps(document).encode(), request_id="request-1")
        self.status = reply.status
        return json.loads(reply.body)


@pytest.mark.parametrize("exchange", RECORDED, ids=range(len(RECORDED)))
def test_numbers_as_before(world, service, exchange):
    """A model of one number answers and writes byte for byte what was recorded before classes came."""
    body = json.dumps(exchange["request"]).encode()
    reply = service.respond("POST", exchange["path"], body, "application/json", "request-1")
    assert (reply.status, reply.body.decode(), world.lines) == (
        exchange["status"],
        exchange["response"],
        exchange["lines"],
    )


def test_two_classes():
    """Of two classes the prediction is the probability of the positive one, beside label and threshold."""
    asked = Asked(bundle("late"))
    answer = asked({"features": TRIP})
    scores, label = asked.model.decide(asked.row({"features": TRIP}))
    assert list(answer) == [
        *("contract", "prediction", "label", "probabilities", "threshold", "drift_score", "timestamp"),
        *("features_received", "prediction_id", "model", "model_version", "drift"),
    ]
    assert answer["contract"] == "prediction.response.v2"
    assert answer["probabilities"] == {"on time": scores[0], "late": scores[1]}
    assert (answer["prediction"], answer["label"]) == (scores[1], ["on time", "late"][label])
    assert answer["threshold"] == 0.5


def test_two_classes_line():
    """The line of a classifier has label, margin, entropy, probabilities, and the metric of the positive class."""
    asked = Asked(bundle("late"))
    answer = asked({"features": TRIP})
    (event,) = asked.world.events
    shares = answer["probabilities"].values()
    assert event["contract"] == "prediction.event.v2"
    assert (event["Prediction"], event["label"]) == (answer["prediction"], answer["label"])
    assert event["probabilities"] == answer["probabilities"]
    assert event["margin"] == max(shares) - min(shares)
    assert event["entropy"] == pytest.approx(-sum(share * log(share) for share in shares))
    assert event["Positive"] == int(answer["label"] == "late")
    names = [metric["Name"] for metric in event["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
    # the wind is null, and so no metric
    assert names == ["Prediction", "DriftScore", "Latency", "Positive", "Feature_distance", "Feature_carrier"]


@pytest.mark.parametrize(("positive", "threshold"), [("late", 0.0), ("late", 1.0), ("on time", 0.0), ("on time", 1.0)])
def test_threshold_and_positive(positive, threshold):
    """The feature set says which class is positive, and from which probability on it is the label."""
    asked = Asked(bundle("late", positive=positive, threshold=threshold))
    answer = asked({"features": TRIP})
    other = ({"late", "on time"} - {positive}).pop()
    assert answer["prediction"] == answer["probabilities"][positive]
    assert (answer["label"], answer["threshold"]) == (other if threshold else positive, threshold)
    assert asked.world.events[0]["Positive"] == (0 if threshold else 1)


@pytest.mark.parametrize("at", [0.0, 1e-9])
def test_at_threshold(at):
    """The probability of the threshold itself is enough."""
    score = Asked(bundle("late"))({"features": TRIP})["prediction"]
    answer = Asked(bundle("late", threshold=score + at))({"features": TRIP})
    assert answer["label"] == ("on time" if at else "late")


def test_three_classes():
    """Of more classes the prediction is the probability of the label, and there is no threshold."""
    asked = Asked(bundle("weather"))
    answer = asked({"features": TRIP})
    scores, label = asked.model.decide(asked.row({"features": TRIP}))
    names = ["clear", "50 % cloud", "\u201crain\u201d"]
    assert answer["probabilities"] == dict(zip(names, scores, strict=True))
    assert (answer["label"], answer["prediction"]) == (names[label], scores[label])
    assert "threshold" not in answer
    event = asked.world.events[0]
    assert "Positive" not in event
    first, second, _ = sorted(scores, reverse=True)
    assert event["margin"] == first - second


def test_outputs():
    """Of several outputs the prediction is the first, and response and line have them all."""
    asked = Asked(bundle("times"))
    answer = asked({"features": TRIP})
    scores = asked.model.scores(asked.row({"features": TRIP}))
    assert answer["predictions"] == dict(zip(["delay", "taxi"], scores, strict=True))
    assert answer["prediction"] == scores[0]
    event = asked.world.events[0]
    assert (event["predictions"], event["Prediction"]) == (answer["predictions"], scores[0])
    assert not {"label", "probabilities", "margin", "Positive"} & event.keys()


@pytest.mark.parametrize("name", ["late", "weather", "times"])
def test_batch(name):
    """A batch answers its good rows as one by one, under the second version of its contract."""
    rows = [{**TRIP, "distance": 300 * k, "wind": k or None} for k in range(9)]
    asked = Asked(bundle(name))
    answer = asked({"instances": [*({"features": row} for row in rows), 5]}, "/predict/batch")
    assert list(answer) == ["contract", "predictions", "errors", "timestamp", "model", "model_version"]
    assert answer["contract"] == "prediction.batch.response.v2"
    assert [error["index"] for error in answer["errors"]] == [9]
    lines = asked.world.events[:9]
    for row, item, line in zip(rows, answer["predictions"], lines, strict=True):
        alone = asked({"features": row})
        members = {"prediction", "label", "probabilities", "threshold", "predictions", "drift"} & alone.keys()
        assert {member: item[member] for member in members} == {member: alone[member] for member in members}
        assert line["Prediction"] == item["prediction"]


def test_synthetic():
    """A synthetic request is answered with its label and is no event."""
    asked = Asked(bundle("late"))
    assert asked({"features": TRIP, "synthetic": True})["label"]
    assert "contract" not in asked.world.events[0]


class Shares:
    """A model whose answers a test chooses."""

    engine, task = "python", "classification"

    def __init__(self, scores):
        self.answered = tuple(scores)

    def decide(self, _row):
        """Return the answer, and the first class of the largest probability."""
        return self.answered, self.answered.index(max(self.answered))

    def scores(self, _row):
        """Return the answer."""
        return self.answered

    predict = predict_many = scores_many = decide_many = None


def test_many_classes():
    """A line has the ten largest probabilities, the largest first; the response has all."""
    classes = [f"class {k}" for k in range(12)]
    shares = [(k + 1) / 78 for k in range(12)]
    weather = bundle("weather", classes=classes)
    asked = Asked(Bundle(weather.manifest, weather.feature_set, weather.baseline, Shares(shares)))
    answer = asked({"features": TRIP})
    assert answer["probabilities"] == dict(zip(classes, shares, strict=True))
    assert list(asked.world.events[0]["probabilities"].items()) == [
        *zip(reversed(classes[2:]), reversed(shares[2:]), strict=True)
    ]


def test_certain():
    """A certain answer has no entropy, and a margin of one."""
    late = bundle("late")
    asked = Asked(Bundle(late.manifest, late.feature_set, late.baseline, Shares((0.0, 1.0))))
    asked({"features": TRIP})
    event = asked.world.events[0]
    assert (event["entropy"], event["margin"]) == (0.0, 1.0)
    assert str(event["entropy"]) == "0.0"


@pytest.mark.parametrize("name", ["late", "times"])
@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_no_number(name, number):
    """An answer that JSON has no number for is an internal error, and is written nowhere as a prediction."""
    loaded = bundle(name)
    asked = Asked(Bundle(loaded.manifest, loaded.feature_set, loaded.baseline, Shares((0.0, number))))
    problem = asked({"features": TRIP})
    assert (asked.status, problem["type"]) == (500, "urn:drift:problem:internal-error")
    (event,) = asked.world.events
    assert "contract" not in event
    assert event["error"][0]["type"] == NotFinite.__name__


def test_spec_without_positive():
    """A spec that does not declare the metric of the positive class is kept to."""
    document = MonitoringSpec.load().document
    metrics = [metric for metric in document["metrics"] if metric["name"] != "Positive"]
    widgets = [widget for widget in document["dashboard"] if "Positive" not in widget["metrics"]]
    spec = MonitoringSpec.from_json({**document, "metrics": metrics, "dashboard": widgets})
    asked = Asked(bundle("late"), spec)
    assert asked({"features": {**TRIP, "wind": 3}})["label"]
    assert "Positive" not in asked.world.events[0]


def test_spec_of_unknown_metric():
    """A metric that nobody measures is refused, with the names of those that are."""
    document = MonitoringSpec.load().document
    unknown = {"name": "Confidence", "unit": "None", "source": "predictor", "description": "None."}
    spec = MonitoringSpec.from_json({**document, "metrics": [*document["metrics"], unknown]})
    with pytest.raises(SpecNotMet, match="Positive"):
        Asked(bundle("late"), spec)


@pytest.mark.parametrize(("name", "task"), [("late", "classification"), ("times", "regression")])
def test_card(name, task):
    """The card says what the model answers, and by which contract."""
    asked = Asked(bundle(name))
    card = json.loads(asked.service.respond("GET", "/model").body)
    assert (card["contract"], card["task"], card["answers"]) == ("model.card.v2", task, "prediction.response.v2")
    assert card["manifest"]["contract"] == "bundle.manifest.v2"


def test_description():
    """The OpenAPI document names the classes of each model, and the outputs."""
    asked = Asked(bundle("late"))
    schemas = json.loads(asked.service.respond("GET", "/openapi.json").body)["components"]["schemas"]
    answer = schemas["PredictionResponse_late"]
    assert answer["properties"]["label"]["enum"] == ["on time", "late"]
    assert "PredictionResponse" not in schemas


@pytest.mark.parametrize(("name", "counted"), [("late", ["score"]), ("weather", ["score", "margin"])])
def test_drift_of_the_answer(name, counted):
    """The drift score counts the answer too: of K classes at most K - 1 of score, margin and entropy."""
    loaded = bundle(name)
    asked = Asked(loaded)
    answer = asked({"features": TRIP})
    z = answer["drift"]["z"]
    assert list(z) == ["distance", "wind", "carrier", *counted]
    (event,) = asked.world.events
    figures = {"score": loaded.baseline["prediction"], "margin": loaded.baseline["margin"]}
    values = {"score": event["Prediction"], "margin": event["margin"]}
    for column in counted:
        summary = figures[column]
        assert z[column] == pytest.approx((values[column] - summary["mean"]) / summary["std"], rel=1e-8)
    present = [abs(value) for value in z.values() if value is not None]
    assert answer["drift_score"] == pytest.approx(sum(present) / len(present))
    assert event["drift"] == answer["drift"]
    assert event["DriftScore"] == answer["drift_score"]


def test_drift_of_an_unusual_answer():
    """An answer far from those of the held-out rows is named as what has drifted."""
    loaded = bundle("late")
    summary = {**loaded.baseline["prediction"], "mean": 0.5, "std": 0.001, "min": 0.4, "max": 0.6}
    answer = Asked(
        Bundle(loaded.manifest, loaded.feature_set, {**loaded.baseline, "prediction": summary}, loaded.model)
    )({"features": TRIP})
    assert "score" in answer["drift"]["drifted"]


def test_drift_names_are_the_channels():
    """A feature called score keeps its name, and a baseline without the figures counts features alone."""
    loaded = bundle("weather")
    features = {**loaded.baseline["features"], "score": loaded.baseline["prediction"]}
    taken = Bundle(loaded.manifest, loaded.feature_set, {**loaded.baseline, "features": features}, loaded.model)
    assert list(answer_summaries(taken)) == ["answer:score", "margin"]
    without = {name: value for name, value in loaded.baseline.items() if name != "prediction"}
    bare = Bundle(loaded.manifest, loaded.feature_set, without, loaded.model)
    assert answer_summaries(bare) == {}
    assert list(Asked(bare)({"features": TRIP})["drift"]["z"]) == ["distance", "wind", "carrier"]
