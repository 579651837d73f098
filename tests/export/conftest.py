"""Small made-up data, which all tests of the export share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from drift_contracts import feature_set

from tools.exactness.data import make_data

if TYPE_CHECKING:
    from drift_contracts import FeatureSet

    from tools.exactness.data import Data

ROWS = 240


@pytest.fixture(scope="session")
def houses() -> FeatureSet:
    """Return a feature set that ships."""
    return feature_set("house-price")


@pytest.fixture(scope="session")
def with_missing() -> Data:
    """Return rows some of whose cells are missing."""
    return make_data(ROWS, nullable=True)


@pytest.fixture(scope="session")
def whole() -> Data:
    """Return rows without a missing cell."""
    return make_data(ROWS, nullable=False)
