"""`driftctl`: the prediction service from a terminal, and whatever other packages add to it."""

from drift_client.cli._main import main

__all__ = ["main"]
