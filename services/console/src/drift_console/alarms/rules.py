"""Composite rules: `ALARM(a) AND NOT (OK("b") OR INSUFFICIENT_DATA(c))` over the states of other alarms."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from drift_contracts import DriftError

from drift_console.alarms.states import State

States = Mapping[str, State]
Node = Callable[[States], bool]

_TOKEN = re.compile(
    r"""\s*(?:(ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"([^"]+)"|'([^']+)'|([^\s"'()]+))\s*\)|(AND|OR|NOT|TRUE|FALSE)\b|([()]))"""
)
_MAX_DEPTH = 32


class BadRule(DriftError):
    """A composite rule that cannot be read, or that names an alarm that does not exist."""


@dataclass(frozen=True)
class Rule:
    """A parsed rule: the alarms it names, and whether it holds for their states."""

    names: frozenset[str]
    holds: Node


def parse_rule(text: str) -> Rule:
    """Read a composite rule. NOT binds tighter than AND, AND tighter than OR.

    Raises BadRule with the position. Source: AlarmRule of PutCompositeAlarm in the CloudWatch API.

    >>> rule = parse_rule('ALARM(high-drift) OR NOT OK("errors")')
    >>> rule.holds({"high-drift": State.OK, "errors": State.OK})
    False
    """
    parser = _Parser(_tokens(text))
    node = parser.either()
    if parser.tokens:
        raise BadRule("rule: expected AND, OR or the end after a complete rule")
    return Rule(frozenset(parser.names), node)


def _tokens(text: str) -> list[tuple[str, str]]:
    """Tokens last first, so that the parser pops them; a state test is one token with its alarm's name."""
    tokens, position = [], 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise BadRule(f"rule: expected ALARM(name), OK(name), AND, OR, NOT or a parenthesis at position {position}")
        test, double, single, bare, word, parenthesis = match.groups()
        tokens.append((test or word or parenthesis, double or single or bare or ""))
        position = match.end()
    return tokens[::-1]


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.names: set[str] = set()
        self.depth = 0

    def next_is(self, word: str) -> bool:
        if self.tokens and self.tokens[-1][0] == word:
            self.tokens.pop()
            return True
        return False

    def either(self) -> Node:
        parts = [self.both()]
        while self.next_is("OR"):
            parts.append(self.both())
        return lambda states: any(part(states) for part in parts)

    def both(self) -> Node:
        parts = [self.one()]
        while self.next_is("AND"):
            parts.append(self.one())
        return lambda states: all(part(states) for part in parts)

    def one(self) -> Node:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise BadRule(f"rule: nested deeper than {_MAX_DEPTH}")
        try:
            if self.next_is("NOT"):
                inner = self.one()
                return lambda states: not inner(states)
            if self.next_is("("):
                inner = self.either()
                if not self.next_is(")"):
                    raise BadRule("rule: expected a closing parenthesis")
                return inner
            return self.test()
        finally:
            self.depth -= 1

    def test(self) -> Node:
        word, name = self.tokens.pop() if self.tokens else ("", "")
        if word in ("TRUE", "FALSE"):
            return lambda _: word == "TRUE"
        if not name:
            raise BadRule("rule: expected ALARM(name), OK(name) or INSUFFICIENT_DATA(name)")
        self.names.add(name)
        state = State(word)
        return lambda states: states[name] is state
