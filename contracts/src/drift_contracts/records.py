"""Frozen values for the prediction path: a dataclass without importing `dataclasses`.

Importing `dataclasses` brings `inspect`, and `typing` half as much again: some 6 ms of a cold start
that is under 60 in all (`python -X importtime`). Type checkers see these classes as frozen
dataclasses. Only modules that the predictor imports use them; all others have
`@dataclass(frozen=True)`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, dataclass_transform
else:

    def dataclass_transform(**_options: object) -> object:
        """Stand in for `typing.dataclass_transform`, which only type checkers read."""
        return lambda cls: cls


@dataclass_transform(frozen_default=True)
class Record:
    """A frozen value whose fields are its annotations, in their order.

    >>> class Point(Record):
    ...     x: float
    ...     y: float = 0.0
    >>> Point(1.0), Point(x=1.0) == Point(1.0, 0.0)
    (Point(x=1.0, y=0.0), True)
    """

    def __init__(self, *values: Any, **named: Any) -> None:
        """Take the fields by position or by name. Raises TypeError."""
        fields = type(self).__annotations__
        # all by position, as the prediction path makes its values
        if len(values) == len(fields) and not named:
            self.__dict__.update(zip(fields, values, strict=True))
        else:
            self._fill(values, named)

    def _fill(self, values: tuple[object, ...], named: dict[str, object]) -> None:
        """Take some fields by name, or their defaults. Raises TypeError."""
        fields = tuple(type(self).__annotations__)
        # strict=False: too many values are reported below, with the names of the fields
        facts = dict(zip(fields, values, strict=False))
        twice = facts.keys() & named.keys()
        unknown = named.keys() - set(fields)
        if len(values) > len(fields) or twice or unknown:
            raise TypeError(f"{type(self).__name__} takes {', '.join(fields)}, each once")
        facts |= named
        for field in fields:
            if field not in facts:
                if not hasattr(type(self), field):
                    raise TypeError(f"{type(self).__name__} needs {field}")
                facts[field] = getattr(type(self), field)
        # past __setattr__, which refuses; in the order of the fields, which equality and repr read
        self.__dict__.update((field, facts[field]) for field in fields)

    def __setattr__(self, name: str, _value: object) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be set: the value is frozen")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be deleted: the value is frozen")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        values = tuple(self.__dict__[field] for field in type(self).__annotations__)
        return hash((type(self), values))

    def __repr__(self) -> str:
        facts = [f"{field}={self.__dict__[field]!r}" for field in type(self).__annotations__]
        return f"{type(self).__name__}({', '.join(facts)})"
