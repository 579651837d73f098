"""What can go wrong in training, besides rows that break the feature set (`drift_ml.tables.DataError`).

TrainingError
 └── ModelWorseThanMean   the fitted model is not worth packing
"""

from drift_contracts import DriftError


class TrainingError(DriftError):
    """Training stopped; nothing was written."""


class ModelWorseThanMean(TrainingError):
    """Held-out R2 is at or below zero: predicting the mean would do as well."""

    def __init__(self, r2: float) -> None:
        self.r2 = r2
        super().__init__(f"held-out R2 is {r2:.3f}: no better than predicting the mean; the bundle was not written")
