"""A rhythm over the bins of another baseline: the inputs' goes on, the answers' begins anew."""

from __future__ import annotations

from dataclasses import replace

import pytest
from drift_ml.baseline import Channel
from drift_ml.rhythm import Rhythm, carried

OLD = "a" * 64
AGE = Channel("age", "quantiles", ("age",), (100, 100, 100, 100), edges=(10.0, 20.0, 30.0))
SHOP = Channel("shop", "categories", ("shop",), (300, 100), categories=("web", "shop"))
GONE = Channel("missing:age", "missing", ("age",), (390, 10))
BEYOND = Channel("out_of_range:age", "out_of_range", ("age",), (400, 0), bounds=(0.0, 40.0))
ANSWER = Channel("prediction", "quantiles", ("prediction",), (200, 200), edges=(1.0,))
CHANNELS = (AGE, SHOP, GONE, BEYOND, ANSWER)
#: In the first hour twice as many are over 20, as many are missing, and three times as many in a shop.
CYCLES = {
    "age": ((33, 33, 67, 67),) + ((50, 50, 50, 50),) * 23,
    "shop": ((50, 150),) + ((150, 50),) * 23,
    "missing:age": ((190, 10),) + ((195, 5),) * 23,
    "out_of_range:age": ((200, 1),) * 24,
    "prediction": ((50, 150),) * 24,
}
RHYTHM = Rhythm(OLD, 0.0, 1.0, 1, CYCLES, {"age": 2.0, "prediction": 3.0}, bounded=("prediction", "age"))


class Newer:
    """Another baseline; nothing more of it is asked for."""

    digest = "b" * 64

    def __init__(self, *channels):
        self.channels = channels


def test_answers_begin_anew():
    """Equal bins keep their cycle; answers, and what depends on the baseline's range, do not."""
    moved = carried(RHYTHM, CHANNELS, Newer(*CHANNELS))
    assert set(moved.cycles) == {"age", "shop", "missing:age"}
    assert (moved.variance_inflation, moved.bounded, moved.baseline) == ({"age": 2.0}, ("age",), Newer.digest)
    assert moved.cycles["age"][0] == pytest.approx((33, 33, 67, 67), abs=1)
    assert moved.cycles["shop"][0] == pytest.approx((50, 150), abs=1)


def test_other_bins():
    """Other edges and another order of categories take the share of the bin that holds their middle."""
    finer = replace(AGE, counts=(100,) * 8, edges=(5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0))
    turned = replace(SHOP, counts=(100, 300), categories=("shop", "web"))
    moved = carried(RHYTHM, CHANNELS, Newer(finer, turned))
    assert moved.cycles["age"][0] == pytest.approx((16.5,) * 4 + (33.5,) * 4, abs=1)
    assert moved.cycles["shop"][0] == pytest.approx((150, 50), abs=1)
    moved.check({"age": 8, "shop": 2})
    few = Channel("age", "values", ("age",), (100,) * 4, values=(5.0, 15.0, 25.0, 35.0))
    assert carried(RHYTHM, CHANNELS, Newer(few)).cycles["age"] == carried(RHYTHM, CHANNELS, Newer(AGE)).cycles["age"]


def test_no_counterpart():
    """A new category, another kind, a new feature and a single bin carry nothing."""
    more = replace(SHOP, counts=(1, 1, 1), categories=("web", "shop", "phone"))
    other = Channel("age", "categories", ("age",), (200, 200), categories=("young", "old"))
    size = replace(AGE, name="size", of=("size",))
    flat = replace(AGE, counts=(400,), edges=())
    for channel in (more, other, size, flat):
        assert carried(RHYTHM, CHANNELS, Newer(channel)).cycles == {}
