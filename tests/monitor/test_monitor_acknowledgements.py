"""Who has seen which alert, in every store."""

from __future__ import annotations

import pytest
from drift_monitor.acknowledgements import ATTEMPTS, MOST, acknowledge, acknowledged
from drift_monitor.errors import Conflict
from drift_monitor.keys import Series


def test_kept_and_undone(store):
    """The latest word on an alert holds; those on others stay."""
    acknowledge(store, "m", "one", who="Ada", why="a sale", now=0.0)
    acknowledge(store, "m", "two", who="Bo", why="known", now=1.0)
    assert {name: entry["who"] for name, entry in acknowledged(store, "m").items()} == {"one": "Ada", "two": "Bo"}
    acknowledge(store, "m", "one", who="Bo", why="no sale", now=2.0, undo=True)
    assert list(acknowledged(store, "m")) == ["two"]
    assert acknowledged(store, "other") == {}


def test_bounds(store):
    """The newest are kept, and texts have a limit."""
    for number in range(MOST + 3):
        acknowledge(store, "m", str(number), who="a" * 10_000, why="b", now=float(number))
    kept = acknowledged(store, "m")
    assert len(kept) == MOST
    assert "0" not in kept
    assert all(len(entry["who"]) <= 500 for entry in kept.values())


class Contested:
    """A store to which somebody else always saves first."""

    def __init__(self, store, times):
        self.store, self.left = store, times

    def state(self, series):
        return self.store.state(series)

    def save(self, series, revision, document):
        if self.left:
            self.left -= 1
            raise Conflict
        self.store.save(series, revision, document)


def test_conflicts(store):
    """Who saves at the same time is waited for, and not for ever."""
    acknowledge(Contested(store, ATTEMPTS - 1), "m", "one", who="Ada", why="b", now=0.0)
    assert "one" in acknowledged(store, "m")
    with pytest.raises(Conflict):
        acknowledge(Contested(store, ATTEMPTS), "m", "two", who="Ada", why="b", now=0.0)
    assert store.state(Series("m", "acknowledged")).state["entries"][0]["alert_id"] == "one"
