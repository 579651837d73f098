"""Metric math: the part of CloudWatch's language that alarms on one period's values need."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from drift_contracts import DriftError

Value = float | None
Node = Callable[[Mapping[str, Value]], Value]

_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|([A-Za-z_]\w*)|(<=|>=|==|!=|&&|\|\||[-+*/^(),<>]))")
_MAX_DEPTH = 32


class BadExpression(DriftError):
    """A metric math expression that cannot be read."""


def _guard(apply: Callable[[float, float], Any]) -> Callable[[float, float], Value]:
    """Arithmetic whose undefined results are missing points, as CloudWatch drops them."""

    def guarded(left: float, right: float) -> Value:
        try:
            result = apply(left, right)
        except (ArithmeticError, ValueError):
            return None
        return float(result) if not isinstance(result, complex) and math.isfinite(result) else None

    return guarded


def _truth(compare: Callable[[float, float], object]) -> Callable[[float, float], Value]:
    return lambda left, right: 1.0 if compare(left, right) else 0.0


_LEVELS: tuple[dict[str, Callable[[float, float], Value]], ...] = (  # loosest first
    {"||": _truth(lambda left, right: left or right)},
    {"&&": _truth(lambda left, right: left and right)},
    {
        "<": _truth(operator.lt),
        "<=": _truth(operator.le),
        ">": _truth(operator.gt),
        ">=": _truth(operator.ge),
        "==": _truth(operator.eq),
        "!=": _truth(operator.ne),
    },
    {"+": _guard(operator.add), "-": _guard(operator.sub)},
    {"*": _guard(operator.mul), "/": _guard(operator.truediv)},
    {"^": _guard(operator.pow)},
)


def _fill(arguments: list[Value]) -> Value:
    return arguments[0] if arguments[0] is not None else arguments[1]


def _choose(arguments: list[Value]) -> Value:
    if arguments[0] is None:
        return None
    return arguments[1] if arguments[0] else arguments[2]


def _of_all(combine: Callable[[list[float]], float]) -> Callable[[list[Value]], Value]:
    def combined(arguments: list[Value]) -> Value:
        present = [value for value in arguments if value is not None]
        return combine(present) if present else None

    return combined


_FUNCTIONS: dict[str, tuple[int, int, Callable[[list[Value]], Value]]] = {
    "ABS": (1, 1, _of_all(lambda values: abs(values[0]))),
    "FILL": (2, 2, _fill),
    "IF": (3, 3, _choose),
    "MAX": (1, 10, _of_all(max)),
    "MIN": (1, 10, _of_all(min)),
    "SUM": (1, 10, _of_all(math.fsum)),
    "AVG": (1, 10, _of_all(lambda values: math.fsum(values) / len(values))),
}


@dataclass(frozen=True)
class Expression:
    """A parsed expression: the names it reads, and its value for one period."""

    names: frozenset[str]
    evaluate: Node


def parse_expression(text: str) -> Expression:
    """Read an expression of numbers, names, + - * / ^, comparisons, && ||, and functions.

    A missing operand makes the result missing, and so does a division by zero; FILL replaces a missing
    value, and MAX, MIN, SUM and AVG skip it. Nothing is ever given to Python's own evaluation. Raises
    BadExpression with the position. Source: "Using metric math" in the CloudWatch User Guide.

    >>> share = parse_expression("100 * FILL(errors, 0) / (FILL(errors, 0) + answered)")
    >>> share.evaluate({"errors": 1.0, "answered": 3.0}), share.evaluate({"errors": None, "answered": 2.0})
    (25.0, 0.0)
    """
    parser = _Parser(_tokens(text))
    node = parser.level(0)
    if parser.peek() is not None:
        raise BadExpression(f"expression: expected its end at token {parser.position + 1}")
    return Expression(frozenset(parser.names), node)


def _tokens(text: str) -> list[str]:
    tokens, position = [], 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise BadExpression(f"expression: unexpected character at position {position}")
        tokens.append(match[0].strip())
        position = match.end()
    return tokens


class _Parser:
    """Recursive descent, one method for all binary levels; it builds closures."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.position = 0
        self.depth = 0
        self.names: set[str] = set()

    def peek(self) -> str | None:
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    def take(self, expected: str | None = None) -> str:
        token = self.peek()
        if token is None or (expected is not None and token != expected):
            raise BadExpression(f"expression: expected {expected or 'a value'} at token {self.position + 1}")
        self.position += 1
        return token

    def level(self, index: int) -> Node:
        if index == len(_LEVELS):
            return self.unary()
        node = self.level(index + 1)
        while (sign := self.peek()) is not None and sign in _LEVELS[index]:
            self.take()
            node = _binary(_LEVELS[index][sign], node, self.level(index + 1))
        return node

    def unary(self) -> Node:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise BadExpression(f"expression: nested deeper than {_MAX_DEPTH}")
        try:
            if self.peek() == "-":
                self.take()
                return _binary(_guard(operator.sub), lambda _: 0.0, self.unary())
            return self.atom()
        finally:
            self.depth -= 1

    def atom(self) -> Node:
        token = self.take()
        if token == "(":  # noqa: S105 - a parenthesis is no password
            node = self.level(0)
            self.take(")")
            return node
        if token[0].isdigit() or token[0] == ".":
            number = float(token)
            return lambda _: number
        if not (token[0].isalpha() or token[0] == "_"):
            raise BadExpression(f"expression: expected a value at token {self.position}")
        if self.peek() == "(":
            return self.call(token)
        self.names.add(token)
        return lambda values: values[token]

    def call(self, name: str) -> Node:
        if name not in _FUNCTIONS:
            raise BadExpression(f"expression: expected one of the functions {', '.join(_FUNCTIONS)}")
        least, most, function = _FUNCTIONS[name]
        self.take("(")
        arguments = [self.level(0)]
        while self.peek() == ",":
            self.take()
            arguments.append(self.level(0))
        self.take(")")
        if not least <= len(arguments) <= most:
            raise BadExpression(f"expression: {name} expects {least} to {most} arguments")
        return lambda values: function([argument(values) for argument in arguments])


def _binary(apply: Callable[[float, float], Value], left: Node, right: Node) -> Node:
    def node(values: Mapping[str, Value]) -> Value:
        first, second = left(values), right(values)
        return None if first is None or second is None else apply(first, second)

    return node
