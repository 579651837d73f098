"""The way that is usual without this project: scikit-learn, numpy, and one CloudWatch call per metric.

A Lambda handler as tutorials write it, made ready when imported: MODEL_FILE (joblib), MEANS and STDS (JSON) and
CLOUDWATCH_URL come from the environment.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime

import boto3
import joblib
import numpy as np

NAMES = ("bedrooms", "bathrooms", "sqft", "age", "location_score")
MODEL = joblib.load(os.environ["MODEL_FILE"])
MEANS = np.array(json.loads(os.environ["MEANS"]))
STDS = np.array(json.loads(os.environ["STDS"]))
CLOUDWATCH = boto3.client(
    "cloudwatch",
    endpoint_url=os.environ["CLOUDWATCH_URL"],
    region_name="eu-west-1",
    aws_access_key_id="local",
    aws_secret_access_key="local",
)


def put(name: str, value: float) -> None:
    metric = {"MetricName": name, "Value": value, "Dimensions": [{"Name": "Model", "Value": "house-price"}]}
    CLOUDWATCH.put_metric_data(Namespace="Naive", MetricData=[metric])


def handler(event, _context):
    features = json.loads(event["body"])["features"]
    row = np.array([[features[name] for name in NAMES]])
    prediction = float(MODEL.predict(row)[0])
    z = np.abs((row[0] - MEANS) / STDS)
    drift_score = float(z.mean())
    put("Prediction", prediction)
    put("DriftScore", drift_score)
    for name, value in list(zip(NAMES, row[0], strict=True))[:4]:
        put(f"Feature_{name}", float(value))
    answer = {
        "prediction": prediction,
        "drift_score": drift_score,
        "timestamp": datetime.now(UTC).isoformat(),
        "features_received": features,
    }
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(answer)}
