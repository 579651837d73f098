"""What the service says about itself: health, the model's card, the OpenAPI document."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from drift_ml.bundle import Bundle

    from drift_predictor.answers import Model
    from drift_predictor.service import Service

MOMENTS = ("type", "count", "missing", "mean", "std", "min", "max")


def health(service: Service) -> bytes:
    """That the service runs, with which models and engines, and what it has counted since its start."""
    return _json(
        {
            "status": "ok",
            "stack": service.stack,
            "model": service.default.name,
            "model_version": service.default.version,
            "engine": service.default.bundle.forest.engine,
            "models": served(service),
            "counters": {
                "predictions": sum(model.predictions for model in service.models.values()),
                "rejected": service.rejected,
                "errors": service.errors,
                "lines_lost": service.journal.lost,
            },
        }
    )


def served(service: Service) -> list[dict[str, Any]]:
    """The models that a service has, each with its version and how it is answered."""
    return [
        {
            "model": model.name,
            "model_version": model.version,
            "engine": model.bundle.forest.engine,
            "trees": model.bundle.forest.trees,
            "nodes": model.bundle.forest.nodes,
        }
        for model in service.models.values()
    ]


def model_card(bundle: Bundle) -> bytes:
    """A model: manifest, feature set, and the baseline without its bins."""
    baseline = bundle.baseline
    summary: dict[str, Any] = {"rows": baseline["rows"]}
    summary["features"] = {name: _moments(facts) for name, facts in baseline["features"].items()}
    summary |= {part: _moments(baseline[part]) for part in ("target", "prediction", "error") if part in baseline}
    return _json(
        {
            "model": bundle.manifest["model"],
            "model_version": bundle.manifest["model_version"],
            "engine": bundle.forest.engine,
            "manifest": bundle.manifest,
            "feature_set": bundle.feature_set.to_json(),
            "baseline": summary,
        }
    )


def openapi(models: Iterable[Model]) -> bytes:
    """The OpenAPI document of the models that are served, composed from their contracts."""
    from drift_contracts.openapi import document  # noqa: PLC0415 - nobody waits for it at a cold start

    return _json(document([model.bundle.feature_set for model in models]))


def _moments(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: facts[name] for name in MOMENTS if name in facts}


def _json(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
