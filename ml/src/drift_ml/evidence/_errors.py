"""What can be wrong with the evidence that is asked for."""

from drift_contracts import DriftError


class EvidenceError(DriftError):
    """A detector, budget or state that cannot be used; says what was expected."""
