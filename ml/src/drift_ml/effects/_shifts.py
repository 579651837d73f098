"""Sizes with intervals: of a mean, a variance and a share; the baseline is a sample too."""

from __future__ import annotations

from dataclasses import dataclass
from math import (
    exp,
    log,
    sqrt,
)

#: The 97.5 % point of the standard normal: every interval here holds 95 %.
Z95 = 1.959963984540054

NORMAL_KURTOSIS = 3.0


@dataclass(frozen=True)
class Interval:
    """An estimate and the 95 % interval around it."""

    value: float
    low: float
    high: float


def mean_shift(
    mean: float,
    variance: float,
    actual: int,
    expected: int,
) -> Interval:
    """Return how far the window's mean is from the baseline's, in its standard deviations.

    The interval is d +- 1.96 sqrt(variance / n + 1 / m + d^2 / 2m): the error of the window's
    mean, of the baseline's mean and of its standard deviation. Sources: Glass 1976 (standardised
    by the reference), Hedges 1981 (the variance).

    Args:
        mean: of the deviations (value - baseline mean) / baseline standard deviation.
        variance: of the same deviations.
        actual: values in the window, n, at least 1.
        expected: values in the baseline, m, at least 1.

    >>> mean_shift(0.5, 1.0, 100, 100)
    Interval(value=0.5, low=0.2142..., high=0.7857...)
    """
    error = Z95 * sqrt(variance / actual + (1 + mean**2 / 2) / expected)
    return Interval(mean, mean - error, mean + error)


def variance_ratio(
    variance: float,
    actual: int,
    expected: int,
    kurtosis: float = NORMAL_KURTOSIS,
) -> Interval | None:
    """Return the window's variance over the baseline's.

    The interval is on the logarithm, whose variance is about (kurtosis - 1) (1/n + 1/m). Source:
    Layard 1973.

    Args:
        variance: of the window's deviations in baseline standard deviations.
        actual: values in the window, n.
        expected: values in the baseline, m.
        kurtosis: of the values, 3 if normal.

    Returns:
        None where the variance is 0 or a sample has fewer than two values.

    >>> variance_ratio(2.25, 1_000, 10_000)
    Interval(value=2.25, low=2.0523..., high=2.4666...)
    """
    if variance <= 0 or min(actual, expected) < 2:  # noqa: PLR2004 - a variance needs two values
        return None
    # A kurtosis is at least 1; one that is estimated from sums may be less.
    error = Z95 * sqrt(max(kurtosis - 1, 0.0) * (1 / actual + 1 / expected))
    middle = log(variance)
    return Interval(
        variance,
        exp(middle - error),
        exp(middle + error),
    )


def wilson(count: int, total: int) -> Interval:
    """Return a share with its score interval. Source: Wilson 1927.

    Args:
        count: 0 <= count <= total.
        total: at least 1.

    >>> wilson(0, 100)
    Interval(value=0.0, low=0.0, high=0.0369...)
    """
    share = count / total
    doubt = Z95**2 / total
    middle = (share + doubt / 2) / (1 + doubt)
    half = Z95 * sqrt(share * (1 - share) / total + doubt / (4 * total)) / (1 + doubt)
    # Of nothing seen the lower end is 0 exactly, whatever rounding leaves.
    low = max(0.0, middle - half) if count else 0.0
    return Interval(
        share,
        low,
        min(1.0, middle + half),
    )


def share_shift(
    expected: int,
    reference: int,
    actual: int,
    events: int,
) -> Interval:
    """Return how much larger a share is in the window than in the baseline.

    Source: Newcombe 1998, method 10 (Wilson's intervals combined).

    Args:
        expected: baseline rows that count.
        reference: all baseline rows, at least 1.
        actual: window events that count.
        events: all window events, at least 1.

    >>> share_shift(48, 80, 56, 70)
    Interval(value=0.2..., low=0.0524..., high=0.3338...)
    """
    before, now = wilson(expected, reference), wilson(actual, events)
    value = now.value - before.value
    down = sqrt((now.value - now.low) ** 2 + (before.high - before.value) ** 2)
    up = sqrt((now.high - now.value) ** 2 + (before.value - before.low) ** 2)
    return Interval(value, value - down, value + up)
