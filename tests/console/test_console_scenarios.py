"""Scenario suites: complete, judged by what they expect, told with the right exit code."""

import io
import json
from functools import partial
from importlib.resources import files
from textwrap import fill

import httpx
import pytest
from click.testing import CliRunner
from drift_client import BrokenResponse, Connection, Environment, ServiceFailed, Unreachable
from drift_console import scenarios
from drift_console.scenarios import Deployment, check_answers, run_suite, show_verdicts
from drift_console.suites import Scenario, shipped_suites
from drift_contracts import RequestValidator, feature_set, schemas
from rich.console import Console as Terminal

SUITES = shipped_suites()


def answer(score, drifted=()):
    """An answer under prediction.response.v1."""
    return {
        "prediction": 1.0,
        "drift_score": score,
        "timestamp": "2026-11-28T12:00:00.000Z",
        "features_received": {},
        "prediction_id": "00000000-0000-4000-8000-000000000000",
        "model": "house-price",
        "model_version": "3f9a1c2b4d5e",
        "drift": {"z": {}, "drifted": list(drifted), "severity": "normal"},
    }


CASES = [
    ({"average_below": 1.0}, [answer(0.5), answer(1.4)], True),
    ({"average_below": 1.0}, [answer(0.5), answer(1.5)], False),
    ({"average_from": 1.0, "average_to": 2.0}, [answer(1.0)], True),
    ({"average_from": 1.0, "average_to": 2.0}, [answer(2.0)], True),
    ({"average_from": 1.0, "average_to": 2.0}, [answer(2.1)], False),
    ({"average_from": 1.0, "average_to": 2.0}, [answer(0.9)], False),
    ({"average_above": 2.0, "alerts": 2}, [answer(2.1), answer(2.2)], True),
    ({"average_above": 2.0, "alerts": 2}, [answer(2.0), answer(9.0)], False),
    ({"average_above": 2.0}, [answer(2.0)], False),
    ({"drifted": ["sqft"]}, [answer(1, ["sqft"]), answer(1, ["sqft"])], True),
    ({"drifted": ["sqft"]}, [answer(1, ["sqft", "age"])], False),
    ({"drifted": ["sqft"]}, [answer(1, ["sqft"]), answer(1)], False),
]


@pytest.mark.parametrize(("expect", "answers", "holds"), CASES)
def test_expectations(expect, answers, holds):
    """A scenario holds exactly when its answers are as expected."""
    verdict = check_answers(Scenario("s", "t", expect, [{}] * len(answers)), answers, threshold=2.0)
    assert verdict.holds is holds


@pytest.mark.parametrize("model", SUITES)
def test_requests_of_suites(model):
    """Every request of a suite is one that the model accepts."""
    validator = RequestValidator(feature_set(model))
    for scenario in SUITES[model].scenarios:
        for request in scenario.requests:
            validator.row({"features": request})


@pytest.mark.parametrize("model", SUITES)
def test_degrees_of_drift(model):
    """A suite holds the three degrees of drift."""
    degrees = {scenario.name: scenario.expect for scenario in SUITES[model].scenarios}
    assert degrees["baseline"]["average_below"] == 1.0
    assert (degrees["moderate"]["average_from"], degrees["moderate"]["average_to"]) == (1.0, 2.0)
    assert (degrees["high"]["average_above"], degrees["high"]["alerts"]) == (2.0, 4)


def test_each_feature_alone():
    """The house suite tries every feature alone."""
    alone = [scenario.expect["drifted"] for scenario in SUITES["house-price"].scenarios if "drifted" in scenario.expect]
    assert alone == [[name] for name in feature_set("house-price").names]


def served(models, score=0.1, drifted=()):
    """A deployment that answers every prediction alike."""

    def respond(request):
        parts = request.url.path.strip("/").split("/")
        if parts[0] == "models" and parts[1] in models:
            return httpx.Response(200, json=answer(score, drifted) if parts[-1] == "predict" else {"model": parts[1]})
        if parts == ["model"] and len(models) == 1:
            return httpx.Response(200, json={"model": models[0]})
        return httpx.Response(404, json={})

    return respond


def connection(respond, url="http://127.0.0.1", **options):
    """A connection to a deployment that answers so; waiting takes no time."""
    world = Environment(transport=httpx.MockTransport(respond), sleep=lambda _: None)
    return Connection(url, environment=world, **options)


def test_path_of_model():
    """A suite is run against the path of its model."""
    deployment = Deployment(connection(served(["diabetes", "house-price"])))
    path = deployment.path_of("house-price")
    assert path == "/models/house-price/predict"
    assert len(run_suite(SUITES["house-price"], deployment, path)) == len(SUITES["house-price"].scenarios)
    assert deployment.path_of("other") is None


def test_path_of_only_model():
    """A deployment of one model is asked at its root."""

    def respond(request):
        if request.url.path == "/model":
            return httpx.Response(200, json={"model": "house-price"})
        return httpx.Response(404)

    deployment = Deployment(connection(respond))
    assert deployment.path_of("house-price") == "/predict"
    assert deployment.path_of("diabetes") is None


@pytest.mark.parametrize(
    ("respond", "error"),
    [
        (lambda _: httpx.Response(500), ServiceFailed),
        (lambda _: httpx.Response(200, json=[1]), BrokenResponse),
        (lambda _: httpx.Response(200, content=b"{"), BrokenResponse),
        (lambda _: (_ for _ in ()).throw(httpx.ConnectError("no")), Unreachable),
    ],
)
def test_failing_deployments(respond, error):
    """A deployment that does not answer is told apart from one that refuses."""
    with pytest.raises(error):
        Deployment(connection(respond)).path_of("house-price")


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({name: value for name, value in answer(1.0).items() if name != "drift_score"}, "drift_score"),
        ({**answer(1.0), "drift_score": True}, "/drift_score"),
        ({**answer(1.0), "drift": {}}, "/drift"),
        (answer(1.0, [1]), "/drift/drifted"),
    ],
)
def test_broken_answer(document, place):
    """Nothing is read of an answer that breaks its contract."""
    with pytest.raises(BrokenResponse, match=place):
        Deployment(connection(lambda _: httpx.Response(200, json=document))).predict("/predict", {})


SUITE = {
    "contract": "scenario.suite.v1",
    "model": "m",
    "threshold": 2.0,
    "scenarios": [{"name": "n", "title": "t", "expect": {"average_below": 1.0}, "requests": [{"a": 1}]}],
}


@pytest.fixture
def gate(monkeypatch):
    """Run the command against a deployment; gives the exit code and what was printed."""

    def run(respond, *arguments):
        monkeypatch.setattr(scenarios, "Connection", partial(connection, respond))
        result = CliRunner().invoke(scenarios.main, list(arguments))
        return result.exit_code, result.output

    return run


def test_open_gate(gate, tmp_path):
    """The gate opens when every scenario holds."""
    file = tmp_path / "suite.json"
    file.write_text(json.dumps(SUITE))
    code, output = gate(served(["m"]), "--suite", str(file))
    assert (code, "Detection works" in output) == (0, True)


def test_shut_gate(gate):
    """The gate stays shut when detection does not work."""
    code, output = gate(served(["house-price"]), "--model", "house-price")
    assert (code, "does not work" in output) == (1, True)


@pytest.mark.parametrize("model", SUITES)
@pytest.mark.parametrize("holds", [True, False])
def test_table(model, holds):
    """Eighty columns hold the table and no name is cut."""
    suite = SUITES[model]
    names = feature_set(model).names
    answers = [answer(0.5 if holds else 9, names)] * 4
    verdicts = [check_answers(one, answers, threshold=2.0) for one in suite.scenarios]
    text = io.StringIO()
    show_verdicts(suite, verdicts, Terminal(file=text, width=80))
    shown = text.getvalue().split()
    assert {name.rstrip(",") for name in shown} >= set(names)
    assert {part for one in suite.scenarios for part in fill(one.name, scenarios.NAME_WIDTH).split()} <= set(shown)


def test_no_deployment(gate):
    """Without a deployment the gate ends with the code for it."""

    def refuse(_):
        raise httpx.ConnectError("refused")

    assert gate(refuse)[0] == 3


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({**SUITE, "threshold": 0}, "exclusiveMinimum at /threshold"),
        ({**SUITE, "scenarios": []}, "minItems at /scenarios"),
        ({**SUITE, "scenarios": [{"name": "ordinary"}]}, "required at /scenarios/0"),
        ([], "type at the top"),
        ("[1,", "expected strict JSON"),
    ],
)
def test_broken_suite(gate, tmp_path, content, place):
    """The file is named with the place and the rule, and nothing is sent."""
    file = tmp_path / "suite.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    code, output = gate(served(["m"]), "--suite", str(file))
    assert (code, place in " ".join(output.split())) == (2, True), output


def test_hostile_names(gate, tmp_path):
    """Control characters in what a deployment answers are shown and not interpreted."""
    file = tmp_path / "suite.json"
    file.write_text(json.dumps(SUITE))
    code, output = gate(served(["m"], drifted=["[/]", "\x1b]0;title\x07"]), "--suite", str(file))
    assert (code, "[/]" in output, "\x1b" in output) == (0, True, False)


def test_retries(gate, tmp_path):
    """The gate retries as every client does."""
    answers = iter([httpx.Response(503), httpx.Response(503)])
    good = served(["m"])
    file = tmp_path / "suite.json"
    file.write_text(json.dumps(SUITE))
    code, output = gate(lambda request: next(answers, None) or good(request), "--suite", str(file))
    assert code == 0, output


@pytest.mark.parametrize("url", ["http://[::1", "http://127.0.0.1:x", "ftp://x", "http://", "x"])
def test_bad_url(url):
    """An address that is none is a wrong usage."""
    result = CliRunner().invoke(scenarios.main, ["--url", url])
    assert result.exit_code == 2
    assert "--url" in result.output


def test_no_suite_fits(gate):
    """Where no suite's model is served, the gate ends with the code for it."""
    code, output = gate(served(["other"]))
    assert (code, "house-price" in output) == (4, True)


def test_no_suite(gate):
    """A model without a suite is a wrong usage."""
    assert gate(served(["m"]), "--model", "m")[0] == 2


@pytest.mark.parametrize("model", SUITES)
def test_contract(model):
    """A suite follows its contract."""
    path = files("drift_contracts") / "scenarios" / f"{model}.json"
    schemas.check("scenario.suite.v1", json.loads(path.read_text("utf-8")))
