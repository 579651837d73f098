"""driftctl: options from the feature set, readable answers, exit codes, plug-ins."""

import json
import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from drift_contracts import DriftError, feature_set
from drift_contracts.cases import cases
from drift_contracts.cli import _main, _watch, main

ANSWER = json.loads(Path("contracts/examples/prediction.response.v1.json").read_text("utf-8"))
CARD = next(case.instance for case in cases("model.card.v1") if case.valid)
HEALTH = next(case.instance for case in cases("health.v1") if case.valid)
PROBLEM = {"type": "about:blank", "title": "There is nothing here", "status": 404}
ID = ANSWER["prediction_id"]
HOUSE = ["--bedrooms", "3", "--bathrooms", "2", "--sqft=2000", "--age", "10", "--location-score", "7"]
NOBODY = "http://127.0.0.1:9"
STATE = {
    "now": "2026-11-23T12:00:00.000Z",
    "model": "house-price",
    "threshold": 2.0,
    "totals": {"predictions": 12, "drifted": 1, "errors": 0, "rejected": 0},
    "alarms": [
        {"name": "high-drift", "title": "t", "severity": "high", "state": "ALARM", "since": "11:55", "reason": "2 [x]"},
        {"name": "errors", "title": "t", "severity": "high", "state": "OK", "since": None, "reason": "quiet"},
    ],
    "recent": [
        {"timestamp": "11:59", "prediction_id": ID, "prediction": 689871.25,
         "drift_score": 2.41, "severity": "high", "drifted": ["sqft"]}
    ],
}  # fmt: skip


@pytest.fixture
def run(monkeypatch):
    """Run driftctl with some words on a wide terminal; gives exit code, stdout, stderr."""
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*words):
        result = CliRunner().invoke(main, words)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return invoke


def test_predict_shows_the_prediction_with_units_and_drift(run, loopback):
    code, out, _ = run("predict", *HOUSE, "--prediction-id", ID, "--url", loopback((200, ANSWER)))
    assert code == 0
    assert "price: 689,871 USD" in out
    assert "drift score 0.33: normal" in out
    assert "square feet" in out
    assert "-1.01" in out


def test_predict_marks_what_drifted_and_leaves_out_what_is_not_known(run, loopback):
    drift = {"z": {"age": None, "sqft": 12.0}, "drifted": ["sqft"], "severity": "high"}
    code, out, _ = run("predict", *HOUSE, "--prediction-id", ID, "--url", loopback((200, {**ANSWER, "drift": drift})))
    assert (code, "+12.00" in out, "high" in out) == (0, True, True)


def test_predict_prints_json_for_programs(run, loopback):
    code, out, _ = run("predict", *HOUSE, "--prediction-id", ID, "--json", "--url", loopback((200, ANSWER)))
    assert code == 0
    assert json.loads(out)["drift_score"] == 0.3284


def test_the_options_are_the_features_of_the_model(run):
    code, out, _ = run("predict", "--model", "diabetes", "--help")
    assert code == 0
    for feature in feature_set("diabetes").features:
        assert f"--{feature.name} " in out
        assert "".join(feature.description.split()) in "".join(out.split())
    assert "--bedrooms ROOMS" not in out


def test_help_states_bounds_usual_values_and_an_example(run):
    _, out, _ = run("predict", "--help")
    assert "Living area. More than 0, at most 1,000,000. Usually 500 to 3,500. For example 2,000." in " ".join(
        out.split()
    )


@pytest.fixture
def own_models(tmp_path):
    """A folder with a model of every kind of feature, one named like an option."""
    document = json.loads(Path("tests/contracts/every-kind.json").read_text("utf-8"))
    document["features"][0]["name"] = "timeout"
    document["features"][1]["other"] = False
    del document["features"][1]["other"]
    (tmp_path / "every-kind.json").write_text(json.dumps(document), "utf-8")
    return str(tmp_path)


def test_a_model_of_ones_own_has_its_options_too(run, own_models):
    code, out, _ = run("predict", "--feature-sets", own_models, "--model=every-kind", "--help")
    text = " ".join(out.split())
    assert code == 0
    assert "--feature-timeout" in out
    assert "--garden / --no-garden" in text
    assert "More than -1, less than 1." in text
    assert "Known: a, b; others are answered too. For example z." in text
    assert "May be left out. For example nothing." in text


def test_a_boolean_that_is_not_given_is_missed_and_not_taken_for_false(run, own_models):
    words = ["--feature-timeout", "1.5", "--open", "0", "--whole", "9007199254740994", "--colour", "red"]
    code, _, err = run("predict", "--model", "every-kind", "--feature-sets", own_models, *words, "--maker", "z")
    assert (code, "Missing option '--garden'" in err) == (2, True)


def test_every_kind_of_feature_is_sent_as_what_it_is(run, own_models, monkeypatch):
    sent = []
    monkeypatch.setattr("drift_contracts.client.Client.predict", lambda _, features, __: sent.append(features) or 1 / 0)
    words = ["--feature-timeout", "1.5", "--open", "0", "--whole", "9007199254740994", "--colour", "red"]
    with pytest.raises(ZeroDivisionError):
        run("predict", "--model", "every-kind", "--feature-sets", own_models, *words, "--maker", "z", "--no-garden")
    assert sent == [
        {
            "timeout": 1.5, "open": 0, "whole": 9007199254740994, "maybe": None, "colour": "red", "shade": None,
            "maker": "z", "garden": False, "pool": None,
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["predict", "--bedrooms", "3"], "Missing option '--bathrooms'"),
        (["predict", *HOUSE, "--age", "old"], "Invalid value for '--age': expected a number"),
        (["predict", *HOUSE, "--age", "true"], "Invalid value for '--age': expected a number"),
        (["predict", *HOUSE, "--age", "1e999"], "Invalid value for '--age': expected a number"),
        (["predict", *HOUSE, "--sqft", "-1"], "exclusiveMinimum at /features/sqft: expected more than 0"),
        (["predict", *HOUSE, "--prediction-id", "7"], "minLength at /prediction_id"),
        (["predict", "--model", "car-price"], "no feature set 'car-price'; there is diabetes, house-price"),
        (["predict", *HOUSE, "--url", "ftp://x"], "Invalid value for --url: expected a URL that starts with http"),
        (["health", "--url", "x"], "Invalid value for --url"),
        (["contracts", "show", "none.v1"], "no contract 'none.v1'; there is alert.v1"),
        (["fly"], "No such command 'fly'"),
    ],
)
def test_wrong_usage_is_exit_code_2_with_the_reason(run, words, reason):
    code, _, err = run(*words)
    assert code == 2
    assert reason in err


@pytest.mark.parametrize("command", [["predict", *HOUSE], ["health"], ["model"], ["watch"]])
def test_a_service_that_cannot_be_reached_is_exit_code_3(run, command, monkeypatch):
    monkeypatch.setattr("drift_contracts.client._retry.Retry.delay", lambda *_: None)
    code, _, err = run(*command, "--url", NOBODY)
    assert (code, "ConnectError" in err) == (3, True)


@pytest.mark.parametrize("command", [["predict", *HOUSE], ["health"], ["model"], ["watch"]])
@pytest.mark.parametrize("answer", [(404, PROBLEM), (200, {"hello": 1}), (200, b"{")], ids=["404", "other", "broken"])
def test_a_service_that_says_no_or_nonsense_is_exit_code_1(run, loopback, command, answer):
    code, _, err = run(*command, "--url", loopback(answer))
    assert code == 1
    assert err.startswith("driftctl: ")


def test_a_console_that_fails_is_exit_code_1(run, loopback):
    assert run("watch", "--url", loopback((500, b"")))[0] == 1


def test_health_lists_the_models(run, loopback):
    code, out, _ = run("health", "--url", loopback((200, HEALTH)))
    assert code == 0
    assert "house-price (default)" in out
    assert "lines lost 0" in out
    several = next(case.instance for case in cases("health.v1") if case.valid and case.instance["default"] is None)
    _, out, _ = run("health", "--url", loopback((200, several)))
    assert "diabetes" in out
    assert "(default)" not in out
    code, out, _ = run("health", "--json", "--url", loopback((200, HEALTH)))
    assert json.loads(out)["models"]["house-price"]["engine"] == "c"


def test_model_shows_the_warnings_of_its_manifest(run, loopback):
    manifest = next(case.instance for case in cases("bundle.manifest.v2") if case.valid)
    code, out, _ = run("model", "--url", loopback((200, {**CARD, "manifest": manifest})))
    assert code == 0
    assert "warning: age has one value only" in out


def test_model_shows_the_training_data_and_scores(run, loopback):
    code, out, _ = run("model", "--url", loopback((200, CARD)))
    assert code == 0
    assert "trained on 10,000 rows of synthetic:house-price, seed 7" in out
    assert "r2    0.974 (0.972 to 0.976)" in out
    code, out, _ = run("model", "--json", "--url", loopback((200, CARD)))
    assert json.loads(out)["feature_set"]["name"] == "house-price"


def test_watch_shows_alarms_and_recent_predictions(run, loopback):
    code, out, _ = run(
        "watch", "--times", "2", "--interval", "0.1", "--url", loopback((200, STATE)), "--model", "house-price"
    )
    assert code == 0
    assert "predictions 12, drifted 1" in out
    assert "2 [x]" in out
    assert "689,871" in out
    assert "sqft" in out


def test_watch_ends_quietly_with_ctrl_c(run, loopback, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(_watch.time, "sleep", interrupt)
    assert run("watch", "--url", loopback((200, STATE)))[0] == 0


def test_contracts_are_listed_and_shown(run):
    code, out, _ = run("contracts", "list")
    assert code == 0
    assert "window.report.v1" in out
    code, out, _ = run("contracts", "show", "problem.v1")
    assert json.loads(out)["$id"] == "urn:drift:contract:problem.v1"


@click.command()
def replay():
    """Replay old traffic."""
    raise DriftError("nothing to replay")


not_a_command = "text"


@pytest.fixture
def plugins(monkeypatch):
    """Three plug-ins: one good, one that cannot be imported, one that is no command."""
    found = EntryPoints(
        EntryPoint(name, value, _main.PLUGINS)
        for name, value in {
            "replay": f"{__name__}:replay",
            "lost": "no.such.module:command",
            "odd": f"{__name__}:not_a_command",
        }.items()
    )
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or sys.modules["__main__"])
    monkeypatch.setattr(_main, "entry_points", lambda group: found.select(group=group))


@pytest.mark.usefixtures("plugins")
def test_other_packages_add_commands(run):
    code, out, _ = run("--help")
    assert code == 0
    assert "Replay old traffic." in out
    assert "(cannot be loaded: ModuleNotFoundError)" in out
    assert run("replay") == (2, "", "driftctl: nothing to replay\n")


@pytest.mark.usefixtures("plugins")
def test_a_plugin_that_cannot_be_loaded_takes_no_other_along(run):
    code, _, err = run("lost")
    assert (code, err) == (1, "Error: the command lost of another package cannot be loaded: ModuleNotFoundError\n")
    assert "not a click command" in run("odd")[2]
    assert run("contracts", "show", "problem.v1")[0] == 0


def test_exit_codes_and_commands_are_documented(run):
    _, out, _ = run("--help")
    assert "Exit codes: 0 all is well, 1 the service said no" in " ".join(out.split())
    assert {"contracts", "health", "model", "predict", "watch"} <= set(main.commands)
