"""The lines that a service writes."""

import json
from random import Random

import pytest
from drift_contracts import MonitoringSpec, feature_set
from drift_predictor import lines
from drift_predictor.lines import SpecNotMet

from tests.support.houses import PREDICTION_ID as ID
from tests.support.lines import LONGEST_LINE


def listed(event):
    return {metric["Name"]: metric.get("Unit", "None") for metric in event["_aws"]["CloudWatchMetrics"][0]["Metrics"]}


def test_event_line(world, post, house):
    """One prediction writes one line with the same facts as the answer."""
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


def test_longest_line(world, service):
    """No row makes a line longer than the worst day of a stack reckons with; some make it nearly as long."""
    random = Random(7)
    most = {feature.name: feature.maximum for feature in feature_set("house-price").features}
    instances = []
    for _ in range(500):
        row = {name: random.uniform(1, maximum) for name, maximum in most.items()}
        instances.append({"features": {**row, "bedrooms": random.randint(1, 1000)}})
    reply = service.respond("POST", "/predict/batch", json.dumps({"instances": instances}).encode())
    assert reply.status == 200
    lengths = [len(line) for line in world.lines]
    assert LONGEST_LINE - 100 < max(lengths) <= LONGEST_LINE


def test_synthetic(world, post, house):
    """A synthetic request is answered as any other and is no event."""
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


def test_synthetic_row(world, post, house):
    """Of a batch only the synthetic rows are no events."""
    post("/predict/batch", {"instances": [{"features": house}, {"features": house, "synthetic": True}]})
    assert [next(iter(listed(line))) for line in world.events] == ["Prediction", "Synthetic"]


def test_latency(world, post, house):
    """The latency is the timer's, in milliseconds."""
    post("/predict", {"features": house})
    assert world.events[0]["Latency"] == 0.052


def test_batch_lines(world, post, house):
    """A batch writes one line per answer, and one for all its faults."""
    post("/predict/batch", {"instances": [{"features": house}, 1, {"features": house}, 2]})
    assert [event.get("contract") for event in world.events] == ["prediction.event.v1"] * 2 + [None]
    assert world.events[2]["Rejected"] == 2
    assert [error["pointer"] for error in world.events[2]["errors"]] == ["/instances/1", "/instances/3"]


def test_declared_metrics(world, service, post, house):
    """What the spec declares is what is emitted, and the reverse."""
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


def test_metric_numbers(world, post, mixed):
    """A metric is a number, whatever the feature is."""
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


def test_null_metric(world, post, mixed):
    """A null has no metric."""
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


@pytest.mark.parametrize("most", [0, 1, 32])
def test_null_patterns(world, post, mixed, monkeypatch, most):
    """Which nulls came before changes no line, whether they are remembered or not."""
    monkeypatch.setattr(lines, "MOST_PATTERNS", most)
    gaps = [{"size": None}, {"shop": None, "size": None}, {"size": None}, {}, {"shop": None, "size": None}]
    for missing in gaps:
        post("/models/mixed/predict", {"features": {**mixed, **missing}})
    names = [{f"Feature_{name}" for name in mixed} & set(event) for event in world.events]
    assert names == [{f"Feature_{name}" for name in mixed.keys() - missing} for missing in gaps]
    assert all(set(listed(event)) >= found for event, found in zip(world.events, names, strict=True))


def test_dimensions(world, house):
    """The dimensions and the namespace are the spec's."""
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
def test_spec_not_met(world, part, value):
    """A spec that asks for what is not measured is an error at start."""
    document = {**MonitoringSpec.load().document, part: value}
    spec = MonitoringSpec(document["namespace"], tuple(document["dimensions"]), (), document)
    with pytest.raises(SpecNotMet) as caught:
        world.service(spec)
    names = ["Prediction", "DriftScore", "Latency", "Errors", "SyntheticRefused", "Stack", "Model"]
    assert [name for name in names if name not in str(caught.value)] == []


def test_rejected_line(world, post, house):
    """A rejected request writes place and rule, and no value."""
    post("/predict", {"features": {**house, "age": "marker"}})
    (event,) = world.events
    assert event["errors"] == [{"pointer": "/features/age", "rule": "type"}]
    assert (event["problem"], event["status"], event["level"]) == ("invalid-request", 422, "WARNING")
    assert "marker" not in world.lines[0]


def test_lost_lines(world, service, post, house):
    """A line that cannot be written costs no answer and is reported with the next."""
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


def test_lost_report(world, house):
    """A report of lost lines that cannot be written either is written later."""
    body = json.dumps({"features": house}).encode()
    write, calls = world.write, iter([False, True, False, True, True])

    def sometimes(line):
        if not next(calls):
            raise OSError("No space left on device")
        write(line)

    world.write = sometimes
    service = world.service()
    for _ in range(3):
        service.respond("POST", "/predict", body)
    assert [event.get("LinesLost") for event in world.events] == [None, None, 1]
    assert service.journal.lost == 1
