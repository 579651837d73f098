"""Whether a part of the traffic, such as that of a caller, is another population than the rest."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from drift_ml.effects import chi_square, merge, psi, psi_expected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_ml.baseline import Baseline
    from drift_ml.window import Window

#: Parts that are looked at beside each other, at most, and all others together.
MOST_PARTS = 19
#: Names a part that is a caller, where a segment has its feature.
CALLER = "caller"
#: All callers beyond these together.
OTHER = "any other"
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


class Verdict(Enum):
    """What is decided about a part of the traffic."""

    #: Another population than the rest, which differs more than any other part.
    ANOTHER = auto()
    #: Differs, and is decided about anew, as the part that differs most was among the rest.
    DIFFERS = auto()
    #: Is left out, and still differs.
    STAYS_OUT = auto()
    #: The same population as the rest.
    ALIKE = auto()


@dataclass(frozen=True, eq=False)
class Part:
    """A part of the traffic, and the rest of the same days."""

    of_part: Window
    of_others: Window
    #: That both are of.
    days: int
    #: Whether it is left out of the rest.
    is_out: bool

    @property
    def is_enough(self) -> bool:
        """Return whether it has events enough to be decided about."""
        return self.of_part.events >= FEWEST_EVENTS


def verdicts(
    baseline: Baseline,
    parts: Mapping[str, Part],
) -> dict[str, Verdict]:
    """Return what is decided about parts of the traffic, by name.

    A part of more events than the rest is never another population. Of several that differ the one
    that differs most is: it was part of what the others were held against.

    Args:
        baseline: whose bins are counted.
        parts: by name, each with events enough.
    """
    decided, differing = {}, {}
    for name, part in parts.items():
        sides = (part.of_part, part.of_others)
        largest, is_certain = population_difference(baseline, *sides, part.days)
        is_smaller = part.of_others.events >= part.of_part.events
        if part.is_out:
            decided[name] = Verdict.ALIKE if largest < NO_EFFECT else Verdict.STAYS_OUT
        elif largest >= LEAST_EFFECT and is_certain and is_smaller:
            decided[name] = Verdict.DIFFERS
            differing[name] = largest
        else:
            decided[name] = Verdict.ALIKE
    if differing:
        decided[max(differing, key=lambda name: differing[name])] = Verdict.ANOTHER
    return decided
