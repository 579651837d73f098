"""The checks behind `python -m tools.contract_checks`: each gives how much it looked at and what it found."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from drift_contracts import documents, feature_rules, keywords, openapi, schemas, spec_rules, spec_v1
from drift_contracts.compose import request_schema
from drift_contracts.errors import DriftError
from drift_contracts.features import feature_set, feature_set_names
from drift_contracts.parsing import parse_json
from jsonschema import SchemaError

from tools.contract_checks.cases import Case, case_names, cases
from tools.contract_checks.releases import released_changes
from tools.contract_checks.snippets import snippets
from tools.contract_checks.typed import check_types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from jsonschema.protocols import Validator

    Found = tuple[int, list[str]]

SEMANTICS = {
    "feature-set.v1": feature_rules.broken_rules,
    "feature-set.v2": feature_rules.broken_rules,
    "monitoring.spec.v1": spec_v1.broken_rules,
    "monitoring.spec.v2": spec_rules.broken_rules,
}
SHIPPED = {
    "feature_sets": "feature-set.v1",
    "monitoring": "monitoring.spec.v2",
    "scenarios": "scenario.suite.v1",
}
CASES_FOR = "house-price"
REQUEST = "prediction.request.v1"


@dataclass(frozen=True)
class Repository:
    """Where the contracts' documents beside the package lie."""

    root: Path

    @property
    def contracts(self) -> Path:
        """The contracts' room."""
        return self.root / "contracts"

    @property
    def released(self) -> Path:
        """The released copies."""
        return self.contracts / "released"


def judge(contract: str, instance: Any, model: str = CASES_FOR) -> set[tuple[str, str]]:
    """The (pointer, rule) pairs that an instance breaks, by jsonschema and then the rules beyond schemas.

    Requests are judged by the schema composed for a model. Raises DriftError if the plain Python judge of the
    prediction path says anything else.
    """
    compiled = _request_judge(model) if contract == REQUEST else schemas.validator(contract)
    schema: Any = compiled.schema
    published = set(schemas.violations(compiled, instance))
    if published != set(keywords.violations(schema, instance)):
        raise DriftError(f"{contract}: jsonschema and the plain judge disagree")
    if not published and contract in SEMANTICS:
        published = set(SEMANTICS[contract](instance))
    return {(violation.pointer, violation.rule) for violation in published}


@cache
def _request_judge(model: str) -> Validator:
    return schemas.compiled(request_schema(feature_set(model)))


def check_schemas(_repository: Repository) -> Found:
    """Every schema is valid JSON Schema, named after its file, and describes what it demands."""
    found = [f"{name}: {words}" for name in schemas.names() for words in _schema_faults(name, schemas.schema(name))]
    return len(schemas.names()), found


def _schema_faults(name: str, schema: Any) -> Iterator[str]:
    try:
        schemas.compiled(schema)
    except SchemaError as error:
        yield f"is no JSON Schema at /{'/'.join(map(str, error.absolute_path))}"
        return
    if schema.get("$id") != f"urn:drift:contract:{name}":
        yield f"expected the $id urn:drift:contract:{name}"
    for member, facts in schema.get("properties", {}).items():
        if "description" not in facts:
            yield f"/properties/{member} has no description"


def check_cases(_repository: Repository) -> Found:
    """Every contract has cases, valid and invalid, and each case's verdict is exactly as it says."""
    missing = [f"{name} has no cases" for name in schemas.names() if name not in case_names()]
    every = [case for name in case_names() for case in cases(name)]
    return len(every), missing + [words for case in every for words in _case_faults(case)]


def _case_faults(case: Case) -> Iterator[str]:
    broken = judge(case.contract, case.instance)
    if broken != case.breaks:
        yield f"{case}: expected {_pairs(case.breaks)}, found {_pairs(broken)}"


def _pairs(pairs: set[tuple[str, str]] | frozenset[tuple[str, str]]) -> str:
    return ", ".join(f"{rule} at {pointer or 'the top'}" for pointer, rule in sorted(pairs)) or "no violation"


def check_shipped(repository: Repository) -> Found:
    """The examples, and the documents that ship in the package, keep their contracts."""
    examples = {path: path.name.removesuffix(".json") for path in (repository.contracts / "examples").glob("*.json")}
    every = [(str(path.relative_to(repository.root)), name, documents.read(path)) for path, name in examples.items()]
    for folder, contract in SHIPPED.items():
        place = documents.folder(folder)
        every += [
            (f"{folder}/{name}", contract, documents.read(f"{place}/{name}.json")) for name in documents.names(place)
        ]
    return len(every), [
        words for subject, contract, document in every for words in _faults(subject, contract, document)
    ]


def _faults(subject: str, contract: str, document: Any, model: str = CASES_FOR) -> Iterator[str]:
    broken = judge(contract, document, model)
    if broken:
        yield f"{subject} as {contract}: {_pairs(broken)}"


def check_docs(repository: Repository) -> Found:
    """Every JSON block of the documentation that names a contract keeps it."""
    found: list[str] = []
    blocks = list(snippets(repository.root))
    for block in blocks:
        try:
            found += _faults(block.place, block.contract, parse_json(block.text), block.model or CASES_FOR)
        except DriftError as error:
            found.append(f"{block.place}: {error}")
    return len(blocks), found


def check_openapi(repository: Repository) -> Found:
    """The committed OpenAPI document is the one that the contracts compose."""
    path = repository.contracts / "openapi.json"
    in_step = path.is_file() and path.read_text("utf-8") == openapi.text()
    remedy = "contracts/openapi.json is not in step; `python -m drift_contracts.openapi > contracts/openapi.json`"
    return len(openapi.document()["paths"]), [] if in_step else [remedy]


def check_released(repository: Repository) -> Found:
    """No released contract or feature set has changed incompatibly, and all are released."""
    return released_changes(repository.released)


def check_feature_sets(_repository: Repository) -> Found:
    """Every feature set that ships composes a valid request schema, and its own example keeps it."""
    found: list[str] = []
    for name in feature_set_names():
        one = feature_set(name)
        schemas.compiled(request_schema(one))
        found += _faults(f"example of {name}", REQUEST, {"features": one.example}, name)
    return len(feature_set_names()), found


def _check_types(_: Repository) -> tuple[int, list[str]]:
    """Check that `drift_contracts.types` is what the schemas generate."""
    return check_types()


CHECKS: dict[str, Callable[[Repository], Found]] = {
    "schemas are valid": check_schemas,
    "cases hold, in both judges": check_cases,
    "examples and shipped documents hold": check_shipped,
    "feature sets compose": check_feature_sets,
    "JSON in the documentation holds": check_docs,
    "the OpenAPI document is in step": check_openapi,
    "types are in step": _check_types,
    "released contracts still hold": check_released,
}
