"""What can go wrong with a packed model; a row that it cannot answer is `BadRow`, as a forest's."""

from drift_contracts.errors import DriftError


class BadModel(DriftError):
    """A file, or what one was to be made from, is not a packed model."""


class TooLarge(BadModel):
    """The file would be larger than one may be, which is 512 MB."""
