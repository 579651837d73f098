"""Segments: parts of the traffic, cut by a feature, each held against the same part of training.

Reading them and finding an event's segments needs no numpy; making them does, by
`drift_ml.segments.fit`, and so does looking for the segment of a drift, by
`drift_ml.segments.search`.
"""

from drift_ml.segments._bundled import read_segments
from drift_ml.segments._causes import Told
from drift_ml.segments._guarantee import BudgetShares
from drift_ml.segments._levels import MOST_LEVELS, OTHER, Levels, levels_of
from drift_ml.segments._model import FEWEST_ROWS, CutSegments, Segment, Segments, SegmentsError

__all__ = [
    "FEWEST_ROWS",
    "MOST_LEVELS",
    "OTHER",
    "BudgetShares",
    "CutSegments",
    "Levels",
    "Segment",
    "Segments",
    "SegmentsError",
    "Told",
    "levels_of",
    "read_segments",
]
