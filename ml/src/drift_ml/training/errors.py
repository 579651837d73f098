"""What can go wrong in training, besides rows that break the feature set.

TrainingError
 ├── LibraryMissing       the estimator's library is not installed
 ├── ModelWorseThanMean   the fitted model is not worth packing
 └── WarningsFound        a warning about the data, where none is accepted

Rows that break the feature set are a `drift_ml.tables.DataError`.
"""

import sys

from drift_contracts import DriftError
from drift_contracts.exits import CANNOT_START, FINDING


class TrainingError(DriftError):
    """Training stopped; nothing was written."""


class LibraryMissing(TrainingError):
    """The library of an estimator is not installed."""

    exit_code = CANNOT_START

    def __init__(
        self,
        estimator: str,
        library: str,
        extra: str,
    ) -> None:
        #: As the option names it.
        self.estimator = estimator
        #: The extra of drift-ml that brings the library.
        self.extra = extra
        super().__init__(
            f"--estimator {estimator}: the library {library} is not installed; in the folder of"
            f" the repository this does it: {sys.executable} -m pip install -e 'ml[{extra}]'"
        )


class ModelWorseThanMean(TrainingError):
    """Held-out R2 is at or below zero: predicting the mean would do as well.

    Of a classifier the Brier skill is: predicting the classes' shares would do as well.
    """

    exit_code = FINDING

    def __init__(
        self,
        r2: float,
        *,
        skill: str = "R2",
        simple: str = "the mean",
    ) -> None:
        #: The skill on the held-out rows; NaN where it does not exist.
        self.r2 = r2
        super().__init__(
            f"held-out {skill} is {r2:.3f}: no better than predicting {simple};"
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
