"""Read a monitoring spec of version 1, whose rules and expressions are CloudWatch's text.

The spec that ships has version 2. A spec of a user's own may still have version 1: its text is
parsed here, once, into the trees of `alarm_language`, and everything else of it is renamed.
"""

from __future__ import annotations

import math
import re

from drift_contracts import spec_rules
from drift_contracts.alarm_language import FUNCTIONS, INFIX, STATES
from drift_contracts.errors import DriftError, Violation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from drift_contracts.alarm_language import Expression, Rule
    from drift_contracts.types import (
        MonitoringSpecV1,
        MonitoringSpecV1Alarm,
        MonitoringSpecV1Metric,
        MonitoringSpecV2,
    )

#: Members of an alarm and of a metric that have a new name in version 2
RENAMED = {"tells": "notify", "next": "runbook", "from": "source"}
#: Levels of nesting that are read; a tree of more could exhaust the stack of whoever walks it.
MOST_DEPTH = 30

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"([^"]+)"|'([^']+)'|([^\s"'()]+))\s*\)
      | (?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)
      | (?P<word>[A-Za-z_]\w*)
      | (?P<sign><=|>=|==|!=|&&|\|\||[-+*/^(),<>])
    )""",
    re.VERBOSE,
)
_RULE_LEVELS = ({"OR": "any"}, {"AND": "all"})
_EXPRESSION_LEVELS = tuple({sign: word for word, sign in row} for row in INFIX)
_CALLS = {name: word for word, name in FUNCTIONS.items()}
#: Least and most operands of each function
ARITIES = {
    "ABS": (1, 1),
    "CEIL": (1, 1),
    "FLOOR": (1, 1),
    "FILL": (2, 2),
    "IF": (3, 3),
}
ANY_ARITY = (1, 10)


class BadText(DriftError):
    """A rule or an expression that cannot be read."""


def upgraded(document: MonitoringSpecV1) -> tuple[MonitoringSpecV2, list[Violation]]:
    """Return a spec of version 1 as version 2, and the rules beyond its schema that it breaks.

    Args:
        document: A document that follows the schema of version 1; it is not changed.
    """
    violations: list[Violation] = []
    alarms = []
    for index, alarm in enumerate(document["alarms"]):
        renamed = _renamed(alarm)
        for member, parse in (("rule", parse_rule), ("expression", parse_expression)):
            if member not in renamed:
                continue
            try:
                renamed[member] = parse(str(renamed[member]))
            except BadText as error:
                violations.append(Violation(f"/alarms/{index}/{member}", member, str(error)))
        alarms.append(renamed)
    metrics = [_renamed(metric) for metric in document["metrics"]]
    # the caller validates it by version 2, whose type mypy cannot see in renamed members
    converted: Any = {
        **document,
        "contract": "monitoring.spec.v2",
        "metrics": metrics,
        "alarms": alarms,
    }
    # what cannot be read has no rules that could be checked
    return converted, violations or list(spec_rules.broken_rules(converted))


def broken_rules(document: MonitoringSpecV1) -> Iterator[Violation]:
    """Yield every rule beyond the schema of version 1 that a document breaks."""
    _, violations = upgraded(document)
    yield from violations


def _renamed(item: MonitoringSpecV1Alarm | MonitoringSpecV1Metric) -> dict[str, object]:
    return {RENAMED.get(name, name): value for name, value in item.items()}


def parse_rule(text: str) -> Rule:
    """Read a composite rule; NOT binds tighter than AND, AND tighter than OR. Raises BadText.

    >>> parse_rule('ALARM(high-drift) OR NOT OK("errors")')
    {'any': [{'alarm': 'high-drift'}, {'not': {'ok': 'errors'}}]}
    """
    rule: Rule = _RuleParser(text).whole()
    return rule


def parse_expression(text: str) -> Expression:
    """Read an expression of numbers, names, operators and functions. Raises BadText.

    >>> parse_expression("100 * FILL(errors, 0) / answered")
    {'divide': [{'multiply': [100, {'fill': ['errors', 0]}]}, 'answered']}
    """
    expression: Expression = _ExpressionParser(text).whole()
    return expression


# Any, below: a tree is a rule or an expression, which only the subclasses know
class _Parser:
    """A recursive descent over levels of infix operators; subclasses know what is between them."""

    #: the words of operators by their signs, the loosest level first
    levels: tuple[dict[str, str], ...]

    def __init__(self, text: str) -> None:
        #: kind and text of each token, the last first, so that the parser pops them
        self.tokens = [*_tokens(text)][::-1]
        self.depth = 0

    def whole(self) -> Any:
        """Read the whole text. Raises BadText if something follows a complete tree."""
        tree = self.level(0)
        if self.tokens:
            raise BadText("an operator or the end after a complete term")
        return tree

    def level(self, index: int) -> Any:
        """Read operators of the level `index` and everything that binds tighter."""
        if index == len(self.levels):
            return self.nested(self.term)
        tree = self.level(index + 1)
        while self.tokens and self.tokens[-1][1] in self.levels[index]:
            word = self.levels[index][self.tokens.pop()[1]]
            tree = self.joined(word, tree, self.level(index + 1))
        return tree

    def nested(self, read: Any) -> Any:
        """Call `read` one level deeper. Raises BadText where the text is nested too deeply."""
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise BadText(f"at most {MOST_DEPTH} levels of nesting")
        tree = read()
        self.depth -= 1
        return tree

    def accept(self, token: str) -> bool:
        """Take the next token if it is this one."""
        if self.tokens and self.tokens[-1][1] == token:
            self.tokens.pop()
            return True
        return False

    def parenthesised(self) -> Any:
        """Read the rest of a term in parentheses."""
        tree = self.nested(lambda: self.level(0))
        if not self.accept(")"):
            raise BadText("a closing parenthesis")
        return tree

    if TYPE_CHECKING:
        # what a subclass knows of its language
        def joined(self, word: str, left: Any, right: Any) -> Any:
            """Return the tree of an operator over two operands."""

        def term(self) -> Any:
            """Read what stands between operators."""


class _RuleParser(_Parser):
    levels = _RULE_LEVELS

    def joined(self, word: str, left: Any, right: Any) -> Any:
        """Return the tree of AND or OR over two rules."""
        # a chain of equal operators is one list, as a person would write it
        parts = left.get(word, [left])
        return {word: [*parts, right]}

    def term(self) -> Any:
        """Read a test of a state, a negation or parentheses."""
        if self.accept("NOT"):
            return {"not": self.nested(self.term)}
        if self.accept("("):
            return self.parenthesised()
        kind, text = self.tokens.pop() if self.tokens else ("", "")
        if kind not in STATES:
            expected = (
                "ALARM(name), OK(name), INSUFFICIENT_DATA(name), AND, OR, NOT and parentheses"
            )
            raise BadText(expected)
        return {kind: text}


class _ExpressionParser(_Parser):
    levels = _EXPRESSION_LEVELS

    def joined(self, word: str, left: Any, right: Any) -> Any:
        """Return the tree of an operator over two expressions."""
        return {word: [left, right]}

    def term(self) -> Any:
        """Read a number, a name, a call, a negative term or parentheses."""
        if self.accept("-"):
            return {"subtract": [0, self.nested(self.term)]}
        if self.accept("("):
            return self.parenthesised()
        kind, text = self.tokens.pop() if self.tokens else ("", "")
        if kind == "number":
            return _number(text)
        if kind != "word":
            raise BadText("a number, a name, a function or a parenthesis")
        return self.call(text) if self.accept("(") else text

    def call(self, name: str) -> Any:
        """Read the operands of a function."""
        if name not in _CALLS:
            raise BadText(f"one of the functions {', '.join(sorted(_CALLS))}")
        operands = [self.nested(lambda: self.level(0))]
        while self.accept(","):
            operands.append(self.nested(lambda: self.level(0)))
        if not self.accept(")"):
            raise BadText("a closing parenthesis")
        least, most = ARITIES.get(name, ANY_ARITY)
        if not least <= len(operands) <= most:
            raise BadText(f"{least} to {most} operands of {name}")
        # a function of one operand has it as it is, without a list
        return {_CALLS[name]: operands[0] if most == 1 else operands}


def _number(text: str) -> float:
    """Return a number, an integer where it is one. Raises BadText where no float holds it."""
    number = float(text)
    if not math.isfinite(number):
        raise BadText("a number that a float holds")
    return int(number) if number.is_integer() else number


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Yield kind and text of each token; a test of a state has its word and the alarm's name."""
    position = 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise BadText(f"no such character as the one at position {position}")
        position = match.end()
        if match["state"]:
            # the name stands in one of three groups, by how it is quoted
            names = match.groups()[1:4]
            yield match["state"].lower(), next(name for name in names if name)
        else:
            kind = next(kind for kind in ("number", "word", "sign") if match[kind])
            yield kind, match[kind]
