"""The drift monitor at home: stored events into windows, windows into evidence, evidence onto the page."""

from drift_console.monitoring.reading import EvidenceReader
from drift_console.monitoring.turn import Monitor, references_of
from drift_console.monitoring.whatif import WhatIf, replay

__all__ = ["EvidenceReader", "Monitor", "WhatIf", "references_of", "replay"]
