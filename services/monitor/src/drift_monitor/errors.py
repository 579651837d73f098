"""What can go wrong in the monitor.

DriftError
 └── MonitorError
      ├── BadDelivery     the envelope of a delivery could not be opened
      ├── Conflict        somebody else wrote first: read again and retry
      ├── BadStore        what is stored is damaged, or newer than this code; it was left as it is
      ├── BadSetting      a setting of the environment is missing or not valid
      └── Unanswered      what was asked outside did not answer: nothing is known of the record
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_contracts import DriftError

if TYPE_CHECKING:
    from pathlib import Path


class MonitorError(DriftError):
    """The root of the monitor's errors."""


class BadDelivery(MonitorError):
    """A delivery whose envelope is not what its source promises."""


class Conflict(MonitorError):
    """The stored revision is not the one that was read; nothing was written."""


class BadStore(MonitorError):
    """Stored data that is damaged, or newer than this code; nothing of it was changed.

    place: the file, or the series whose items they are. says: what is wrong, and the way out.
    """

    def __init__(self, place: Path | str, says: str) -> None:
        self.place = place
        self.says = says
        super().__init__(f"the store {place} cannot be used: {says}")

    def __reduce__(self) -> tuple[type[BadStore], tuple[Path | str, str]]:
        return type(self), (self.place, self.says)


class BadSetting(MonitorError):
    """A setting of the environment is missing or not valid."""


class Unanswered(MonitorError):
    """Something outside did not answer, so that nothing is known of the record that asked for it."""
