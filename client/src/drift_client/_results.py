"""What the service answers, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

from drift_contracts.features import FeatureSet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_contracts.errors import Violation
    from drift_contracts.types import (
        BundleManifestV1,
        BundleManifestV2,
        HealthV1,
        HealthV2,
        HealthV2Model,
        ModelCardV1,
        ModelCardV1Baseline,
        ModelCardV2,
        ModelCardV2Baseline,
        PredictionBatchResponseV1,
        PredictionBatchResponseV1Answer,
        PredictionBatchResponseV2,
        PredictionBatchResponseV2Answer,
        PredictionResponseV1,
        PredictionResponseV2,
    )

    #: An answer to one instance, alone or in a batch; those of the first version lack members.
    AnyAnswer = (
        PredictionResponseV1
        | PredictionResponseV2
        | PredictionBatchResponseV1Answer
        | PredictionBatchResponseV2Answer
    )

Value = float | bool | str | None


@dataclass(frozen=True)
class Drift:
    """How unlike the training data an instance is."""

    #: z of each feature; None where the training data have no mean or the instance no value
    z: Mapping[str, float | None]
    #: names of the features whose |z| is over the model's threshold
    drifted: tuple[str, ...]
    #: `normal`, `moderate` or `high`, by the drift score
    severity: str


@dataclass(frozen=True)
class Prediction:
    """The answer to one instance."""

    #: in the unit of the feature set's target; of two classes the probability of the positive one,
    #: of more classes that of the label, of several outputs the first
    prediction: float
    #: mean |z|, from 0 to 100
    drift_score: float
    drift: Drift
    #: a UUID, the same in every attempt of the request
    prediction_id: str
    #: when the service answered, UTC
    timestamp: datetime
    model: str
    #: the first 12 hex digits of the digest of the model's manifest
    model_version: str
    #: what was asked
    features: Mapping[str, Value]
    #: the class that is answered; None for a model of numbers, as are the next two
    label: str | None = None
    #: by class, in the model's order
    probabilities: Mapping[str, float] | None = None
    #: the probability of the positive one of two classes at which the label changes
    threshold: float | None = None
    #: by output, in the model's order; None for a model of one output or of classes
    predictions: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Refusal:
    """An instance of a batch that was not answered.

    A service lists 1,000 violations of a batch, the first of each instance among them; the last
    one's `expected` says how many more there are.
    """

    violations: tuple[Violation, ...]


@dataclass(frozen=True)
class ServedModel:
    """A model as /health lists it."""

    model_version: str
    #: version of the feature set
    feature_set: str
    #: `c`, `python` or `onnx`
    engine: str
    #: how exactly it answers as the library that trained it; None where the service does not say
    grade: str | None = None


@dataclass(frozen=True)
class Health:
    """What a service has, and what it has counted."""

    #: the stack that the service belongs to
    stack: str
    #: the model behind /predict; None where there is none
    default: str | None
    models: Mapping[str, ServedModel]
    #: counts since the service started
    counters: Mapping[str, int]


@dataclass(frozen=True)
class ModelCard:
    """What is served under a model's name."""

    model: str
    model_version: str
    #: the |z| over which a feature counts as drifted
    threshold: float
    engine: str
    feature_set: FeatureSet
    #: the manifest of the bundle, as the service sent it
    manifest: BundleManifestV1 | BundleManifestV2
    #: mean, std, min and max of the training data
    baseline: ModelCardV1Baseline | ModelCardV2Baseline


def read_prediction(document: PredictionResponseV1 | PredictionResponseV2) -> Prediction:
    """Return the prediction in a response."""
    return _prediction(document, document, document["features_received"])


def read_answer(
    answer: PredictionBatchResponseV1Answer | PredictionBatchResponseV2Answer,
    batch: PredictionBatchResponseV1 | PredictionBatchResponseV2,
    features: Mapping[str, Value],
) -> Prediction:
    """Return one prediction of a batch's response.

    Args:
        answer: The answer to one instance.
        batch: The response, which holds what is the same for all instances.
        features: What was sent; a batch's response does not repeat it.
    """
    return _prediction(answer, batch, features)


def _prediction(
    answer: AnyAnswer,
    response: PredictionResponseV1
    | PredictionResponseV2
    | PredictionBatchResponseV1
    | PredictionBatchResponseV2,
    features: Mapping[str, Value],
) -> Prediction:
    """Return one prediction.

    Args:
        answer: The answer to the instance.
        response: What holds time and model: the answer itself, or the batch's response.
        features: What was asked.
    """
    drift = answer["drift"]
    # the first version has none of the members of classes and outputs
    scored = cast("PredictionResponseV2", answer)
    return Prediction(
        prediction=answer["prediction"],
        drift_score=answer["drift_score"],
        drift=Drift(drift["z"], tuple(drift["drifted"]), drift["severity"]),
        prediction_id=answer["prediction_id"],
        timestamp=datetime.fromisoformat(response["timestamp"]),
        model=response["model"],
        model_version=response["model_version"],
        features=features,
        label=scored.get("label"),
        probabilities=scored.get("probabilities"),
        threshold=scored.get("threshold"),
        predictions=scored.get("predictions"),
    )


def read_health(document: HealthV1 | HealthV2) -> Health:
    """Return what a health document says; the first version has no grades."""
    listed = cast("Mapping[str, HealthV2Model]", document["models"])
    models: dict[str, ServedModel] = {}
    for name, model in listed.items():
        facts = (model["model_version"], model["feature_set"], model["engine"])
        models[name] = ServedModel(*facts, model.get("grade"))
    counters = cast("Mapping[str, int]", document["counters"])
    return Health(document["stack"], document["default"], models, counters)


def read_card(document: ModelCardV1 | ModelCardV2) -> ModelCard:
    """Return what a model's card says. Raises ContractError for features that break a rule."""
    return ModelCard(
        model=document["model"],
        model_version=document["model_version"],
        threshold=document["threshold"],
        engine=document["engine"],
        feature_set=FeatureSet.from_json(document["feature_set"]),
        # the client has validated it by the contract that it names
        manifest=cast("BundleManifestV1 | BundleManifestV2", document["manifest"]),
        baseline=document["baseline"],
    )
