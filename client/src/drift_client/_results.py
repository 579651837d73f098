"""What the service says, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from drift_contracts.features import FeatureSet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_contracts.errors import Violation

Value = float | bool | str | None


@dataclass(frozen=True)
class Drift:
    """How unlike the training data an instance is: z per feature, the drifted features, severity."""

    z: Mapping[str, float | None]
    drifted: tuple[str, ...]
    severity: str


@dataclass(frozen=True)
class Prediction:
    """The answer to one instance."""

    prediction: float
    drift_score: float
    drift: Drift
    prediction_id: str
    timestamp: datetime
    model: str
    model_version: str
    features: Mapping[str, Value]


@dataclass(frozen=True)
class Refusal:
    """An instance of a batch that was not answered, with its violations.

    A service lists 1,000 violations of a batch, the first of each instance among them; the last one's `expected`
    says how many more there are.
    """

    violations: tuple[Violation, ...]


@dataclass(frozen=True)
class ServedModel:
    """A model as /health lists it."""

    model_version: str
    feature_set: str
    engine: str


@dataclass(frozen=True)
class Health:
    """What the service serves, which model it asks by default, what it has counted since its start."""

    stack: str
    default: str | None
    models: Mapping[str, ServedModel]
    counters: Mapping[str, int]


@dataclass(frozen=True)
class ModelCard:
    """What is served under a model's name; `manifest` and `baseline` are the parsed documents."""

    model: str
    model_version: str
    threshold: float
    engine: str
    feature_set: FeatureSet
    manifest: Mapping[str, Any]
    baseline: Mapping[str, Any]


def read_prediction(document: Mapping[str, Any]) -> Prediction:
    """The prediction in a prediction.response.v1."""
    return _prediction(document, document, document["features_received"])


def read_answer(answer: Mapping[str, Any], batch: Mapping[str, Any], features: Mapping[str, Value]) -> Prediction:
    """One prediction of a prediction.batch.response.v1, with the features that were sent."""
    return _prediction(answer, batch, features)


def _prediction(own: Mapping[str, Any], shared: Mapping[str, Any], features: Mapping[str, Value]) -> Prediction:
    drift = own["drift"]
    return Prediction(
        prediction=own["prediction"],
        drift_score=own["drift_score"],
        drift=Drift(drift["z"], tuple(drift["drifted"]), drift["severity"]),
        prediction_id=own["prediction_id"],
        timestamp=datetime.fromisoformat(shared["timestamp"]),
        model=shared["model"],
        model_version=shared["model_version"],
        features=features,
    )


def read_health(document: Mapping[str, Any]) -> Health:
    """What a health.v1 says."""
    models = {name: ServedModel(**facts) for name, facts in document["models"].items()}
    return Health(document["stack"], document["default"], models, document["counters"])


def read_card(document: Mapping[str, Any]) -> ModelCard:
    """What a model.card.v1 says. Raises ContractError if its feature set breaks its own contract."""
    facts = {name: document[name] for name in ("model", "model_version", "threshold", "engine", "manifest", "baseline")}
    return ModelCard(**facts, feature_set=FeatureSet.from_json(document["feature_set"]))
