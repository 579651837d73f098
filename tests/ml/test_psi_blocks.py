"""PSI over blocks of a thousand events: what is above a limit, and where first."""

from __future__ import annotations

import json

import numpy as np
import pytest
from drift_contracts import feature_set
from drift_ml.baseline.fit import fit_baseline
from drift_ml.psi_blocks import check_psi, largest_psi, muted_at, psi_of
from drift_ml.report import window_report
from drift_ml.window import Window

from tests.support.house_tables import columns

HOUSES = feature_set("house-price")


@pytest.fixture(scope="module")
def baseline():
    return fit_baseline(HOUSES, columns(2_000, seed=1))


def window_of(baseline, rows, shift=0.0, **other):
    window = Window.empty(baseline)
    window.observe_rows(columns(rows, 2, shift) | other)
    return window


def test_first_block_above(baseline):
    """Blocks have whole windows, what is left over is dropped, and the first one above is named."""
    windows = [window_of(baseline, 600), window_of(baseline, 600), window_of(baseline, 1_000, 1.0)]
    check = check_psi(baseline, [*windows, window_of(baseline, 600, 2.0)], 0.2)
    assert (check.blocks, [row for row, _ in check.above]) == (2, [1_200])
    assert check.above[0][1].name == "sqft"
    assert "1 of 2" in check.words
    assert "row 1,200" in check.words
    assert json.loads(json.dumps(check.to_json()))["above"][0]["events"] == 1_000


@pytest.mark.parametrize("rows", [0, 1, 400])
def test_psi_of_report(baseline, rows):
    """The PSI of a channel is that of a report, which has six digits."""
    window = window_of(baseline, rows, 0.5)
    counts = window.channel_counts()
    for entry in window_report(baseline, window)["channels"]:
        value = psi_of(baseline.channel(entry["name"]), counts[entry["name"]])
        assert entry["effects"]["psi"] == float(f"{value:.6g}")


def test_nothing_counted(baseline):
    """Nothing is above the limit in ordinary blocks; a feature that is all missing is, by that."""
    check = check_psi(baseline, [window_of(baseline, 1_000)], 0.2)
    assert (check.above, check.words) == ((), "PSI is above 0.2 in 0 of 1 blocks of 1,000 events.")
    gone = window_of(baseline, 1_000, age=np.full(1_000, np.nan))
    assert largest_psi(baseline, gone).name == "missing age"
    assert largest_psi(baseline, Window.empty(baseline)) is None
    assert largest_psi(baseline, window_of(baseline, 50), HOUSES.names) is None


def test_muted_at():
    """A muting holds until its end; without times nothing says that it is over."""
    muted = {"age": 86_400.0}
    assert [muted_at(muted, at) for at in (None, 1, 86_400_000)] == [["age"], ["age"], []]
