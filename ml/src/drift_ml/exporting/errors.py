"""What is wrong with the rows of an export."""

from drift_contracts import DriftError


class ExportError(DriftError):
    """Rows that an estimator cannot be exported with; nothing was written."""

    def __init__(
        self,
        place: str,
        expected: str,
        way_out: str,
    ) -> None:
        #: The argument, with row and feature where it is one of these.
        self.place = place
        #: What was expected there.
        self.expected = expected
        #: What to do.
        self.way_out = way_out
        super().__init__(f"{place}: expected {expected}; {way_out}")
