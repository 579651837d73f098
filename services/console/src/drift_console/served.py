"""The models that a console serves: what it shows of each, and what it compares each with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from drift_ml.baseline import PREDICTION
from drift_monitor.reference import without_segments

from drift_console.monitoring import references_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from drift_engine.bundle import Bundle
    from drift_monitor.keys import Series
    from drift_monitor.reference import Reference

    from drift_console.specification import Specification
    from drift_console.state import ModelView


@dataclass(frozen=True)
class Served:
    """The served models; the first one is the default."""

    #: By model.
    views: Mapping[str, ModelView]
    #: By model and version.
    references: Mapping[Series, Reference]

    @classmethod
    def of(
        cls,
        specification: Specification,
        bundles: Mapping[str, Bundle],
        folder: Path | None = None,
    ) -> Served:
        """Return the models of some bundles.

        Args:
            specification: Declares the alarms of each model.
            bundles: By model, at least one.
            folder: Of the bundles, which has their rhythms; None for none of them.

        Raises:
            DriftError: For a bundle whose baseline cannot be used.
        """
        return cls(specification.models_of(bundles), references_of(bundles, folder))

    def without_scenarios(self) -> Served:
        """Return the same models without requests that the page could send."""
        views = {name: replace(view, suite=None) for name, view in self.views.items()}
        return replace(self, views=views)

    def without_segments(self) -> Served:
        """Return the same models, whose traffic is watched as a whole alone."""
        return replace(self, references=without_segments(self.references))

    @property
    def features(self) -> set[str]:
        """Return the names of the features of all models, and of their answers."""
        names = {PREDICTION}
        for view in self.views.values():
            names.update(view.feature_set.names)
        return names

    @property
    def most_features(self) -> int:
        """Return how many features the widest model has."""
        return max(len(view.feature_set.features) for view in self.views.values())

    @property
    def versions(self) -> dict[str, str]:
        """Return the version of each model."""
        return {name: view.card["model_version"] for name, view in self.views.items()}
