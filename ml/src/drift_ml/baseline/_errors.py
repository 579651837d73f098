"""What can be wrong with a baseline or with the rows it is made of."""

from drift_contracts import DriftError


class BaselineError(DriftError):
    """No baseline can be made of rows, or a document is none; says what was expected and where."""
