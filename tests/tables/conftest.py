from __future__ import annotations

import pytest
from drift_contracts import FeatureSet

PARCEL = {
    "contract": "feature-set.v1",
    "name": "parcel",
    "version": "1.0.0",
    "description": "What a parcel costs.",
    "target": {"name": "cost", "unit": "EUR", "description": "What was paid."},
    "features": [
        {"name": "weight", "type": "number", "unit": "kg", "exclusive_minimum": 0, "example": 2.5, "description": "-"},
        {"name": "pieces", "type": "integer", "unit": "-", "minimum": 1, "nullable": True, "example": 1,
         "description": "-"},
        {"name": "express", "type": "boolean", "unit": "none", "example": False, "description": "-"},
        {"name": "country", "type": "category", "unit": "none", "categories": ["DE", "FR", "Österreich", "N/A"],
         "nullable": True, "example": "DE", "description": "-"},
    ],
}  # fmt: skip


@pytest.fixture(scope="session")
def parcel():
    return FeatureSet.from_json(PARCEL)


@pytest.fixture(scope="session")
def parcel_document():
    return PARCEL
