"""Statistics of one period, named as CloudWatch names them, and comparisons with a threshold."""

from __future__ import annotations

import math
import operator
import re
from typing import TYPE_CHECKING

from drift_contracts import DriftError

if TYPE_CHECKING:
    from collections.abc import Callable

    from drift_console.histogram import Distribution

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")
_SIMPLE: dict[str, Callable[[Distribution], float]] = {
    "Average": lambda values: values.total / values.count,
    "Sum": lambda values: values.total,
    "SampleCount": lambda values: float(values.count),
    "Minimum": lambda values: values.minimum,
    "Maximum": lambda values: values.maximum,
}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


class UnknownStatistic(DriftError):
    """A statistic that is neither one of the five simple ones nor a percentile."""


def percentile_of(statistic: str) -> float | None:
    """Return the percentile that a statistic names, in [0, 100], or None.

    >>> percentile_of("p99.9"), percentile_of("Average")
    (99.9, None)
    """
    match = _PERCENTILE.fullmatch(statistic)
    return float(match[1]) if match else None


def value_of(statistic: str, values: Distribution | None) -> float | None:
    """Return the statistic of one period's values; None where the period has none.

    Args:
        statistic: One of the five simple ones, or a percentile such as `p99`.
        values: The period's values; None for a period without any.

    Raises:
        UnknownStatistic: For any other name, even of a period without values.
    """
    percentile = percentile_of(statistic)
    if percentile is None and statistic not in _SIMPLE:
        choices = ", ".join(_SIMPLE)
        raise UnknownStatistic(f"statistic: expected one of {choices} or a percentile such as p99")
    if values is None or values.count == 0:
        return None
    if percentile is not None:
        return values.percentile(percentile)
    return _SIMPLE[statistic](values)


def samples_needed(statistic: str) -> float:
    """Return how many samples make a statistic meaningful, 0 for one that is no percentile.

    For percentiles 10/(1-p) from p50 upwards, 10/p below. Source: "Percentile-based alarms and
    low data samples" in the CloudWatch User Guide.

    >>> round(samples_needed("p99")), round(samples_needed("p10")), samples_needed("Sum")
    (1000, 100, 0.0)
    """
    percentile = percentile_of(statistic)
    if percentile is None:
        return 0.0
    share = percentile / 100
    rarer = 1 - share if share >= 0.5 else share  # noqa: PLR2004 - the constant of the cited rule
    return 10 / rarer if rarer else math.inf
