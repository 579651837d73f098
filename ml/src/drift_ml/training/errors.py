"""What can go wrong in training, besides rows that break the feature set (`drift_ml.tables.DataError`).

TrainingError
 ├── ModelWorseThanMean   the fitted model is not worth packing
 ├── PackedDiffers        what was packed does not answer as what was fitted: a fault of ours
 └── WarningsFound        a warning about the data, where none is accepted
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


class WarningsFound(TrainingError):
    """The data has what a careful colleague would warn of, and strictness was asked for.

    source: where the rows come from. warnings: each as a sentence.
    """

    #: Data that is not good enough is a finding, as drift is.
    exit_code = FINDING

    def __init__(self, source: str, warnings: tuple[str, ...]) -> None:
        self.source = source
        self.warnings = warnings
        count = f"{len(warnings)} warning{'s' * (len(warnings) != 1)}"
        lines = "\n".join(f"  {words}" for words in warnings)
        super().__init__(f"{source}: {count}, nothing was trained (--strict)\n{lines}")


class PackedDiffers(TrainingError):
    """The packed forest does not answer as the estimator does."""

    exit_code = FAULT

    def __init__(self, differing: int) -> None:
        self.differing = differing
        super().__init__(f"the packed forest differs from the estimator on {differing} rows; nothing was written")
