"""A row of the benchmark ends by what its interval says, whatever else the machine does."""

from __future__ import annotations

from itertools import pairwise
from math import comb, exp, inf, log
from random import Random

import pytest

from benchmarks import pairs
from benchmarks.pairs import Decision, MedianInterval, Side, Turn, decide, row, verdict_of

FEWEST = 9


def fake(name, seconds, calls=1, answer=0):
    """Return a side whose turns take the seconds that a function gives, in no time."""
    return Side(name, lambda count: Turn(seconds() * count, [answer] * count), calls)


def equal(ours, usual):
    assert ours == usual


class Clock:
    """Seconds that pass with every look."""

    def __init__(self, step):
        self.now, self.step = 0.0, step

    def __call__(self):
        self.now += self.step
        return self.now


def noisy(random, typical, spread=0.1, stolen=0.0):
    """Return seconds of turns: some are three times as long, as another process takes the core."""
    return lambda: typical * exp(random.gauss(0, spread)) * (3 if random.random() < stolen else 1)


@pytest.mark.parametrize("draw", ["gauss", "lognormvariate", "cauchy"])
def test_median_interval(draw):
    """Of 400 streams no more than the stated part ever leave the median out."""
    random, miss, missed = Random(7), 0.1, 0

    def value():
        if draw == "cauchy":
            return random.gauss(0, 1) / random.gauss(0, 1)
        return getattr(random, draw)(0, 1) - (1 if draw == "lognormvariate" else 0)

    for _ in range(400):
        interval = MedianInterval(miss)
        for _ in range(200):
            interval.add(value())
            low, high = interval.bounds()
            if not low <= 0 <= high:
                missed += 1
                break
    assert 0 < missed <= 400 * miss


def test_fewest_pairs():
    """The interval is infinite until nine values, which is the first to refute a fair coin."""
    interval = MedianInterval(0.01)
    for value in range(FEWEST - 1):
        interval.add(value)
        assert interval.bounds() == (-inf, inf)
    interval.add(FEWEST)
    assert interval.bounds() == (0, FEWEST)
    before, now = (2**count * (1 / 4 + 1 / 2 / (count + 1)) for count in (FEWEST - 1, FEWEST))
    assert before < 1 / pairs.MISS < now


@pytest.mark.parametrize("count", range(1, 40))
def test_likelihood_ratio(count):
    """The mean likelihood ratio over all outcomes of fair coins is 1, as of a martingale."""
    interval = MedianInterval()
    for value in range(count):
        interval.add(value)
    either_end = 2 * exp(interval.evidence(0)) / 2**count
    between = (comb(count, below) * exp(interval.evidence(below)) / 2**count for below in range(1, count))
    assert either_end + sum(between) == pytest.approx(1)


def test_interval_narrows():
    """The width falls about with the root of the number of values."""
    random, widths = Random(3), []
    interval = MedianInterval()
    for number in range(1, 3201):
        interval.add(random.gauss(0, 1))
        if number in (200, 800, 3200):
            low, high = interval.bounds()
            assert low <= interval.median() <= high
            widths.append(high - low)
    assert all(later < earlier * 0.65 for earlier, later in pairwise(widths))


def test_ties():
    """Equal values give an interval of that value."""
    interval = MedianInterval()
    for _ in range(50):
        interval.add(1.5)
    assert interval.bounds() == (1.5, 1.5)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("stolen", [0.0, 0.3])
def test_noisy_sides(seed, stolen):
    """A fifth above the bar holds and a fifth below is too slow, also under noise."""
    random = Random(seed)
    usual = fake("usual", noisy(random, 30.0, stolen=stolen))
    fast, slow = (fake("ours", noisy(random, seconds, stolen=stolen)) for seconds in (1 / 1.2, 1.2))
    assert decide(fast, usual, 30, equal, fail_seconds=0).verdict == pairs.HOLDS
    assert decide(slow, usual, 30, equal, fail_seconds=0).verdict == pairs.TOO_SLOW


def test_at_the_bar():
    """A row at its bar passes once the interval is narrow, though neither side is proven."""
    random = Random(1)
    decision = decide(fake("ours", noisy(random, 1.0, 0.05)), fake("usual", lambda: 30.0), 30, equal)
    assert decision.verdict == pairs.AT_THE_BAR
    assert decision.passes
    assert decision.low < 30 < decision.high
    assert log(decision.high / decision.low) / 2 < log(1.03)


def test_undecided():
    """A row that nothing decides ends as undecided at the limit, and not before."""
    random, clock = Random(2), Clock(1.0)
    decision = decide(fake("ours", noisy(random, 1.0, 2.0)), fake("usual", lambda: 30.0), 30, equal, clock=clock)
    assert (decision.verdict, decision.passes) == (pairs.UNDECIDED, False)
    assert pairs.LIMIT_SECONDS == 300
    assert decision.elapsed == 300
    assert decision.low < 30 < decision.high


def test_short_look():
    """Cores that favour a side for ten seconds do not end the row, and a slow side does."""
    clock = Clock(1.0)
    ours = fake("ours", lambda: 2.0 if clock.now < 20 else 0.5)
    recovered = decide(ours, fake("usual", lambda: 30.0), 30, equal, clock=clock)
    assert recovered.verdict == pairs.HOLDS
    slow = decide(fake("ours", lambda: 2.0), fake("usual", lambda: 30.0), 30, equal, clock=Clock(1.0))
    assert (slow.verdict, slow.elapsed) == (pairs.TOO_SLOW, pairs.FAIL_SECONDS)


def test_alternating_order():
    """The sides alternate in who goes first."""
    seen = []

    def side(name):
        def run(count):
            seen.append(name)
            return Turn(1.0, [0] * count)

        return Side(name, run, 1)

    decide(side("ours"), side("usual"), 0.5, equal)
    assert seen == (["ours", "usual", "usual", "ours"] * FEWEST)[: 2 * FEWEST]


def test_answers_compared():
    """The first pair with different answers fails, as far as the shorter turn goes."""
    lengths = []

    def check(ours, usual):
        lengths.append((len(ours), len(usual)))
        assert ours == usual

    decide(fake("ours", lambda: 1.0, calls=7), fake("usual", lambda: 9.0, calls=2), 2, check)
    assert lengths == [(2, 2)] * FEWEST
    with pytest.raises(AssertionError):
        decide(fake("ours", lambda: 1.0), fake("usual", lambda: 9.0, answer=1), 2, check)


def test_turn_of_calls():
    """Calls are counted until a turn takes long enough, and inputs repeat in order."""
    assert fake("ours", lambda: 0.001, calls=None).calls_of_a_turn(0.1) == 100
    assert fake("ours", lambda: 3.0, calls=None).calls_of_a_turn(0.1) == 1
    turn = Side.of("square", lambda value: value * value, [1, 2, 3]).run(7)
    assert list(turn.answers) == [1, 4, 9, 1, 4, 9, 1]
    assert turn.seconds > 0


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(-inf, inf, None), (0.0, inf, None), (30, 31, "holds"), (29, 29.9, "too slow")],
)
def test_one_sided_interval(low, high, verdict):
    """An interval decides only where it is on a single side of the bar."""
    assert verdict_of(low, high, 30) == verdict


@pytest.mark.parametrize("verdict", [pairs.HOLDS, pairs.AT_THE_BAR, pairs.TOO_SLOW, pairs.UNDECIDED])
def test_table_row(verdict):
    """A row of the table has the interval and the verdict."""
    line = row("one row", Decision(1000, verdict, 1234, 1100.4, 1400, 20, (3e-6, 7e-3), 4.0))
    assert "1100 to 1400" in line
    assert line.endswith(verdict)
    assert pairs.HEAD.split()[-1] == "verdict"
