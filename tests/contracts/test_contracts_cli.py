"""driftctl: options from the feature set, readable answers, exit codes, plug-ins."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from drift_client.cli import PLUGINS, main
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


def test_predict(run, loopback):
    """`driftctl predict` shows the prediction with its unit and the drift score."""
    code, out, _ = run("predict", *HOUSE, "--prediction-id", ID, "--url", loopback((200, CARD), (200, ANSWER)))
    assert code == 0
    assert "price: 689,871 USD" in out
    assert "drift score 0.33: normal" in out
    assert "square feet" in out
    assert "-1.01" in out


def test_predict_drifted(run, loopback):
    """`driftctl predict` marks drifted features and leaves out a z that is null."""
    drift = {"z": {"age": None, "sqft": 12.0}, "drifted": ["sqft"], "severity": "high"}
    url = loopback((200, CARD), (200, {**ANSWER, "drift": drift}))
    code, out, _ = run("predict", *HOUSE, "--prediction-id", ID, "--url", url)
    assert (code, "+12.00" in out, "high" in out) == (0, True, True)


def test_predict_without_usual(run, loopback):
    """A feature without usual values is shown, as they are optional in a feature set."""
    features = [{name: value for name, value in CARD["feature_set"]["features"][0].items() if name != "usual"}]
    card = {**CARD, "feature_set": {**CARD["feature_set"], "features": features + CARD["feature_set"]["features"][1:]}}
    code, out, _ = run("predict", *HOUSE, "--prediction-id", ID, "--url", loopback((200, card), (200, ANSWER)))
    assert (code, "price: 689,871 USD" in out) == (0, True)


def test_predict_json(run, loopback):
    """`driftctl predict --json` prints the service's document for programs."""
    code, out, _ = run(
        "predict", *HOUSE, "--prediction-id", ID, "--json", "--url", loopback((200, CARD), (200, ANSWER))
    )
    assert code == 0
    assert json.loads(out)["drift_score"] == 0.3284


def test_model_options(run):
    """The options of `driftctl predict` are the features of the chosen model."""
    code, out, _ = run("predict", "--model", "diabetes", "--help")
    assert code == 0
    for feature in feature_set("diabetes").features:
        assert f"--{feature.name} " in out
        assert "".join(feature.description.split()) in "".join(out.split())
    assert "--bedrooms ROOMS" not in out


def test_predict_help(run):
    """The help states bounds, usual values and an example of each feature."""
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


def test_custom_model_options(run, own_models):
    """A model from a folder of feature sets has its options too, of every kind of feature."""
    code, out, _ = run("predict", "--feature-sets", own_models, "--model=every-kind", "--help")
    text = " ".join(out.split())
    assert code == 0
    assert "--feature-timeout" in out
    assert "--garden / --no-garden" in text
    assert "More than -1, less than 1." in text
    assert "Known: a, b; others are answered too. For example z." in text
    assert "May be left out. For example nothing." in text


def test_help_example(run, own_models):
    """The first example of the help asks the model that is meant."""
    _, out, _ = run("predict", "--feature-sets", own_models, "--model=every-kind", "--help")
    example = out.partition("Examples:")[2].strip().splitlines()[0]
    assert example == (
        "driftctl predict --model every-kind --feature-timeout 0 --open 0 --whole 9007199254740994"
        " --colour red --shade dark --maker z --garden"
    )


def test_help_example_of_many(run, own_models):
    """The example of many features ends where the others are."""
    file = Path(own_models, "every-kind.json")
    document = json.loads(file.read_text("utf-8"))
    document["features"] += [{**document["features"][1], "name": f"room_{number}"} for number in range(3)]
    file.write_text(json.dumps(document), "utf-8")
    _, out, _ = run("predict", "--feature-sets", own_models, "--model=every-kind", "--help")
    assert "--room-0 0 ..." in out


def test_boolean_left_out(run, own_models):
    """A boolean that is left out is reported as missing, and is not sent as false."""
    words = ["--feature-timeout", "1.5", "--open", "0", "--whole", "9007199254740994", "--colour", "red"]
    code, _, err = run("predict", "--model", "every-kind", "--feature-sets", own_models, *words, "--maker", "z")
    assert (code, "'--garden'" in err) == (2, True)


def test_sent_types(run, own_models, monkeypatch):
    """Every kind of feature is sent with its type in JSON."""
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
def test_usage_errors(run, loopback, monkeypatch, words, reason):
    """Wrong usage ends with exit code 2 and the reason."""
    monkeypatch.setenv("DRIFT_URL", loopback((200, CARD)))
    code, _, err = run(*words)
    assert code == 2
    assert reason in err


@pytest.mark.parametrize("command", [["predict", *HOUSE], ["health"], ["model"], ["watch"]])
def test_unreachable_exit(run, command, monkeypatch):
    """A service that cannot be reached ends with exit code 3."""
    monkeypatch.setattr("drift_client.Retry.delay", lambda *_: None)
    code, _, err = run(*command, "--url", NOBODY)
    assert (code, "ConnectError" in err) == (3, True)


@pytest.mark.no_cover
@pytest.mark.parametrize("command", [["predict", *HOUSE], ["health"], ["model"], ["watch"]])
@pytest.mark.parametrize("answer", [(404, PROBLEM), (200, {"hello": 1}), (200, b"{")], ids=["404", "other", "broken"])
def test_service_errors_exit(run, loopback, command, answer):
    """A service that refuses or sends nonsense ends with exit code 4."""
    code, _, err = run(*command, "--url", loopback(answer))
    assert code == 4
    assert err.startswith("driftctl: ")


def test_console_error_exit(run, loopback):
    """A console that fails ends with exit code 4."""
    assert run("watch", "--url", loopback((500, b"")))[0] == 4


NOT_SERVED = {"type": "about:blank", "title": "No such model", "status": 404}


def test_unserved_model(run, loopback):
    """A model that is not served is refused with the names of those that are, before any request."""
    url = loopback((404, NOT_SERVED), (200, HEALTH))
    code, _, err = run("predict", "--model", "car-price", "--url", url, *HOUSE)
    assert (code, "there is " + ", ".join(sorted(HEALTH["models"])) in err) == (2, True)


def test_no_default_model(run, loopback):
    """Without a default model, the names of the models are listed to choose from."""
    code, _, err = run("predict", "--url", loopback((404, NOT_SERVED), (200, HEALTH)), *HOUSE)
    assert (code, "'--model': expected one of house-price" in err) == (2, True)


def card_of(document):
    """A card that serves a feature set of one's own."""
    return {**CARD, "model": document["name"], "feature_set": document}


def test_card_gives_options(run, loopback):
    """Help, bounds and missing options of a model that only the service has come from its card."""
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


def test_help_of_many_categories(run, loopback):
    """The help lists ten of many categories, and their control characters are escaped."""
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


def test_help_offline(run):
    """Help without a service shows the models that ship, and says so."""
    code, out, _ = run("predict", "--help")
    assert (code, f"No service at {NOBODY}" in " ".join(out.split())) == (0, True)
    assert run("predict", "--model", "of-ones-own", "--help")[0] == 3


def test_help_of_unserved_model(run, loopback):
    """Help for a model that is not served lists those that are."""
    code, _, err = run("predict", "--help", "--model", "car-price", "--url", loopback((200, HEALTH)))
    assert (code, "there is house-price" in err) == (2, True)


def test_json_control_characters(run, loopback):
    """JSON for programs holds no control characters, also those that `json` leaves alone."""
    _, out, _ = run("model", "--json", "--url", loopback((200, described_with("\x9b31m"))))
    assert "\\u009b31m" in out
    assert "\x9b" not in out


def described_with(text):
    """A card whose feature set is described by a text."""
    return {**CARD, "feature_set": {**CARD["feature_set"], "description": text}}


def test_table_control_characters(run, loopback):
    """Tables for people hold no control characters."""
    _, out, _ = run("model", "--url", loopback((200, described_with("\x1b]0;title\x07"))))
    assert "title" in out
    assert "\x1b" not in out
    state = {**STATE, "model": "\x1b[31m"}
    _, out, _ = run("watch", "--times", "1", "--url", loopback((200, state)))
    assert "\x1b" not in out


def test_health_lists_the_models(run, loopback):
    """`driftctl health` lists the models, the default and the lines lost."""
    code, out, _ = run("health", "--url", loopback((200, HEALTH)))
    assert code == 0
    assert "house-price (default)" in out
    assert "lines lost 0" in out
    several = next(case.instance for case in cases("health.v1") if case.valid and case.instance["default"] is None)
    _, out, _ = run("health", "--url", loopback((200, several)))
    assert "diabetes" in out
    assert "(default)" not in out
    graded = next(case.instance for case in cases("health.v2") if case.valid)
    assert "exact" in run("health", "--url", loopback((200, graded)))[1]
    code, out, _ = run("health", "--json", "--url", loopback((200, HEALTH)))
    assert json.loads(out)["models"]["house-price"]["engine"] == "c"


def test_model_warnings(run, loopback):
    """`driftctl model` shows the warnings of the manifest."""
    manifest = next(case.instance for case in cases("bundle.manifest.v2") if case.valid)
    code, out, _ = run("model", "--url", loopback((200, {**CARD, "manifest": manifest})))
    assert code == 0
    assert "warning: age has one value only" in out


def test_model_classes(run, loopback):
    """`driftctl model` shows how good a classifier is for each class, and how exactly it answers as its library."""
    manifests = {case.description: case.instance for case in cases("bundle.manifest.v2")}
    manifest = manifests["a classifier's"]
    code, out, _ = run("model", "--url", loopback((200, {**CARD, "manifest": manifest})))
    assert code == 0
    assert "  on time: precision 0.9, recall 0.8, f1 0.847 on 1,500 rows" in out
    assert "  late: precision -, recall 0, f1 - on 500 rows" in out
    assert "  bedrooms 0.1 (0.08 to 0.12)" in out
    assert "exact-link: compared with predict_proba of scikit-learn 1.9.1 on 28,000 rows, at most 1 ulp from it" in out


def test_model_bound(run, loopback):
    """`driftctl model` shows how much of its bound a linear model's worst row used."""
    manifests = {case.description: case.instance for case in cases("bundle.manifest.v2")}
    _, out, _ = run("model", "--url", loopback((200, {**CARD, "manifest": manifests["a linear model's"]})))
    assert "at most 12 ulp from it, 30% of what its own rounding may differ by" in out


def test_model_unproven(run, loopback):
    """`driftctl model` says of a model that was not compared that there were no rows."""
    manifests = {case.description: case.instance for case in cases("bundle.manifest.v2")}
    manifest = manifests["a model that could not be compared"]
    _, out, _ = run("model", "--url", loopback((200, {**CARD, "manifest": manifest})))
    assert "unproven: compared with nothing; its answers may differ from predict_proba of scikit-learn 1.9.1" in out


def test_model_onnx(run, loopback):
    """`driftctl model` shows how far the answers of an ONNX model were from the user's, or that nobody knows."""
    manifests = {case.description: case.instance for case in cases("bundle.manifest.v2")}
    for description, words in (
        (
            "a model of the other engine, with what its answers differ by",
            "at most 3.1e-07 from the column prediction",
        ),
        ("one that was compared with nothing", "onnx: compared with nothing"),
    ):
        _, out, _ = run("model", "--url", loopback((200, {**CARD, "manifest": manifests[description]})))
        assert words in " ".join(out.split())


def test_model_training(run, loopback):
    """`driftctl model` shows the training data and scores, and the card as JSON."""
    code, out, _ = run("model", "--url", loopback((200, CARD)))
    assert code == 0
    assert "trained on 10,000 rows of synthetic:house-price, seed 7" in out
    assert "r2    0.974 (0.972 to 0.976)" in out
    code, out, _ = run("model", "--json", "--url", loopback((200, CARD)))
    assert json.loads(out)["feature_set"]["name"] == "house-price"


def test_watch(run, loopback):
    """`driftctl watch` shows alarms and recent predictions."""
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
def test_watch_other_document(run, loopback, member, value, place):
    """A document of another release's console is refused with the place that does not fit."""
    code, _, err = run("watch", "--times", "1", "--url", loopback((200, {**STATE, member: value})))
    assert (code, f" at {place}: " in err) == (4, True)


def test_watch_retries(run, loopback, monkeypatch):
    """A console that is busy once is shown all the same."""
    monkeypatch.setattr("drift_client.Retry.delay", lambda _self, attempt, *_: attempt < 2 or None)
    code, out, _ = run("watch", "--times", "1", "--url", loopback((503, b""), (200, STATE)))
    assert (code, "predictions 12" in out) == (0, True)


def test_watch_interrupted(run, loopback, monkeypatch):
    """`driftctl watch` ends with exit code 0 on Ctrl-C."""

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    assert run("watch", "--url", loopback((200, STATE)))[0] == 0


def test_contracts_commands(run):
    """`driftctl contracts` lists contracts and shows one."""
    code, out, _ = run("contracts", "list")
    assert code == 0
    assert "window.report.v1" in out
    code, out, _ = run("contracts", "show", "problem.v1")
    assert json.loads(out)["$id"] == "urn:drift:contract:problem.v1"


ADDED = """
import click
from drift_contracts import DriftError

@click.command()
def replay():
    \"\"\"Replay old traffic.\"\"\"
    raise DriftError("nothing to replay")

@click.command()
def fit():
    import {library}

not_a_command = "text"
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """install(distribution, commands, library): a distribution that adds commands.

    library: what its command `fit` imports as it runs.
    """

    def add(distribution, commands, library="json"):
        metadata = tmp_path / f"{distribution.replace('-', '_')}-9.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 9\n")
        lines = [f"[{PLUGINS}]", *(f"{name} = {value}" for name, value in commands.items())]
        (metadata / "entry_points.txt").write_text("\n".join(lines))
        (tmp_path / "added_commands.py").write_text(ADDED.format(library=library))
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "added_commands", raising=False)

    return add


@pytest.fixture
def plugins(install):
    """Install a good command, one that cannot be imported, one that is no command, one that is not there."""
    install(
        "added",
        {
            "replay": "added_commands:replay",
            "lost": "no.such.module:command",
            "odd": "added_commands:not_a_command",
            "absent": "added_commands:no_such_name",
        },
    )


@pytest.mark.usefixtures("plugins")
def test_other_packages_add_commands(run):
    """Commands of other packages are listed and run, and a broken one is marked."""
    code, out, _ = run("--help")
    assert code == 0
    assert "Replay old traffic." in out
    assert "(cannot be loaded: ModuleNotFoundError)" in out
    assert run("replay") == (2, "", "driftctl: nothing to replay\n")


@pytest.mark.usefixtures("plugins")
def test_broken_plugin(run):
    """A plugin that cannot be loaded reports its reason and leaves the other commands working."""
    code, _, err = run("lost")
    assert code == 5
    assert "the command lost of another package cannot be loaded: ModuleNotFoundError" in err
    assert "not a click command" in run("odd")[2]
    assert "cannot be loaded: AttributeError" in run("absent")[2]
    assert run("contracts", "show", "problem.v1")[0] == 0


def test_missing_library(run, install):
    """A command that lacks a library names the distribution's extra that brings it."""
    install("drift-ml", {"train": "no_such_library:command [train]"})
    code, _, err = run("train")
    assert code == 5
    assert "no_such_library" in err
    assert "drift-ml[train]" in err


@pytest.mark.parametrize(("library", "code"), [("no_such_library", 5), ("drift_ml.gone", 70)])
def test_missing_extra(run, install, library, code):
    """A missing library names the extra to install; a missing module of the project is a fault."""
    install("drift-ml", {"fit": "added_commands:fit [train]"}, library)
    ended, _, err = run("fit")
    assert ended == code
    assert ("drift-ml[train]" in err) == (code == 5)


def test_exit_codes_and_commands_are_documented(run):
    """The help states the exit codes and lists the commands."""
    _, out, _ = run("--help")
    assert "Exit codes: 0 all is well, 1 a finding" in " ".join(out.split())
    assert {"contracts", "health", "model", "predict", "watch"} <= set(main.commands)


def test_refused_card(run, loopback):
    """A service that refuses its card ends as a refusal, since only 404 means no such model."""
    assert run("predict", *HOUSE, "--url", loopback((403, {**PROBLEM, "status": 403})))[0] == 4
