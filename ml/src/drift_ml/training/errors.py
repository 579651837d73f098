"""What can go wrong in training, besides rows that break the feature set (`drift_ml.tables.DataError`).

TrainingError
 ├── ModelWorseThanMean   the fitted model is not worth packing
 └── PackedDiffers        what was packed does not answer as what was fitted: a fault of ours
"""

from drift_contracts import DriftError
from drift_contracts.exits import FAULT, FINDING


class TrainingError(DriftError):
    """Training stopped; nothing was written."""


class ModelWorseThanMean(TrainingError):
    """Held-out R2 is at or below zero: predicting the mean would do as well."""

    exit_code = FINDING

    def __init__(self, r2: float) -> None:
        self.r2 = r2
        super().__init__(f"held-out R2 is {r2:.3f}: no better than predicting the mean; the bundle was not written")


class PackedDiffers(TrainingError):
    """The packed forest does not answer as the estimator does."""

    exit_code = FAULT

    def __init__(self, differing: int) -> None:
        self.differing = differing
        super().__init__(f"the packed forest differs from the estimator on {differing} rows; nothing was written")
