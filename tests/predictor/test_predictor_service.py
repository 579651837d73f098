import json
from uuid import UUID

import pytest
from drift_contracts import RequestValidator
from drift_contracts.openapi import BATCH_BYTES, PREDICT_BYTES
from drift_predictor.service import BATCH_LIMIT, REQUEST_LIMIT

ID = "019AB0F2-7C1E-7D3A-9B1F-0A1B2C3D4E5F"


def test_a_prediction_has_the_members_of_its_contract_and_the_forests_answer(service, post, house):
    status, answer = post("/predict", {"features": house})
    model = service.models["house-price"]
    assert status == 200
    assert list(answer) == [
        *("prediction", "drift_score", "timestamp", "features_received"),
        *("prediction_id", "model", "model_version", "drift"),
    ]
    row = RequestValidator(model.bundle.feature_set).row({"features": house})
    assert answer["prediction"] == model.bundle.forest.predict(row)
    assert answer["features_received"] == house
    assert answer["timestamp"] == "2026-11-23T12:00:00.123Z"
    assert (answer["model"], answer["model_version"]) == ("house-price", model.bundle.manifest["model_version"])
    assert list(answer["drift"]) == ["z", "drifted", "severity"]
    assert list(answer["drift"]["z"]) == list(house)


def test_the_score_is_the_mean_of_the_zs_shown(post, house):
    _, answer = post("/predict", {"features": {**house, "sqft": 9000}})
    z = answer["drift"]["z"].values()
    assert answer["drift_score"] == pytest.approx(sum(map(abs, z)) / len(z))
    assert answer["drift"]["drifted"] == ["sqft"]
    assert answer["drift"]["severity"] == "high"


def test_an_id_is_made_when_the_caller_gives_none_and_kept_when_it_does(post, house):
    assert UUID(post("/predict", {"features": house})[1]["prediction_id"]).version == 7
    assert post("/predict", {"features": house, "prediction_id": ID})[1]["prediction_id"] == ID


@pytest.mark.parametrize("text", ["2000", "2000.0", "2e3", "1234.5678901234567", "5e-324", "1000000"])
def test_numbers_come_back_as_the_value_that_was_sent(service, house, text):
    body = json.dumps({"features": {**house, "sqft": 0}}).replace('"sqft": 0', f'"sqft": {text}')
    answer = json.loads(service.respond("POST", "/predict", body.encode()).body)
    assert answer["features_received"]["sqft"] == json.loads(text)


def test_minus_zero_stays_minus_zero(service, house):
    body = json.dumps({"features": {**house, "age": -0.0}}).encode()
    assert b'"age":-0.0' in service.respond("POST", "/predict", body).body


def test_every_kind_of_feature_is_answered_as_it_came(post, mixed):
    status, answer = post("/models/mixed/predict", {"features": mixed})
    assert (status, answer["model"], answer["features_received"]) == (200, "mixed", mixed)
    assert answer["drift"]["z"]["colour"] is answer["drift"]["z"]["constant"] is None
    assert answer["drift"]["z"]["flag"] > 0


def test_nulls_and_newcomers_of_an_open_category_are_answered(post, mixed):
    features = {**mixed, "shop": 'ea"st\u2028', "size": None}
    status, answer = post("/models/mixed/predict", {"features": features})
    assert (status, answer["features_received"]) == (200, features)
    assert answer["drift"]["z"]["size"] is None


def test_a_batch_answers_its_good_rows_and_reports_the_bad_ones_by_pointer(post, house):
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


def test_a_batch_says_the_same_as_its_rows_one_by_one(post, mixed):
    rows = [{**mixed, "load": k / 7, "size": None if k % 3 else k} for k in range(9)]
    _, batch = post("/models/mixed/predict/batch", {"instances": [{"features": row} for row in rows]})
    for row, from_batch in zip(rows, batch["predictions"], strict=True):
        _, alone = post("/models/mixed/predict", {"features": row})
        assert {name: alone[name] for name in ("prediction", "drift_score", "drift")} == {
            name: from_batch[name] for name in ("prediction", "drift_score", "drift")
        }


def test_a_batch_of_a_thousand_is_answered_and_one_more_is_not(post, house):
    status, answer = post("/predict/batch", {"instances": [{"features": house}] * 1000})
    assert (status, len(answer["predictions"])) == (200, 1000)
    status, problem = post("/predict/batch", {"instances": [{"features": house}] * 1001})
    assert (status, problem["errors"][0]["pointer"], problem["errors"][0]["rule"]) == (422, "/instances", "maxItems")


def test_a_value_that_no_float32_holds_is_the_callers_fault(post, mixed):
    status, problem = post("/models/mixed/predict", {"features": {**mixed, "load": -1e39}})
    assert status == 422
    assert problem["errors"][0]["pointer"] == "/features/load"
    assert problem["errors"][0]["rule"] == "minimum"


def test_several_models_are_answered_under_their_names_and_the_default_without(post, house):
    assert post("/models/house-price/predict", {"features": house})[1]["model"] == "house-price"
    assert post("/predict", {"features": house})[1]["model"] == "house-price"
    assert post("/models/other/predict", {"features": house})[0] == 404


def test_health_names_models_versions_engines_and_counts(service, post, house):
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
        "engine": model.bundle.forest.engine,
    }
    assert health["counters"] == {"predictions": 2, "rejected": 3, "errors": 0, "lines_lost": 0}


@pytest.mark.parametrize("path", ["/model", "/models/house-price", "/models/house-price/model"])
def test_the_model_card_holds_the_manifest_and_the_baselines_summary(service, path):
    card = json.loads(service.respond("GET", path).body)
    bundle = service.models["house-price"].bundle
    assert card["manifest"] == bundle.manifest
    assert card["feature_set"] == bundle.feature_set.to_json()
    assert (card["model"], card["threshold"], card["engine"]) == ("house-price", 2.0, bundle.forest.engine)
    facts = bundle.baseline["features"]["age"]
    assert card["baseline"]["features"]["age"] == {name: facts[name] for name in ("mean", "std", "min", "max")}
    assert card["baseline"]["rows"] == bundle.baseline["rows"]
    assert "counts" not in json.dumps(card["baseline"])


def test_the_openapi_document_lists_what_is_answered_and_the_limits_are_the_same(service):
    document = json.loads(service.respond("GET", "/openapi.json").body)
    assert set(document["paths"]) <= set(service.paths)
    for path, operations in document["paths"].items():
        for method in operations:
            assert service.respond(method.upper(), path).status in (200, 400)
    assert (REQUEST_LIMIT, BATCH_LIMIT) == (PREDICT_BYTES, BATCH_BYTES)


@pytest.mark.parametrize("path", ["/health", "/model", "/openapi.json"])
def test_head_answers_as_get_without_a_body(service, path):
    get, head = service.respond("GET", path), service.respond("HEAD", path)
    assert (head.status, head.media_type, head.body) == (get.status, get.media_type, b"")


def test_one_bundle_needs_no_default(world, bundles, tmp_path, house):
    (tmp_path / "house-price").symlink_to(bundles / "house-price")
    service = world.service(bundles=str(tmp_path), model="")
    body = json.dumps({"features": house}).encode()
    assert service.respond("POST", "/predict", body).status == 200
