"""What can go wrong with a forest.

DriftError
└── ForestError
    ├── BadForest   a file, or the arrays to make one from, is not a forest
    └── BadRow      a row is not one that the forest can answer
"""

from drift_contracts.errors import DriftError


class ForestError(DriftError):
    """Root of this package's errors."""


class BadForest(ForestError):
    """A file, or the arrays to make one from, is not a forest."""


class BadRow(ForestError):
    """A row has the wrong length, or a value that is no finite number in a float32's range."""
