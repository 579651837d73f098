"""The drift monitor on one machine: stored events into windows, windows into evidence."""

from drift_console.monitoring.reading import EvidenceReader
from drift_console.monitoring.references import period_of, references_of
from drift_console.monitoring.turn import Monitor, policy_of
from drift_console.monitoring.what_if import Asked, WhatIf

__all__ = [
    "Asked",
    "EvidenceReader",
    "Monitor",
    "WhatIf",
    "period_of",
    "policy_of",
    "references_of",
]
