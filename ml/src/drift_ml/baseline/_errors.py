"""What can be wrong with a baseline or with the rows it is made of."""

from drift_contracts import DriftError


class BaselineError(DriftError):
    """Rows that no baseline can be made of, or a document that is none; says what was expected and where."""
