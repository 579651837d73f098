"""What an estimator can be refused for; always at packing, so that serving never meets it.

ConversionError
 ├── CannotServe     this kind of model, or a setting of it, has no place in the model file
 ├── DoesNotFit      the estimator and the feature set are not about the same rows
 └── NotExact        the packed model answers otherwise than the library: nothing was written
"""

from drift_contracts import DriftError
from drift_contracts.exits import FAULT

#: What differs where every raw score is exact, by more than a link of our own may.
LINK = "final values alone"
#: What differs from the answers that a user's rows have.
ANSWERS = "answers"
CHECK_ANSWERS = (
    "see that --answers names this model's own answers to these rows, written in full precision;"
    " if it does,"
)
PLEASE_REPORT = "please report the library's version and the estimator's parameters"
OTHER_EXPONENTIAL = (
    "numpy's exponential is less exact with AVX-512 than the C library's; name these features in"
    " NPY_DISABLE_CPU_FEATURES (docs/exactness.md) before Python starts, and export again"
)


class ConversionError(DriftError):
    """An estimator that cannot be packed; nothing was written."""


class CannotServe(ConversionError):
    """A kind of model, or a setting of it, that the model file has no place for."""

    def __init__(
        self,
        subject: str,
        reason: str,
        way_out: str,
    ) -> None:
        #: Class of the estimator, or the name of its setting.
        self.subject = subject
        #: Why it cannot be served.
        self.reason = reason
        #: What to do instead.
        self.way_out = way_out
        super().__init__(f"{subject}: {reason}; {way_out}")


class DoesNotFit(ConversionError):
    """The estimator and the feature set are not about the same rows."""

    def __init__(
        self,
        place: str,
        expected: str,
        way_out: str,
    ) -> None:
        #: JSON pointer in the feature set, or the estimator's attribute.
        self.place = place
        #: What was expected there.
        self.expected = expected
        #: What to do.
        self.way_out = way_out
        super().__init__(f"{place}: expected {expected}; {way_out}")


class NotExact(ConversionError):
    """The packed model answers otherwise than the library."""

    exit_code = FAULT

    def __init__(
        self,
        call: str,
        what: str,
        rows: int,
        differing: int,
        worst_ulp: float,
    ) -> None:
        """Name what differs.

        It is LINK where only what follows the raw scores differs, and ANSWERS where the rows have
        what the library answered.
        """
        #: The library's call that it was compared with.
        self.call = call
        #: Which of its values differ: scores, raw scores or labels.
        self.what = what
        #: How many rows were compared.
        self.rows = rows
        #: How many of them differ.
        self.differing = differing
        #: The largest distance, in units of the last place.
        self.worst_ulp = worst_ulp
        way_out = OTHER_EXPONENTIAL if what == LINK else PLEASE_REPORT
        if what == ANSWERS:
            way_out = f"{CHECK_ANSWERS} {PLEASE_REPORT}"
        super().__init__(
            f"{call}: {what} of the packed model differ on {differing} of {rows} rows"
            f" (worst {worst_ulp:g} ulp); nothing was written: {way_out}"
        )
