"""Sizes with intervals: of a mean, a variance and a share, allowing for the baseline being a sample too."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt

Z95 = 1.959963984540054
"""The 97.5 % point of the standard normal: every interval here holds 95 %."""

NORMAL_KURTOSIS = 3.0


@dataclass(frozen=True)
class Interval:
    """An estimate and the 95 % interval around it."""

    value: float
    low: float
    high: float


def mean_shift(mean: float, variance: float, actual: int, expected: int) -> Interval:
    """How far the window's mean is from the baseline's, in standard deviations of the baseline.

    mean, variance: of the window's deviations (value - baseline mean) / baseline standard deviation.
    actual, expected: numbers of values in window and baseline, at least 1. The interval is d +- 1.96
    sqrt(variance / n + 1 / m + d^2 / 2m): the error of the window's mean, of the baseline's mean and of its
    standard deviation. Source: Glass 1976 (standardised by the reference), Hedges 1981 (the variance).

    >>> mean_shift(0.5, 1.0, 100, 100)
    Interval(value=0.5, low=0.2142..., high=0.7857...)
    """
    error = Z95 * sqrt(variance / actual + (1 + mean**2 / 2) / expected)
    return Interval(mean, mean - error, mean + error)


def variance_ratio(variance: float, actual: int, expected: int, kurtosis: float = NORMAL_KURTOSIS) -> Interval | None:
    """The window's variance over the baseline's.

    variance: of the window's deviations in baseline standard deviations, above 0, else None is returned.
    actual, expected: numbers of values, at least 2, else None. kurtosis: of the values, 3 if normal. The
    interval is on the logarithm, whose variance is about (kurtosis - 1) (1/n + 1/m). Source: Layard 1973.

    >>> variance_ratio(2.25, 1_000, 10_000)
    Interval(value=2.25, low=2.0523..., high=2.4666...)
    """
    if variance <= 0 or min(actual, expected) < 2:  # noqa: PLR2004 - a variance needs two values
        return None
    error = Z95 * sqrt(max(kurtosis - 1, 0.0) * (1 / actual + 1 / expected))
    return Interval(variance, exp(log(variance) - error), exp(log(variance) + error))


def wilson(count: int, total: int) -> Interval:
    """A share with its score interval.

    count: 0 <= count <= total, total >= 1. Source: Wilson 1927.

    >>> wilson(0, 100)
    Interval(value=0.0, low=0.0, high=0.0369...)
    """
    share = count / total
    spread = Z95**2 / total
    middle = (share + spread / 2) / (1 + spread)
    half = Z95 * sqrt(share * (1 - share) / total + spread / (4 * total)) / (1 + spread)
    return Interval(share, max(0.0, middle - half) if count else 0.0, min(1.0, middle + half))


def share_shift(expected: int, reference: int, actual: int, events: int) -> Interval:
    """How much larger a share is in the window than in the baseline.

    expected of `reference` baseline rows, actual of `events` window events; both totals at least 1. Source:
    Newcombe 1998, method 10 (Wilson's intervals combined).

    >>> share_shift(48, 80, 56, 70)
    Interval(value=0.2..., low=0.0524..., high=0.3338...)
    """
    before, now = wilson(expected, reference), wilson(actual, events)
    value = now.value - before.value
    down = sqrt((now.value - now.low) ** 2 + (before.high - before.value) ** 2)
    up = sqrt((now.high - now.value) ** 2 + (before.value - before.low) ** 2)
    return Interval(value, value - down, value + up)
