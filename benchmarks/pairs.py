"""Time two sides in interleaved pairs until the interval of their ratio decides about a bar.

A pair is one turn of each side, whose order alternates, and gives one ratio: seconds a call of the usual side over
seconds a call of ours. The ratio that is judged is the median of all pairs, so that a process that takes a core away
from single turns moves it little, and no more to one side than to the other. Its interval is a confidence sequence:
it may be looked at after every pair, and the first look that decides ends the row.
"""

from __future__ import annotations

import time
from bisect import insort
from dataclasses import dataclass
from math import exp, inf, lgamma, log, log1p
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MISS = 0.01
"""Probability that the interval of a row ever leaves out the median; half of it at each end."""
ENDS = 0.25
"""Weight in the mixture of a coin that always falls on one side, for either side: clear rows need fewer pairs."""
HALF_WIDTH = log(1.03)
"""Of the interval of the logarithm: a row that is known so well is at its bar."""
TURN_SECONDS = 0.1
"""The least that a turn takes: longer than a slice that the kernel gives to another process."""
LIMIT_SECONDS = 300.0
FAIL_SECONDS = 120.0
"""No row is called too slow before: shared cores stay in a state for up to minutes, and it may favour one side."""

HOLDS = "holds"
AT_THE_BAR = "at the bar"
TOO_SLOW = "too slow"
UNDECIDED = "undecided"
PASSING = (HOLDS, AT_THE_BAR)


class MedianInterval:
    """A confidence sequence for the median of a stream, valid at every look at once.

    Whether a value lies below the median is a fair coin. The likelihood ratio of a mixture of other coins is a
    martingale that starts at 1; by Ville's inequality it ever reaches 1 / miss with probability at most miss. The
    mixture gives half of its weight to all coins alike (2^n B(k + 1, n - k + 1) after n values, k of them below),
    and a quarter to each of the two that always fall on the same side (2^n while k is 0, or n). What lies between
    the order statistics whose ratio has not reached 1 / miss is the interval. Nothing is assumed of the values but
    that the median of each, given those before, is the same. Sources: Robbins 1970; Howard & Ramdas 2022,
    "Sequential estimation of quantiles" (the beta-binomial mixture).

    >>> interval = MedianInterval(miss=0.2)
    >>> for value in range(11):
    ...     interval.add(value)
    >>> interval.bounds()
    (1, 9)
    """

    def __init__(self, miss: float = MISS) -> None:
        self._needed = -log(miss)
        self._values: list[float] = []
        self._outside = 0  # order statistics at either end that are not the median

    def __len__(self) -> int:
        return len(self._values)

    def add(self, value: float) -> None:
        """Take in one value."""
        insort(self._values, value)
        # the count never falls: with one value more, so few below are less likely still
        while self.evidence(self._outside) >= self._needed:
            self._outside += 1

    def evidence(self, below: int) -> float:
        """Return ln of the likelihood ratio against the median after so many values below it, nats."""
        count = len(self._values)
        log_beta = lgamma(below + 1) + lgamma(count - below + 1) - lgamma(count + 2)
        all_coins = log(1 - 2 * ENDS) + count * log(2) + log_beta
        if below:
            return all_coins
        one_sided = log(ENDS) + count * log(2)
        return one_sided + log1p(exp(all_coins - one_sided))

    def median(self) -> float:
        """Return the median so far. Raises IndexError before the first value."""
        middle = len(self._values) // 2
        return (self._values[middle] + self._values[~middle]) / 2

    def bounds(self) -> tuple[float, float]:
        """Return the interval's ends; infinite while there are too few values."""
        if self._outside == 0:
            return -inf, inf
        return self._values[self._outside - 1], self._values[-self._outside]


class Turn(NamedTuple):
    """Some calls of one side.

    seconds: of all calls together. answers: of each call, in the order of the inputs.
    """

    seconds: float
    answers: Sequence[Any]


@dataclass(frozen=True)
class Side:
    """One of the two that are compared.

    run: does so many calls, from the first input on. calls: of a turn, or None to measure how many fill one.
    """

    name: str
    run: Callable[[int], Turn]
    calls: int | None = None

    @classmethod
    def of(cls, name: str, call: Callable[[Any], Any], inputs: Sequence[Any], calls: int | None = None) -> Side:
        """Return a side that calls a function of this process with inputs that repeat."""

        def run(count: int) -> Turn:
            turns, rest = divmod(count, len(inputs))
            chosen = [*list(inputs) * turns, *inputs[:rest]]
            start = time.perf_counter()
            answers = [call(value) for value in chosen]
            return Turn(time.perf_counter() - start, answers)

        return cls(name, run, calls)

    def calls_of_a_turn(self, seconds: float) -> int:
        """Return how many calls take so long, at least 1; what they warm up stays warm."""
        if self.calls is not None:
            return self.calls
        calls = 1
        while (taken := self.run(calls).seconds) < seconds / 2:
            calls *= 2
        return max(1, round(calls * seconds / taken))


@dataclass(frozen=True)
class Decision:
    """What a row ended with.

    ratio, low, high: the median of the pairs' ratios and the ends of its interval. seconds: a call of ours and of the
    usual side, medians. elapsed: seconds until the decision.
    """

    bar: float
    verdict: str
    ratio: float
    low: float
    high: float
    pairs: int
    seconds: tuple[float, float]
    elapsed: float

    @property
    def passes(self) -> bool:
        """Whether nothing speaks against the bar."""
        return self.verdict in PASSING


def verdict_of(low: float, high: float, bar: float) -> str | None:
    """Return what an interval of the ratio says about a bar, or None while it says nothing.

    >>> verdict_of(31, 40, 30), verdict_of(20, 29.9, 30), verdict_of(29.9, 30.2, 30), verdict_of(25, 40, 30)
    ('holds', 'too slow', 'at the bar', None)
    """
    if low >= bar:
        return HOLDS
    if high < bar:
        return TOO_SLOW
    if low > 0 and log(high / low) / 2 < HALF_WIDTH:
        return AT_THE_BAR
    return None


def decide(  # noqa: PLR0913 - what a row is made of, and the limits that tests shorten
    ours: Side,
    usual: Side,
    bar: float,
    check: Callable[[Sequence[Any], Sequence[Any]], None],
    *,
    turn_seconds: float = TURN_SECONDS,
    limit_seconds: float = LIMIT_SECONDS,
    fail_seconds: float = FAIL_SECONDS,
    miss: float = MISS,
    clock: Callable[[], float] = time.perf_counter,
) -> Decision:
    """Time pairs until the ratio's interval decides about the bar, or the time is over.

    Args:
        ours: The side whose turn should be short.
        usual: What it is compared with.
        bar: Least ratio, of the usual side's seconds a call to ours.
        check: Raises when the answers of the two sides differ; called after every pair, with as many answers of each
            as the shorter turn has.
        turn_seconds: What a turn is filled up to.
        limit_seconds: Then the row is undecided.
        fail_seconds: No look before may end the row as too slow.
        miss: Probability that the interval ever leaves out the median.
        clock: Seconds, for the limits only.

    Returns:
        The decision.
    """
    began = clock()
    sides = (ours, usual)
    calls = [side.calls_of_a_turn(turn_seconds) for side in sides]
    ratios = MedianInterval(miss)
    taken: tuple[list[float], list[float]] = ([], [])
    for order in alternate():
        turns: list[Turn] = [Turn(0, ())] * 2
        for place in order:
            turns[place] = sides[place].run(calls[place])
        common = min(len(turn.answers) for turn in turns)
        check(turns[0].answers[:common], turns[1].answers[:common])
        for place, turn in enumerate(turns):
            insort(taken[place], turn.seconds / calls[place])
        ratios.add(log(turns[1].seconds / calls[1]) - log(turns[0].seconds / calls[0]))
        low, high = map(exp, ratios.bounds())
        verdict = verdict_of(low, high, bar)
        elapsed = clock() - began
        if verdict == TOO_SLOW and elapsed < fail_seconds:
            continue
        if verdict is None and elapsed >= limit_seconds:
            verdict = UNDECIDED
        if verdict is not None:
            break
    middle = len(ratios) // 2
    seconds = (taken[0][middle], taken[1][middle])
    return Decision(bar, verdict, exp(ratios.median()), low, high, len(ratios), seconds, elapsed)


def alternate() -> Iterator[tuple[int, int]]:
    """Yield the order of the sides in each pair: what comes second may find the caches of the other."""
    while True:
        yield 0, 1
        yield 1, 0


def row(name: str, decision: Decision) -> str:
    """Return the line of a table; its head is `HEAD`."""
    mine, theirs = (time_of(seconds) for seconds in decision.seconds)
    interval = f"{number(decision.low)} to {number(decision.high)}"
    cells = f"{number(decision.bar):>7} {number(decision.ratio):>7} {interval:>18} {mine:>9} {theirs:>9}"
    return f"{name:44} {cells} {decision.pairs:>5} {decision.elapsed:4.0f} s  {decision.verdict}"


HEAD = (
    f"{'ratio of the usual way to ours':44} {'bar':>7} {'median':>7} {'interval':>18} {'ours':>9} {'usual':>9} "
    f"{'pairs':>5}    in  verdict"
)


def number(value: float) -> str:
    """Return three digits of a ratio.

    >>> number(1234.5), number(36.52), number(1.0349)
    ('1234', '36.5', '1.03')
    """
    if value >= 100 or value == -inf:
        return f"{value:.0f}"
    return f"{value:.3g}" if value < 10 else f"{value:.1f}"


def time_of(seconds: float) -> str:
    """Return a time with its unit.

    >>> time_of(2.5), time_of(0.0421), time_of(0.0000031)
    ('2.50 s', '42.1 ms', '3.1 us')
    """
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1e3:.1f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} us"
