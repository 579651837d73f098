"""The contracts as JSON Schemas, compiled once per process with jsonschema: the published judge."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from drift_contracts import documents, wording
from drift_contracts.compose import request_schema
from drift_contracts.errors import ContractError, Violation
from drift_contracts.keywords import is_integer, is_number, matches, step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jsonschema import TypeChecker
    from jsonschema.protocols import Validator

__all__ = ["check", "compiled", "names", "request_schema", "schema", "validator", "violations"]

schema = documents.schema


def _number(_checker: TypeChecker, value: object) -> bool:
    return is_number(value)


def _integer(_checker: TypeChecker, value: object) -> bool:
    return is_integer(value)


def _pattern(_validator: Validator, pattern: str, value: object, _schema: object) -> Iterator[ValidationError]:
    if isinstance(value, str) and not matches(pattern, value):
        yield ValidationError("the pattern does not match")


_Judge: Callable[[Mapping[str, Any]], Validator] = extend(  # type: ignore[no-untyped-call]  # jsonschema has no type for it
    Draft202012Validator,
    {"pattern": _pattern},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("number", _number).redefine("integer", _integer),
)


def names() -> list[str]:
    """The names of all contracts, with their versions, sorted."""
    return documents.names(documents.folder("schemas"))


def compiled(schema: Mapping[str, Any]) -> Validator:
    """A schema compiled with the rules of strict JSON: numbers are finite, `$` in a pattern means the end.

    Raises jsonschema.SchemaError for a schema that is none.
    """
    Draft202012Validator.check_schema(schema)
    return _Judge(schema)


@cache
def validator(name: str) -> Validator:
    """The compiled validator of a contract, such as `baseline.v1`. Raises UnknownName."""
    return compiled(schema(name))


def violations(judge: Validator, instance: Any) -> list[Violation]:
    """Every violation that jsonschema finds, in the words that all rooms share."""
    return [_violation(error) for error in judge.iter_errors(instance)]


def check(name: str, instance: Any) -> None:
    """Check a document against a contract. Raises ContractError with pointers and rules, never the value.

    >>> check("problem.v1", {"title": "Not found", "status": "404"})
    Traceback (most recent call last):
    drift_contracts.errors.ContractError: problem.v1: required at the top: expected the member type; ...
    """
    found = violations(validator(name), instance)
    if found:
        raise ContractError(name, found)


def _violation(error: ValidationError) -> Violation:
    pointer = ""
    for key in error.absolute_path:
        pointer = step(pointer, key)
    rule: Any = error.validator
    schema: Any = error.schema
    if rule == "required":
        missing = next(name for name in schema["required"] if error.message.startswith(repr(name)))
        return Violation(pointer, rule, wording.required(missing))
    return Violation(pointer, rule, wording.expectation(rule, schema))
