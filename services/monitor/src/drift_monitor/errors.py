"""What can go wrong in the monitor.

DriftError
 └── MonitorError
      ├── BadDelivery     the envelope of a delivery could not be opened
      ├── BadEvent        a record that cannot be counted, with the reason
      ├── Conflict        another writer was first: read again and retry
      ├── BadLog          a prediction log, or a file of it, that cannot be read
      ├── BadStore        stored data is damaged, or newer than this code; it was left as it is
      └── Unanswered      what was asked outside did not answer: nothing is known of the record

Settings that cannot be used are a `drift_contracts.SettingsError`.
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


class BadEvent(MonitorError):
    """A record that cannot be counted; the message is the reason that its dead letter states."""


class Conflict(MonitorError):
    """The stored revision is not the one that was read; nothing was written."""


class BadLog(MonitorError):
    """A prediction log, or a file of it, that cannot be read."""


class BadStore(MonitorError):
    """Stored data that is damaged, or newer than this code; nothing of it was changed."""

    #: The file, or the series whose items they are.
    place: Path | str
    #: What is wrong, and the way out.
    reason: str

    def __init__(
        self,
        place: Path | str,
        reason: str,
    ) -> None:
        self.place = place
        self.reason = reason
        super().__init__(f"the store {place} cannot be used: {reason}")

    def __reduce__(self) -> tuple[type[BadStore], tuple[Path | str, str]]:
        # Pickled errors are made anew from `args`, which hold the whole message only.
        return type(self), (self.place, self.reason)


class Unanswered(MonitorError):
    """Something outside did not answer, so that nothing is known of the record that asked."""
