"""Models of as many features as a test asks for."""

import json

from drift_contracts import FeatureSet
from drift_engine.bundle import Bundle
from drift_engine.forest import Forest
from drift_engine.forest.writer import Tree, encode

from tests.support.houses import PREDICTION_ID as ID

NORMAL = {"mean": 0.0, "std": 1.0}
STUMP = Tree([1, -1, -1], [2, -1, -1], [0, -2, -2], [0.0, -2.0, -2.0], [0.0, 1.0, 2.0], [0, 0, 0])


def wide(features, importances=None, **members):
    """Return a bundle of so many numbers, whose model looks at the first."""
    document = {
        "contract": "feature-set.v2", "name": "wide", "version": "1.0.0", "description": "Many numbers.",
        "target": {"name": "y", "unit": "points", "description": "Nothing."},
        "features": [
            {"name": f"n{place}", "type": "number", "unit": "none", "example": 0.0, "description": "Some.", **members}
            for place in range(features)
        ],
    }  # fmt: skip
    feature_set = FeatureSet.from_json(document)
    baseline = {"features": dict.fromkeys(feature_set.names, NORMAL), "importances": importances or {}}
    model = Forest.from_bytes(encode([STUMP], features=features))
    return Bundle({"model_version": "0123456789ab"}, feature_set, baseline, model)


def answered(world, bundle, values, **settings):
    """Return the answer to a row of the values at their places, else 0, and its line."""
    row = {**bundle.feature_set.example, **{f"n{place}": value for place, value in values.items()}}
    service = world.service(loaded={"wide": bundle}, model="wide", **settings)
    body = json.dumps({"features": row, "prediction_id": ID}).encode()
    reply = service.respond("POST", "/predict", body, "application/json", "request-1")
    assert reply.status == 200
    (event,) = world.events
    return json.loads(reply.body), event
