"""The errors of every room; facts are fields, and no message holds an offending value.

::

    DriftError                     the one root
    ├── NotJson                    a text that is not strict JSON
    ├── ContractError              a document that breaks its contract: `.contract`, `.violations`
    ├── UnknownName                a contract, feature set or model that does not exist: `.choices`
    ├── SettingsError              settings that cannot be used: `.faults`; rooms have subclasses
    └── client.ClientError         the client's own tree, drawn in `drift_client`
"""

from __future__ import annotations

from drift_contracts.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SHOWN = 5


class DriftError(Exception):
    """The root of every error that this project raises on purpose."""

    #: What a command ends with that lets the error through: `drift_contracts.exits`, whose USAGE is 2.
    exit_code: int = 2


class NotJson(DriftError):
    """A text that is not strict JSON; `expected` says what was, `position` where (characters, from 0)."""

    def __init__(self, expected: str, position: int | None = None) -> None:
        self.expected = expected
        self.position = position
        super().__init__(expected if position is None else f"{expected} at character {position}")

    def __reduce__(self) -> tuple[type[NotJson], tuple[str, int | None]]:
        return type(self), (self.expected, self.position)


class Violation(Record):
    """One broken rule: the JSON pointer of the place, the rule's keyword, and what it expects there."""

    pointer: str
    rule: str
    expected: str

    def __str__(self) -> str:
        return f"{self.rule} at {self.pointer or 'the top'}: expected {self.expected}"

    def to_json(self) -> dict[str, str]:
        """The violation as a problem document shows it.

        >>> Violation("/features/age", "type", "a number").to_json()
        {'pointer': '/features/age', 'rule': 'type', 'expected': 'a number'}
        """
        return {"pointer": self.pointer, "rule": self.rule, "expected": self.expected}


class ContractError(DriftError):
    """A document that breaks its contract, with every violation that was found.

    >>> print(ContractError("prediction.request.v1", [Violation("/features/age", "type", "a number")]))
    prediction.request.v1: type at /features/age: expected a number
    """

    def __init__(self, contract: str, violations: Iterable[Violation], source: str | None = None) -> None:
        self.contract = contract
        self.violations: tuple[Violation, ...] = tuple(violations)
        self.source = source
        where = contract if source is None else f"{source}: {contract}"
        told = "; ".join(map(str, self.violations[:SHOWN]))
        more = len(self.violations) - SHOWN
        super().__init__(f"{where}: {told}" + (f"; and {more} more" if more > 0 else ""))

    def __reduce__(self) -> tuple[type[ContractError], tuple[str, tuple[Violation, ...], str | None]]:
        return type(self), (self.contract, self.violations, self.source)


class UnknownName(DriftError):
    """A name that nothing answers to, with those that something does."""

    def __init__(self, kind: str, name: str, choices: Sequence[str]) -> None:
        self.kind = kind
        self.name = name
        self.choices = tuple(choices)
        super().__init__(f"there is no {kind} {name!r}; there is {', '.join(self.choices) or 'none'}")

    def __reduce__(self) -> tuple[type[UnknownName], tuple[str, str, tuple[str, ...]]]:
        return type(self), (self.kind, self.name, self.choices)


class SettingsError(DriftError):
    """Settings that cannot be used: environment variables, options or configuration keys.

    >>> print(SettingsError({"DRIFT_MODEL": "the name of a model", "--port": "a number"}))
    DRIFT_MODEL: expected the name of a model; --port: expected a number
    """

    #: What is expected of each setting that is wrong, by its name as the user writes it; never its value.
    faults: dict[str, str]

    def __init__(self, faults: Mapping[str, str], message: str = "") -> None:
        """Collect what is wrong.

        Args:
            faults: What is expected, by the setting's name.
            message: The whole message, where a room says it in another way; composed of the faults if empty.
        """
        self.faults = dict(faults)
        sentences = [f"{name}: expected {expected}" for name, expected in self.faults.items()]
        super().__init__(message or "; ".join(sentences))

    def __reduce__(self) -> tuple[type[SettingsError], tuple[dict[str, str], str]]:
        return type(self), (self.faults, str(self))
