"""The predictor as the console runs it: the Lambda edge over the service, its lines to the event log."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from drift_contracts import MonitoringSpec
from drift_predictor import Edge, Service, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drift_engine.bundle import Bundle

    from drift_console.settings import Settings


def make_edge(settings: Settings, bundles: Mapping[str, Bundle], write: Callable[[str], None]) -> Edge:
    """The same handler that Lambda runs; `/predict` asks the first model. Raises SettingsError."""
    environ = {
        "DRIFT_MODEL": next(iter(bundles)),
        "DRIFT_STACK": settings.stack,
        "DRIFT_THRESHOLD": "" if settings.threshold is None else str(settings.threshold),
    }
    service = Service(
        bundles,
        read_settings(environ),
        MonitoringSpec.load(),
        clock=time.time_ns,
        timer=time.perf_counter_ns,
        random_bytes=os.urandom,
        write=write,
    )
    return Edge(service)
