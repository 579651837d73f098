"""`driftctl pack`: from a model's file and rows to a bundle, without running the model's code."""

from drift_ml.handover.pack import pack
from drift_ml.handover.request import Handover, Packed

__all__ = ["Handover", "Packed", "pack"]
