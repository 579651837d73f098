"""What can be wrong with a replay."""

from drift_contracts import DriftError


class ReplayError(DriftError):
    """Settings that do not go together, or windows that are not there; says what was expected."""
