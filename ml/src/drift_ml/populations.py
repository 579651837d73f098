"""Whether a part of the traffic, such as that of a caller, is another population than the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_ml.effects import chi_square, merge, psi, psi_expected

if TYPE_CHECKING:
    from drift_ml.baseline import Baseline
    from drift_ml.window import Window

#: Parts that are looked at beside each other, at most, and all others together.
MOST_PARTS = 19
#: Events of a part over which it is decided, at least.
FEWEST_EVENTS = 500
#: PSI in excess of chance, on one feature: from the first on a part is another population (a large
#: change, half a standard deviation), and below the second on every feature it is none.
LEAST_EFFECT, NO_EFFECT = 0.25, 0.1
#: Probability by chance below which a part is another population, over all features and parts.
LEVEL = 0.001
#: Events that a day counts as in that probability, at most: those of a day depend on each other.
DAY_EVENTS = 200
#: Groups that bins are merged to for PSI, as in reports.
MOST_GROUPS = 10


def population_difference(
    baseline: Baseline,
    of_part: Window,
    of_others: Window,
    days: int,
) -> tuple[float, bool]:
    """Return the largest PSI in excess of chance over features, and whether chance is ruled out.

    Args:
        baseline: whose bins are counted.
        of_part: its events.
        of_others: those of everybody else.
        days: that both are of.
    """
    counts, others = of_part.channel_counts(), of_others.channel_counts()
    inputs = [
        channel.name
        for channel in baseline.channels
        if channel.answer is None and len(channel.of) == 1
    ]
    # As many events as are independent, for the probability alone.
    part = min(1.0, DAY_EVENTS * days / of_part.events)
    largest, least_p = 0.0, 1.0
    for name in inputs:
        expected, actual = merge(others[name], counts[name], MOST_GROUPS)
        if not sum(expected) or not sum(actual):
            continue
        chance = psi_expected(len(expected), sum(expected), sum(actual))
        largest = max(largest, psi(expected, actual) - chance)
        few = [[round(part * count) for count in side] for side in (expected, actual)]
        least_p = min(least_p, chi_square(*few).p)
    return largest, least_p * len(inputs) * (MOST_PARTS + 1) < LEVEL


def is_another(
    largest: float,
    *,
    is_certain: bool,
    of_part: Window,
    of_others: Window,
) -> bool:
    """Return whether a part is another population; never one of more events than all others.

    Args:
        largest: PSI in excess of chance, as `population_difference` returns it.
        is_certain: whether chance is ruled out, as above.
        of_part: its events.
        of_others: those of everybody else.
    """
    return largest >= LEAST_EFFECT and is_certain and of_others.events >= of_part.events
