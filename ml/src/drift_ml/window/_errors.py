"""What can be wrong with a window."""

from drift_contracts import DriftError


class WindowError(DriftError):
    """Windows that do not add, a document that is none, or an event that cannot be counted."""
