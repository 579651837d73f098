"""The checks behind `python -m tools.contract_checks`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from drift_contracts import (
    documents,
    feature_rules,
    keywords,
    openapi,
    schemas,
    spec_rules,
    spec_v1,
)
from drift_contracts.compose import request_schema
from drift_contracts.errors import DriftError
from drift_contracts.features import feature_set, feature_set_names
from drift_contracts.parsing import parse_json
from jsonschema import SchemaError

from tools.contract_checks.cases import Case, case_names, cases
from tools.contract_checks.releases import check_copies
from tools.contract_checks.result import Result
from tools.contract_checks.snippets import Snippet, snippets
from tools.contract_checks.typed import check_types

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from drift_contracts.errors import Violation
    from drift_contracts.json_types import JsonValue, Schema
    from jsonschema.protocols import Validator

    #: A rule that is broken, as pointer and keyword.
    Pair = tuple[str, str]

#: What a contract demands beyond its schema. Any: each takes a document of its contract's type.
RULES: dict[str, Callable[[Any], Iterator[Violation]]] = {
    "feature-set.v1": feature_rules.broken_rules,
    "feature-set.v2": feature_rules.broken_rules,
    "monitoring.spec.v1": spec_v1.broken_rules,
    "monitoring.spec.v2": spec_rules.broken_rules,
}
#: The contracts of the documents in each folder of the package; a document names its own.
SHIPPED = {
    "feature_sets": ("feature-set.v1", "feature-set.v2"),
    "monitoring": ("monitoring.spec.v2",),
    "scenarios": ("scenario.suite.v1",),
}
#: The model whose requests the cases are, and those of documentation that names none.
CASES_FOR = "house-price"
REQUEST = "prediction.request.v1"


@dataclass(frozen=True)
class Repository:
    """The folder that the contracts' documents beside the package lie in."""

    root: Path

    @property
    def contracts(self) -> Path:
        """Return the contracts' room."""
        return self.root / "contracts"

    @property
    def released(self) -> Path:
        """Return the folder of the released copies."""
        return self.contracts / "released"


def broken_pairs(
    contract: str,
    instance: object,
    model: str = CASES_FOR,
) -> set[Pair]:
    """Return what an instance breaks, by its schema and then by the rules beyond it.

    Args:
        contract: What the instance is validated by.
        instance: A parsed document.
        model: Whose requests are meant; requests are validated by the schema composed for it.

    Raises:
        DriftError: jsonschema and the plain Python of the prediction path differ.
    """
    validator = _request_validator(model) if contract == REQUEST else schemas.validator(contract)
    schema: Any = validator.schema
    broken = set(schemas.violations(validator, instance))
    if broken != set(keywords.violations(schema, instance)):
        raise DriftError(f"{contract}: jsonschema and the plain validator disagree")
    if not broken and contract in RULES:
        broken = set(RULES[contract](instance))
    return {(violation.pointer, violation.rule) for violation in broken}


@cache
def _request_validator(model: str) -> Validator:
    return schemas.compiled(request_schema(feature_set(model)))


def check_schemas(_repository: Repository) -> Result:
    """Check that every schema is valid JSON Schema, named after its file, and describes itself."""
    failures: list[str] = []
    for name in schemas.names():
        faults = _schema_faults(name, schemas.schema(name))
        failures += [f"{name}: {fault}" for fault in faults]
    return Result(len(schemas.names()), failures)


def _schema_faults(
    name: str,
    schema: Schema,
) -> Iterator[str]:
    try:
        schemas.compiled(schema)
    except SchemaError as error:
        yield f"is no JSON Schema at /{'/'.join(map(str, error.absolute_path))}"
        return
    if schema.get("$id") != f"urn:drift:contract:{name}":
        yield f"expected the $id urn:drift:contract:{name}"
    members = schema.get("properties", {})
    for member, facts in members.items():
        if "description" not in facts:
            yield f"/properties/{member} has no description"


def check_cases(_repository: Repository) -> Result:
    """Check that every contract has cases, and that each breaks exactly what it says."""
    missing = sorted({*schemas.names()} - {*case_names()})
    failures = [f"{name} has no cases" for name in missing]
    checked = [case for name in case_names() for case in cases(name)]
    for case in checked:
        failures += _case_faults(case)
    return Result(len(checked), failures)


def _case_faults(case: Case) -> Iterator[str]:
    broken = broken_pairs(case.contract, case.instance)
    if broken != case.breaks:
        yield f"{case}: expected {_pairs_text(case.breaks)}, found {_pairs_text(broken)}"


def _pairs_text(pairs: Collection[Pair]) -> str:
    sentences = [f"{rule} at {pointer or 'the top'}" for pointer, rule in sorted(pairs)]
    return ", ".join(sentences) or "no violation"


def check_shipped(repository: Repository) -> Result:
    """Check that the examples, and the documents in the package, keep their contracts."""
    checked = 0
    failures: list[str] = []
    for path in sorted((repository.contracts / "examples").glob("*.json")):
        checked += 1
        place = str(path.relative_to(repository.root))
        contract = path.name.removesuffix(".json")
        failures += _faults(place, contract, documents.read(path))
    for folder, contracts in SHIPPED.items():
        place = documents.folder(folder)
        for name in documents.names(place):
            checked += 1
            document = documents.read(f"{place}/{name}.json")
            contract = _contract_of(document, contracts)
            failures += _faults(f"{folder}/{name}", contract, document)
    return Result(checked, failures)


def _contract_of(document: JsonValue, contracts: Sequence[str]) -> str:
    """Return the one of some contracts that a document names, else the first."""
    named = document.get("contract") if isinstance(document, dict) else None
    return named if isinstance(named, str) and named in contracts else contracts[0]


def _faults(
    subject: str,
    contract: str,
    document: object,
    model: str = CASES_FOR,
) -> Iterator[str]:
    """Yield a sentence if a document breaks its contract.

    Args:
        subject: What the sentence calls the document.
        contract: What the document is validated by.
        document: The parsed document.
        model: Whose requests are meant.
    """
    broken = broken_pairs(contract, document, model)
    if broken:
        yield f"{subject} as {contract}: {_pairs_text(broken)}"


def check_docs(repository: Repository) -> Result:
    """Check that every JSON block of the documentation that names a contract keeps it."""
    failures: list[str] = []
    blocks = list(snippets(repository.root))
    for block in blocks:
        failures += _block_faults(block)
    return Result(len(blocks), failures)


def _block_faults(block: Snippet) -> list[str]:
    model = block.model or CASES_FOR
    try:
        document = parse_json(block.text)
        return list(_faults(block.place, block.contract, document, model))
    except DriftError as error:
        # no strict JSON, or no such contract or model
        return [f"{block.place}: {error}"]


def check_openapi(repository: Repository) -> Result:
    """Check that the committed OpenAPI document is the one that the contracts compose."""
    path = repository.contracts / "openapi.json"
    in_step = path.is_file() and path.read_text("utf-8") == openapi.text()
    command = "python -m drift_contracts.openapi > contracts/openapi.json"
    failure = f"contracts/openapi.json is not in step; `{command}`"
    paths: Any = openapi.document()["paths"]
    return Result(len(paths), [] if in_step else [failure])


def check_released(repository: Repository) -> Result:
    """Check that no released contract or feature set has changed incompatibly."""
    return check_copies(repository.released)


def check_feature_sets(_repository: Repository) -> Result:
    """Check that every feature set composes a valid schema, which its own example keeps."""
    failures: list[str] = []
    for name in feature_set_names():
        features = feature_set(name)
        schemas.compiled(request_schema(features))
        request = {"features": features.example}
        failures += _faults(f"example of {name}", REQUEST, request, name)
    return Result(len(feature_set_names()), failures)


def _check_types(_: Repository) -> Result:
    """Check that `drift_contracts.types` is what the schemas generate."""
    return check_types()


#: By what each shows when it holds, in the order of the table.
CHECKS: dict[str, Callable[[Repository], Result]] = {
    "schemas are valid": check_schemas,
    "cases hold, by both validators": check_cases,
    "examples and shipped documents hold": check_shipped,
    "feature sets compose": check_feature_sets,
    "JSON in the documentation holds": check_docs,
    "the OpenAPI document is in step": check_openapi,
    "types are in step": _check_types,
    "released contracts still hold": check_released,
}
