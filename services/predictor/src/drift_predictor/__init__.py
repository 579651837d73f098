"""The prediction service of MLOps Drift Monitor and its Lambda edge.

`Service` knows no AWS: bytes in, bytes out, one line per prediction. `Edge` turns Lambda events
into calls of it. `start` makes a service from environment variables.

A cold start pays for every import, so values are `drift_contracts.records.Record` (there is why)
and types are imported for type checkers only: `TYPE_CHECKING` is written out as False, because
`typing` is one of the modules that are spared.
"""

from __future__ import annotations

from drift_contracts import SettingsError

from drift_predictor.edge import Edge
from drift_predictor.identifiers import uuid7
from drift_predictor.problems import Problem
from drift_predictor.service import Service
from drift_predictor.settings import Settings, read_settings
from drift_predictor.start import open_bundles, start
from drift_predictor.values import Reply

__all__ = [
    "Edge",
    "Problem",
    "Reply",
    "Service",
    "Settings",
    "SettingsError",
    "open_bundles",
    "read_settings",
    "start",
    "uuid7",
]
