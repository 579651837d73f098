"""The lookup grid is `searchsorted`, for any edges and values."""

import math
import subprocess
import sys

import numpy as np
import pytest
from drift_ml.window._ladder import MOST_STEPS, Ladder
from hypothesis import given
from hypothesis import strategies as st

NUMBERS = st.floats(allow_nan=False)
FINITE = st.floats(allow_nan=False, allow_infinity=False)


def agrees(edges, values):
    edges = sorted(set(edges))
    nearby = [math.nextafter(edge, toward) for edge in edges for toward in (-math.inf, math.inf)]
    tried = np.array([*values, *edges, *nearby, np.inf, -np.inf])
    ladder = Ladder(edges)
    assert ladder(tried).tolist() == np.searchsorted(edges, tried).tolist()
    return ladder


@given(st.lists(FINITE, max_size=70), st.lists(NUMBERS, max_size=30))
def test_any_edges(edges, values):
    """Any edges give the bins of a binary search."""
    agrees(edges, values)


@given(st.lists(st.integers(-50, 50), max_size=40), st.lists(st.integers(-60, 60), max_size=30))
def test_whole_numbers(edges, values):
    """Whole numbers as edges give the bins of a binary search."""
    agrees(edges, values)


@pytest.mark.parametrize(
    "edges", [[], [3.0], [-1.7e308, 1.7e308], [0.0, 5e-324], [0.0, *np.linspace(1, 1.001, 60), 1e9]]
)
def test_awkward_edges(edges):
    """Edges of awkward spacing give the bins of a binary search."""
    agrees(edges, [0.0, 1.0005, 2.0])


def test_normal_quantiles():
    """Quantiles of a normal distribution go through the grid, which is faster."""
    edges = np.quantile(np.random.default_rng(0).normal(size=10_000), np.arange(1, 64) / 64)
    assert agrees(edges, [0.0]).steps <= MOST_STEPS


def test_single_events_need_no_numpy():
    """Single events are counted and reported without numpy."""
    code = (
        "import sys; sys.modules['numpy'] = None\n"
        "from drift_ml.baseline import Baseline, Channel, Summary\n"
        "from drift_ml.window import Window\n"
        "from drift_ml.report import window_report\n"
        "area = Summary('number', 2, 0, 1.5, 0.5, 1.0, 2.0)\n"
        "own = Channel('area', 'values', ('area',), (1, 1), values=(1.0, 2.0), scores=(-1000, 1000))\n"
        "b = Baseline('m', 2, {'area': area}, None, None, None, ('area',), ((1.0,),), (own,))\n"
        "w = Window.empty(b); w.observe({'area': 2.0}); print(window_report(b, w)['window']['events'])\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "1\n"
