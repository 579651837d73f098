"""The documentation of the contracts says what the code says."""

import json
import re
from pathlib import Path

import drift_client as client_module
import pytest
from click.testing import CliRunner
from drift_client import Client, Retry
from drift_client.cli import PLUGINS, main
from drift_contracts import ContractError, DriftError, FeatureSet, RequestValidator, Target, feature_set, schemas
from drift_contracts.features import Feature

from tools.contract_checks import command as check
from tools.contract_checks.cases import cases
from tools.contract_checks.compatibility import ROLES

PAGES = {page: Path(f"docs/{page}.md").read_text("utf-8") for page in ("contracts", "client", "bad-input")}
CONTRACTS, CLIENT, BAD_INPUT = PAGES.values()
HOUSE = feature_set("house-price")
OURS = BAD_INPUT.partition("## Contracts")[2].partition("\n## ")[0]
QUOTED = re.findall(r"^```text\n(.*?)\n```", OURS, re.MULTILINE | re.DOTALL)


def test_contract_table():
    """The table of contracts is complete and states who reads and who writes each."""
    rows = dict(re.findall(r"^\| `([a-z.-]+\.v\d+)` \| .* \| ([a-z ]+) \|$", CONTRACTS, re.MULTILINE))
    assert {name: ROLES[name.rpartition(".v")[0]] for name in rows} == rows
    assert set(rows) == set(schemas.names())


def test_feature_members():
    """Every member of a feature is explained."""
    members = set(Feature.__annotations__) - {"name", "description", "example", "unit", "type"}
    assert {name for name in members if f"`{name}`" not in CONTRACTS and f'"{name}"' not in CONTRACTS} == set()


def test_target_members():
    """Every member of a target is explained."""
    members = set(Target.__annotations__) - {"name", "description"}
    assert {name for name in members if f"`{name}`" not in CONTRACTS} == set()


def load(change, folder):
    """What loading a changed house-price feature set says, with the folder left out."""
    document = HOUSE.to_json()
    change(document["features"])
    path = folder / "houses.json"
    path.write_text(json.dumps(document), "utf-8")
    return said(lambda: FeatureSet.load(path)).replace(f"{folder}/", "")


def said(call):
    with pytest.raises(DriftError) as caught:
        call()
    return str(caught.value)


def messages(folder, script):
    """Each message that the page quotes, made anew."""
    yield load(lambda features: features[0].update(min=0), folder)
    yield load(lambda features: features[2].update(example=-5), folder)
    (folder / "houses.json").write_text("{", "utf-8")
    yield said(lambda: FeatureSet.load(folder / "houses.json")).replace(f"{folder}/", "")
    yield said(lambda: feature_set("car-price"))
    answer = json.loads(Path("contracts/examples/prediction.response.v1.json").read_text("utf-8"))
    broken = script((200, {**answer, "prediction": "689871.25"})).outside
    house = Client("http://service", model="house-price", feature_set=HOUSE, environment=broken)
    yield said(lambda: house.predict(HOUSE.example))
    features = {**HOUSE.example, "age": "ten"}
    del features["sqft"]
    yield said(lambda: house.predict(features))
    words = [f"--{name.replace('_', '-')}={value}" for name, value in HOUSE.example.items()]
    yield CliRunner().invoke(main, ["predict", *words, "--sqft", "-1"]).stderr.strip()
    yield CliRunner().invoke(main, ["health", "--url", "http://127.0.0.1:9"]).stderr.strip()


def at_once(retry, attempt, *_):
    """The delays of all attempts, without their seconds."""
    return 0.0 if attempt < retry.attempts else None


def test_quoted_messages(tmp_path, script, monkeypatch, loopback):
    """Every quoted message is the one that the product prints."""
    card = next(case.instance for case in cases("model.card.v1") if case.valid)
    monkeypatch.setenv("DRIFT_URL", loopback((200, card)))
    monkeypatch.setattr(Retry, "delay", at_once)
    assert list(messages(tmp_path, script)) == QUOTED


def test_service_messages(service):
    """The service refuses with the messages that the page quotes."""
    features = {**HOUSE.example, "age": "ten"}
    del features["sqft"]
    reply = service.respond("POST", "/predict", json.dumps({"features": features}).encode())
    assert json.loads(reply.body)["detail"] in QUOTED
    with pytest.raises(ContractError) as caught:
        RequestValidator(HOUSE).row({"features": features})
    assert str(caught.value) in QUOTED


def test_client_errors_listed():
    """The page lists all errors of the client."""
    listed = set(re.findall(r"^\| `(\w+)` \|", CLIENT, re.MULTILINE))
    abstract = {"ClientError", "ServiceError"}
    errors = {name for name in client_module.__all__ if isinstance(getattr(client_module, name), type)}
    errors = {name for name in errors if issubclass(getattr(client_module, name), DriftError)}
    assert listed == errors - abstract | {"ContractError"}


def test_commands_listed():
    """The page lists all commands of driftctl and links the exit codes."""
    assert set(re.findall(r"^driftctl (\w+)", CLIENT, re.MULTILINE)) == set(main.commands)
    assert "(exit-codes.md)" in CLIENT
    assert PLUGINS in CLIENT


def test_options_exist(monkeypatch):
    """Every option that the pages name exists."""
    monkeypatch.setenv("DRIFT_URL", "http://127.0.0.1:9")
    help_texts = [CliRunner().invoke(main, [*words, "--help"]).output for words in ([], ["predict"], ["health"])]
    known = " ".join(help_texts) + CliRunner().invoke(check.main, ["--help"]).output
    for page in (CONTRACTS, CLIENT):
        for option in re.findall(r"`(--[a-z-]+)`", page):
            assert option in known, option


@pytest.mark.parametrize("page", [CONTRACTS, CLIENT], ids=["contracts", "client"])
def test_python_compiles(page):
    """The Python of the pages compiles."""
    for code in re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        compile(code, "page", "exec")
