"""Answers of the service, whatever is in front of it."""

import json
from uuid import UUID

import pytest
from drift_contracts import RequestValidator
from drift_engine.bundle import Bundle

ID = "019AB0F2-7C1E-7D3A-9B1F-0A1B2C3D4E5F"


def test_prediction(service, post, house):
    """A prediction has the members of its contract, in order, and the forest's answer."""
    status, answer = post("/predict", {"features": house})
    model = service.models["house-price"]
    assert status == 200
    assert list(answer) == [
        *("prediction", "drift_score", "timestamp", "features_received"),
        *("prediction_id", "model", "model_version", "drift"),
    ]
    row = RequestValidator(model.bundle.feature_set).row({"features": house})
    assert answer["prediction"] == model.bundle.model.predict(row)
    assert answer["features_received"] == house
    assert answer["timestamp"] == "2026-11-23T12:00:00.123Z"
    assert (answer["model"], answer["model_version"]) == ("house-price", model.bundle.manifest["model_version"])
    assert list(answer["drift"]) == ["z", "drifted", "severity"]
    assert list(answer["drift"]["z"]) == list(house)


def test_score_in_answer(post, house):
    """The score is the mean of the z in the answer."""
    _, answer = post("/predict", {"features": {**house, "sqft": 9000}})
    z = answer["drift"]["z"].values()
    assert answer["drift_score"] == pytest.approx(sum(map(abs, z)) / len(z))
    assert answer["drift"]["drifted"] == ["sqft"]
    assert answer["drift"]["severity"] == "high"


def test_prediction_id(post, house):
    """An id is made where the caller sends none, and stays where it does."""
    assert UUID(post("/predict", {"features": house})[1]["prediction_id"]).version == 7
    assert post("/predict", {"features": house, "prediction_id": ID})[1]["prediction_id"] == ID


@pytest.mark.parametrize("text", ["2000", "2000.0", "2e3", "1234.5678901234567", "5e-324", "1000000"])
def test_numbers(service, house, text):
    """Numbers come back as the value that was sent."""
    body = json.dumps({"features": {**house, "sqft": 0}}).replace('"sqft": 0', f'"sqft": {text}')
    answer = json.loads(service.respond("POST", "/predict", body.encode()).body)
    assert answer["features_received"]["sqft"] == json.loads(text)


def test_minus_zero(service, house):
    """Minus zero stays minus zero."""
    body = json.dumps({"features": {**house, "age": -0.0}}).encode()
    assert b'"age":-0.0' in service.respond("POST", "/predict", body).body


def test_kinds_of_features(post, mixed):
    """Every kind of feature comes back as it was sent."""
    status, answer = post("/models/mixed/predict", {"features": mixed})
    assert (status, answer["model"], answer["features_received"]) == (200, "mixed", mixed)
    assert answer["drift"]["z"]["colour"] is answer["drift"]["z"]["constant"] is None
    assert answer["drift"]["z"]["flag"] > 0


def test_nulls_and_new_categories(post, mixed):
    """Nulls and new values of an open category are answered."""
    features = {**mixed, "shop": 'ea"st\u2028', "size": None}
    status, answer = post("/models/mixed/predict", {"features": features})
    assert (status, answer["features_received"]) == (200, features)
    assert answer["drift"]["z"]["size"] is None


def test_batch(post, house):
    """A batch answers its good rows and reports the bad ones by pointer."""
    instances = [
        {"features": house},
        {"features": {**house, "age": "old", "sqft": -1}},
        {"features": house, "prediction_id": ID},
        5,
    ]
    status, answer = post("/predict/batch", {"instances": instances})
    assert status == 200
    assert list(answer) == ["predictions", "errors", "timestamp", "model", "model_version"]
    assert [one["index"] for one in answer["predictions"]] == [0, 2]
    assert answer["predictions"][1]["prediction_id"] == ID
    assert list(answer["predictions"][0]) == ["index", "prediction", "drift_score", "prediction_id", "drift"]
    assert [(one["index"], one["pointer"], one["rule"]) for one in answer["errors"]] == [
        (1, "/instances/1/features/sqft", "exclusiveMinimum"),
        (1, "/instances/1/features/age", "type"),
        (3, "/instances/3", "type"),
    ]


def test_batch_as_single(post, mixed):
    """A batch gives the same predictions as its rows one by one."""
    rows = [{**mixed, "load": k / 7, "size": None if k % 3 else k} for k in range(9)]
    _, batch = post("/models/mixed/predict/batch", {"instances": [{"features": row} for row in rows]})
    for row, from_batch in zip(rows, batch["predictions"], strict=True):
        _, alone = post("/models/mixed/predict", {"features": row})
        assert {name: alone[name] for name in ("prediction", "drift_score", "drift")} == {
            name: from_batch[name] for name in ("prediction", "drift_score", "drift")
        }


def test_batch_size(post, house):
    """A batch of a thousand is answered, and one row more is not."""
    status, answer = post("/predict/batch", {"instances": [{"features": house}] * 1000})
    assert (status, len(answer["predictions"])) == (200, 1000)
    status, problem = post("/predict/batch", {"instances": [{"features": house}] * 1001})
    assert (status, problem["errors"][0]["pointer"], problem["errors"][0]["rule"]) == (422, "/instances", "maxItems")


def test_float32(post, mixed):
    """A value that no float32 holds is a 422."""
    status, problem = post("/models/mixed/predict", {"features": {**mixed, "load": -1e39}})
    assert status == 422
    assert problem["errors"][0]["pointer"] == "/features/load"
    assert problem["errors"][0]["rule"] == "minimum"


def test_models(post, house):
    """Models are answered under their names, the default without."""
    assert post("/models/house-price/predict", {"features": house})[1]["model"] == "house-price"
    assert post("/predict", {"features": house})[1]["model"] == "house-price"
    assert post("/models/other/predict", {"features": house})[0] == 404


def test_health(service, post, house):
    """Health has models, versions, engines and counts."""
    post("/predict", {"features": house})
    post("/predict", {"features": 3})
    post("/predict/batch", {"instances": [{"features": house}, 1, 2]})
    health = json.loads(service.respond("GET", "/health").body)
    assert (health["status"], health["stack"], health["default"]) == ("ok", "local", "house-price")
    assert list(health["models"]) == ["house-price", "mixed"]
    model = service.models["mixed"]
    assert health["models"]["mixed"] == {
        "model_version": model.version,
        "feature_set": "1.0.0",
        "engine": model.bundle.model.engine,
        "grade": None,
    }
    assert health["counters"] == {"predictions": 2, "rejected": 3, "errors": 0, "lines_lost": 0}


@pytest.mark.parametrize("path", ["/model", "/models/house-price", "/models/house-price/model"])
def test_model_card(service, path):
    """A model's card has the manifest and the baseline's summary."""
    card = json.loads(service.respond("GET", path).body)
    bundle = service.models["house-price"].bundle
    assert card["manifest"] == bundle.manifest
    assert card["feature_set"] == bundle.feature_set.to_json()
    assert (card["model"], card["threshold"], card["engine"]) == ("house-price", 2.0, bundle.model.engine)
    facts = bundle.baseline["features"]["age"]
    assert card["baseline"]["features"]["age"] == {name: facts[name] for name in ("mean", "std", "min", "max")}
    assert card["baseline"]["rows"] == bundle.baseline["rows"]
    assert "counts" not in json.dumps(card["baseline"])


def test_card_of_older_training(world, service):
    """The card of a bundle that has no summary of its predictions has none."""
    bundle = service.models["house-price"].bundle
    baseline = {name: part for name, part in bundle.baseline.items() if name != "prediction"}
    older = Bundle(bundle.manifest, bundle.feature_set, baseline, bundle.model)
    card = json.loads(world.service(loaded={"house-price": older}).respond("GET", "/model").body)
    assert set(card["baseline"]) == {"rows", "features", "target"}


def test_openapi(service):
    """The OpenAPI document lists what is answered."""
    document = json.loads(service.respond("GET", "/openapi.json").body)
    assert set(document["paths"]) <= set(service.paths)
    for path, operations in document["paths"].items():
        for method in operations:
            assert service.respond(method.upper(), path).status in (200, 400)


@pytest.mark.parametrize("path", ["/health", "/model", "/openapi.json"])
def test_head_as_get(service, path):
    """HEAD is answered as GET, without a body."""
    get, head = service.respond("GET", path), service.respond("HEAD", path)
    assert (head.status, head.media_type, head.body) == (get.status, get.media_type, b"")


def test_single_bundle(world, bundles, tmp_path, house):
    """A single bundle needs no default."""
    (tmp_path / "house-price").symlink_to(bundles / "house-price")
    service = world.service(bundles=str(tmp_path), model="")
    body = json.dumps({"features": house}).encode()
    assert service.respond("POST", "/predict", body).status == 200
