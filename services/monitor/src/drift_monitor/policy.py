"""What a deployment chooses: how often the detector may be wrong, and what it leaves alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drift_monitor.keys import MINUTE
from drift_monitor.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_ml.left_out import LeftOut

DAY = 86_400
#: A minute is evaluated when it has been over for so long: log subscriptions deliver within
#: seconds.
LATENESS_MINUTES = 2
#: Events to one false alarm, whatever the traffic.
LEAST_BUDGET = 1_000


@dataclass(frozen=True)
class Policy:
    """How often the detector may be wrong, and how large a drift must be to be reported."""

    #: Events to one false alarm.
    budget_events: float = 100_000
    #: Days between two false alarms of the whole stack, at the observed traffic; None where
    #: `budget_events` holds.
    budget_days: float | None = None
    #: In standard deviations, see `drift_ml.evidence.Settings`.
    minimum_effect: float = 0.1
    #: The same for single features, by name.
    minimum_effects: Mapping[str, float] = field(default_factory=dict)
    #: When the muting of a feature ends, by name, in seconds since 1970.
    muted: Mapping[str, float] = field(default_factory=dict)
    lateness_minutes: int = LATENESS_MINUTES
    #: Whole seconds that a window spans, 60 but on a scaled clock.
    period: int = MINUTE
    #: Whether the rhythm of the traffic is learned from it and allowed for.
    learns_rhythm: bool = True
    #: Whether requests that repeat each other count for less.
    allows_for_repeats: bool = True
    #: Spans of days that are neither learned from nor evidence: holidays, one-off events.
    left_out: tuple[LeftOut, ...] = ()
    #: How references follow the traffic.
    references: Rules = field(default_factory=Rules)
    #: PSI above which the alarm `psi` of the monitoring spec rings; 0 measures none.
    psi_alarm: float = 0.0

    @property
    def windows_a_day(self) -> int:
        """Return how many windows a day has."""
        return DAY // self.period

    def muted_until(
        self,
        of: Sequence[str],
        timestamp_s: float,
    ) -> float | None:
        """Return when the muting of a channel ends; None where one of its features is not muted.

        Args:
            of: the channel's features.
            timestamp_s: when the muting is asked for, in seconds since 1970.
        """
        ends = [self.muted.get(name, 0.0) for name in of]
        first = min(ends)
        return first if timestamp_s < first else None

    def events(
        self,
        observed_per_day: float | None,
        models: int = 1,
    ) -> float:
        """Return the budget of one model in its events.

        A budget in days is shared equally by the models: each may be wrong as many times more
        rarely. One in events needs no sharing, since each model has only its own events.

        Args:
            observed_per_day: events of a day of the model, None before the first one.
            models: that are watched, at least 1.
        """
        if self.budget_days is None or not observed_per_day:
            return self.budget_events
        budget = max(self.budget_days * observed_per_day * models, LEAST_BUDGET)
        # Powers of two, so that traffic may vary without a new threshold each day.
        return float(2 ** (int(budget).bit_length() - 1))
