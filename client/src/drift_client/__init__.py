"""The typed client of the prediction API: checks what it sends and gets, retries without doubling.

>>> from drift_client import Client, Environment
>>> client = Client("http://127.0.0.1:8123", model="house-price")
>>> house = {"bedrooms": 3, "bathrooms": 2, "sqft": 2000, "age": 10, "location_score": 7}
>>> client.predict(house)  # doctest: +SKIP
Prediction(prediction=689871.25, drift_score=0.3284, ...)

`Connection` is the HTTP underneath, for other answers of a service than predictions.
"""

from drift_client._auth import Bearer, SignedByAws
from drift_client._client import Client
from drift_client._connection import Connection, Environment
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
    "Bearer",
    "BrokenResponse",
    "Client",
    "ClientError",
    "Connection",
    "Drift",
    "Environment",
    "Health",
    "ModelCard",
    "Prediction",
    "Refusal",
    "RequestRefused",
    "Retry",
    "ServedModel",
    "ServiceError",
    "ServiceFailed",
    "SignedByAws",
    "Unreachable",
]
