"""When a column counts as constant, so that nothing is divided by its standard deviation."""

import pytest
from drift_engine.scale import FLOOR, usable_std


def test_ordinary_scale_is_kept() -> None:
    """A standard deviation near the size of its column is what is divided by."""
    assert usable_std(500.0, 120.0, 4100.0) == 500.0


@pytest.mark.parametrize("std", [None, 0.0])
def test_without_spread_is_constant(std: float | None) -> None:
    """A column without a standard deviation, or with one of 0, counts as constant."""
    assert usable_std(std, 1.0, 2.0) == 0.0


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (0.0, 1000.0),
        (-1000.0, 0.0),
        (None, 1000.0),
        (-1000.0, None),
    ],
)
def test_floor_follows_largest_magnitude(low: float | None, high: float | None) -> None:
    """A column is constant below a share of its largest magnitude, and not at that share."""
    least = FLOOR * 1000.0

    assert usable_std(least, low, high) == least
    assert usable_std(least * 0.999, low, high) == 0.0


def test_any_spread_without_bounds() -> None:
    """Without a smallest and a largest value, every standard deviation is a scale."""
    assert usable_std(1e-300, None, None) == 1e-300
