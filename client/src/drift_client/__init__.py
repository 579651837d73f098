"""The typed client of the prediction API: checks what it sends and what it gets, retries without doubling.

>>> from drift_client import Client, Outside
>>> client = Client("http://127.0.0.1:8123", model="house-price")
>>> client.predict({"bedrooms": 3, "bathrooms": 2, "sqft": 2000, "age": 10, "location_score": 7})  # doctest: +SKIP
Prediction(prediction=689871.25, drift_score=0.3284, ...)
"""

from drift_client._client import Client, Outside
from drift_client._errors import (
    BrokenResponse,
    ClientError,
    RequestRefused,
    ServiceError,
    ServiceFailed,
    Unreachable,
)
from drift_client._results import Drift, Health, ModelCard, Prediction, Refusal, ServedModel
from drift_client._retry import Retry

__all__ = [
    "BrokenResponse",
    "Client",
    "ClientError",
    "Drift",
    "Health",
    "ModelCard",
    "Outside",
    "Prediction",
    "Refusal",
    "RequestRefused",
    "Retry",
    "ServedModel",
    "ServiceError",
    "ServiceFailed",
    "Unreachable",
]
