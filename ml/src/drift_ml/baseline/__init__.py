"""The baseline: what the training data looked like, frozen so that windows can be compared.

Reading one and observing single events needs no numpy; making one does, by `drift_ml.baseline.fit`.
"""

from drift_ml.baseline._concordance import ALL_PAIRS, CONCORDANCE
from drift_ml.baseline._errors import BaselineError
from drift_ml.baseline._model import Baseline
from drift_ml.baseline._parts import (
    ANSWERS,
    INDICATORS,
    PREDICTION,
    Answer,
    Bins,
    CalibrationBin,
    Channel,
    Summary,
)
from drift_ml.baseline._plan import (
    FARTHEST,
    UNITS,
    Plan,
    Source,
)

__all__ = [
    "ALL_PAIRS",
    "ANSWERS",
    "CONCORDANCE",
    "FARTHEST",
    "INDICATORS",
    "PREDICTION",
    "UNITS",
    "Answer",
    "Baseline",
    "BaselineError",
    "Bins",
    "CalibrationBin",
    "Channel",
    "Plan",
    "Source",
    "Summary",
]
