"""The client and driftctl over classifiers and models of several outputs, answered by the real service."""

import json
import re
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from drift_client import BrokenResponse, Client, Environment
from drift_client.cli import main
from drift_engine.bundle import load_bundle

from tests.support.houses import PREDICTION_ID as ID
from tests.support.predictor import World

FOLDER = Path("tests/predictor/scored_bundles")
TRIP = {"distance": 900, "wind": None, "carrier": "UA"}
WORDS = ("--distance", "900", "--carrier", "UA")
RECENT = {
    "timestamp": "11:59",
    "prediction_id": "x",
    "prediction": 0.8,
    "label": "[red]late[/]",
    "drift_score": 0.4,
    "severity": "normal",
    "drifted": [],
}
STATE = {"now": "12:00", "model": "late", "threshold": 2.0, "totals": {}, "alarms": [], "recent": [RECENT]}


@pytest.fixture(scope="module")
def served():
    """A service of three models, answering in process."""
    service = World().service(
        None, {name: load_bundle(FOLDER / name) for name in ("late", "weather", "times")}, model="late"
    )

    def answer(request):
        kind = request.headers.get("content-type", "")
        reply = service.respond(request.method, request.url.path, request.read(), kind, "request-1")
        return httpx.Response(reply.status, content=reply.body)

    return Environment(transport=httpx.MockTransport(answer), sleep=lambda _: None)


def client(served, model):
    return Client("http://service", model=model, environment=served)


def test_classifier(served):
    """The answer of a classifier has label, probabilities and threshold."""
    with client(served, "late") as late:
        answer = late.predict(TRIP)
        (same,) = late.predict_many([TRIP])
    assert answer.label in answer.probabilities
    assert list(answer.probabilities) == ["on time", "late"]
    assert answer.prediction == answer.probabilities["late"]
    assert (answer.threshold, answer.predictions) == (0.5, None)
    assert (same.label, same.probabilities, same.threshold) == (answer.label, answer.probabilities, answer.threshold)


def test_outputs(served):
    """The answer of several outputs has each of them."""
    with client(served, "times") as times:
        answer = times.predict(TRIP)
    assert list(answer.predictions) == ["delay", "taxi"]
    assert answer.prediction == answer.predictions["delay"]
    assert (answer.label, answer.probabilities, answer.threshold) == (None, None, None)


@pytest.mark.parametrize("model", ["late", "weather", "times"])
def test_card(served, model):
    """The card of a model holds its target, whatever it predicts."""
    with client(served, model) as asked:
        card = asked.model()
    assert (card.feature_set.target.is_class, len(card.feature_set.target.outputs)) == (
        model != "times",
        2 * (model == "times"),
    )


@pytest.mark.parametrize(("stated", "contract"), [("prediction.response.v3", "v2"), (None, "v1"), (7, "v2")])
def test_unknown_version(script, stated, contract):
    """An answer that names a version that nobody knows is held to the newest, one without a name to the first."""
    body = {"contract": stated} if stated else {}
    outside = script((200, body)).outside
    feature_set = load_bundle(FOLDER / "late").feature_set
    with (
        Client("http://service", feature_set=feature_set, environment=outside) as asked,
        pytest.raises(BrokenResponse) as caught,
    ):
        asked.predict(TRIP)
    assert caught.value.contract == f"prediction.response.{contract}"


def test_no_json(script):
    """An answer that is no JSON is refused under the first version."""
    feature_set = load_bundle(FOLDER / "late").feature_set
    outside = script((200, b"[1]"), (200, b"{")).outside
    with Client("http://service", feature_set=feature_set, environment=outside) as asked:
        for _ in range(2):
            with pytest.raises(BrokenResponse) as caught:
                asked.predict(TRIP)
            assert caught.value.contract == "prediction.response.v1"


@pytest.fixture
def predict(served, loopback, monkeypatch):
    """Run `driftctl predict` against a model; returns what it prints."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(model, *words):
        body = json.dumps({"features": TRIP, "prediction_id": ID}).encode()
        path = f"http://service/models/{model}"
        kind = {"content-type": "application/json"}
        answer = served.transport.handler(httpx.Request("POST", f"{path}/predict", content=body, headers=kind))
        card = served.transport.handler(httpx.Request("GET", path))
        url = loopback((200, card.json()), (200, answer.json()))
        words = ("predict", *WORDS, "--prediction-id", ID, "--url", url, "--model", model, *words)
        result = CliRunner().invoke(main, words, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return run


def test_predict_class(predict):
    """`driftctl predict` shows the label, the probability of each class and the threshold."""
    out = predict("late")
    assert "late: on time" in out or "late: late" in out
    assert "threshold 0.5" in out
    assert "on time: 0." in out
    assert "z of score " in out
    assert "z of distance" not in out


def test_predict_markup(predict):
    """A class that looks like markup or a format is shown as it is."""
    assert "50 % cloud: 0." in predict("weather")


def test_predict_many_classes(served, loopback, monkeypatch):
    """Of many classes the ten likeliest are shown, and how many more there are."""
    monkeypatch.setenv("COLUMNS", "200")
    classes = [f"class {k}" for k in range(12)]
    card = served.transport.handler(httpx.Request("GET", "http://service/models/weather")).json()
    card["feature_set"]["target"]["classes"] = classes
    answer = json.loads(Path("contracts/examples/prediction.response.v2.json").read_text("utf-8"))
    shares = {name: (place + 1) / 78 for place, name in enumerate(classes)}
    del answer["threshold"]
    answer |= {
        "model": "weather",
        "features_received": TRIP,
        "prediction_id": ID,
        "label": "class 11",
        "probabilities": shares,
    }
    url = loopback((200, card), (200, answer))
    words = ["predict", *WORDS, "--prediction-id", ID, "--url", url, "--model", "weather"]
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    shown = re.findall(r"^class (\d+): ", result.output, re.MULTILINE)
    assert shown == [str(place) for place in range(11, 1, -1)]
    assert "and 2 classes that are less likely" in result.output


def test_predict_outputs(predict):
    """`driftctl predict` shows each output."""
    out = predict("times")
    assert "times: 2 numbers" in out
    assert "taxi: " in out


@pytest.mark.parametrize(
    ("model", "members"), [("late", {"label", "probabilities", "threshold"}), ("times", {"predictions"})]
)
def test_predict_json(predict, model, members):
    """`--json` has the members that the model has, and no others."""
    document = json.loads(predict(model, "--json"))
    assert {"label", "probabilities", "threshold", "predictions"} & document.keys() == members


@pytest.mark.parametrize(
    ("model", "words"), [("late", "late, one of on time, late"), ("times", "delay in minutes, taxi in minutes")]
)
def test_help(model, words, tmp_path):
    """The help says which classes or outputs a model has."""
    document = load_bundle(FOLDER / model).feature_set.to_json()
    (tmp_path / f"{model}.json").write_text(json.dumps(document), "utf-8")
    result = CliRunner().invoke(main, ["predict", "--model", model, "--feature-sets", str(tmp_path), "--help"])
    assert words in " ".join(result.output.split())


def test_watch_label(loopback, monkeypatch):
    """`driftctl watch` shows the label and the score of a classifier, markup as it is."""
    monkeypatch.setenv("COLUMNS", "200")
    result = CliRunner().invoke(main, ["watch", "--times", "1", "--url", loopback((200, STATE))])
    assert "[red]late[/] (score 0.8)" in result.output


def test_sessions_of_a_model(served, loopback):
    """`driftctl model` says what tells sessions and callers."""
    card = served.transport.handler(httpx.Request("GET", "http://service/models/late")).json()
    card["feature_set"] |= {"session": {"header": "X-Session-Id"}, "caller": {"feature": "carrier"}}
    result = CliRunner().invoke(main, ["model", "--url", loopback((200, card))], catch_exceptions=False)
    assert "session: told by the header x-session-id" in result.output
    assert "caller: told by the feature carrier" in result.output
