"""The word for a drift score, the same in answers, events and the console's scenarios."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    Severity: TypeAlias = Literal["normal", "moderate", "high"]

#: From this score on an instance is unusual.
MODERATE = 1.0
#: Above this score, unless a threshold says otherwise. `prediction.response.v1` names both figures.
HIGH = 2.0


def severity(score: float, threshold: float = HIGH) -> Severity:
    """Return the word for a drift score.

    Args:
        score: The mean |z| of an instance, or the mean of several scores; not negative.
        threshold: The score above which drift is high. Answers and events always use the default,
            because their contract names the figures; a scenario suite has a threshold of its own.

    Returns:
        `normal` below 1, `moderate` up to the threshold, `high` above it, also where the threshold
        is below 1.

    >>> severity(0.99), severity(1.0), severity(2.0), severity(2.01)
    ('normal', 'moderate', 'moderate', 'high')
    >>> severity(2.5, threshold=3.0), severity(0.7, threshold=0.5)
    ('moderate', 'high')
    """
    if score > threshold:
        return "high"
    return "normal" if score < MODERATE else "moderate"
