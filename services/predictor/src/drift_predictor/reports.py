"""Write what the service says about itself: health, the models' cards, the OpenAPI document."""

from __future__ import annotations

from drift_contracts.metric_lines import json_text

CARD = "model.card.v2"
HEALTH = "health.v2"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from drift_contracts.json_types import ReadableJson, ReadableObject
    from drift_contracts.types import BaselineV1Summary

    from drift_predictor.answers import Model


def health(
    stack: str, default: str, models: Mapping[str, Model], counters: Mapping[str, int]
) -> bytes:
    """Return the answer to a health check (health.v2).

    Args:
        stack: the stack that the service belongs to.
        default: the model behind `/predict`.
        models: by name.
        counters: what was counted since the service started, beside the predictions.
    """
    predictions = sum([model.predictions for model in models.values()])
    return _json(
        {
            "contract": HEALTH,
            "status": "ok",
            "stack": stack,
            **served(default, models),
            "counters": {"predictions": predictions, **counters},
        }
    )


def served(default: str, models: Mapping[str, Model]) -> dict[str, ReadableJson]:
    """Return the models that a service has, each with its versions and its engine.

    Args:
        default: the model behind `/predict`.
        models: by name.
    """
    return {
        "default": default,
        "models": {name: _described(model) for name, model in models.items()},
    }


def _described(model: Model) -> dict[str, ReadableJson]:
    # Any: manifests of the first version, and those of forests, state no grade.
    manifest: Any = model.bundle.manifest
    return {
        "model_version": model.version,
        "feature_set": model.bundle.feature_set.version,
        "engine": model.bundle.model.engine,
        "grade": manifest.get("exactness", {}).get("grade"),
    }


def model_card(model: Model) -> bytes:
    """Return a model's manifest, feature set, and baseline without its bins (model.card.v2)."""
    bundle = model.bundle
    baseline = bundle.baseline
    features = baseline["features"].items()
    summary: dict[str, ReadableJson] = {
        "rows": baseline["rows"],
        "features": {name: _summary(facts) for name, facts in features},
    }
    # Baselines of older trainings have no summary of the predictions.
    if "target" in baseline:
        summary["target"] = _summary(baseline["target"])
    if "prediction" in baseline:
        summary["prediction"] = _summary(baseline["prediction"])
    target = bundle.feature_set.target
    return _json(
        {
            "contract": CARD,
            "model": model.name,
            "model_version": model.version,
            "threshold": model.threshold,
            "engine": bundle.model.engine,
            "task": target.kind,
            "answers": f"prediction.response.v{target.answers_version}",
            # A TypedDict is JSON, which a type checker does not know.
            "manifest": bundle.manifest,  # type: ignore[dict-item]
            "feature_set": bundle.feature_set.to_json(),
            "baseline": summary,
        }
    )


def openapi(default: str, models: Mapping[str, Model]) -> bytes:
    """Return the OpenAPI document of the models that are served, composed from their contracts.

    Args:
        default: the model behind `/predict`.
        models: by name.
    """
    # Imported here because a cold start need not wait for it.
    from drift_contracts.openapi import document  # noqa: PLC0415

    return _json(document([model.bundle.feature_set for model in models.values()], default))


def _summary(facts: BaselineV1Summary) -> dict[str, ReadableJson]:
    """Return what a card shows of a summary: all but the bins."""
    return {
        "mean": facts.get("mean"),
        "std": facts.get("std"),
        "min": facts.get("min"),
        "max": facts.get("max"),
    }


def _json(document: ReadableObject) -> bytes:
    return json_text(document).encode()
