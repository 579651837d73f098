"""Events of houses before a change and since it, which only a part of the traffic has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from drift_ml.evidence import DriftFinding
from drift_monitor.alerts import AlertSource, Grounds, drift_alert

from tests.support.house_tables import columns, price
from tests.support.series import SERIES

if TYPE_CHECKING:
    from drift_contracts.types import AlertV2
    from drift_monitor.reference import Reference

#: 2027-01-15T08:00:00Z.
ONSET = 1_800_000_000.0


def alert_of_all(reference: Reference) -> AlertV2:
    """Return an alert that areas have risen since the onset, raised an hour after it."""
    finding = DriftFinding("sqft", "location", "up", 0.3, 0.3, ONSET, 900.0, 15.0, 11.0, {"sqft": 1.0})
    return drift_alert(AlertSource("test", SERIES, reference, {}), finding, Grounds(int(ONSET // 60) + 59, 50_000))


def moved_events(rows: int = 600) -> list[str]:
    """Return event lines from before the onset, then as many since; areas have risen where houses are young."""
    table = columns(2 * rows, seed=5)
    is_moved = (np.arange(2 * rows) >= rows) & (table["age"] < 10)
    table["sqft"] = table["sqft"] + np.where(is_moved, 700, 0)
    prices = price(table)
    lines = []
    for row in range(2 * rows):
        event = {
            "contract": "prediction.event.v1",
            "Model": SERIES.model,
            "model_version": SERIES.version,
            "timestamp": f"2027-01-15T{7 + row // rows:02}:59:59.{row % rows:03}Z",
            "Prediction": float(prices[row]),
            "features": {name: float(values[row]) for name, values in table.items()},
        }
        lines.append(json.dumps(event))
    return lines
