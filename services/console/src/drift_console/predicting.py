"""The predictor as the console runs it: the Lambda edge over the service, its lines to the event log."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drift_ml.bundle import Bundle
    from drift_predictor import Edge

    from drift_console.settings import Settings


def make_edge(
    settings: Settings,
    bundles: Mapping[str, Bundle],
    write: Callable[[str], None],
    *,
    clock: Callable[[], float],
) -> Edge:
    """The same handler that Lambda runs."""
    raise NotImplementedError
