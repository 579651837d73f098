"""What can go wrong in training, besides rows that break the feature set.

TrainingError
 ├── ModelWorseThanMean   the fitted model is not worth packing
 ├── PackedDiffers        what was packed does not answer as what was fitted: a fault of ours
 └── WarningsFound        a warning about the data, where none is accepted

Rows that break the feature set are a `drift_ml.tables.DataError`.
"""

from drift_contracts import DriftError
from drift_contracts.exits import FAULT, FINDING


class TrainingError(DriftError):
    """Training stopped; nothing was written."""


class ModelWorseThanMean(TrainingError):
    """Held-out R2 is at or below zero: predicting the mean would do as well."""

    exit_code = FINDING

    def __init__(self, r2: float) -> None:
        #: Of the held-out rows; NaN where it does not exist.
        self.r2 = r2
        super().__init__(
            f"held-out R2 is {r2:.3f}: no better than predicting the mean;"
            " the bundle was not written"
        )


class WarningsFound(TrainingError):
    """There is a warning about the data, and strictness was asked for."""

    #: Data that is not good enough is a finding, as drift is.
    exit_code = FINDING

    def __init__(self, source: str, warnings: tuple[str, ...]) -> None:
        #: Where the rows come from.
        self.source = source
        #: Each as a sentence.
        self.warnings = warnings
        plural = "" if len(warnings) == 1 else "s"
        lines = "\n".join(f"  {words}" for words in warnings)
        super().__init__(
            f"{source}: {len(warnings)} warning{plural}, nothing was trained (--strict)\n{lines}"
        )


class PackedDiffers(TrainingError):
    """The packed forest does not answer as the estimator does."""

    exit_code = FAULT

    def __init__(self, differing: int) -> None:
        #: Rows with another answer.
        self.differing = differing
        super().__init__(
            f"the packed forest differs from the estimator on {differing} rows; nothing was written"
        )
