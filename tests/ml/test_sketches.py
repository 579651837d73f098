"""Sketches of rows and sessions: they add, count rows alike in both ways, and estimate within their error."""

import math

import numpy as np
import pytest
from drift_contracts import FeatureSet
from drift_ml.baseline.fit import fit_baseline
from drift_ml.sketches import (
    WIDTH,
    Sketch,
    Sketches,
    digest_of_row,
    digest_of_text,
    digests_of_rows,
    multipliers,
    tie_rate,
)
from drift_ml.window import Window, WindowError
from hypothesis import given
from hypothesis import strategies as st

NUMBER = {"type": "number", "unit": "1", "example": 0.0, "description": "A number.", "nullable": True}
LEVELS = {"type": "category", "unit": "none", "categories": ["a", "b"], "other": True, "example": "a"}
FEATURES = FeatureSet.from_json(
    {
        "contract": "feature-set.v1",
        "name": "made-up",
        "version": "1.0.0",
        "description": "Four features.",
        "target": {"name": "y", "unit": "1", "description": "A number."},
        "features": [
            {"name": "x", **NUMBER},
            {"name": "z", **NUMBER},
            {"name": "w", **NUMBER},
            {"name": "kind", "description": "A level.", **LEVELS},
        ],
    }
)
VALUES = st.sampled_from([0.0, -0.0, 1.5, None])
EVENTS = st.lists(
    st.tuples(VALUES, VALUES, st.sampled_from(["a", "c", None]), st.sampled_from(["s", "t", None])), max_size=12
)


@pytest.fixture(scope="module")
def baseline():
    """The baseline of a thousand rows of three numbers, whose windows sketch rows."""
    rng = np.random.default_rng(5)
    columns = {name: rng.normal(size=1000) for name in "xzw"} | {"kind": rng.choice(["a", "b"], 1000)}
    made = fit_baseline(FEATURES, columns, target=rng.normal(size=1000))
    assert made.tie_rate is not None
    return made


def seen(baseline, events):
    """Return a window that observed events one by one."""
    window = Window.empty(baseline)
    for x, z, kind, session in events:
        window.observe({"x": x, "z": z, "kind": kind}, session=session)
    return window


@pytest.mark.no_cover
@given(EVENTS, st.integers(0, 12))
def test_windows_add(baseline, events, split):
    """Two parts add to the whole, and rows at once count as one by one, sketches included."""
    whole = seen(baseline, events)
    assert seen(baseline, events[:split]) + seen(baseline, events[split:]) == whole
    at_once = Window.empty(baseline)
    columns = zip(*events, strict=True) if events else ((), (), (), ())
    x, z, kind, sessions = (np.array(column, dtype=object) for column in columns)
    at_once.observe_rows({"x": x, "z": z, "kind": kind}, sessions=sessions)
    assert at_once == whole
    assert Window.from_json(whole.to_json(), baseline) == whole


def test_the_version_of_a_window(baseline):
    """A window without sketches stays of the first version, and adds to one that has them."""
    former = Window.empty(baseline)
    assert former.to_json()["contract"] == "window.state.v1"
    later = seen(baseline, [(1.0, 2.0, "a", "s")])
    assert later.to_json()["contract"] == "window.state.v2"
    assert (Window.from_json(former.to_json(), baseline) + later) == later


@pytest.mark.parametrize("counters", [[WIDTH, 1], [0], [-1, 1]])
def test_counters_that_are_none(baseline, counters):
    """A sketch with other places than it has is refused."""
    document = seen(baseline, [(1.0, 2.0, "a", None)]).to_json()
    document["sketches"]["rows"]["counters"] = counters
    with pytest.raises(WindowError):
        Window.from_json(document, baseline)


def test_equal_rows():
    """Zeros of both signs are equal, and so is every missing value."""
    factors = multipliers(2)
    other = math.nan * -1
    assert digest_of_row([0.0, math.nan], factors) == digest_of_row([-0.0, other], factors)
    assert digest_of_row([0.0, 1.0], factors) != digest_of_row([1.0, 0.0], factors)


def test_digests_of_whole_numbers():
    """Small whole numbers, whose low bits are all zero, have digests that differ."""
    grid = np.stack(np.meshgrid(*[np.arange(20.0)] * 3), -1).reshape(-1, 3)
    digests = digests_of_rows(list(grid.T), multipliers(3))
    assert len(np.unique(digests)) == 8000
    assert len(np.unique(digests & np.uint64(WIDTH - 1))) == WIDTH


def test_the_error_that_is_stated():
    """Of 200 sketches of 2,000 rows, a tenth sent twice, the estimates are within what is stated."""
    rng = np.random.default_rng(11)
    estimates = []
    for _ in range(200):
        digests = rng.integers(0, 2**64, 2000, dtype=np.uint64)
        sketch = Sketch()
        sketch.add_many(np.append(digests, digests[:200]))
        estimates.append(sketch.squares / (1800 + 200 * 4))
    assert np.mean(estimates) == pytest.approx(1, abs=3 / 16 / 200**0.5)
    assert np.std(estimates) == pytest.approx(1 / 16, rel=0.2)


def test_the_size_of_a_sketch():
    """A full sketch takes what docs/monitor.md states."""
    sketch = Sketch()
    sketch.add_many(np.random.default_rng(1).integers(0, 2**64, 10_000, dtype=np.uint64))
    assert len(str(sketch.to_json())) < 5_000
    for text in ("a", "b"):
        sketch.add(digest_of_text(text))
    assert sketch.events == 10_002


def test_ties_of_training_rows():
    """The share of equal pairs is that of all ordered pairs; a single row has none."""
    assert tie_rate([np.array([1.0, 1.0, 2.0]), np.array([0.0, 0.0, 0.0])]) == pytest.approx(1 / 3)
    assert tie_rate([np.array([1.0])]) == 0.0


def test_no_sketches():
    """Sketches are nothing where nothing was counted."""
    assert not Sketches.from_json(None)
