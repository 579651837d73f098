"""The contracts as JSON Schemas, compiled once per process with jsonschema: what is published."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from drift_contracts import documents, wording
from drift_contracts.compose import request_schema
from drift_contracts.errors import ContractError, Violation
from drift_contracts.keywords import is_integer, is_number, join_pointer, matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jsonschema import TypeChecker
    from jsonschema.protocols import Validator

    from drift_contracts.json_types import Schema

__all__ = ["check", "compiled", "names", "request_schema", "schema", "validator", "violations"]

schema = documents.schema


def _number(_checker: TypeChecker, value: object) -> bool:
    return is_number(value)


def _integer(_checker: TypeChecker, value: object) -> bool:
    return is_integer(value)


def _pattern(
    _validator: Validator, pattern: str, value: object, _schema: object
) -> Iterator[ValidationError]:
    if isinstance(value, str) and not matches(pattern, value):
        yield ValidationError("the pattern does not match")


def _required(
    _validator: Validator, names: Sequence[str], value: object, _schema: object
) -> Iterator[ValidationError]:
    """Yield an error for each missing member, with nothing but its name as the message.

    jsonschema's own keyword puts the name into an English sentence.
    """
    if isinstance(value, dict):
        for name in names:
            if name not in value:
                yield ValidationError(name)


_types = Draft202012Validator.TYPE_CHECKER.redefine("number", _number)
_types = _types.redefine("integer", _integer)
# jsonschema has no type for what `extend` returns
_Validator: Callable[[Schema], Validator] = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {"pattern": _pattern, "required": _required},
    type_checker=_types,
)


def names() -> list[str]:
    """Return the names of all contracts, with their versions, sorted."""
    return documents.names(documents.folder("schemas"))


def compiled(schema: Schema) -> Validator:
    """Return a schema, compiled with the rules of strict JSON.

    Numbers are finite, and `$` in a pattern means the end.

    Raises:
        jsonschema.SchemaError: The schema is none.
    """
    Draft202012Validator.check_schema(schema)
    return _Validator(schema)


@cache
def validator(name: str) -> Validator:
    """Return the compiled validator of a contract, such as `baseline.v1`. Raises UnknownName."""
    return compiled(schema(name))


def violations(validator: Validator, instance: Any) -> list[Violation]:
    """Return every violation that jsonschema finds, in the words that all rooms share."""
    return [_violation(error) for error in validator.iter_errors(instance)]


def check(name: str, instance: object) -> None:
    """Raise ContractError if a document breaks a contract.

    Args:
        name: Of the contract, with its version.
        instance: The parsed document.

    Raises:
        ContractError: Names every place and rule, never a value.
        UnknownName: There is no such contract.

    >>> check("problem.v1", {"title": "Not found", "status": "404"})
    Traceback (most recent call last):
    drift_contracts.errors.ContractError: problem.v1: required at the top: expected the member ...
    """
    broken = violations(validator(name), instance)
    if broken:
        raise ContractError(name, broken)


def _violation(error: ValidationError) -> Violation:
    """Return an error of jsonschema as a violation."""
    pointer = ""
    for key in error.absolute_path:
        pointer = join_pointer(pointer, key)
    rule: Any = error.validator
    if rule == "required":
        # the name of the member, as `_required` above has it
        return Violation(pointer, rule, wording.required(error.message))
    schema: Any = error.schema
    return Violation(pointer, rule, wording.expectation(rule, schema))
