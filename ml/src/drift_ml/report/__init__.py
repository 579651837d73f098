"""A window held against its baseline, in figures and in words."""

from drift_ml.report._channel import PSI_GROUPS
from drift_ml.report._differences import NATS, Difference, differences
from drift_ml.report._report import window_report

__all__ = ["NATS", "PSI_GROUPS", "Difference", "differences", "window_report"]
