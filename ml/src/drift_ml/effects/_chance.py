"""What chance would do: p-values without scipy, and their correction for many tests."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, lgamma, log, pi, sqrt
from typing import TYPE_CHECKING

from drift_ml.effects._bins import same_bins

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST = 5.0
"""Bins in which fewer events are expected are pooled before a chi-square test (Cochran 1954)."""

TINY = 1e-300
PRECISION = 1e-15
MOST_TERMS = 100_000
CERTAIN = 0.04
"""Below it Kolmogorov's tail differs from 1 by less than 1e-300."""
TURN = 1.18
MANY = 100
NEARLY = 1e-7
"""Tables whose log-probabilities differ by less count as equally probable."""


@dataclass(frozen=True)
class ChiSquare:
    """A chi-square test: its statistic, degrees of freedom and p-value."""

    statistic: float
    degrees: int
    p: float


def chi_square(expected: Sequence[int], actual: Sequence[int]) -> ChiSquare:
    """Whether two samples come from one law, by Pearson's chi-square of homogeneity on the 2 x k table.

    expected, actual: counts per bin, shape (k,). Bins in which the smaller sample would expect fewer than 5
    are pooled. p is 1 where fewer than two bins are left. Raises BinsDiffer. Source: Pearson 1900.

    >>> chi_square([50, 50], [25, 75]).statistic
    13.333333333333334
    """
    same_bins(expected, actual)
    m, n = sum(expected), sum(actual)
    share = min(m, n) / (m + n) if m + n else 0.0
    kept: list[tuple[int, int]] = []
    pool = (0, 0)
    for pair in zip(expected, actual, strict=True):
        if sum(pair) * share >= FEWEST:
            kept.append(pair)
        else:
            pool = (pool[0] + pair[0], pool[1] + pair[1])
    if sum(pool) * share >= FEWEST or not kept:
        kept.append(pool)
    elif sum(pool):
        smallest = min(range(len(kept)), key=lambda place: sum(kept[place]))
        kept[smallest] = (kept[smallest][0] + pool[0], kept[smallest][1] + pool[1])
    if len(kept) < 2:  # noqa: PLR2004 - one bin cannot differ
        return ChiSquare(0.0, 0, 1.0)
    statistic = sum(
        (count - sum(pair) * size / (m + n)) ** 2 / (sum(pair) * size / (m + n))
        for pair in kept
        for count, size in zip(pair, (m, n), strict=True)
    )
    return ChiSquare(statistic, len(kept) - 1, chi_square_tail(statistic, len(kept) - 1))


def fisher(expected: tuple[int, int], actual: tuple[int, int]) -> float:
    """Whether two samples of no and yes come from one law, by Fisher's exact test, two-sided.

    expected, actual: (no, yes) of baseline and window. Returns the probability, given the margins, of tables
    no more probable than this one; 1 if either sample is empty. Where every cell is expected to hold 100 or
    more, Pearson's chi-square stands in, which then agrees. Source: Fisher 1934.

    >>> round(fisher((10_000, 0), (98, 2)), 6)
    9.7e-05
    """
    m, n = sum(expected), sum(actual)
    rare = min((0, 1), key=lambda place: expected[place] + actual[place])
    total, seen = expected[rare] + actual[rare], actual[rare]
    if total * min(m, n) >= MANY * (m + n):
        return chi_square(expected, actual).p
    support = range(max(0, total - m), min(total, n) + 1)
    logs = [_log_choose(n, k) + _log_choose(m, total - k) for k in support]
    here = logs[seen - support.start] + NEARLY
    most = max(logs)
    ways = sum(exp(each - most) for each in logs)
    return min(1.0, sum(exp(each - most) for each in logs if each <= here) / ways)


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def chi_square_tail(statistic: float, degrees: int) -> float:
    """P(X >= statistic) for a chi-square with `degrees` >= 1.

    The upper regularised incomplete gamma function Q(degrees / 2, statistic / 2). Returns a probability in
    [0, 1], to about 1e-12. Source: Abramowitz & Stegun 6.5.29 (series) and 6.5.31 (continued fraction, by
    Lentz 1976).

    >>> round(chi_square_tail(3.841458820694124, 1), 10)
    0.05
    """
    shape, point = degrees / 2, statistic / 2
    if point <= 0:
        return 1.0
    front = exp(shape * log(point) - point - lgamma(shape))
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


def ks_p(distance: float, expected: int, actual: int) -> float:
    """P(a Kolmogorov-Smirnov distance of two samples of one continuous law is at least this), asymptotic.

    distance: in [0, 1]. expected, actual: sample sizes m and n. For binned or tied values it is too large
    rather than too small. 1 if either is empty. Against the exact p-value (scipy's, 50 to 10,000 rows, p from
    .2 to .0001) it is at most 0.5 % too small, so that a level holds, and up to 10 % too large for a window of 500 or
    more, 34 % below. Stephens' correction for one sample (1970) is up to 28 % too small there. Source:
    Smirnov 1948; sqrt(m n / (m + n)) D has Kolmogorov's distribution.

    >>> round(ks_p(0.043, 2_000, 2_000), 3)
    0.05
    """
    if not expected or not actual:
        return 1.0
    return kolmogorov_tail(distance * sqrt(expected * actual / (expected + actual)))


def kolmogorov_tail(point: float) -> float:
    """P(K >= point) of Kolmogorov's law: 2 sum (-1)^(k-1) exp(-2 k^2 x^2).

    Where x is small its theta transform is summed instead. Returns a probability in [0, 1]. Source:
    Kolmogorov 1933.

    >>> round(kolmogorov_tail(1.3581), 4)
    0.05
    """
    if point < CERTAIN:
        return 1.0
    if point < TURN:
        terms = sum(exp(-((2 * k - 1) ** 2) * pi**2 / (8 * point**2)) for k in range(1, 6))
        return min(1.0, 1.0 - sqrt(2 * pi) / point * terms)
    return 2 * sum((1.0 if k % 2 else -1.0) * exp(-2 * k**2 * point**2) for k in range(1, 6))


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """p-values adjusted so that calling those below q drifted is wrong for a share of at most q of them.

    p: shape (m,), each in [0, 1]. The i-th smallest becomes min over j >= i of m p_j / j. Source: Benjamini
    & Hochberg 1995.

    >>> benjamini_hochberg([0.01, 0.04, 0.03, 0.5])
    [0.04, 0.05333333333333334, 0.05333333333333334, 0.5]
    """
    adjusted = [1.0] * len(p)
    least = 1.0
    for rank, place in reversed(list(enumerate(sorted(range(len(p)), key=p.__getitem__), 1))):
        least = min(least, p[place] * len(p) / rank)
        adjusted[place] = least
    return adjusted
