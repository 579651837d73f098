"""A console whose predictor is a stand-in: `python standin_console.py OPTIONS` as `python -m drift_console`.

It answers quickly and writes true event lines, so that tests of the console's own promises need no model.
"""

import json
import time
import uuid
from datetime import UTC, datetime
from types import SimpleNamespace

from drift_console import cli
from drift_contracts import feature_set
from drift_ml.baseline.fit import fit_baseline

FEATURES = feature_set("house-price")
STATISTICS = {
    "bedrooms": (3.0, 1.4),
    "bathrooms": (2.0, 0.8),
    "sqft": (2000.0, 500.0),
    "age": (24.5, 14.4),
    "location_score": (5.5, 2.6),
}
ROWS = 400
BASELINE = fit_baseline(
    FEATURES,
    {
        name: [round(mean + std * (row * step % ROWS - ROWS / 2) * 3 / ROWS) for row in range(ROWS)]
        for step, (name, (mean, std)) in zip((1, 3, 7, 9, 11), STATISTICS.items(), strict=True)
    },
    predictions=[600_000.0 + row for row in range(ROWS)],
).to_json()
MANIFEST = {
    "model": "house-price",
    "model_version": "3f9a1c2b4d5e",
    "estimator": {"kind": "stand-in"},
    "training": {"rows": 10000},
    "scores": {},
    "feature_set": "1.0.0",
}
BUNDLE = SimpleNamespace(
    feature_set=FEATURES, baseline=BASELINE, manifest=MANIFEST, model=SimpleNamespace(engine="stand-in")
)


def make_edge(settings, _bundles, write):
    """An edge that predicts a constant and scores drift as the predictor does."""

    def handle(event, _context):
        if event["requestContext"]["http"]["method"] != "POST":
            return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": "{}"}
        request = json.loads(event["body"])
        features = request["features"]
        z = {name: (features[name] - mean) / std for name, (mean, std) in STATISTICS.items()}
        score = sum(map(abs, z.values())) / len(z)
        drift = {"z": z, "drifted": [name for name in z if abs(z[name]) > 2], "severity": "normal"}
        values = {"Prediction": 600_000.0, "DriftScore": score, "Latency": 0.05}
        values |= {f"Feature_{name}": features[name] for name in z}
        answer = {"prediction": 600_000.0, "prediction_id": request.get("prediction_id") or str(uuid.uuid4())}
        metrics = [{"Name": name} for name in values]
        directive = {"Namespace": "MLOpsDriftMonitor", "Dimensions": [["Stack", "Model"]], "Metrics": metrics}
        line = {
            "_aws": {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [directive]},
            "contract": "prediction.event.v1",
            "Stack": settings.stack,
            "Model": "house-price",
            **values,
            **answer,
            "timestamp": datetime.now(UTC).isoformat(),
            "model_version": MANIFEST["model_version"],
            "features": features,
            "drift": drift,
        }
        write(json.dumps(line))
        body = json.dumps({**answer, "drift_score": score, "drift": drift})
        return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": body}

    return SimpleNamespace(handle=handle)


if __name__ == "__main__":
    cli.ready_bundles = lambda *_: {"house-price": BUNDLE}
    cli.make_edge = make_edge
    cli.main()
