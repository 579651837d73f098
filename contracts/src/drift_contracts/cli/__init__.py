"""`driftctl`: the prediction service from a terminal, and whatever other packages add to it."""

from drift_contracts.cli._main import main
from drift_contracts.cli._reading import reading_options

__all__ = ["main", "reading_options"]
