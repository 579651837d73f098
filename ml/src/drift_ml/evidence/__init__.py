"""Sequential evidence of drift with a stated false-alarm rate.

`docs/evidence.md` says what is guaranteed.

`MixtureDetector` watches every channel of a baseline at once. Needs numpy.
"""

from drift_ml.evidence._budget import Budget
from drift_ml.evidence._capital import Capital, log_mixture
from drift_ml.evidence._charts import Chart, charts, reference_correlation
from drift_ml.evidence._detector import MixtureDetector, Settings
from drift_ml.evidence._errors import EvidenceError
from drift_ml.evidence._finding import DriftFinding
from drift_ml.evidence._lifecycle import Transition, observe_end, observe_window
from drift_ml.evidence._seasonality import DayVariation, Seasonality, inflation_over_blocks
from drift_ml.evidence._standing import StandingAlarm
from drift_ml.evidence._tables import Tables
from drift_ml.evidence._whole_days import add_counts

__all__ = [
    "Budget",
    "Capital",
    "Chart",
    "DayVariation",
    "DriftFinding",
    "EvidenceError",
    "MixtureDetector",
    "Seasonality",
    "Settings",
    "StandingAlarm",
    "Tables",
    "Transition",
    "add_counts",
    "charts",
    "inflation_over_blocks",
    "log_mixture",
    "observe_end",
    "observe_window",
    "reference_correlation",
]
