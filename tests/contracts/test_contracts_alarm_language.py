"""The alarm language: trees, their text for CloudWatch, and the text of version 1 that is still read."""

import contextlib
import itertools
import math

import pytest
from drift_contracts.alarm_language import (
    FUNCTIONS,
    INFIX,
    expression_names,
    expression_text,
    expression_value,
    rule_holds,
    rule_names,
    rule_text,
)
from drift_contracts.spec_v1 import BadText, parse_expression, parse_rule
from hypothesis import given
from hypothesis import strategies as st

STATES = ("OK", "ALARM", "INSUFFICIENT_DATA")
VALUES = {"a": 6.0, "b": 2.0, "zero": 0.0, "gone": None}
GIVES = [
    ("1 + 2 * 3", 7.0),
    ("(1 + 2) * 3", 9.0),
    ("10 - 4 - 3", 3.0),
    ("16 / 4 / 2", 2.0),
    ("-a + 1", -5.0),
    ("2 ^ 3", 8.0),
    ("a / b", 3.0),
    ("a / zero", None),
    ("0 / zero", None),
    ("a + gone", None),
    ("FILL(gone, 5)", 5.0),
    ("FILL(a, 5)", 6.0),
    ("FILL(gone, b) * 2", 4.0),
    ("IF(a > b, 1, 2)", 1.0),
    ("IF(a < b, 1, 2)", 2.0),
    ("IF(gone > b, 1, 2)", None),
    ("IF(a >= 6 && b == 2, 10, 20)", 10.0),
    ("IF(a != 6 || zero <= 0, 10, 20)", 10.0),
    ("IF(a >= 6 && b == 3, 10, 20)", 20.0),
    ("IF(a != 6 || zero > 0, 10, 20)", 20.0),
    ("MAX(a, b, gone)", 6.0),
    ("MIN(a, b)", 2.0),
    ("MAX(gone)", None),
    ("SUM(a, b)", 8.0),
    ("AVG(a, b)", 4.0),
    ("ABS(0 - a)", 6.0),
    ("1.5e1 + .5", 15.5),
    ("10 ^ 400", None),
    ("(0 - 1) ^ 0.5", None),
    ("zero ^ (0 - 1)", None),
    ("CEIL(b / 4) + FLOOR(a / 4)", 2.0),
    ("CEIL(gone)", None),
]
REFUSED = [
    "",
    "1 +",
    "(1",
    "1 2",
    "a b",
    ")",
    "UNKNOWN(1)",
    "FILL(1)",
    "FILL(1, 2, 3)",
    "MAX()",
    "a.b",
    "a; b",
    "'a'",
    "__import__('os')",
    "a[0]",
    "1 + * 2",
    "(" * 40 + "1" + ")" * 40,
    "-" * 40 + "1",
    "1e999",
    "MAX(1",
]


@pytest.mark.parametrize(("text", "expected"), GIVES, ids=[text for text, _ in GIVES])
def test_expression_values(text, expected):
    """An expression gives its value, or none where it would divide by zero or lacks a point."""
    assert expression_value(parse_expression(text), VALUES) == expected


@pytest.mark.parametrize("text", REFUSED, ids=[text[:20] or "nothing" for text in REFUSED])
def test_other_expression(text):
    """Text that is no metric math is refused."""
    with pytest.raises(BadText):
        parse_expression(text)


def test_expression_names():
    """An expression lists the metrics that it reads."""
    assert expression_names(parse_expression("100 * FILL(errors, 0) / (errors + answered)")) == {"errors", "answered"}


@given(
    st.recursive(
        st.integers(0, 9).map(str),
        lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map("({0[0]} {0[1]} {0[2]})".format),
    )
)
def test_arithmetic(text):
    """Arithmetic of expressions agrees with Python's."""
    try:
        expected = eval(text)
    except ZeroDivisionError:
        expected = None
    result = expression_value(parse_expression(text), {})
    assert result == expected or (result is not None and math.isclose(result, expected))


@given(st.text(alphabet="ab01+-*/()., FILMAX<>=&|^\"'", max_size=30))
def test_any_expression(text):
    """Any text is an expression or raises BadText, and nothing else."""
    with contextlib.suppress(BadText):
        parse_expression(text)


RULES = [
    ("ALARM(a)", lambda a, _: a == "ALARM"),
    ("OK(a)", lambda a, _: a == "OK"),
    ("INSUFFICIENT_DATA(b)", lambda _, b: b == "INSUFFICIENT_DATA"),
    ("NOT ALARM(a)", lambda a, _: a != "ALARM"),
    ("ALARM(a) AND ALARM(b)", lambda a, b: a == b == "ALARM"),
    ("ALARM(a) OR ALARM(b)", lambda a, b: "ALARM" in (a, b)),
    ("ALARM(a) AND NOT OK(b)", lambda a, b: a == "ALARM" and b != "OK"),
    ("ALARM(a) OR ALARM(b) AND OK(a)", lambda a, b: a == "ALARM" or (b == "ALARM" and a == "OK")),
    ("(ALARM(a) OR ALARM(b)) AND OK(a)", lambda a, b: "ALARM" in (a, b) and a == "OK"),
    ("NOT NOT ALARM(a)", lambda a, _: a == "ALARM"),
    ("ALARM(\"a\") OR ALARM( 'b' )", lambda a, b: "ALARM" in (a, b)),
]


@pytest.mark.parametrize(("text", "expected"), RULES, ids=[text for text, _ in RULES])
def test_composite_rules(text, expected):
    """A composite rule holds exactly for the alarm states that it describes."""
    rule = parse_rule(text)
    for a, b in itertools.product(STATES, repeat=2):
        assert rule_holds(rule, {"a": a, "b": b}) is expected(a, b)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ALARM",
        "ALARM()",
        "ALARM(a",
        "ALARM(a) ALARM(b)",
        "AND ALARM(a)",
        "ALARM(a) OR",
        "(ALARM(a)",
        "LATE(a)",
        "NOT",
        "ALARM(a))",
        "NOT " * 40 + "ALARM(a)",
        "TRUE",
        "ALARM(a) % ALARM(b)",
    ],
)
def test_other_rule(text):
    """Text that is no rule is refused."""
    with pytest.raises(BadText):
        parse_rule(text)


def test_quoted_name():
    """A quoted name of an alarm may hold spaces and parentheses."""
    assert rule_names(parse_rule('ALARM("too slow (p99)")')) == {"too slow (p99)"}


RULE_TREES = st.recursive(
    st.builds(
        lambda word, name: {word: name}, st.sampled_from(["alarm", "ok", "insufficient_data"]), st.sampled_from("ab")
    ),
    lambda inner: st.one_of(
        st.builds(
            lambda word, parts: {word: parts}, st.sampled_from(["any", "all"]), st.lists(inner, min_size=1, max_size=3)
        ),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=6,
)
PAIRS = [word for row in INFIX for word, _ in row] + ["fill"]
SEVERAL = ["average", "maximum", "minimum", "sum"]
SINGLE = ["absolute", "ceiling", "floor"]
EXPRESSION_TREES = st.recursive(
    st.one_of(st.integers(-9, 9), st.sampled_from([0.5, *VALUES])),
    lambda inner: st.one_of(
        st.builds(lambda word, parts: {word: parts}, st.sampled_from(PAIRS), st.lists(inner, min_size=2, max_size=2)),
        st.builds(lambda word, parts: {word: parts}, st.sampled_from(SEVERAL), st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda word, part: {word: part}, st.sampled_from(SINGLE), inner),
        st.builds(lambda parts: {"if": parts}, st.lists(inner, min_size=3, max_size=3)),
    ),
    max_leaves=6,
)


def test_functions_drawn():
    """The strategies draw every function of the language."""
    assert {*PAIRS, *SEVERAL, *SINGLE, "if"} == {*FUNCTIONS, *(word for row in INFIX for word, _ in row)}


@given(RULE_TREES)
def test_printed_rule(rule):
    """A rule that was printed and parsed again holds for the same states."""
    printed = parse_rule(rule_text(rule))
    for a, b in itertools.product(STATES, repeat=2):
        assert rule_holds(printed, {"a": a, "b": b}) is rule_holds(rule, {"a": a, "b": b})


@given(EXPRESSION_TREES)
def test_printed_expression(expression):
    """An expression that was printed and parsed again has the same value."""
    assert expression_value(parse_expression(expression_text(expression)), VALUES) == expression_value(
        expression, VALUES
    )


def test_equal_operator_on_the_right():
    """Operators group from the left, so one of the same level stands in parentheses on the right."""
    text = "a - (b - zero)"
    assert expression_text(parse_expression(text)) == text
    assert expression_text(parse_expression("(a - b) - zero")) == "a - b - zero"


def test_rule_names_absent_alarm():
    """An alarm that does not exist is printed as FALSE, since no service would accept its name."""
    rule = {"any": [{"alarm": "errors"}, {"alarm": "gone"}]}
    assert rule_text(rule, {"errors": "ours-errors"}.get) == 'ALARM("ours-errors") OR FALSE'


def test_choice_without_an_otherwise():
    """A choice has a condition and two values."""
    with pytest.raises(BadText):
        parse_expression("IF(a > 1, 2)")
