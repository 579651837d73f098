"""The life cycle of alarms: raised, standing while their drifts last, recovered, armed again."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_ml.evidence._detector import MixtureDetector
    from drift_ml.evidence._finding import DriftFinding
    from drift_ml.evidence._standing import StandingAlarm
    from drift_ml.sketches import Sketches


@dataclass(frozen=True)
class Transition:
    """What one window changed."""

    #: ln of the evidence after the window, nats, of what no alarm explains; where the threshold was
    #: reached, that which reached it. Minus infinity before the first event.
    evidence: float
    #: Whether the evidence reached the threshold in this window: for a new drift, or once more for
    #: one that stands.
    crossed: bool
    #: The alarms that the window raised, in the order of their evidence.
    raised: tuple[StandingAlarm, ...] = ()
    #: Drifts that the window found to be of the cause of an alarm that stood.
    joined: tuple[DriftFinding, ...] = ()
    #: The alarms whose drifts ended with the window.
    recovered: tuple[StandingAlarm, ...] = ()


def observe_window(
    detector: MixtureDetector,
    counts: Mapping[str, Sequence[int]],
    *,
    events: int,
    timestamp_s: float = 0.0,
    sketches: Sketches | None = None,
) -> Transition:
    """Take one window in; return what it changed.

    Each alarm is raised once, lasts while its drift does, and ends when there is as much evidence
    that the drift is over as an alarm takes. Others are raised and end beside it.

    Args:
        detector: takes the window in.
        counts: events per bin by channel (`drift_ml.window.Window.channel_counts`).
        events: how many the window holds; an empty window changes nothing.
        timestamp_s: of the window's beginning, in seconds since the epoch, or of any other clock
            that does not go back.
        sketches: of the window (`drift_ml.window.Window.sketches`), by which repeats count for
            less; None for none.
    """
    detector.update(counts, events=events, timestamp_s=timestamp_s, sketches=sketches)
    return _changes(detector)


def observe_end(
    detector: MixtureDetector,
    last_s: float,
) -> Transition:
    """Take in the last day of past traffic, if it is a whole one; return what it changed.

    Args:
        detector: has taken all windows in.
        last_s: of the last event, in seconds since the epoch.
    """
    detector.end_day(last_s)
    return _changes(detector)


def _changes(detector: MixtureDetector) -> Transition:
    """Return what the last step changed, and end the alarms whose drifts are over."""
    crossed = detector.peak > -inf
    evidence = detector.peak if crossed else detector.evidence
    raised, joined = detector.raised, detector.joined
    recovered = detector.end_recovered()
    return Transition(evidence, crossed, raised, joined, recovered)
