"""The matcher of filter patterns against the examples of AWS's documentation."""

import json

import pytest

from tests.support.filter_patterns import matches

#: The sample events of the documentation.
TRAIL = {
    "eventType": "UpdateTrail",
    "sourceIPAddress": "111.111.111.111",
    "arrayKey": ["value", "another value"],
    "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
    "SomeObject": None,
    "cluster.name": "c",
}
USERS = {
    "user": {"id": 1, "email": "John.Stiles@example.com"},
    "users": [{"id": 2, "email": "John.Doe@example.com"}, {"id": 3, "email": "Jane.Doe@example.com"}],
    "actions": ["GET", "PUT", "DELETE"],
    "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]],
}


@pytest.mark.parametrize(
    ("pattern", "document", "passes"),
    [
        ('{ $.eventType = "UpdateTrail" }', TRAIL, True),
        ("{ $.sourceIPAddress != 123.123.* }", TRAIL, True),
        ('{ $.arrayKey[0] = "value" }', TRAIL, True),
        ("{ $.eventType = %Trail% }", TRAIL, True),
        ("{ $.arrayKey[*] = %val.{2}% }", TRAIL, True),
        (r"{ $.* = %111\.111\.111\.1[0-9]{1,2}% }", TRAIL, True),
        ("{ $.['cluster.name'] = \"c\" }", TRAIL, True),
        ("{ $.SomeObject IS NULL }", TRAIL, True),
        ("{ $.SomeOtherObject NOT EXISTS }", TRAIL, True),
        ('{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }', USERS, True),
        (
            '{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = "nonmatch"'
            ' && $.actions[2] = "nonmatch" }',
            USERS,
            True,
        ),
        (
            '{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = "nonmatch")'
            ' && $.actions[2] = "nonmatch" }',
            USERS,
            False,
        ),
        ('{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }', USERS, False),
    ],
)
def test_documented_examples(pattern, document, passes):
    """Each example of the documentation passes, or not, as it says."""
    assert matches(pattern, json.dumps(document)) == passes


@pytest.mark.parametrize(
    ("pattern", "passes"),
    [
        ('{ $.sourceIPAddress = "111.111.*" }', True),
        ('{ $.sourceIPAddress = "*111" }', True),
        ('{ $.sourceIPAddress = "112.*" }', False),
        ('{ $.eventType = "*" }', True),
        ('{ $.missing = "*" }', False),
        ('{ $.SomeObject = "*" }', False),
        ('{ $.eventType = "Update" }', False),
        ('{ $.eventType = "*rail" && $.objectList[1].id >= 2 }', True),
        ("{ $.objectList[1].id < 2 }", False),
        ("", True),
    ],
)
def test_wildcards_and_numbers(pattern, passes):
    """An asterisk at an end of a text stands for anything, numbers compare by size."""
    assert matches(pattern, json.dumps(TRAIL)) == passes


@pytest.mark.parametrize("line", ["START RequestId: 1", "[1]", '{"eventType": '])
def test_no_object(line):
    """A line that is no JSON object passes the empty pattern only."""
    assert not matches('{ $.eventType = "*" }', line)
    assert matches("", line)


@pytest.mark.parametrize("pattern", ["ERROR", "{ $.a = }", "{ ($.a = 1 }", "{ $.a = 1 $.b = 2 }", '{ $.a < "b" }'])
def test_broken_pattern(pattern):
    """What is no JSON filter pattern is refused."""
    with pytest.raises(ValueError, match="expected"):
        matches(pattern, "{}")
