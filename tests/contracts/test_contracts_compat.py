"""The rule of compatible change, in both directions, and that it never says yes where it should say no."""

import copy
import hashlib
import json
import runpy
import sys

import pytest
from click.testing import CliRunner
from drift_contracts import FeatureSet, documents, feature_set, openapi, schemas, violations
from drift_contracts.errors import DriftError, UnknownName
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.contract_checks.cases import changed
from tools.contract_checks.checks import CHECKS, Repository, broken_pairs, check_cases, check_schemas, check_shipped
from tools.contract_checks.command import main
from tools.contract_checks.compatibility import ROLES, differences, feature_set_changes, schema_changes
from tools.contract_checks.releases import check_copies, drafts, releasable, release
from tools.contract_checks.result import Result
from tools.contract_checks.snippets import snippets
from tools.contract_checks.typed import ROOT

SCHEMA = documents.schema
REQUEST, RESPONSE, EVENT = "prediction.request.v1", "prediction.response.v1", "prediction.event.v1"
#: Checks that read nothing of the repository that they are asked about.
OF_THE_PACKAGE = (
    "schemas are valid",
    "cases hold, by both validators",
    "feature sets compose",
    "types are in step",
)
OLD = {
    "type": "object",
    "additionalProperties": False,
    "required": ["a"],
    "properties": {
        "a": {"type": "number", "minimum": 0, "maximum": 10},
        "b": {"enum": ["x", "y"]},
        "c": {"type": "string", "minLength": 1, "maxLength": 5, "pattern": "^[a-z]+$"},
        "d": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3},
    },
}
WIDENED = {
    "another member": ({"/properties/e": {"type": "null"}}, []),
    "a lower minimum": ({"/properties/a/minimum": -1}, []),
    "a higher maximum": ({"/properties/a/maximum": 11}, []),
    "no maximum": ({}, ["/properties/a/maximum"]),
    "null beside the number": ({"/properties/a/type": ["number", "null"]}, []),
    "one more choice": ({"/properties/b/enum": ["x", "y", "z"]}, []),
    "a longer string": ({"/properties/c/maxLength": 6}, []),
    "no pattern": ({}, ["/properties/c/pattern"]),
    "nothing required": ({"/required": []}, []),
    "longer lists": ({"/properties/d/maxItems": 4}, []),
    "numbers in the list": ({"/properties/d/items": {"type": "number"}}, []),
    "any further member": ({"/additionalProperties": {"type": "null"}}, []),
}


@pytest.mark.parametrize(("changed_to", "removed"), WIDENED.values(), ids=WIDENED)
def test_wider_schema(changed_to, removed):
    """A schema that accepts more may be read, and may not be written."""
    new = changed(OLD, changed_to, removed)
    assert schema_changes(REQUEST, OLD, new) == []
    assert schema_changes(RESPONSE, OLD, new)
    assert schema_changes(EVENT, OLD, new)


@pytest.mark.parametrize(("changed_to", "removed"), WIDENED.values(), ids=WIDENED)
def test_narrower_schema(changed_to, removed):
    """A schema that accepts less may be written, and may not be read."""
    new = changed(OLD, changed_to, removed)
    assert schema_changes(RESPONSE, new, OLD) == []
    assert schema_changes(REQUEST, new, OLD)
    assert schema_changes(EVENT, new, OLD)


def test_words_change():
    """Titles, descriptions and comments may change in any contract."""
    new = changed(OLD, {"/description": "Better words.", "/properties/a/title": "A", "/$comment": "why"}, [])
    for name in (REQUEST, RESPONSE, EVENT):
        assert schema_changes(name, OLD, new) == schema_changes(name, new, OLD) == []


def test_change_has_place():
    """A change is reported with its pointer and rule."""
    new = changed(OLD, {"/properties/a/maximum": 9}, [])
    assert [str(one) for one in schema_changes(REQUEST, OLD, new)] == [
        "maximum at /properties/a: accepts less than the released contract"
    ]


def test_every_contract_has_a_role():
    """Every contract has a role."""
    assert set(ROLES) == {name.rpartition(".v")[0] for name in schemas.names()}


@pytest.mark.parametrize("name", schemas.names())
def test_self_compatible(name):
    """Every contract is compatible with itself."""
    assert schema_changes(name, schemas.schema(name), schemas.schema(name)) == []


SMALL = st.deferred(
    lambda: st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["object", "array", "string", "number", "integer", "null"])
            | st.sampled_from([["number", "null"], ["string", "array"], ["boolean", "object"]]),
            "minimum": st.integers(-1, 2),
            "maximum": st.integers(0, 3),
            "exclusiveMinimum": st.integers(-1, 2),
            "exclusiveMaximum": st.integers(0, 3),
            "minLength": st.integers(0, 2),
            "maxLength": st.integers(0, 2),
            "minItems": st.integers(0, 2),
            "maxItems": st.integers(0, 2),
            "minProperties": st.integers(0, 2),
            "pattern": st.sampled_from(["^a", "b$"]),
            "enum": st.lists(st.sampled_from([None, 0, 1, True, "a", "b", 0.5]), min_size=1, max_size=3),
            "const": st.sampled_from([None, 1, "a"]),
            "uniqueItems": st.just(True),
            "required": st.lists(st.sampled_from("ab"), max_size=2, unique=True),
            "items": NESTED,
            "properties": st.dictionaries(st.sampled_from("ab"), NESTED, max_size=2),
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$"]), NESTED, max_size=1),
            "additionalProperties": st.just(False) | NESTED,
            "propertyNames": st.sampled_from([{"pattern": "^a"}, {"maxLength": 1}]),
            "anyOf": st.lists(NESTED, min_size=1, max_size=2),
            "allOf": st.lists(NESTED, min_size=1, max_size=2),
        },
    )
)  # fmt: skip
NESTED = st.sampled_from(
    [{}, {"type": "integer"}, {"type": "number"}, {"minimum": 1}, {"type": "null"}, {"const": 1}, {"maxLength": 1}]
)
INSTANCES = [
    None, True, False, 0, 1, 2, -1, 0.5, 3, "", "a", "b", "ab", "ba", [], [1], [0.5], [1, 1], [1, 2, 3], [None], {},
    {"a": 1}, {"b": 0.5}, {"a": None, "b": 1}, {"ab": 2}, {"c": 1}, {"a": "a"}, {"c": None, "a": 3}, {"cb": "ab"},
]  # fmt: skip


@pytest.mark.no_cover
@given(SMALL, SMALL, st.data())
@settings(max_examples=500, deadline=None)
def test_containment_by_instances(narrow, wide, data):
    """Where no difference is reported, every instance of the narrow schema is one of the wide."""
    if data.draw(st.booleans()):
        wide = {name: value for name, value in narrow.items() if data.draw(st.booleans())} | data.draw(
            st.sampled_from([{}, wide])
        )
    if list(differences(narrow, wide)):
        return
    for instance in INSTANCES:
        if not list(violations(narrow, instance)):
            assert not list(violations(wide, instance)), instance


NUMBERS, POSITIVE, CLOSED = {"type": "number"}, {"type": "number", "minimum": 0}, {"additionalProperties": False}
AT, PATTERN = "/patternProperties/^a", "patternProperties"


@pytest.mark.parametrize(
    ("narrow", "wide", "found"),
    [
        ({"properties": {"a": POSITIVE}, **CLOSED}, {"additionalProperties": NUMBERS}, []),
        ({"properties": {"a": NUMBERS}, **CLOSED}, {"additionalProperties": POSITIVE}, [("/properties/a", "minimum")]),
        ({"additionalProperties": NUMBERS}, {"additionalProperties": POSITIVE}, [("/additionalProperties", "minimum")]),
        ({PATTERN: {"^a": {}}, **CLOSED}, {"additionalProperties": {}}, [(AT, "additionalProperties")]),
        ({"properties": {"ab": POSITIVE}, **CLOSED}, {PATTERN: {"^a": NUMBERS}}, []),
        ({"properties": {"ab": NUMBERS}, **CLOSED}, {PATTERN: {"^a": POSITIVE}}, [(AT, "minimum")]),
        ({PATTERN: {"^a": NUMBERS}}, {PATTERN: {"^a": POSITIVE}}, [(AT, "minimum")]),
        ({PATTERN: {"^b": NUMBERS}}, {PATTERN: {"^a": NUMBERS}}, [(AT, PATTERN)]),
        ({"properties": {"a": {}}, PATTERN: {"^a": {}}}, {"properties": {"a": NUMBERS}}, [("/properties/a", "type")]),
        ({"allOf": [POSITIVE]}, {"allOf": [{**POSITIVE, "title": "words"}]}, []),
        ({"allOf": [NUMBERS]}, {"allOf": [POSITIVE]}, [("/allOf/0", "type"), ("/allOf/0", "minimum")]),
        ({"exclusiveMinimum": 1}, {"minimum": 1}, []),
        ({"minimum": 1}, {"exclusiveMinimum": 1}, [("", "exclusiveMinimum")]),
        ({"minimum": 2}, {"exclusiveMinimum": 1}, []),
        ({"type": "string"}, {"minimum": 1, "required": ["a"], "items": POSITIVE}, []),
        ({"enum": [1, 2]}, {"minimum": 2}, [("", "minimum")]),
        ({}, {"const": None}, [("", "const")]),
        ({"if": {"const": 1}, "then": NUMBERS}, {"if": {"const": 1, "title": "words"}, "then": NUMBERS}, []),
        ({"if": {"const": 1}}, {"if": {"const": 2}, "then": NUMBERS}, [("", "if"), ("", "then")]),
    ],
)  # fmt: skip
def test_containment_by_hand(narrow, wide, found):
    """Containment of two schemas gives the differences worked out by hand."""
    assert list(differences(narrow, wide)) == found


def house(**members):
    return FeatureSet.from_json({**feature_set("house-price").to_json(), **members})


def with_feature(index, **members):
    features = copy.deepcopy(feature_set("house-price").to_json()["features"])
    features[index] |= members
    return house(features=features)


HOUSE = feature_set("house-price")
COLOURS = [
    {"name": "colour", "type": "category", "unit": "none", "categories": ["red", "blue"], "other": True,
     "description": "Colour.", "example": "red"}
]  # fmt: skip


@pytest.mark.parametrize(
    ("new", "rules"),
    [
        (HOUSE, set()),
        (house(description="Better words.", version="1.1.0"), set()),
        (with_feature(0, maximum=2000, usual=[1, 6], example=4), set()),
        (with_feature(0, nullable=True), set()),
        (with_feature(0, maximum=999), {"maximum"}),
        (with_feature(1, type="integer"), {"type"}),
        (house(features=HOUSE.to_json()["features"][::-1]), {"order"}),
        (house(features=HOUSE.to_json()["features"] + COLOURS), {"order", "required", "categories"}),
        (house(target={**HOUSE.to_json()["target"], "unit": "EUR"}), {"const"}),
        (house(version="2.0.0", features=COLOURS), set()),
    ],
    ids=["same", "words", "wider", "nullable", "narrower", "another type", "order", "one more", "unit", "next major"],
)
def test_feature_set_changes(new, rules):
    """A feature set of the same major version still accepts what it accepted."""
    assert {change.rule for change in feature_set_changes(HOUSE, new)} == rules


def test_category_encoding():
    """The order of categories, which is their encoding, may not change."""
    swapped = [{**COLOURS[0], "categories": ["blue", "red"]}]
    found = feature_set_changes(house(features=COLOURS), house(features=swapped))
    assert [change.rule for change in found] == ["categories"]


@pytest.fixture
def released(tmp_path):
    """A folder with everything released."""
    release(tmp_path, list(releasable()))
    return tmp_path


def edit(path, **members):
    document = documents.read(path)
    path.write_text(json.dumps({**document, **members}), "utf-8")


def sign(folder):
    """Write SHA256SUMS anew, as if the copies had been released as they are."""
    digests = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*/*.json")}
    lines = (f"{digest}  {path.relative_to(folder)}\n" for path, digest in digests.items())
    (folder / "SHA256SUMS").write_text("".join(lines), "utf-8")


def test_released_copies_hold(released):
    """What is released holds and is not copied again."""
    assert check_copies(released) == Result(len(releasable()), [])
    assert release(released, list(releasable())) == []
    assert drafts(released) == []


def test_uncopied_contract(tmp_path):
    """A contract without a released copy is a draft."""
    release(tmp_path, [name for name in releasable() if name != "window.report.v1"])
    assert drafts(tmp_path) == ["window.report.v1"]
    assert check_copies(tmp_path).failures == []


def test_draft_may_change(released, monkeypatch):
    """A draft may change in any way."""
    (released / "schemas" / "window.report.v1.json").unlink()
    sign(released)
    monkeypatch.setattr(documents, "schema", lambda name: {} if name == "window.report.v1" else SCHEMA(name))
    assert check_copies(released).failures == []
    monkeypatch.setattr(documents, "schema", lambda name: {} if name == "baseline.v1" else SCHEMA(name))
    faults = check_copies(released).failures
    assert faults
    assert all("baseline.v1" in fault and "a new version is needed" in fault for fault in faults)


def test_uncopied_feature_set(tmp_path):
    """A feature set without a released copy is a finding that names the command."""
    assert "feature set diabetes@1.0.0 has no released copy; `--release diabetes@1.0.0` makes it" in (
        check_copies(tmp_path).failures
    )


def test_draft_feature_set(released):
    """A feature set whose contract is a draft is one too, and needs no copy."""
    (released / "schemas" / "feature-set.v2.json").unlink()
    (released / "feature_sets" / "flight-delay@1.0.0.json").unlink()
    (released / "SHA256SUMS").unlink()
    sign(released)
    assert check_copies(released).failures == []


def test_deleted_copy(released):
    """A released copy that was deleted is a finding, and makes no draft."""
    (released / "schemas" / "window.report.v1.json").unlink()
    assert check_copies(released).failures == [
        "released copy schemas/window.report.v1.json is gone; bring it back from the history"
    ]


def test_edited_copy(released):
    """A released copy that was edited is a finding."""
    edit(released / "schemas" / "alert.v1.json", title="Other words")
    faults = check_copies(released).failures
    assert len(faults) == 1
    assert "schemas/alert.v1.json is not the one in SHA256SUMS" in faults[0]


@pytest.mark.parametrize(("name", "place"), [("problem.v3", "expected v2"), ("alert", "such as alert.v2")])
def test_a_draft_is_the_next_version(released, monkeypatch, name, place):
    """Only the version after the last released one may be a draft."""
    listed = documents.names

    def with_draft(*folders):
        names = listed(*folders)
        return [*names, name] if folders == (documents.folder("schemas"),) else names

    monkeypatch.setattr(documents, "names", with_draft)
    faults = check_copies(released).failures
    assert len(faults) == 1
    assert faults[0].startswith(f"{name}: ")
    assert place in faults[0]


def test_unknown_release(tmp_path):
    """An unknown name is not released, and nothing is written."""
    with pytest.raises(UnknownName, match=r"alert\.v1"):
        release(tmp_path, ["alert.v99"])
    assert not list(tmp_path.iterdir())


def test_released_contract_gone(released):
    """A released contract may not be removed."""
    (released / "schemas" / "gone.v1.json").write_text("{}", "utf-8")
    sign(released)
    assert check_copies(released).failures == ["gone.v1 was released and is gone"]


def test_incompatible_changes(released):
    """An incompatible change is found in a schema and in a feature set."""
    edit(released / "schemas" / "prediction.request.v1.json", required=[])
    features = documents.read(released / "feature_sets" / "house-price@1.0.0.json")["features"]
    features[0]["maximum"] = 2000
    edit(released / "feature_sets" / "house-price@1.0.0.json", features=features)
    sign(released)
    assert check_copies(released).failures == [
        "prediction.request.v1: required at the top: accepts less than the released contract; a new version is needed",
        "feature set house-price@1.0.0: maximum at /properties/features/properties/bedrooms: accepts less than the"
        " released feature set, version 1.0.0; a new major version is needed",
    ]


@pytest.mark.no_cover
def test_the_repository_holds():
    """The contracts of this repository hold."""
    result = CliRunner().invoke(main, [])
    assert result.exit_code == 0, result.output
    assert "released contracts still hold" in result.output
    assert "fails" not in result.output


def test_examples_and_documents_hold():
    """The examples, and what the package ships, keep their contracts."""
    result = check_shipped(Repository(ROOT))
    assert result.checked > len(list((ROOT / "contracts/examples").glob("*.json"))) > 10
    assert not result.failures


def test_module_is_command(monkeypatch):
    """`python -m tools.contract_checks` runs the command."""
    monkeypatch.setattr(sys, "argv", ["check", "--help"])
    monkeypatch.delitem(sys.modules, "tools.contract_checks.command")
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module("tools.contract_checks", run_name="__main__")


@pytest.fixture(scope="module")
def everywhere():
    """What the checks that read the package alone find, which is the same in every repository."""
    return {title: CHECKS[title](Repository(None)) for title in OF_THE_PACKAGE}


@pytest.fixture
def elsewhere(tmp_path, everywhere, monkeypatch):
    """A repository without released copies and OpenAPI document."""
    for title, result in everywhere.items():
        monkeypatch.setitem(CHECKS, title, lambda _, result=result: result)
    (tmp_path / "contracts" / "examples").mkdir(parents=True)
    return tmp_path


def run(*words):
    return CliRunner().invoke(main, words, env={"COLUMNS": "200"})


def test_failing_repository(elsewhere):
    """A repository that fails ends with exit code 1 and the command that mends it."""
    result = run("--root", str(elsewhere))
    assert result.exit_code == 1
    assert "python -m drift_contracts.openapi > contracts/openapi.json" in result.output


@pytest.mark.no_cover
def test_release_needs_green(elsewhere):
    """Nothing is released while another check fails."""
    everything = [word for name in releasable() for word in ("--release", name)]
    assert run("--root", str(elsewhere), *everything).exit_code == 1
    assert not (elsewhere / "contracts" / "released").exists()
    (elsewhere / "contracts" / "openapi.json").write_text(openapi.text(), "utf-8")
    result = run("--root", str(elsewhere), *everything)
    assert result.exit_code == 0
    assert "released schemas/alert.v1.json" in result.output
    assert "drafts, which alone may change in any way: none" in result.output
    assert run("--root", str(elsewhere)).exit_code == 0
    assert "released schemas" not in run("--root", str(elsewhere), *everything).output


def test_release_single(elsewhere):
    """Releasing a single contract leaves the others drafts."""
    (elsewhere / "contracts" / "openapi.json").write_text(openapi.text(), "utf-8")
    sets = ["--release", "diabetes@1.0.0", "--release", "house-price@1.0.0"]
    result = run("--root", str(elsewhere), *sets, "--release", "alert.v1")
    assert result.exit_code == 0
    listed = result.output[result.output.index("drafts") :]
    assert "baseline.v1" in listed
    assert "alert.v1" not in listed


def test_unknown_release_usage(elsewhere):
    """An unknown release is a usage error with the choices."""
    result = run("--root", str(elsewhere), "--release", "alert.v99")
    assert result.exit_code == 2
    assert "alert.v1" in result.output


def test_documented_json(elsewhere):
    """JSON blocks of the documentation that name a contract are validated."""
    (elsewhere / "docs").mkdir()
    (elsewhere / ".hidden").mkdir()
    (elsewhere / ".hidden" / "x.md").write_text("```json problem.v1\n{}\n```\n", "utf-8")
    (elsewhere / "docs" / "x.md").write_text(
        'Text\n\n```json problem.v1\n{"type": "about:blank", "title": "t", "status": 200}\n```\n'
        "```json prediction.request.v1 diabetes\n{}\n```\n```json problem.v1\n{\n```\n```json none.v1\n{}\n```\n"
        '```json\n{"not": "judged"}\n```\n```json health.v1\n' + "[]\n```\n",
        "utf-8",
    )
    assert [one.place for one in snippets(elsewhere)] == [f"docs/x.md:{line}" for line in (3, 6, 9, 12, 18)]
    result = CHECKS["JSON in the documentation holds"](Repository(elsewhere))
    assert result.checked == 5
    assert result.failures == [
        "docs/x.md:3 as problem.v1: minimum at /status",
        "docs/x.md:6 as prediction.request.v1: required at the top",
        "docs/x.md:9: expected valid JSON, found a syntax error at character 2",
        f"docs/x.md:12: there is no contract 'none.v1'; there is {', '.join(schemas.names())}",
        "docs/x.md:18 as health.v1: type at the top",
    ]


def test_broken_schema_found(monkeypatch):
    """A schema that is invalid, has another name or lacks descriptions is a finding."""
    broken = {"type": "float", "properties": {"a": {}}}
    monkeypatch.setattr(schemas, "names", lambda: ["problem.v1"])
    monkeypatch.setattr(schemas, "schema", lambda _: broken)
    assert check_schemas(Repository(None)) == Result(1, ["problem.v1: is no JSON Schema at /type"])
    broken["type"] = "object"
    assert check_schemas(Repository(None)) == Result(
        1,
        ["problem.v1: expected the $id urn:drift:contract:problem.v1", "problem.v1: /properties/a has no description"],
    )


def test_failing_case_found(monkeypatch):
    """A case that does not hold, and a contract without cases, are findings."""
    monkeypatch.setattr("tools.contract_checks.checks.broken_pairs", lambda *_: {("/x", "type")})
    monkeypatch.setattr("tools.contract_checks.checks.case_names", lambda: ["problem.v1"])
    failures = check_cases(Repository(None)).failures
    assert "alert.v1 has no cases" in failures
    assert "problem.v1: a broken contract: expected no violation, found type at /x" in failures


def test_validators_disagree(monkeypatch):
    """Validators that disagree on a case are an error."""
    monkeypatch.setattr("tools.contract_checks.checks.keywords.violations", lambda *_: ["something else"])
    with pytest.raises(DriftError, match=r"problem\.v1: .* disagree"):
        broken_pairs("problem.v1", {})
