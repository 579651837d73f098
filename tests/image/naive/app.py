"""The comparison: the way of the demo that this project replaces, without its metric calls."""

import json

import joblib
import numpy as np
import pandas as pd

MODEL = joblib.load("/opt/naive/model.joblib")
NAMES = ["bedrooms", "bathrooms", "sqft", "age", "location_score"]
MEAN = np.array([3.0, 2.0, 2000.0, 24.5, 5.5])
STD = np.array([1.4, 0.82, 500.0, 14.4, 2.6])


def handler(event, _context):
    features = json.loads(event["body"])["features"]
    row = pd.DataFrame([features])[NAMES].to_numpy()
    prediction = float(MODEL.predict(row)[0])
    drift_score = float(np.abs((row - MEAN) / STD).mean())
    return {"statusCode": 200, "body": json.dumps({"prediction": prediction, "drift_score": drift_score})}
