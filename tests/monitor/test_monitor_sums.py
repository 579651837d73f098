"""Sums of windows: ten minutes of two weeks, hours of eight, whole days of a year."""

from __future__ import annotations

import numpy as np
import pytest
from drift_ml.window import Window
from drift_monitor import sums as module
from drift_monitor.errors import Conflict
from drift_monitor.keys import Series, WindowKey
from drift_monitor.stores import MemoryStore, StoredWindow
from drift_monitor.sums import DAYS, HOURS, HOURS_A_DAY, TENS, Sums, size_in_words

from tests.support.house_tables import columns, price
from tests.support.series import SERIES

FIRST_DAY = 20_000
HOUR = 60


class Kept:
    """A store with windows, and the sums of them."""

    def __init__(self, reference):
        self.baseline, self.store = reference.baseline, MemoryStore()
        self.sums = Sums(self.store, 60)

    def add(self, day, minutes, rows=5):
        for minute in minutes:
            table = columns(rows, seed=minute)
            window = Window.empty(self.baseline, SERIES.version)
            window.observe_rows(table, price(table))
            key = WindowKey(SERIES, day * HOURS_A_DAY * HOUR + minute)
            self.store.compact(StoredWindow(key, 0, {}), window.to_json(), [])

    def sum(self, day, hours=range(HOURS_A_DAY)):
        return self.sums.add_day(SERIES, self.baseline, day, [day * HOURS_A_DAY + hour for hour in hours])

    def events(self, batches):
        return {begin: sum(counts["age"]) for begin, counts in batches}

    def hours(self, day):
        return self.events(self.sums.hours(SERIES, self.baseline, day * HOURS_A_DAY + 23, HOURS.kept_days))

    def tens(self, day):
        return self.events(self.sums.tens(SERIES, self.baseline, day * HOURS_A_DAY + 23))

    def days(self, day):
        return {number: window.events for number, window in self.sums.days(SERIES, self.baseline, day * HOURS_A_DAY)}

    def move(self, place, other):
        stored = self.store.state(place)
        self.store.save(other, self.store.state(other).revision, stored.state)
        self.store.save(place, stored.revision, {})


@pytest.fixture
def kept(reference):
    return Kept(reference)


def test_coarser_with_age(kept):
    """Ten minutes go after two weeks, hours after eight, and the day stays as one sum."""
    kept.add(FIRST_DAY, [0, 9, 10, 130])
    kept.sum(FIRST_DAY)
    begin_s = FIRST_DAY * 86_400.0
    assert kept.hours(FIRST_DAY) == {begin_s: 15, begin_s + 7_200: 5}
    assert kept.tens(FIRST_DAY) == {begin_s: 10, begin_s + 600: 5, begin_s + 7_800: 5}
    later = FIRST_DAY + TENS.kept_days
    assert (kept.tens(later), len(kept.hours(later))) == ({}, 2)
    old = FIRST_DAY + HOURS.kept_days
    kept.sum(old)
    assert (kept.hours(old), kept.days(old)) == ({}, {FIRST_DAY: 20})
    assert kept.days(FIRST_DAY + DAYS.kept_days + DAYS.days) == {}


def test_summed_twice(kept, monkeypatch):
    """A run that is killed on its way does its sums again, and none of them is doubled."""
    kept.add(FIRST_DAY, [0, 70])
    kept.sum(FIRST_DAY)
    kept.sum(FIRST_DAY)
    assert sum(kept.hours(FIRST_DAY).values()) == 10
    old = FIRST_DAY + HOURS.kept_days
    kept.add(old, [5])
    place, save = HOURS.place(SERIES, old), kept.store.save

    def fail(series, read, state):
        if series == place:
            raise Conflict("killed")
        save(series, read, state)

    monkeypatch.setattr(kept.store, "save", fail)
    with pytest.raises(Conflict):
        kept.sum(old)
    monkeypatch.undo()
    kept.sum(old)
    assert (sum(kept.hours(old).values()), kept.days(old)) == (5, {FIRST_DAY: 10})


def test_sums_of_an_earlier_release(kept):
    """Hours that lie where the release before has put them are read, and go on from there."""
    day = next(day for day in range(FIRST_DAY, FIRST_DAY + HOURS.kept_days) if day % HOURS.places >= module.FORMER_DAYS)
    kept.add(day, [0, 70])
    kept.sum(day, hours=[0])
    former = Series(SERIES.model, f"{SERIES.version}-hours-{day % module.FORMER_DAYS}")
    kept.move(HOURS.place(SERIES, day), former)
    assert sum(kept.hours(day).values()) == 5
    kept.sum(day, hours=[1])
    assert sum(kept.hours(day).values()) == 10


def test_many_bins(kept, monkeypatch):
    """A baseline of too many bins has no sums of ten minutes."""
    monkeypatch.setattr(module, "has_ten_minutes", lambda _: False)
    kept.add(FIRST_DAY, [0])
    kept.sum(FIRST_DAY)
    assert (kept.tens(FIRST_DAY), len(kept.hours(FIRST_DAY))) == ({}, 1)


def test_clock_that_was_ahead(kept):
    """A day that is to come is no whole day of the past, and does not keep its place."""
    kept.add(FIRST_DAY, [0])
    kept.add(FIRST_DAY + HOURS.kept_days, [0])
    kept.sum(FIRST_DAY + HOURS.kept_days)
    kept.sum(FIRST_DAY)
    assert (kept.days(FIRST_DAY), len(kept.hours(FIRST_DAY))) == ({}, 1)


def test_unreadable_sum(kept):
    """A sum that cannot be read is passed over, and the others count."""
    kept.add(FIRST_DAY, [0, 70])
    kept.sum(FIRST_DAY)
    place = HOURS.place(SERIES, FIRST_DAY)
    stored = kept.store.state(place)
    first = str(FIRST_DAY * HOURS_A_DAY)
    broken = {**stored.state, "hours": {**stored.state["hours"], first: {"contract": "window.state.v1"}}}
    kept.store.save(place, stored.revision, broken)
    assert sum(kept.hours(FIRST_DAY).values()) == 5
    kept.sum(FIRST_DAY + HOURS.kept_days)
    assert kept.days(FIRST_DAY + HOURS.kept_days) == {FIRST_DAY: 5}


def test_sizes(kept):
    """What the sums take is stated by kind, and as it was written."""
    kept.add(FIRST_DAY, [0, 10])
    written = kept.sum(FIRST_DAY)
    sizes = kept.sums.sizes(SERIES)
    assert [(size.step_s, size.days, size.sums) for size in sizes] == [(600, 15, 2), (3_600, 56, 1), (86_400, 390, 0)]
    assert sum(size.size_bytes for size in sizes) == sum(written.values())
    assert size_in_words(1_234_567) == "1.2 MB"
    assert np.all([size_in_words(12) == "12 bytes", size_in_words(1_200) == "1.2 KB"])
