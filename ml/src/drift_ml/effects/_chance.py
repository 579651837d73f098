"""What chance would do: p-values, and their correction for many tests.

They are written out here because scipy would add 30 MB to the monitor's image and more than a
second to its cold start, for four functions; tests hold each of them against scipy's.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import (
    exp,
    lgamma,
    log,
    pi,
    sqrt,
)
from typing import TYPE_CHECKING

from drift_ml.effects._bins import same_bins

if TYPE_CHECKING:
    from collections.abc import Sequence

    #: Counts of baseline and window in one bin.
    Pair = tuple[int, int]

#: Bins in which fewer events are expected are pooled before a chi-square test (Cochran 1954).
FEWEST = 5.0

#: Stands for 0 in a denominator of the continued fraction.
TINY = 1e-300
#: A series ends when a term is a smaller part of the sum.
PRECISION = 1e-15
MOST_TERMS = 100_000
#: Below it Kolmogorov's tail differs from 1 by less than 1e-300.
CERTAIN = 0.04
#: Where both series of Kolmogorov's tail need as many terms: five, for double precision.
TURN = 1.18
#: Where every cell is expected to hold as many, chi-square agrees with Fisher's exact test.
MANY = 100
#: Tables whose log-probabilities differ by less count as equally probable.
NEARLY = 1e-7


@dataclass(frozen=True)
class ChiSquare:
    """A chi-square test."""

    statistic: float
    #: Of freedom; 0 where there was nothing to compare.
    degrees: int
    p: float


def chi_square(
    expected: Sequence[int],
    actual: Sequence[int],
) -> ChiSquare:
    """Test whether two samples come from one distribution, by Pearson's chi-square of homogeneity.

    Bins in which the smaller sample would expect fewer than 5 are pooled. Source: Pearson 1900.

    Args:
        expected: counts per bin, shape (k,).
        actual: counts on the same bins.

    Returns:
        The test on the 2 x k table; p is 1 where fewer than two bins are left.

    Raises:
        BinsDiffer: the bins are not the same.

    >>> chi_square([50, 50], [25, 75]).statistic
    13.333333333333334
    """
    same_bins(expected, actual)
    m, n = sum(expected), sum(actual)
    table = _pooled(
        list(
            zip(
                expected,
                actual,
                strict=True,
            )
        ),
        m,
        n,
    )
    if len(table) < 2:  # noqa: PLR2004 - one bin cannot differ
        return ChiSquare(0.0, 0, 1.0)
    statistic = 0.0
    for pair in table:
        total = pair[0] + pair[1]
        for count, size in zip(
            pair,
            (m, n),
            strict=True,
        ):
            usual = total * size / (m + n)
            statistic += (count - usual) ** 2 / usual
    degrees = len(table) - 1
    return ChiSquare(statistic, degrees, chi_square_tail(statistic, degrees))


def _pooled(
    pairs: Sequence[Pair],
    m: int,
    n: int,
) -> list[Pair]:
    """Return the bins with rare ones joined; what is still rare joins the smallest of the others.

    Args:
        pairs: counts of both samples per bin.
        m: the size of the first sample.
        n: the size of the second.
    """
    share = min(m, n) / (m + n) if m + n else 0.0
    table: list[Pair] = []
    pool = (0, 0)
    for pair in pairs:
        if (pair[0] + pair[1]) * share >= FEWEST:
            table.append(pair)
        else:
            pool = (pool[0] + pair[0], pool[1] + pair[1])
    if sum(pool) * share >= FEWEST or not table:
        table.append(pool)
    elif sum(pool):
        smallest = min(range(len(table)), key=lambda place: sum(table[place]))
        pair = table[smallest]
        table[smallest] = (pair[0] + pool[0], pair[1] + pool[1])
    return table


def fisher(expected: Pair, actual: Pair) -> float:
    """Test whether two samples of no and yes come from one distribution, exactly and two-sided.

    Where every cell is expected to hold 100 or more, Pearson's chi-square stands in, which then
    agrees. Source: Fisher 1934.

    Args:
        expected: how many of the first sample are (no, yes).
        actual: of the second.

    Returns:
        The probability, given the margins, of tables no more probable than this one; 1 if either
        sample is empty.

    >>> round(fisher((10_000, 0), (98, 2)), 6)
    9.7e-05
    """
    m, n = sum(expected), sum(actual)
    # The rarer column has the shorter list of possible tables.
    rare = min((0, 1), key=lambda place: expected[place] + actual[place])
    total = expected[rare] + actual[rare]
    if total * min(m, n) >= MANY * (m + n):
        return chi_square(expected, actual).p
    # All tables with these margins, by how many of the rare ones the second sample has.
    possible = range(max(0, total - m), min(total, n) + 1)
    logs = [_log_choose(n, k) + _log_choose(m, total - k) for k in possible]
    observed = logs[actual[rare] - possible.start] + NEARLY
    most = max(logs)
    ways = sum(exp(value - most) for value in logs)
    as_rare = sum(exp(value - most) for value in logs if value <= observed)
    return min(1.0, as_rare / ways)


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def chi_square_tail(statistic: float, degrees: int) -> float:
    """Return P(X >= statistic) for a chi-square distribution, to about 1e-12.

    It is the upper regularised incomplete gamma function Q(degrees / 2, statistic / 2). Source:
    Abramowitz & Stegun 6.5.29 (series) and 6.5.31 (continued fraction, by Lentz 1976).

    Args:
        statistic: X.
        degrees: of freedom, at least 1.

    >>> round(chi_square_tail(3.841458820694124, 1), 10)
    0.05
    """
    shape, point = degrees / 2, statistic / 2
    if point <= 0:
        return 1.0
    front = exp(shape * log(point) - point - lgamma(shape))
    # The series converges fast below the middle, the fraction above it; and far tails would
    # vanish in 1 - series.
    if point < shape + 1:
        return max(0.0, 1.0 - front * _series(shape, point))
    return front * _fraction(shape, point)


def _series(shape: float, point: float) -> float:
    term = total = 1 / shape
    for step in range(1, MOST_TERMS):  # pragma: no branch - it converges long before
        term *= point / (shape + step)
        total += term
        if term < total * PRECISION:
            break
    return total


def _fraction(shape: float, point: float) -> float:
    # Lentz's algorithm, with the names of Abramowitz & Stegun: b is the denominator of the step,
    # c and d are the ratios of successive numerators and denominators.
    b = point + 1 - shape
    c = 1 / TINY
    d = value = 1 / b
    for step in range(1, MOST_TERMS):  # pragma: no branch - it converges long before
        factor = -step * (step - shape)
        b += 2
        d = 1 / (factor * d + b or TINY)
        c = b + factor / c or TINY
        value *= c * d
        if abs(c * d - 1) < PRECISION:
            break
    return value


def ks_p(
    distance: float,
    expected: int,
    actual: int,
) -> float:
    """Return P(a Kolmogorov-Smirnov distance of two samples is at least this), asymptotically.

    Both samples are of one continuous distribution; for binned or tied values the answer is too
    large rather than too small. Against the exact p-value (scipy's; 50 to 10,000 rows, p from .2
    to .0001) it is at most .5 % too small, so that a level holds, and too large by up to 10 % for
    windows of 500 or more, by 34 % below. Stephens' correction (1970), which is for one sample, is
    up to 28 % too small there. Source: Smirnov 1948; sqrt(m n / (m + n)) D has Kolmogorov's
    distribution.

    Args:
        distance: D, in [0, 1].
        expected: the sample size m.
        actual: the sample size n.

    Returns:
        A probability; 1 if either sample is empty.

    >>> round(ks_p(0.043, 2_000, 2_000), 3)
    0.05
    """
    if not expected or not actual:
        return 1.0
    return kolmogorov_tail(distance * sqrt(expected * actual / (expected + actual)))


def kolmogorov_tail(point: float) -> float:
    """Return P(K >= point) of Kolmogorov's distribution: 2 sum (-1)^(k-1) exp(-2 k^2 x^2).

    Source: Kolmogorov 1933.

    >>> round(kolmogorov_tail(1.3581), 4)
    0.05
    """
    if point < CERTAIN:
        return 1.0
    if point < TURN:
        # The series converges slowly where x is small; its theta transform does so where x is
        # large.
        exponents = [(2 * k - 1) ** 2 * pi**2 / (8 * point**2) for k in range(1, 6)]
        terms = sum(exp(-exponent) for exponent in exponents)
        return min(1.0, 1.0 - sqrt(2 * pi) / point * terms)
    tail = 0.0
    for k in range(1, 6):
        sign = 1.0 if k % 2 else -1.0
        tail += sign * exp(-2 * k**2 * point**2)
    return 2 * tail


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number.

    Calling those below q drifted is wrong for a share of at most q of them. The i-th smallest
    becomes min over j >= i of m p_j / j. Source: Benjamini & Hochberg 1995.

    Args:
        p: shape (m,), each in [0, 1].

    >>> benjamini_hochberg([0.01, 0.04, 0.03, 0.5])
    [0.04, 0.05333333333333334, 0.05333333333333334, 0.5]
    """
    adjusted = [1.0] * len(p)
    least = 1.0
    places = sorted(range(len(p)), key=p.__getitem__)
    # From the largest on, so that the minimum over all larger ones is at hand.
    for rank in range(
        len(p),
        0,
        -1,
    ):
        place = places[rank - 1]
        least = min(least, p[place] * len(p) / rank)
        adjusted[place] = least
    return adjusted
