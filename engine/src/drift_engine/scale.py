"""The scale of a column: when it counts as constant, and how far from the mean a value may count.

The predictor imports this at a cold start, so it needs nothing but builtins.
"""

#: A standard deviation under this share of the column's largest magnitude counts as 0.
FLOOR = 1e-9

#: A single value counts as at most so many standard deviations from the mean.
FARTHEST = 100.0


def usable_std(
    std: float | None,
    low: float | None,
    high: float | None,
) -> float:
    """Return the standard deviation to divide by, 0.0 where the column counts as constant.

    Args:
        std: of the column, None where there is none.
        low: the smallest value.
        high: the largest value.

    >>> usable_std(500.0, 120.0, 4100.0)
    500.0
    >>> usable_std(2.8e-17, 0.3, 0.1 + 0.2), usable_std(None, None, None)
    (0.0, 0.0)
    """
    if not std:
        return 0.0
    # What is left of a sum of floats is about 1e-16 of its size: so small it is no scale.
    largest = max(abs(low or 0.0), abs(high or 0.0))
    return std if std >= FLOOR * largest else 0.0
