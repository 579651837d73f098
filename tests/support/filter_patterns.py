"""Filter patterns of CloudWatch Logs for JSON, as AWS documents them; a local AWS knows the empty one only.

Source: "Using filter patterns to match terms in JSON log events" in the CloudWatch Logs User Guide,
whose examples are the tests of this module.
"""

from __future__ import annotations

import json
import re
from operator import eq, ge, gt, le, lt, ne
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOKEN = re.compile(
    r"""\s*(?:
      (?P<logic>&&|\|\||\(|\))
    | (?P<selector>\$(?:\.\[?'[^']*'\]?|\.[A-Za-z0-9_@-]+|\.\*|\[\d+\]|\[\*\])+)
    | (?P<state>IS\s+NULL|IS\s+TRUE|IS\s+FALSE|NOT\s+EXISTS)
    | (?P<operator>!=|<=|>=|=|<|>)
    | (?P<regex>%[^%]*%)
    | (?P<quoted>"(?:[^"\\]|\\.)*")
    | (?P<bare>[^\s()&|"]+)
    )""",
    re.VERBOSE,
)
STEP = re.compile(r"\.\['(?P<quoted>[^']*)'\]|\.(?P<every>\*)|\.(?P<name>[A-Za-z0-9_@-]+)|\[(?P<index>\d+|\*)\]")
COMPARISONS = {"=": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
STATES = {"IS NULL": None, "IS TRUE": True, "IS FALSE": False}


class Token(NamedTuple):
    """A piece of a pattern."""

    kind: str
    text: str


def matches(pattern: str, line: str) -> bool:
    """Return whether a line passes a JSON filter pattern; every line passes the empty one.

    Raises ValueError for what is no JSON filter pattern.
    """
    if not pattern.strip():
        return True
    inner = re.fullmatch(r"\s*\{(.*)\}\s*", pattern, re.DOTALL)
    if inner is None:
        raise ValueError("expected a pattern in braces")
    reader = Reader(list(tokens(inner[1])))
    rule = reader.either()
    if reader.rest:
        raise ValueError(f"expected the end of the pattern at {reader.rest[0].text}")
    try:
        document = json.loads(line)
    except ValueError:
        return False
    return isinstance(document, dict) and rule(document)


def tokens(text: str) -> Iterator[Token]:
    """Yield the pieces of a pattern."""
    place = 0
    text = text.strip()
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None:
            raise ValueError(f"expected a term at {text[place:]}")
        place = match.end()
        yield Token(match.lastgroup or "", match[match.lastgroup or 0])


class Reader:
    """Reads tokens in the order of operations that AWS documents: (), &&, ||."""

    def __init__(self, rest: list[Token]) -> None:
        self.rest = rest

    def either(self) -> Callable[[Any], bool]:
        """Return a rule of rules of which one must hold."""
        rules = [self.both()]
        while self.takes("||"):
            rules.append(self.both())
        return lambda document: any(rule(document) for rule in rules)

    def both(self) -> Callable[[Any], bool]:
        """Return a rule of rules that must all hold."""
        rules = [self.term()]
        while self.takes("&&"):
            rules.append(self.term())
        return lambda document: all(rule(document) for rule in rules)

    def term(self) -> Callable[[Any], bool]:
        """Return the rule of one comparison, or of a pattern in parentheses."""
        if self.takes("("):
            rule = self.either()
            if not self.takes(")"):
                raise ValueError("expected )")
            return rule
        selector = self.take("selector").text
        if self.rest and self.rest[0].kind == "state":
            return has_state(selector, " ".join(self.rest.pop(0).text.split()))
        operator = self.take("operator").text
        return compares(selector, operator, self.take("regex", "quoted", "bare"))

    def take(self, *kinds: str) -> Token:
        """Return the next token, which must be of one of these kinds."""
        if not self.rest or self.rest[0].kind not in kinds:
            raise ValueError(f"expected {' or '.join(kinds)}")
        return self.rest.pop(0)

    def takes(self, text: str) -> bool:
        """Return whether the next token is a certain one, which is then gone."""
        if self.rest and self.rest[0] == Token("logic", text):
            self.rest.pop(0)
            return True
        return False


def has_state(selector: str, state: str) -> Callable[[Any], bool]:
    """Return the rule that a member is null, true or false, or is not there."""
    if state == "NOT EXISTS":
        return lambda document: not selected(document, selector)
    return lambda document: any(value is STATES[state] for value in selected(document, selector))


def compares(selector: str, operator: str, operand: Token) -> Callable[[Any], bool]:
    """Return the rule that a member, or one of several, compares with a text, a number or a regex."""
    holds = comparison(operator, operand)
    return lambda document: any(map(holds, selected(document, selector)))


def comparison(operator: str, operand: Token) -> Callable[[Any], bool]:
    """Return what compares one value: texts by wildcards at their ends, numbers as numbers."""
    if operand.kind == "regex":
        found = re.compile(operand.text.strip("%")).search
        return lambda value: isinstance(value, str) and (found(value) is not None) == (operator == "=")
    number = as_number(operand)
    if number is not None:
        compare = COMPARISONS[operator]
        return lambda value: type(value) in (int, float) and compare(value, number)
    if operator not in ("=", "!="):
        raise ValueError("expected a number to compare by size")
    text = json.loads(operand.text) if operand.kind == "quoted" else operand.text
    pattern = re.compile(wildcards(text), re.DOTALL)
    return lambda value: isinstance(value, str) and (pattern.fullmatch(value) is not None) == (operator == "=")


def as_number(operand: Token) -> float | None:
    """Return the number that is written without quotation marks, None for a text."""
    if operand.kind != "bare":
        return None
    try:
        return float(operand.text)
    except ValueError:
        return None


def wildcards(text: str) -> str:
    """Return the regex of a text: an asterisk at its beginning or end stands for anything."""
    inner = text.removeprefix("*").removesuffix("*") if text != "*" else ""
    before = ".*" if text.startswith("*") else ""
    after = ".*" if text.endswith("*") else ""
    return f"{before}{re.escape(inner)}{after}"


def selected(document: Any, selector: str) -> list[Any]:
    """Return the values that a property selector names: none, one, or those of a wildcard."""
    values = [document]
    for step in STEP.finditer(selector):
        values = [part for value in values for part in parts(value, step)]
    return values


def parts(value: Any, step: re.Match[str]) -> list[Any]:
    """Return what one step of a selector names in a value."""
    if step["index"] is not None:
        items = value if isinstance(value, list) else []
        return items if step["index"] == "*" else items[int(step["index"]) :][:1]
    if not isinstance(value, dict):
        return []
    if step["every"]:
        return list(value.values())
    name = step["quoted"] if step["quoted"] is not None else step["name"]
    return [value[name]] if name in value else []
