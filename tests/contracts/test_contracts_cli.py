"""driftctl: options from the feature set, readable answers, exit codes, plug-ins."""

import json
import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner
from drift_client.cli import _main, _watch, main
from drift_contracts import DriftError, feature_set

from tools.contract_checks.cases import cases

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
    """Run driftctl with some words on a wide terminal, no service by default; gives exit code, stdout, stderr."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("DRIFT_URL", NOBODY)

    def invoke(*words):
        result = CliRunner().invoke(main, words)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return invoke


def test_predict_shows_the_prediction_with_units_and_drift(run, loopback):
    code, out, _ = run("predict", *HOUSE, "--prediction-id", ID, "--url", loopback((200, CARD), (200, ANSWER)))
    assert code == 0
    assert "price: 689,871 USD" in out
    assert "drift score 0.33: normal" in out
    assert "square feet" in out
    assert "-1.01" in out


def test_predict_marks_what_drifted_and_leaves_out_what_is_not_known(run, loopback):
    drift = {"z": {"age": None, "sqft": 12.0}, "drifted": ["sqft"], "severity": "high"}
    url = loopback((200, CARD), (200, {**ANSWER, "drift": drift}))
    code, out, _ = run("predict", *HOUSE, "--prediction-id", ID, "--url", url)
    assert (code, "+12.00" in out, "high" in out) == (0, True, True)


def test_predict_shows_a_feature_without_usual_values(run, loopback):
    """Usual values are optional in a feature set."""
    features = [{name: value for name, value in CARD["feature_set"]["features"][0].items() if name != "usual"}]
    card = {**CARD, "feature_set": {**CARD["feature_set"], "features": features + CARD["feature_set"]["features"][1:]}}
    code, out, _ = run("predict", *HOUSE, "--prediction-id", ID, "--url", loopback((200, card), (200, ANSWER)))
    assert (code, "price: 689,871 USD" in out) == (0, True)


def test_predict_prints_json_for_programs(run, loopback):
    code, out, _ = run(
        "predict", *HOUSE, "--prediction-id", ID, "--json", "--url", loopback((200, CARD), (200, ANSWER))
    )
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
    assert (code, "'--garden'" in err) == (2, True)


def test_every_kind_of_feature_is_sent_as_what_it_is(run, own_models, monkeypatch):
    sent = []

    def refuse(_client, features, _prediction_id):
        sent.append(features)
        raise DriftError("expected nothing")

    monkeypatch.setattr("drift_client.Client.predict", refuse)
    words = ["--feature-timeout", "1.5", "--open", "0", "--whole", "9007199254740994", "--colour", "red"]
    model = ("--model", "every-kind", "--feature-sets", own_models)
    assert run("predict", *model, *words, "--maker", "z", "--no-garden")[0] == 2
    assert sent == [
        {
            "timeout": 1.5, "open": 0, "whole": 9007199254740994, "maybe": None, "colour": "red", "shade": None,
            "maker": "z", "garden": False, "pool": None,
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["predict", "--bedrooms", "3"], "Missing options '--bathrooms', '--sqft', '--age', '--location-score'."),
        (["predict", *HOUSE[:-2]], "Missing option '--location-score'."),
        (["predict", *HOUSE, "--timeout", "nan"], "expected a finite number"),
        (["predict", *HOUSE, "--age", "old"], "Invalid value for '--age': expected a number"),
        (["predict", *HOUSE, "--age", "true"], "Invalid value for '--age': expected a number"),
        (["predict", *HOUSE, "--age", "1e999"], "Invalid value for '--age': expected a number"),
        (["predict", *HOUSE, "--sqft", "-1"], "exclusiveMinimum at /features/sqft: expected more than 0"),
        (["predict", *HOUSE, "--prediction-id", "7"], "minLength at /prediction_id"),
        (["predict", *HOUSE, "--url", "ftp://x"], "Invalid value for --url: expected a URL that starts with http"),
        (["health", "--url", "x"], "Invalid value for --url"),
        (["watch", "--url", "x"], "Invalid value for --url"),
        (["contracts", "show", "none.v1"], "no contract 'none.v1'; there is alert.v1"),
        (["fly"], "No such command 'fly'"),
    ],
)
def test_wrong_usage_is_exit_code_2_with_the_reason(run, loopback, monkeypatch, words, reason):
    monkeypatch.setenv("DRIFT_URL", loopback((200, CARD)))
    code, _, err = run(*words)
    assert code == 2
    assert reason in err


@pytest.mark.parametrize("command", [["predict", *HOUSE], ["health"], ["model"], ["watch"]])
def test_a_service_that_cannot_be_reached_is_exit_code_3(run, command, monkeypatch):
    monkeypatch.setattr("drift_client._retry.Retry.delay", lambda *_: None)
    code, _, err = run(*command, "--url", NOBODY)
    assert (code, "ConnectError" in err) == (3, True)


@pytest.mark.parametrize("command", [["predict", *HOUSE], ["health"], ["model"], ["watch"]])
@pytest.mark.parametrize("answer", [(404, PROBLEM), (200, {"hello": 1}), (200, b"{")], ids=["404", "other", "broken"])
def test_a_service_that_says_no_or_nonsense_is_exit_code_4(run, loopback, command, answer):
    code, _, err = run(*command, "--url", loopback(answer))
    assert code == 4
    assert err.startswith("driftctl: ")


def test_a_console_that_fails_is_exit_code_4(run, loopback):
    assert run("watch", "--url", loopback((500, b"")))[0] == 4


NOT_SERVED = {"type": "about:blank", "title": "No such model", "status": 404}


def test_a_model_that_is_not_served_is_told_from_those_that_are(run, loopback):
    """The choices are in the message, and nothing is predicted."""
    url = loopback((404, NOT_SERVED), (200, HEALTH))
    code, _, err = run("predict", "--model", "car-price", "--url", url, *HOUSE)
    assert (code, "there is " + ", ".join(sorted(HEALTH["models"])) in err) == (2, True)


def test_without_a_default_the_names_of_the_models_are_asked_for(run, loopback):
    """A service of several models may have no default."""
    code, _, err = run("predict", "--url", loopback((404, NOT_SERVED), (200, HEALTH)), *HOUSE)
    assert (code, "'--model': expected one of house-price" in err) == (2, True)


def card_of(document):
    """A card that serves a feature set of one's own."""
    return {**CARD, "model": document["name"], "feature_set": document}


def test_a_model_of_ones_own_is_asked_of_the_service(run, loopback):
    """Nothing about the model is on this machine: help, choices, bounds and missing options come from its card."""
    document = json.loads(Path("tests/contracts/every-kind.json").read_text("utf-8"))
    health = {**HEALTH, "default": None, "models": {"every-kind": HEALTH["models"]["house-price"]}}
    code, out, _ = run("predict", "--help", "--url", loopback((200, health), (200, card_of(document))))
    text = " ".join(out.split())
    assert code == 0
    assert "Model every-kind" in text
    assert "Which model to ask: every-kind;" in text
    for feature in document["features"]:
        assert f"--{feature['name']} " in text
    code, _, err = run("predict", "--colour", "none", "--url", loopback((200, card_of(document))))
    assert code == 2
    assert "Missing options" in err
    assert "expected one of red" in err


def test_help_names_ten_of_many_categories_and_steers_no_terminal(run, loopback):
    """A category is somebody's text; two hundred of them are no help."""
    document = json.loads(Path("tests/contracts/every-kind.json").read_text("utf-8"))
    feature = next(each for each in document["features"] if each["name"] == "colour")
    feature["categories"] = ["\x1b]0;title\x07", *(f"c{number}" for number in range(39)), feature["example"]]
    document["description"] = "with \x9b31m"
    health = {**HEALTH, "default": "every-kind", "models": {"every-kind": HEALTH["models"]["house-price"]}}
    code, out, _ = run("predict", "--help", "--url", loopback((200, health), (200, card_of(document))))
    text = " ".join(out.split())
    assert code == 0
    assert "c8 and 31 more." in text
    assert "\x1b" not in out
    assert "\x9b" not in out


def test_help_without_a_service_shows_what_ships(run):
    """A first look needs no service, and says so."""
    code, out, _ = run("predict", "--help")
    assert (code, f"No service at {NOBODY}" in " ".join(out.split())) == (0, True)
    assert run("predict", "--model", "of-ones-own", "--help")[0] == 3


def test_help_for_a_model_that_is_not_served_names_those_that_are(run, loopback):
    """The choices are in the message."""
    code, _, err = run("predict", "--help", "--model", "car-price", "--url", loopback((200, HEALTH)))
    assert (code, "there is house-price" in err) == (2, True)


def test_json_for_programs_holds_no_control_characters(run, loopback):
    """json leaves those above the blank as they are."""
    _, out, _ = run("model", "--json", "--url", loopback((200, described_with("\x9b31m"))))
    assert "\\u009b31m" in out
    assert "\x9b" not in out


def described_with(text):
    """A card whose feature set is described by a text."""
    return {**CARD, "feature_set": {**CARD["feature_set"], "description": text}}


def test_tables_hold_no_control_characters(run, loopback):
    """Nor does what people read."""
    _, out, _ = run("model", "--url", loopback((200, described_with("\x1b]0;title\x07"))))
    assert "title" in out
    assert "\x1b" not in out
    state = {**STATE, "model": "\x1b[31m"}
    _, out, _ = run("watch", "--times", "1", "--url", loopback((200, state)))
    assert "\x1b" not in out


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


@pytest.mark.parametrize(
    ("member", "value", "place"),
    [
        ("alarms", [{"name": "errors"}], "/alarms/0"),
        ("recent", [{**STATE["recent"][0], "drift_score": "high"}], "/recent/0/drift_score"),
        ("totals", 3, "/totals"),
    ],
)
def test_watch_names_what_it_cannot_show(run, loopback, member, value, place):
    """A console of another release may answer with another document."""
    code, _, err = run("watch", "--times", "1", "--url", loopback((200, {**STATE, member: value})))
    assert (code, f" at {place}: " in err) == (4, True)


def test_watch_asks_again(run, loopback, monkeypatch):
    """A console that is busy once is shown all the same."""
    monkeypatch.setattr("drift_client._retry.Retry.delay", lambda _self, attempt, *_: attempt < 2 or None)
    code, out, _ = run("watch", "--times", "1", "--url", loopback((503, b""), (200, STATE)))
    assert (code, "predictions 12" in out) == (0, True)


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
    """One good plug-in, one that cannot be imported, one that is no command, one that is not there."""
    found = EntryPoints(
        EntryPoint(name, value, _main.PLUGINS)
        for name, value in {
            "replay": f"{__name__}:replay",
            "lost": "no.such.module:command",
            "odd": f"{__name__}:not_a_command",
            "absent": f"{__name__}:no_such_name",
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
    assert code == 5
    assert "the command lost of another package cannot be loaded: ModuleNotFoundError" in err
    assert "not a click command" in run("odd")[2]
    assert "cannot be loaded: AttributeError" in run("absent")[2]
    assert run("contracts", "show", "problem.v1")[0] == 0


def test_a_missing_library_names_the_extra(run, monkeypatch):
    """A command whose distribution is installed without its extra says which one it is."""
    value = "no_such_library:command [train]"
    point = EntryPoint("train", value, _main.PLUGINS)._for(SimpleNamespace(name="drift-ml"))
    monkeypatch.setattr(_main, "entry_points", lambda group: EntryPoints([point]).select(group=group))
    code, _, err = run("train")
    assert code == 5
    assert "no_such_library" in err
    assert "drift-ml[train]" in err


@pytest.mark.parametrize(("library", "code"), [("sklearn", 5), ("drift_ml.gone", 70)])
def test_a_library_that_only_the_work_needs_names_the_extra(run, monkeypatch, library, code):
    """It is imported when the command is called; a module of our own that is missing is a fault."""

    class Plugin:
        """An entry point."""

        name, extras, dist = "fit", ["train"], SimpleNamespace(name="drift-ml")

        @staticmethod
        def load():
            def fit():
                raise ModuleNotFoundError(name=library)

            return click.Command("fit", callback=fit)

    class Points(dict):
        """Entry points as a mapping."""

        names = ("fit",)

    monkeypatch.setattr(_main, "entry_points", lambda group: Points(fit=Plugin))  # noqa: ARG005
    ended, _, err = run("fit")
    assert ended == code
    assert ("drift-ml[train]" in err) == (code == 5)


def test_exit_codes_and_commands_are_documented(run):
    _, out, _ = run("--help")
    assert "Exit codes: 0 all is well, 1 a finding" in " ".join(out.split())
    assert {"contracts", "health", "model", "predict", "watch"} <= set(main.commands)


def test_a_service_that_refuses_its_card_said_no(run, loopback):
    """Only 404 means that there is no such model."""
    assert run("predict", *HOUSE, "--url", loopback((403, {**PROBLEM, "status": 403})))[0] == 4
