"""What the service says about itself: health, the models' cards, the OpenAPI document."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from drift_predictor.answers import Model

MOMENTS = ("mean", "std", "min", "max")


def health(stack: str, default: str, models: Mapping[str, Model], counters: Mapping[str, int]) -> bytes:
    """Return what a health check is answered (health.v1).

    Args:
        stack: the stack that the service belongs to.
        default: the model behind `/predict`.
        models: by name.
        counters: what was counted since the service started, beside the predictions.
    """
    predictions = sum(model.predictions for model in models.values())
    facts = {"status": "ok", "stack": stack, **served(default, models)}
    return _json({**facts, "counters": {"predictions": predictions, **counters}})


def served(default: str, models: Mapping[str, Model]) -> dict[str, Any]:
    """Return the models that a service has, each with its versions and what walks its forest."""
    described = {
        name: {
            "model_version": model.version,
            "feature_set": model.bundle.feature_set.version,
            "engine": model.bundle.forest.engine,
        }
        for name, model in models.items()
    }
    return {"default": default, "models": described}


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


def openapi(default: str, models: Mapping[str, Model]) -> bytes:
    """Return the OpenAPI document of the models that are served, composed from their contracts."""
    from drift_contracts.openapi import document  # noqa: PLC0415 - nobody waits for it at a cold start

    return _json(document([model.bundle.feature_set for model in models.values()], default))


def _moments(facts: Mapping[str, object]) -> dict[str, object]:
    return {name: facts.get(name) for name in MOMENTS}


def _json(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
