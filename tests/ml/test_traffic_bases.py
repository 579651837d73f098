"""What channels are held against in place of the training rows."""

from __future__ import annotations

import numpy as np
import pytest
from drift_contracts import feature_set
from drift_ml.baseline.fit import fit_baseline
from drift_ml.left_out import LeftOut
from drift_ml.traffic_bases import BASE_DAYS, DAY_S, FEWEST_EVENTS, HOUR_S, bases_of


@pytest.fixture(scope="module")
def baseline():
    """Return a baseline of houses."""
    houses = feature_set("house-price")
    return fit_baseline(houses, {name: np.arange(1.0, 501.0) for name in houses.names})


@pytest.fixture
def hours(baseline):
    """Return hours of days with so many events each, all in the first bin of the age."""

    def make(days, events=10):
        bins = len(baseline.channel("age").counts)
        counts = {"age": [events] + [0] * (bins - 1)}
        return [(float(hour * HOUR_S), counts) for hour in range(24 * days)]

    return make


def test_base_of_a_day(baseline, hours):
    """A day of enough events is a base, of the channels that are asked for."""
    bases = bases_of(baseline, hours(1), {"age": 0.0, "sqft": 0.0}, DAY_S)
    assert set(bases) == {"age"}
    assert (bases["age"].from_s, bases["age"].to_s, sum(bases["age"].counts)) == (0, DAY_S, 240)


def test_base_since_a_change(baseline, hours):
    """Hours before a change are no part of it, and less than a day after it is no base."""
    bases = bases_of(baseline, hours(3), {"age": DAY_S + 1.0}, 3 * DAY_S)
    assert (bases["age"].from_s, sum(bases["age"].counts)) == (DAY_S + HOUR_S, 470)
    assert bases_of(baseline, hours(3), {"age": 2.5 * DAY_S}, 3 * DAY_S) == {}


def test_base_of_few_events(baseline, hours):
    """A day of fewer events is no base."""
    few = FEWEST_EVENTS // 24
    assert bases_of(baseline, hours(1, few), {"age": 0.0}, DAY_S) == {}


def test_base_of_newest_days(baseline, hours):
    """A base is of the newest four weeks, without days that are left out."""
    days = BASE_DAYS + 5
    left_out = [LeftOut(10 * DAY_S, 11 * DAY_S)]
    base = bases_of(baseline, hours(days), {"age": 0.0}, days * DAY_S, left_out)["age"]
    assert base.from_s == 5 * DAY_S
    assert sum(base.counts) == 240 * (BASE_DAYS - 1)
