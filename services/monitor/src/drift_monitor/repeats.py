"""Say in words how much less requests count that repeat each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drift_ml.evidence import MixtureDetector
    from drift_ml.sketches import Sketches

#: Requests that are spoken of.
MANY = 1_000
SWITCHED_OFF = "not allowed for, as it is switched off"
UNKNOWN = (
    "not told apart: the baseline was made by an earlier release or has too few features; what"
    " names a session in the feature set is allowed for"
)


def repeats_in_words(
    detector: MixtureDetector,
    sketches: Sketches,
) -> str:
    """Return what is known of requests that repeat each other.

    Args:
        detector: has taken the windows in.
        sketches: of the windows of this run.
    """
    if not detector.settings.repeats:
        return SWITCHED_OFF
    measured = detector.repetition
    if measured > 1:
        kind = "requests of a session" if detector.is_by_sessions else "rows"
        return f"{kind} repeat each other: {MANY:,} requests count as {MANY / measured:,.0f}"
    if detector.settings.tie_rate is None and not sketches.sessions.events:
        return UNKNOWN
    return "none beyond chance"
