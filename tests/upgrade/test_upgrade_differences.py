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


def test_every_place_that_differs_is_found_by_pointer():
    assert list(differences(OLD, NEW)) == FOUND


def test_equal_values_do_not_differ():
    assert list(differences(OLD, OLD)) == []


def test_a_list_of_another_length_differs_as_a_whole():
    assert list(differences({"a": [1]}, {"a": [1, 2]})) == [Difference("/a", "changed")]


def test_true_is_not_one():
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
def test_an_entry_covers_a_place_or_a_pattern_of_them(at, covered):
    assert Change(at, "changed", "because").covers(FOUND[0]) is covered


def test_an_entry_covers_its_kind_of_change_only():
    assert not Change("/a/b~1c", "added", "because").covers(FOUND[0])


def test_what_is_listed_is_expected():
    listed = [Change(each.at, each.change, "because") for each in FOUND]
    assert unexpected(FOUND, listed) == []


def test_what_is_not_listed_and_what_is_listed_for_nothing_are_both_told():
    told = unexpected(FOUND[:1], [Change("/elsewhere", "added", "because")])
    assert told == ["changed /a/b~1c", "not needed any more: added /elsewhere"]


def test_an_entry_needs_a_reason(tmp_path):
    path = tmp_path / "changes.json"
    path.write_text(json.dumps([{"at": "/a", "change": "added", "reason": ""}]))
    with pytest.raises(ValueError, match=r"changes\.json: /a"):
        read_changes(path)
