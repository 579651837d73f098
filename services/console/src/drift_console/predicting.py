"""The predictor as the console runs it: the Lambda edge over the service, its lines going to the event log."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from drift_console.settings import Settings
from drift_ml.bundle import Bundle
from drift_predictor import Edge, Service


def make_edge(
    settings: Settings, bundles: Mapping[str, Bundle], write: Callable[[str], None], *, clock: Callable[[], float]
) -> Edge:
    """The same handler that Lambda runs."""
    raise NotImplementedError
