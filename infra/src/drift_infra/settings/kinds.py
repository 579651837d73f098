"""The kinds of values of configuration keys: what is allowed, and how text becomes a value."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Protocol


class Kind(Protocol):
    """Turns the text of a key into a value.

    `parse` raises ValueError; `allowed` says what it accepts.
    """

    @property
    def type(self) -> str:
        """Return Pulumi's name of the type."""

    @property
    def allowed(self) -> str:
        """Return the valid values in words."""

    def parse(self, text: str) -> Any:
        """Return the value of a text. Raises ValueError, without the text."""


@dataclass(frozen=True)
class Text:
    """Words that match a pattern; `empty` says what the empty text means where it is allowed."""

    #: Matches a whole allowed text.
    pattern: str
    #: What is allowed, in words.
    hint: str
    #: What the empty text means; "" where it is refused.
    empty: str = ""
    type: str = "string"

    @property
    def allowed(self) -> str:
        """Return the valid values in words."""
        return f"{self.hint}, or empty for {self.empty}" if self.empty else self.hint

    def parse(self, text: str) -> str:
        """Return the value of a text. Raises ValueError, without the text."""
        if (self.empty and not text) or re.fullmatch(self.pattern, text):
            return text
        raise ValueError


@dataclass(frozen=True)
class Choice:
    """One of a few words or numbers."""

    options: tuple[str, ...] | tuple[int, ...]

    @property
    def type(self) -> str:
        """Return Pulumi's name of the type of the options."""
        return "string" if isinstance(self.options[0], str) else "integer"

    @property
    def allowed(self) -> str:
        """Return the valid values in words."""
        return "one of " + ", ".join(map(str, self.options))

    def parse(self, text: str) -> str | int:
        """Return the value of a text. Raises ValueError, without the text."""
        matching = [option for option in self.options if str(option) == text]
        if not matching:
            raise ValueError
        return matching[0]


@dataclass(frozen=True)
class Whole:
    """A whole number in a closed range."""

    low: int
    high: int
    #: The unit, in words.
    meaning: str = ""
    type: str = "integer"

    @property
    def allowed(self) -> str:
        """Return the valid values in words."""
        return f"a whole number from {self.low} to {self.high}" + (
            f" ({self.meaning})" if self.meaning else ""
        )

    def parse(self, text: str) -> int:
        """Return the value of a text. Raises ValueError, without the text."""
        if re.fullmatch(r"-?\d{1,9}", text) and self.low <= int(text) <= self.high:
            return int(text)
        raise ValueError


@dataclass(frozen=True)
class Number:
    """A decimal number in a closed range.

    It is written as text because Pulumi's configuration has no fractions.
    """

    #: As it is written, so that messages show it unrounded.
    low: str
    high: str
    type: str = "string"

    @property
    def allowed(self) -> str:
        """Return the valid values in words."""
        return f"a number from {self.low} to {self.high}, in quotes"

    def parse(self, text: str) -> float:
        """Return the value of a text. Raises ValueError, without the text."""
        if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text):
            raise ValueError
        value = Decimal(text)
        if not Decimal(self.low) <= value <= Decimal(self.high):
            raise ValueError
        return float(value)


@dataclass(frozen=True)
class Day:
    """A day of the calendar."""

    type: str = "string"
    allowed: str = "a day such as 2026-12-01"

    def parse(self, text: str) -> str:
        """Return the value of a text. Raises ValueError, without the text."""
        # Other writings of ISO 8601 are no days that people read.
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            raise ValueError
        return date.fromisoformat(text).isoformat()


@dataclass(frozen=True)
class Flag:
    """Yes or no."""

    type: str = "boolean"
    allowed: str = "true or false"

    def parse(self, text: str) -> bool:
        """Return the value of a text. Raises ValueError, without the text."""
        if text not in ("true", "false"):
            raise ValueError
        return text == "true"


@dataclass(frozen=True)
class Many:
    """A list of distinct values of one kind."""

    of: Text
    least: int = 0
    most: int = 10
    type: str = "array"

    @property
    def allowed(self) -> str:
        """Return the valid values in words."""
        return f"a list of {self.least} to {self.most} different values, each {self.of.allowed}"

    def parse(self, text: str) -> tuple[str, ...]:
        """Return the value of a text. Raises ValueError, without the text."""
        items = json.loads(text)
        if not isinstance(items, list) or not self.least <= len(items) <= self.most:
            raise ValueError
        values = tuple(self.of.parse(_word(item)) for item in items)
        if len(set(values)) != len(values):
            raise ValueError
        return values


def _word(item: object) -> str:
    """Return an item of a list as text, or raise ValueError.

    `pulumi config set --path` stores twelve digits as a number, and an account is written so.
    """
    if isinstance(item, int) and not isinstance(item, bool):
        return str(item)
    if isinstance(item, str):
        return item
    raise ValueError


@dataclass(frozen=True)
class Table:
    """Names with a value each."""

    #: Matches a whole allowed name.
    names: str
    of: Text | Number | Day
    hint: str
    most: int = 40
    type: str = "object"

    @property
    def allowed(self) -> str:
        """Return the valid values in words."""
        return f"{self.hint}, at most {self.most}"

    def parse(self, text: str) -> dict[str, str | float]:
        """Return the value of a text. Raises ValueError, without the text."""
        pairs = json.loads(text)
        if not isinstance(pairs, dict) or len(pairs) > self.most:
            raise ValueError
        return {self._name(name): self.of.parse(self._text(value)) for name, value in pairs.items()}

    def _name(self, name: str) -> str:
        if re.fullmatch(self.names, name):
            return name
        raise ValueError

    @staticmethod
    def _text(value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise ValueError
        return str(value)


@dataclass(frozen=True)
class Spans(Table):
    """Days, or first and last ones, with a value each."""

    #: Matches a day or two; that they are days of the calendar is checked beside.
    names: str = r"[0-9-]{10}(/[0-9-]{10})?"
    of: Text | Number | Day = field(default_factory=lambda: Text("[^\x00-\x1f]{0,200}", "a reason"))
    hint: str = "days such as 2026-12-24 or 2026-12-24/2026-12-26 with the reason each"

    def _name(self, name: str) -> str:
        days = [Day().parse(day) for day in super()._name(name).split("/")]
        if days != sorted(days):
            raise ValueError
        return name
