"""`driftctl`: the prediction service from a terminal, and whatever other packages add to it."""

from drift_client.cli._main import PLUGINS, main

__all__ = ["PLUGINS", "main"]
