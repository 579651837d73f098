import json

import pytest
from drift_contracts import MonitoringSpec, feature_set
from drift_predictor.lines import SpecNotMet

from tests.support.houses import PREDICTION_ID as ID


def listed(event):
    return {metric["Name"]: metric.get("Unit", "None") for metric in event["_aws"]["CloudWatchMetrics"][0]["Metrics"]}


def test_one_prediction_writes_one_line_with_the_same_facts_as_the_answer(world, post, house):
    _, answer = post("/predict", {"features": house})
    (event,) = world.events
    assert "\n" not in world.lines[0]
    for name in ("timestamp", "prediction_id", "model_version", "drift"):
        assert event[name] == answer[name]
    assert event["features"] == answer["features_received"] == house
    assert (event["Prediction"], event["DriftScore"]) == (answer["prediction"], answer["drift_score"])
    assert (event["Stack"], event["Model"], event["contract"]) == ("local", "house-price", "prediction.event.v1")
    assert event["_aws"]["Timestamp"] == world.now // 1_000_000
    assert {f"Feature_{name}": value for name, value in house.items()} == {
        name: value for name, value in event.items() if name.startswith("Feature_")
    }


def test_a_synthetic_request_is_answered_as_any_other_and_is_no_event(world, post, house):
    drifted = {**house, "sqft": 90_000}
    _, usual = post("/predict", {"features": drifted, "prediction_id": ID, "synthetic": False})
    _, answer = post("/predict", {"features": drifted, "prediction_id": ID, "synthetic": True})
    assert answer == usual
    line = world.events[1]
    assert "contract" not in line
    assert listed(line) == {"Synthetic": "Count"}
    facts = {name: line[name] for name in ("Stack", "Model", "Synthetic", "prediction_id", "model_version", "score")}
    assert facts == {
        "Stack": "local", "Model": "house-price", "Synthetic": 1, "prediction_id": ID,
        "model_version": answer["model_version"], "score": answer["drift_score"],
    }  # fmt: skip


def test_of_a_batch_only_the_synthetic_ones_are_no_events(world, post, house):
    post("/predict/batch", {"instances": [{"features": house}, {"features": house, "synthetic": True}]})
    assert [next(iter(listed(line))) for line in world.events] == ["Prediction", "Synthetic"]


def test_latency_is_what_the_timer_says_in_milliseconds(world, post, house):
    post("/predict", {"features": house})
    assert world.events[0]["Latency"] == 0.052


def test_a_batch_writes_one_line_per_answer_and_one_for_all_its_faults(world, post, house):
    post("/predict/batch", {"instances": [{"features": house}, 1, {"features": house}, 2]})
    assert [event.get("contract") for event in world.events] == ["prediction.event.v1"] * 2 + [None]
    assert world.events[2]["Rejected"] == 2
    assert [error["pointer"] for error in world.events[2]["errors"]] == ["/instances/1", "/instances/3"]


def test_what_the_spec_declares_is_what_is_emitted_and_the_reverse(world, service, post, house):
    post("/predict", {"features": house})
    post("/predict", {"features": house, "synthetic": True})
    marked = json.dumps({"features": house, "synthetic": True}).encode()
    assert service.respond("POST", "/predict", marked, context={}).status == 403
    post("/predict", {"features": 1})
    service.fail(ValueError("x"), "r")
    world.broken = True
    post("/predict", {"features": house})
    world.broken = False
    post("/predict", {"features": house})
    spec = MonitoringSpec.load()
    declared = {metric.name: metric.unit for metric in spec.metrics_for(feature_set("house-price"), "predictor")}
    emitted = {}
    for event in world.events:
        emitted |= listed(event)
        (directive,) = event["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == spec.namespace
        assert directive["Dimensions"] == [list(spec.dimensions)]
        assert all(isinstance(event[name], str) for name in spec.dimensions)
        assert all(type(event[name]) in (int, float) for name in listed(event))
    assert emitted == declared


def test_a_metric_is_always_a_number_whatever_the_feature_is(world, post, mixed):
    post("/models/mixed/predict", {"features": {**mixed, "shop": "elsewhere"}})
    (event,) = world.events
    assert {name: event[name] for name in listed(event) if name.startswith("Feature_")} == {
        "Feature_flag": 1.0,
        "Feature_colour": 1.0,
        "Feature_shop": 2.0,
        "Feature_size": 1.25,
        "Feature_constant": 7,
        "Feature_load": -0.5,
    }


def test_a_null_has_no_metric(world, post, mixed):
    post("/models/mixed/predict", {"features": {**mixed, "shop": None, "size": None}})
    (event,) = world.events
    assert "Feature_size" not in event
    assert [name for name in listed(event) if name.startswith("Feature_")] == [
        "Feature_flag",
        "Feature_colour",
        "Feature_constant",
        "Feature_load",
    ]
    assert event["features"]["size"] is None


def test_the_dimensions_are_the_specs(world, house):
    document = {**MonitoringSpec.load().document, "dimensions": ["Model"], "namespace": "100%"}
    service = world.service(MonitoringSpec("100%", ("Model",), (), document), stack="prod")
    service.respond("POST", "/predict", json.dumps({"features": house}).encode())
    (directive,) = world.events[0]["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("100%", [["Model"]])


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("dimensions", ["Stack", "Region"]),
        ("metrics", [{"name": "Confidence", "unit": "None", "source": "predictor", "description": "Not measured."}]),
    ],
)
def test_a_spec_that_asks_for_what_is_not_measured_stops_the_start(world, part, value):
    document = {**MonitoringSpec.load().document, part: value}
    spec = MonitoringSpec(document["namespace"], tuple(document["dimensions"]), (), document)
    known = "Prediction, DriftScore, Latency, Errors, Rejected, LinesLost, Synthetic, SyntheticRefused, Stack, Model"
    with pytest.raises(SpecNotMet, match=known):
        world.service(spec)


def test_a_rejected_request_writes_place_and_rule_only(world, post, house):
    post("/predict", {"features": {**house, "age": "marker"}})
    (event,) = world.events
    assert event["errors"] == [{"pointer": "/features/age", "rule": "type"}]
    assert (event["problem"], event["status"], event["level"]) == ("invalid-request", 422, "WARNING")
    assert "marker" not in world.lines[0]


def test_a_line_that_cannot_be_written_costs_no_answer_and_is_told_with_the_next(world, service, post, house):
    world.broken = True
    assert [post("/predict", {"features": house})[0] for _ in range(3)] == [200] * 3
    assert post("/predict", {"features": 1})[0] == 422
    world.broken = False
    post("/predict", {"features": house})
    event, report = world.events
    assert event["contract"] == "prediction.event.v1"
    assert (report["LinesLost"], listed(report)) == (4, {"LinesLost": "Count"})
    assert json.loads(service.respond("GET", "/health").body)["counters"]["lines_lost"] == 4
    post("/predict", {"features": house})
    assert len(world.lines) == 3


def test_a_report_of_lost_lines_that_cannot_be_written_either_is_told_later(world, service, house, monkeypatch):
    body = json.dumps({"features": house}).encode()
    world.broken = True
    service.respond("POST", "/predict", body)
    world.broken = False
    write, calls = world.write, iter([True, False, True, True])

    def sometimes(line):
        if not next(calls):
            raise OSError("No space left on device")
        write(line)

    monkeypatch.setattr(service.journal, "_sink", sometimes)
    service.respond("POST", "/predict", body)
    service.respond("POST", "/predict", body)
    assert [event.get("LinesLost") for event in world.events] == [None, None, 1]
    assert service.journal.lost == 1
