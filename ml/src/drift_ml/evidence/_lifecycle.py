"""The life cycle of an alarm: raised, standing while its drift lasts, recovered, armed again."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_ml.evidence._detector import MixtureDetector
    from drift_ml.evidence._finding import DriftFinding


@dataclass(frozen=True)
class Transition:
    """What one window changed."""

    #: ln of the evidence after the window, nats. Where the window raised an alarm, what raised it;
    #: at the threshold where the evidence reached it and began anew; minus infinity before the
    #: first event.
    evidence: float
    #: Whether the evidence reached the threshold in this window.
    crossed: bool
    #: The alarm that the window raised.
    raised: DriftFinding | None = None
    #: The alarm whose drift ended with the window; the detector has been reset.
    recovered: DriftFinding | None = None


def observe_window(
    detector: MixtureDetector,
    counts: Mapping[str, Sequence[int]],
    *,
    events: int,
    timestamp_s: float = 0.0,
) -> Transition:
    """Take one window in; return what it changed.

    An alarm is raised once, lasts while its drift does, and ends when there is as much evidence
    that the drift is over as an alarm takes. Then the detector is reset, so that the next drift is
    the next alarm.

    Args:
        detector: takes the window in.
        counts: events per bin by channel (`drift_ml.window.Window.channel_counts`).
        events: how many the window holds; an empty window changes nothing.
        timestamp_s: of the window's beginning, in seconds since the epoch, or of any other clock
            that does not go back.
    """
    before = detector.alarm
    detector.update(counts, events=events, timestamp_s=timestamp_s)
    # Evidence that reaches the threshold with a large enough effect is spent on the alarm: the
    # detector then begins with nothing again.
    crossed = events > 0 and detector.evidence == -inf
    evidence = detector.needed if crossed else detector.evidence
    if before is None:
        raised = detector.alarm
        return Transition(evidence if raised is None else raised.evidence, crossed, raised=raised)
    if not detector.recovered:
        return Transition(evidence, crossed)
    detector.reset()
    return Transition(evidence, crossed, recovered=before)
