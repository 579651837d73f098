"""`driftctl pack`: from a model's file and rows to a bundle, without running the model's code."""

from drift_ml.handover.pack import Handover, Packed, pack

__all__ = ["Handover", "Packed", "pack"]
