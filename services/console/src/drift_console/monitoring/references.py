"""What each model is compared with, and how long its windows last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_ml.baseline import Baseline
from drift_monitor.keys import MINUTE, Series
from drift_monitor.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_engine.bundle import Bundle

    from drift_console.settings import Settings


def references_of(bundles: Mapping[str, Bundle]) -> dict[Series, Reference]:
    """Return what each model is compared with, from bundles that are loaded already."""
    references = {}
    for bundle in bundles.values():
        series = Series(bundle.manifest["model"], bundle.manifest["model_version"])
        references[series] = Reference(bundle.feature_set, Baseline.from_json(bundle.baseline))
    return references


def baselines_of(references: Mapping[Series, Reference]) -> dict[str, Baseline]:
    """Return the baseline of each model, of which there is one version."""
    return {series.model: reference.baseline for series, reference in references.items()}


def period_of(settings: Settings) -> int:
    """Return the seconds that a window spans: 60, and 1 with --fast."""
    return max(1, MINUTE // settings.scale)
