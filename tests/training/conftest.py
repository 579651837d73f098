from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from drift_contracts import feature_set

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from drift_contracts import FeatureSet

HEADER = "bedrooms,bathrooms,sqft,age,location_score,price"
GOOD = [f"{1 + i % 5},{1 + i % 3},{1500 + 37 * i},{i % 50},{1 + i % 9}.5,{400000 + 9000 * i}" for i in range(40)]


@pytest.fixture(scope="session")
def houses() -> FeatureSet:
    return feature_set("house-price")


@pytest.fixture
def csv(tmp_path: Path) -> Callable[..., Path]:
    """Writes a CSV of good rows under a header; `change` replaces the cell in (line number, column)."""

    def write(
        header: str = HEADER, rows: list[str] | None = None, change: dict[tuple[int, str], str] | None = None
    ) -> Path:
        lines = [line.split(",") for line in (GOOD if rows is None else rows)]
        for (line, column), cell in (change or {}).items():
            lines[line - 2][header.split(",").index(column)] = cell
        path = tmp_path / "houses.csv"
        path.write_text("\n".join([header, *(",".join(line) for line in lines)]) + "\n")
        return path

    return write
