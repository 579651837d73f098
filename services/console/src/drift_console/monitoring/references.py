"""What each model is compared with, and how long its windows last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_monitor.keys import MINUTE, Series
from drift_monitor.reference import Reference, reference_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from drift_engine.bundle import Bundle
    from drift_ml.baseline import Baseline

    from drift_console.settings import Settings


def references_of(
    bundles: Mapping[str, Bundle],
    folder: Path | None = None,
) -> dict[Series, Reference]:
    """Return what each model is compared with, from bundles that are loaded already.

    Args:
        bundles: By model.
        folder: Of the bundles, which has their rhythms; None for none of them.
    """
    references = {}
    for bundle in bundles.values():
        model = bundle.manifest["model"]
        place = None if folder is None else folder / model
        series = Series(model, bundle.manifest["model_version"])
        references[series] = reference_of(place, bundle)
    return references


def baselines_of(references: Mapping[Series, Reference]) -> dict[str, Baseline]:
    """Return the baseline of each model, of which there is one version."""
    return {series.model: reference.baseline for series, reference in references.items()}


def period_of(settings: Settings) -> int:
    """Return the seconds that a window spans: 60, and 1 with --fast."""
    return max(1, MINUTE // settings.scale)
