"""What the evaluator holds traffic against now, for whoever evaluates its windows again."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from drift_contracts.wording import listed
from drift_ml.replay.allowance import Phase
from drift_monitor.bases import bases_in_words
from drift_monitor.errors import BadStore
from drift_monitor.rhythms import Rhythms

if TYPE_CHECKING:
    from drift_ml.rhythm import Rhythm
    from drift_monitor.keys import Series
    from drift_monitor.policy import Policy
    from drift_monitor.reference import Reference
    from drift_monitor.rhythms import Memory
    from drift_monitor.stores import Store

TRAINING = "Held against the training rows"
#: Channels that a sentence names.
MOST_NAMED = 4


@dataclass(frozen=True)
class HeldAgainst:
    """What traffic is held against."""

    #: In a sentence, without a full stop.
    words: str
    #: As `replay_windows` takes it; none where it is the training rows alone.
    phases: tuple[Phase, ...] = ()


def held_against(
    store: Store,
    series: Series,
    reference: Reference,
    policy: Policy,
) -> HeldAgainst:
    """Return what the evaluator holds traffic against now.

    Args:
        store: Of the windows and states.
        series: Whose traffic.
        reference: Baseline, and the rhythm of the bundle.
        policy: Of the evaluator.
    """
    if not policy.learns_rhythm:
        return HeldAgainst(f"{TRAINING}, as no rhythm is learned")
    rhythms = Rhythms(store, policy.period, policy.left_out, policy.references)
    try:
        memory = rhythms.memory(series, reference.baseline, 0)
    except BadStore:
        return HeldAgainst(f"{TRAINING}, as the stored rhythm cannot be read")
    channels = reference.baseline.channels
    rhythm = rhythms.reference(memory, reference.baseline, reference.rhythm)
    days = memory.held(reference.rhythm, channels)
    if rhythm is None and not days:
        return HeldAgainst(f"{TRAINING}, as in the service until a rhythm is learned")
    seasonality = None if rhythm is None else rhythm.seasonality(channels)
    words = f"Held as in the service now{_words(memory, reference, rhythm, days)}"
    return HeldAgainst(words, (Phase(-inf, seasonality, days),))


def _words(
    memory: Memory,
    reference: Reference,
    rhythm: Rhythm | None,
    days: tuple[str, ...],
) -> str:
    """Return rhythm, bases and whole days in words, each after a semicolon or a comma.

    Args:
        memory: What is stored of the rhythm.
        reference: Has the rhythm of the bundle.
        rhythm: In force, with its bases.
        days: Channels that are held against whole days.
    """
    words = ""
    learned = memory.in_force(reference.rhythm)
    if learned is not None:
        words = f", by the rhythm {learned}"
    words += bases_in_words({} if rhythm is None else rhythm.bases)
    if days:
        words += f"; against whole days: {listed(days, MOST_NAMED)}"
    return words
