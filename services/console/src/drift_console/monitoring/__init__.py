"""The drift monitor at home: stored events into windows, windows into evidence, evidence onto the page."""

from drift_console.monitoring.reading import EvidenceReader
from drift_console.monitoring.turn import Monitor, period_of, references_of

__all__ = ["EvidenceReader", "Monitor", "period_of", "references_of"]
