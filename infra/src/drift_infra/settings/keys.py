"""A configuration key: a field of Settings that knows its own range, default and description."""

from __future__ import annotations

import json
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from .errors import ConfigurationError
from .kinds import Flag, Kind, Many, Table


class Hidden:
    """A secret: it compares and hashes like its text, but no log, traceback or repr shows it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret itself; only what wraps it in a Pulumi secret may ask."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hidden) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Hidden(***)"


@dataclass(frozen=True)
class Key:
    """What `docs/configuration.md`, `Pulumi.yaml` and the loader all need to know of one key."""

    field: str
    kind: Kind
    group: str
    #: A sentence for the documentation.
    about: str
    default: Any
    secret: bool = False
    #: Of Pulumi's configuration; empty for the project's.
    namespace: str = ""

    @property
    def name(self) -> str:
        """Return the key as Pulumi writes it: `logRetentionDays`, or a provider's `aws:region`."""
        head, *others = self.field.split("_")
        camel = head + "".join(word.capitalize() for word in others)
        return f"{self.namespace}:{camel}" if self.namespace else camel

    @property
    def set_with(self) -> str:
        """Return the command that sets this key."""
        if isinstance(self.kind, Many):
            return f"pulumi config set --path '{self.name}[0]' VALUE" + (
                " --secret" if self.secret else ""
            )
        if isinstance(self.kind, Table):
            return f"pulumi config set --path '{self.name}.NAME' VALUE"
        return f"pulumi config set {self.name} VALUE" + (" --secret" if self.secret else "")

    @property
    def default_text(self) -> str:
        """Return the default as configuration text."""
        if isinstance(self.kind, Flag):
            return str(self.default).lower()
        return (
            json.dumps(self.default) if isinstance(self.default, list | dict) else str(self.default)
        )

    def error(self, problem: str, allowed: str | None = None) -> ConfigurationError:
        """Return the error that names this key."""
        return ConfigurationError(self.name, problem, allowed or self.kind.allowed, self.set_with)

    def parse(self, text: str) -> Any:
        """Return the value of a text, hidden if secret; ConfigurationError names the key."""
        try:
            value = self.kind.parse(text)
        except (ValueError, TypeError, RecursionError):
            raise self.error("has a value of the wrong type or out of range") from None
        if not self.secret:
            return value
        return tuple(map(Hidden, value)) if isinstance(value, tuple) else Hidden(value)


def key(
    kind: Kind, group: str, about: str, default: Any, *, secret: bool = False, namespace: str = ""
) -> Any:
    """Declare a field of Settings as a configuration key."""
    return field(metadata={"kind": kind, "group": group, "about": about, "default": default,
                           "secret": secret, "namespace": namespace})  # fmt: skip


def keys_of(settings: type) -> tuple[Key, ...]:
    """Return the keys that a settings class declares, in order."""

    def one(declared: Field[Any]) -> Key:
        if (
            declared.default is not MISSING
        ):  # a field with a Python default would bypass its own range
            raise TypeError(declared.name)
        return Key(declared.name, **declared.metadata)

    return tuple(one(declared) for declared in fields(settings) if "kind" in declared.metadata)
