"""What can be wrong with a window."""

from drift_contracts import DriftError


class WindowError(DriftError):
    """Windows do not add, a document is none, or an event cannot be counted."""
