from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from drift_contracts import feature_set

if TYPE_CHECKING:
    from drift_contracts import FeatureSet


@pytest.fixture(scope="session")
def houses() -> FeatureSet:
    return feature_set("house-price")
