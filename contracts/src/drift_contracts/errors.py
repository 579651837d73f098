"""The errors of every room; facts are fields, and no message holds an offending value.

::

    DriftError                     the one root
    ├── NotJson                    a text that is not strict JSON
    ├── ContractError              a document that breaks its contract: `.contract`, `.violations`
    ├── UnknownName                a contract, feature set or model that does not exist: `.choices`
    ├── SettingsError              settings that cannot be used: `.faults`; rooms have subclasses
    └── drift_client.ClientError   the client's tree, drawn in `drift_client._errors`
"""

from __future__ import annotations

from drift_contracts.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: Words of messages for rules whose keyword only programmers know.
RULE_WORDS = {"enum": "choice"}
#: Violations in a message, at most; the others are counted.
SHOWN = 5


class DriftError(Exception):
    """The root of every error that this project raises on purpose."""

    #: What a command ends with that lets the error through: `drift_contracts.exits`, whose USAGE
    #: is 2.
    exit_code: int = 2


# Errors with arguments of their own have __reduce__: Exception would pickle the message as the
# first argument, and process pools pickle what their workers raise.


class NotJson(DriftError):
    """A text that is not strict JSON."""

    def __init__(self, expected: str, position: int | None = None) -> None:
        #: what was expected, as a sentence
        self.expected = expected
        #: where, in characters from 0; None where no single place is at fault
        self.position = position
        super().__init__(expected if position is None else f"{expected} at character {position}")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.expected, self.position)


class Violation(Record):
    """One broken rule."""

    #: JSON pointer of the place
    pointer: str
    #: the keyword of the rule
    rule: str
    #: what the rule expects there
    expected: str

    def __str__(self) -> str:
        place = self.pointer or "the top"
        rule = RULE_WORDS.get(self.rule, self.rule)
        return f"{rule} at {place}: expected {self.expected}"

    def to_json(self) -> dict[str, str]:
        """Return the violation as a problem document shows it.

        >>> Violation("/features/age", "type", "a number").to_json()
        {'pointer': '/features/age', 'rule': 'type', 'expected': 'a number'}
        """
        return {"pointer": self.pointer, "rule": self.rule, "expected": self.expected}


class ContractError(DriftError):
    """A document that breaks its contract, with every violation that was found.

    >>> violation = Violation("/features/age", "type", "a number")
    >>> print(ContractError("prediction.request.v1", [violation]))
    prediction.request.v1: type at /features/age: expected a number
    """

    def __init__(
        self, contract: str, violations: Iterable[Violation], source: str | None = None
    ) -> None:
        """Collect what is wrong.

        Args:
            contract: Name and version, such as `problem.v1`.
            violations: At least one.
            source: The file or option that the document is from, if there is one.
        """
        self.contract = contract
        self.violations = tuple(violations)
        self.source = source
        place = contract if source is None else f"{source}: {contract}"
        sentences = "; ".join(map(str, self.violations[:SHOWN]))
        hidden = len(self.violations) - SHOWN
        more = f"; and {hidden} more" if hidden > 0 else ""
        super().__init__(f"{place}: {sentences}{more}")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.contract, self.violations, self.source)


class UnknownName(DriftError):
    """A name that does not exist, with those that do."""

    def __init__(self, kind: str, name: str, choices: Sequence[str]) -> None:
        """Name what was asked for.

        Args:
            kind: Of what, such as `feature set`.
            name: The name, which a user wrote; no secret.
            choices: The names that exist.
        """
        self.kind = kind
        self.name = name
        self.choices = tuple(choices)
        existing = ", ".join(self.choices) or "none"
        super().__init__(f"there is no {kind} {name!r}; there is {existing}")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.kind, self.name, self.choices)


class SettingsError(DriftError):
    """Settings that cannot be used: environment variables, options or configuration keys.

    >>> print(SettingsError({"DRIFT_MODEL": "the name of a model", "--port": "a number"}))
    DRIFT_MODEL: expected the name of a model; --port: expected a number
    """

    def __init__(self, faults: Mapping[str, str], message: str = "") -> None:
        """Collect what is wrong.

        Args:
            faults: What is expected, by the setting's name as the user writes it; never a value.
            message: The whole message, where a room says it in another way; composed of the
                faults if empty.
        """
        self.faults = dict(faults)
        sentences = [f"{name}: expected {expected}" for name, expected in self.faults.items()]
        super().__init__(message or "; ".join(sentences))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.faults, str(self))
