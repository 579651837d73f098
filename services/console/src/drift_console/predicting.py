"""The predictor as the console runs it: the Lambda edge over the service, its lines to the log."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from drift_contracts import MonitoringSpec, environment
from drift_predictor import Edge, Service, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drift_engine.bundle import Bundle

    from drift_console.settings import Settings


def make_service(
    settings: Settings,
    bundles: Mapping[str, Bundle],
    write: Callable[[str], None],
    clock: Callable[[], int] = time.time_ns,
) -> Service:
    """Return the predictor's service with the console's settings.

    Args:
        settings: The console's.
        bundles: By model; `/predict` asks the first one.
        write: Takes a line of the event log.
        clock: Returns the time of an answer, nanoseconds since 1970.

    Raises:
        SettingsError: Where the predictor refuses stack or threshold.
    """
    variables = {
        environment.MODEL: next(iter(bundles)),
        environment.STACK: settings.stack,
        environment.METRIC_FEATURES: str(settings.metric_features),
    }
    if settings.threshold is not None:
        variables[environment.THRESHOLD] = str(settings.threshold)
    return Service(
        bundles,
        read_settings(variables),
        MonitoringSpec.load(),
        clock=clock,
        timer=time.perf_counter_ns,
        random_bytes=os.urandom,
        write=write,
    )


def make_edge(
    settings: Settings,
    bundles: Mapping[str, Bundle],
    write: Callable[[str], None],
) -> Edge:
    """Return the same handler that Lambda runs.

    Args:
        settings: The console's.
        bundles: By model; `/predict` asks the first one.
        write: Takes a line of the event log.

    Raises:
        SettingsError: Where the predictor refuses stack or threshold.
    """
    return Edge(make_service(settings, bundles, write))
