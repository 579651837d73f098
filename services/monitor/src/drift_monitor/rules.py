"""How references follow the traffic: what a deployment chooses."""

from __future__ import annotations

from dataclasses import dataclass

REFERENCES = ("rolling", "training")
#: Days after which a drift that still stands is taken as the new normal.
NEW_NORMAL_DAYS = 7.0
MOST_NORMAL_DAYS = 365


@dataclass(frozen=True)
class Rules:
    """How references follow the traffic."""

    #: Whether channels are held against traffic once it is known; else against training alone.
    is_rolling: bool = True
    #: Days after which a drift that still stands is taken as the new normal; 0 for never.
    new_normal_days: float = NEW_NORMAL_DAYS

    @classmethod
    def of(
        cls,
        reference: str,
        new_normal_days: float,
    ) -> Rules:
        """Return the rules that two settings say.

        Args:
            reference: one of `REFERENCES`.
            new_normal_days: as the field.
        """
        return cls(reference == REFERENCES[0], new_normal_days)
