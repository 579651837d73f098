"""What the service says about itself: health, the models' cards, the OpenAPI document."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from drift_predictor.answers import Model
    from drift_predictor.service import Service

MOMENTS = ("mean", "std", "min", "max")


def health(service: Service) -> bytes:
    """That the service runs, with which models and engines, and what it has counted since its start (health.v1)."""
    counters = {
        "predictions": sum(model.predictions for model in service.models.values()),
        "rejected": service.rejected,
        "errors": service.errors,
        "lines_lost": service.journal.lost,
    }
    return _json({"status": "ok", "stack": service.stack, **served(service), "counters": counters})


def served(service: Service) -> dict[str, Any]:
    """The models that a service has, each with its versions and what walks its forest."""
    models = {
        name: {
            "model_version": model.version,
            "feature_set": model.bundle.feature_set.version,
            "engine": model.bundle.forest.engine,
        }
        for name, model in service.models.items()
    }
    return {"default": service.default.name, "models": models}


def model_card(model: Model) -> bytes:
    """A model: manifest, feature set, and the baseline without its bins (model.card.v1)."""
    bundle = model.bundle
    baseline = bundle.baseline
    summary: dict[str, Any] = {
        "rows": baseline["rows"],
        "features": {name: _moments(facts) for name, facts in baseline["features"].items()},
        **{part: _moments(baseline[part]) for part in ("target", "prediction") if part in baseline},
    }
    return _json(
        {
            "model": model.name,
            "model_version": model.version,
            "threshold": model.threshold,
            "engine": bundle.forest.engine,
            "manifest": bundle.manifest,
            "feature_set": bundle.feature_set.to_json(),
            "baseline": summary,
        }
    )


def openapi(service: Service) -> bytes:
    """The OpenAPI document of the models that are served, composed from their contracts."""
    from drift_contracts.openapi import document  # noqa: PLC0415 - nobody waits for it at a cold start

    feature_sets = [model.bundle.feature_set for model in service.models.values()]
    return _json(document(feature_sets, service.default.name))


def _moments(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: facts.get(name) for name in MOMENTS}


def _json(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
