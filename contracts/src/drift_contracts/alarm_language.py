"""The alarm language: rules over other alarms and metric math, as small JSON trees.

A tree is validated by the schema of the monitoring spec, evaluated here for the console, and
printed here as CloudWatch's text for the infrastructure. Nothing else knows the language.

A rule is `{"alarm": NAME}`, `{"ok": NAME}` or `{"insufficient_data": NAME}`, or one of
`{"any": [...]}`, `{"all": [...]}` and `{"not": RULE}` over rules. An expression is a number, the
name of a metric of the alarm, or one operation over expressions, such as
`{"divide": ["errors", "answered"]}`.

Sources: AlarmRule of PutCompositeAlarm in the CloudWatch API; "Using metric math" in the CloudWatch
User Guide.
"""

from __future__ import annotations

import math
import operator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    #: an object with exactly one member; the schema of the spec says which
    Rule: TypeAlias = dict[str, "str | Rule | list[Rule]"]
    Expression: TypeAlias = "float | str | dict[str, Expression | list[Expression]]"
    Value: TypeAlias = "float | None"
    #: an alarm's name in the account; None where the alarm does not exist there
    FullName: TypeAlias = Callable[[str], str | None]

#: a test of another alarm's state, by its word in the tree; the word in capitals is CloudWatch's
STATES = ("alarm", "ok", "insufficient_data")

#: operations written between their operands, the loosest first: word, CloudWatch's sign
INFIX = (
    (("or", "||"),),
    (("and", "&&"),),
    (
        ("less", "<"),
        ("at_most", "<="),
        ("greater", ">"),
        ("at_least", ">="),
        ("equal", "=="),
        ("unequal", "!="),
    ),
    (("add", "+"), ("subtract", "-")),
    (("multiply", "*"), ("divide", "/")),
    (("power", "^"),),
)

#: operations written as calls: word, CloudWatch's name
FUNCTIONS = {
    "absolute": "ABS",
    "average": "AVG",
    "ceiling": "CEIL",
    "fill": "FILL",
    "floor": "FLOOR",
    "if": "IF",
    "maximum": "MAX",
    "minimum": "MIN",
    "sum": "SUM",
}

#: sign and level of each operation that is written between its operands
_SIGNS: dict[str, tuple[str, int]] = {}
for _level, _row in enumerate(INFIX):
    for _word, _sign in _row:
        _SIGNS[_word] = (_sign, _level)


def rule_names(rule: Rule) -> frozenset[str]:
    """Return the names of the alarms that a rule reads."""
    return frozenset(_rule_names(rule))


def _rule_names(rule: Rule) -> Iterator[str]:
    (operand,) = rule.values()
    if isinstance(operand, str):
        yield operand
    elif isinstance(operand, dict):
        yield from _rule_names(operand)
    else:
        for part in operand:
            yield from _rule_names(part)


def rule_holds(rule: Rule, states: Mapping[str, str]) -> bool:
    """Return whether a rule holds.

    Args:
        rule: The tree.
        states: The state of every alarm that the rule names: `ALARM`, `OK` or `INSUFFICIENT_DATA`.

    >>> rule = {"any": [{"alarm": "high-drift"}, {"not": {"ok": "errors"}}]}
    >>> rule_holds(rule, {"high-drift": "OK", "errors": "OK"})
    False
    """
    ((word, operand),) = rule.items()
    if isinstance(operand, str):
        return states[operand] == word.upper()
    if isinstance(operand, dict):
        return not rule_holds(operand, states)
    parts = (rule_holds(part, states) for part in operand)
    return any(parts) if word == "any" else all(parts)


def rule_text(rule: Rule, full_name: FullName | None = None) -> str:
    """Print a rule as CloudWatch reads it.

    Args:
        rule: The tree.
        full_name: Gives an alarm's name in the account, or None where the alarm does not exist;
            such an alarm is in no state, so its test is printed as FALSE. Without it names are
            printed as they are.

    >>> rule_text({"any": [{"alarm": "errors"}, {"all": [{"ok": "a"}, {"not": {"alarm": "b"}}]}]})
    'ALARM("errors") OR (OK("a") AND NOT ALARM("b"))'
    """
    ((word, operand),) = rule.items()
    if isinstance(operand, str):
        name = operand if full_name is None else full_name(operand)
        return "FALSE" if name is None else f'{word.upper()}("{name}")'
    if isinstance(operand, dict):
        return f"NOT {_inner_rule(operand, full_name)}"
    sign = " OR " if word == "any" else " AND "
    return sign.join(_inner_rule(part, full_name) for part in operand)


def _inner_rule(rule: Rule, full_name: FullName | None) -> str:
    """Print a rule inside another one, in parentheses where it is a list."""
    text = rule_text(rule, full_name)
    return f"({text})" if isinstance(next(iter(rule.values())), list) else text


def expression_names(expression: Expression) -> frozenset[str]:
    """Return the names of the metrics that an expression reads."""
    return frozenset(_expression_names(expression))


def _expression_names(expression: Expression) -> Iterator[str]:
    if isinstance(expression, str):
        yield expression
    elif isinstance(expression, dict):
        for operand in _operands(expression):
            yield from _expression_names(operand)


def _operands(expression: dict[str, Expression | list[Expression]]) -> list[Expression]:
    (operands,) = expression.values()
    return operands if isinstance(operands, list) else [operands]


def expression_value(expression: Expression, values: Mapping[str, Value]) -> Value:
    """Return an expression's value for one period, None where it is missing.

    A missing operand makes the result missing, and so does an undefined one (a division by zero);
    `fill` replaces a missing value; `maximum`, `minimum`, `sum` and `average` skip it.

    Args:
        expression: The tree.
        values: The value of every metric that the expression names; None where the period has no
            data.

    >>> expression_value({"divide": ["errors", 4]}, {"errors": 1.0})
    0.25
    >>> expression_value({"divide": [1, 0]}, {}) is None
    True
    """
    if isinstance(expression, str):
        return values[expression]
    if not isinstance(expression, dict):
        return float(expression)
    (word,) = expression
    operands = [expression_value(operand, values) for operand in _operands(expression)]
    if word in _WITH_MISSING:
        return _WITH_MISSING[word](operands)
    present = [operand for operand in operands if operand is not None]
    if word in _OF_PRESENT:
        return _OF_PRESENT[word](present) if present else None
    if len(present) < len(operands):
        return None
    return _defined(_BINARY[word], present)


def expression_text(expression: Expression) -> str:
    """Print an expression as CloudWatch's metric math.

    >>> percent = {"multiply": [100, {"fill": ["errors", 0]}]}
    >>> expression_text({"divide": [percent, {"add": ["errors", "answered"]}]})
    '100 * FILL(errors, 0) / (errors + answered)'
    """
    if isinstance(expression, str):
        return expression
    if not isinstance(expression, dict):
        # a negative number is a subtraction for CloudWatch, so it stands in parentheses
        return f"{expression:.15g}" if expression >= 0 else f"(0 - {-expression:.15g})"
    (word,) = expression
    operands = _operands(expression)
    if word in FUNCTIONS:
        return f"{FUNCTIONS[word]}({', '.join(map(expression_text, operands))})"
    sign, level = _SIGNS[word]
    first, second = operands
    # all operators group from the left, so an equal one on the right side needs parentheses
    return f"{_inner_expression(first, level)} {sign} {_inner_expression(second, level + 1)}"


def _inner_expression(expression: Expression, least: int) -> str:
    """Print an operand, in parentheses where its operator binds more loosely than level `least`."""
    text = expression_text(expression)
    if not isinstance(expression, dict):
        return text
    (word,) = expression
    return f"({text})" if word in _SIGNS and _SIGNS[word][1] < least else text


def _choose(operands: Sequence[Value]) -> Value:
    condition, true, false = operands
    if condition is None:
        return None
    return true if condition else false


def _defined(
    apply: Callable[..., float | complex],
    operands: Sequence[float],
) -> Value:
    """Return an operation's value; None without a finite real one, which CloudWatch drops."""
    try:
        result = apply(*operands)
    except (ArithmeticError, ValueError):
        return None
    # a fractional power of a negative number is complex in Python
    if isinstance(result, complex) or not math.isfinite(result):
        return None
    return float(result)


#: operations that decide for themselves what a missing operand means
_WITH_MISSING: dict[str, Callable[[Sequence[Value]], Value]] = {
    "fill": lambda operands: operands[1] if operands[0] is None else operands[0],
    "if": _choose,
}

#: operations over the operands that are present
_OF_PRESENT: dict[str, Callable[[Sequence[float]], float]] = {
    "absolute": lambda operands: abs(operands[0]),
    "average": lambda operands: math.fsum(operands) / len(operands),
    "ceiling": lambda operands: float(math.ceil(operands[0])),
    "floor": lambda operands: float(math.floor(operands[0])),
    "maximum": max,
    "minimum": min,
    "sum": math.fsum,
}

_BINARY: dict[str, Callable[..., float | complex]] = {
    "or": lambda left, right: float(bool(left or right)),
    "and": lambda left, right: float(bool(left and right)),
    "less": operator.lt,
    "at_most": operator.le,
    "greater": operator.gt,
    "at_least": operator.ge,
    "equal": operator.eq,
    "unequal": operator.ne,
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
}
