"""What can go wrong in the monitor.

DriftError
 └── MonitorError
      ├── BadDelivery     the envelope of a delivery could not be opened
      ├── Conflict        somebody else wrote first: read again and retry
      └── BadSetting      a setting of the environment is missing or not valid
"""

from __future__ import annotations

from drift_contracts import DriftError


class MonitorError(DriftError):
    """The root of the monitor's errors."""


class BadDelivery(MonitorError):
    """A delivery whose envelope is not what its source promises."""


class Conflict(MonitorError):
    """The stored revision is not the one that was read; nothing was written."""


class BadSetting(MonitorError):
    """A setting of the environment is missing or not valid."""
