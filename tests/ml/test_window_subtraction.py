"""Windows without a part of them: as if the part had never been counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drift_contracts import feature_set
from drift_ml.baseline.fit import fit_baseline
from drift_ml.window import Window, WindowError

from tests.support.house_tables import columns, price


@pytest.fixture(scope="module")
def baseline():
    table = columns(300, seed=1)
    return replace(fit_baseline(feature_set("house-price"), table, predictions=price(table)), tie_rate=0.0)


def window_of(baseline, seed):
    """Return a window of forty houses of one session."""
    window, table = Window.empty(baseline, "a1"), columns(40, seed)
    window.observe_rows(table, price(table), np.full(40, 60_000), sessions=["visit"] * 40)
    return window


def test_windows_subtract(baseline):
    """A sum without a part is the other part, whose counts, moments and sketches it has."""
    first, second = window_of(baseline, 1), window_of(baseline, 2)
    assert (first + second) - second == first
    assert first - first == Window.empty(baseline, "a1")


def test_versions_subtract(baseline):
    """A window of another version is no part of it."""
    with pytest.raises(WindowError):
        window_of(baseline, 1) - Window.empty(baseline, "b2")
