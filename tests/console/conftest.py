"""Event lines as the predictor writes them, in the amounts that tests want."""

import json

import pytest
from hypothesis import settings

settings.register_profile("no wall clock", deadline=None)
settings.load_profile("no wall clock")


@pytest.fixture
def event_line():
    """A function that gives one prediction event line."""

    def line(timestamp, *, drift=0.5, prediction=600_000.0, model="house-price", number=0, **metrics):
        values = {
            "Prediction": prediction,
            "DriftScore": drift,
            "Latency": 0.05,
            "Feature_sqft": 2000.0,
            **metrics,
        }
        document = {
            "_aws": {
                "Timestamp": round(timestamp * 1000),
                "CloudWatchMetrics": [
                    {
                        "Namespace": "MLOpsDriftMonitor",
                        "Dimensions": [["Stack", "Model"]],
                        "Metrics": [{"Name": name} for name in values],
                    }
                ],
            },
            "contract": "prediction.event.v1",
            "Stack": "local",
            "Model": model,
            **values,
            "timestamp": "2026-11-23T12:00:00.123Z",
            "prediction_id": f"id-{number}",
            "model_version": "3f9a1c2b4d5e",
            "features": {"sqft": values["Feature_sqft"]},
            "drift": {"z": {"sqft": 0.0}, "drifted": [], "severity": "normal"},
        }
        return json.dumps(document).encode()

    return line
