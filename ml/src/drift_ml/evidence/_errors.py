"""What can be wrong with evidence's settings, counts and states."""

from drift_contracts import DriftError


class EvidenceError(DriftError):
    """Settings, counts or a state that the evidence cannot use; says what was expected."""
