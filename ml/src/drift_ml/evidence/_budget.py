"""How often a detector may be wrong, in the units people think in."""

from __future__ import annotations

from dataclasses import dataclass

from drift_ml.evidence._errors import EvidenceError

FEWEST_EVENTS = 100


@dataclass(frozen=True)
class Budget:
    """At most one false alarm per so many events, on average, while nothing has changed."""

    #: Events from one false alarm to the next, at least 100.
    events: float = 100_000

    def __post_init__(self) -> None:
        if not FEWEST_EVENTS <= self.events < float("inf"):
            raise EvidenceError(
                f"a false-alarm budget: expected a finite number of at least {FEWEST_EVENTS} events"
            )

    @classmethod
    def per_days(
        cls,
        days: float,
        events_per_day: float,
    ) -> Budget:
        """Return the budget of one false alarm per so many days.

        Args:
            days: from one false alarm to the next, on average.
            events_per_day: the traffic that is observed.

        >>> Budget.per_days(30, events_per_day=10_000)
        Budget(events=300000)
        """
        return cls(days * events_per_day)

    def days(self, events_per_day: float) -> float:
        """Return the same budget in days of such traffic.

        >>> Budget(100_000).days(events_per_day=1440)
        69.44444444444444
        """
        return self.events / events_per_day
