"""What changed on purpose is listed, each entry is needed, and nothing else differs."""

from __future__ import annotations

import json

import pytest

from tests.upgrade.differences import Change, Difference, differences, read_changes, unexpected

OLD = {"a": {"b/c": 1, "gone": 2}, "list": [1, {"x": 1}], "same": True}
NEW = {"a": {"b/c": 2, "new": 3}, "list": [1, {"x": 2}], "same": True}
FOUND = [
    Difference("/a/b~1c", "changed"),
    Difference("/a/gone", "removed"),
    Difference("/a/new", "added"),
    Difference("/list/1/x", "changed"),
]


def test_places():
    """Every place that differs is found by its pointer."""
    assert list(differences(OLD, NEW)) == FOUND


def test_equal_values():
    """Equal values do not differ."""
    assert list(differences(OLD, OLD)) == []


def test_list_lengths():
    """A list of another length differs as a whole."""
    assert list(differences({"a": [1]}, {"a": [1, 2]})) == [Difference("/a", "changed")]


def test_true_is_not_one():
    """The boolean true differs from the number 1."""
    assert list(differences({"a": True}, {"a": 1})) == [Difference("/a", "changed")]


@pytest.mark.parametrize(
    ("at", "covered"),
    [
        ("/a/b~1c", True),
        ("/a/*", True),
        ("/a", False),
        ("/a/**", True),
        ("/**", True),
        ("/*/b~1c", True),
        ("/a/b", False),
    ],
)
def test_entry_covers(at, covered):
    """An entry covers a place or a pattern of places."""
    assert Change(at, "changed", "because").covers(FOUND[0]) is covered


def test_entry_of_kind():
    """An entry covers its kind of change only."""
    assert not Change("/a/b~1c", "added", "because").covers(FOUND[0])


def test_listed_changes():
    """Changes that are listed are expected."""
    listed = [Change(each.at, each.change, "because") for each in FOUND]
    assert unexpected(FOUND, listed) == []


def test_unlisted_changes():
    """Changes that are not listed and entries without a change are both reported."""
    told = unexpected(FOUND[:1], [Change("/elsewhere", "added", "because")])
    assert told == ["changed /a/b~1c", "not needed any more: added /elsewhere"]


def test_entry_reason(tmp_path):
    """An entry needs a reason."""
    path = tmp_path / "changes.json"
    path.write_text(json.dumps([{"at": "/a", "change": "added", "reason": ""}]))
    with pytest.raises(ValueError, match=r"changes\.json: /a"):
        read_changes(path)
