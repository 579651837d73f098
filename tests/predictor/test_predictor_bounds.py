"""Every answer is bounded, and one that does not fit is refused before an event is written."""

import json

import pytest
from drift_contracts import FeatureSet, Violation
from drift_engine.bundle import Bundle
from drift_engine.forest import Forest
from drift_engine.forest.writer import Tree, encode
from drift_predictor import Edge, Service
from drift_predictor.faults import MOST_SHOWN, Fault, Faults, shown
from drift_predictor.packing import LAMBDA, Room, document_size, text_size
from drift_predictor.problems import Problem
from hypothesis import given
from hypothesis import strategies as st

NUMBER = "an integer"


def rooms(size):
    """A room of so many bytes for a body as a text."""
    return Room(size, 0, text_size)


def batch(*instances):
    return json.dumps({"instances": list(instances)}).encode()


@given(st.text())
def test_text_size(text):
    """The measure of a text is exact."""
    assert text_size(text.encode()) == len(json.dumps(text))


@given(st.recursive(st.floats(allow_nan=False) | st.text() | st.none(), st.lists, max_leaves=5))
def test_document_size(document):
    """The measure of a document is exact."""
    assert document_size(json.dumps(document, separators=(",", ":")).encode()) == len(json.dumps(document))


@given(st.text(), st.integers(0, 200), st.integers(0, 40))
def test_room(text, limit, envelope):
    """The shortcut for short bodies never accepts a body that is too large."""
    room = Room(limit, envelope, text_size)
    assert room.holds(text.encode()) == (envelope + text_size(text.encode()) <= limit)


@pytest.mark.no_cover
@pytest.mark.parametrize("event", ["http", "rest", "balancer", "direct"])
def test_answer_limit(world, http, house, event):
    """Lambda gets at most 6,000,000 bytes and a balancer 1,000,000, and else a 413."""
    bundle = world.service().models["house-price"].bundle

    def edge_of(size):
        """Return an edge whose answers have so many bytes, by the name of a version."""
        manifest = {**bundle.manifest, "model_version": "m" * size}
        wide = Bundle(manifest, bundle.feature_set, bundle.baseline, bundle.model)
        return Edge(world.service(loaded={"house-price": wide}))

    body = {"features": house}
    events = {
        "http": http("POST", "/predict", body),
        "rest": {"httpMethod": "POST", "path": "/predict", "requestContext": {}, "body": json.dumps(body)},
        "balancer": {"httpMethod": "POST", "path": "/predict", "requestContext": {"elb": {}}},
        "direct": body,
    }
    events["rest"]["headers"] = {"Content-Type": "application/json"}
    events["balancer"] |= {"body": json.dumps(body), "headers": {"content-type": "application/json"}}
    answer = edge_of(5_999_000).handle(events[event], None)
    limit = 1_000_000 if event == "balancer" else 6_000_000
    assert len(json.dumps(answer)) <= limit
    status = answer.get("statusCode", answer.get("status", 200))
    assert status == (413 if event == "balancer" else 200)
    assert len(world.lines) == 1
    answer = edge_of(6_000_000).handle(events[event], None)
    assert answer.get("statusCode", answer.get("status", 200)) == 413
    assert "Rejected" in world.lines[-1]


def test_batch_limit(service, world, house):
    """A 413 writes no event, and exactly so many rows as it names are answered."""
    rows = [{"features": house}] * 40
    rows[5] = {"features": {**house, "age": "old"}}
    room = rooms(4_000)
    reply = service.respond("POST", "/predict/batch", batch(*rows), room=room)
    problem = json.loads(reply.body)
    assert (reply.status, problem["type"]) == (413, "urn:drift:problem:too-large")
    (error,) = problem["errors"]
    fit = int(error["expected"].split()[2])
    assert (error["pointer"], error["rule"], 5 < fit < 40) == ("/instances", "maxItems", True)
    assert f"at most {fit} instances" in problem["detail"]
    assert "4000 bytes" in problem["detail"]
    assert [event.get("Rejected") for event in world.events] == [1]
    assert service.models["house-price"].predictions == 0
    world.lines.clear()
    assert service.respond("POST", "/predict/batch", batch(*rows[: fit + 1]), room=room).status == 413
    assert [event.get("Rejected") for event in world.events] == [1]
    world.lines.clear()
    reply = service.respond("POST", "/predict/batch", batch(*rows[:fit]), room=room)
    assert reply.status == 200
    assert text_size(reply.body) <= 4_000
    assert len([event for event in world.events if "Prediction" in event]) == fit - 1


def test_most_rows(world, house):
    """A service whose callers nobody knows answers small batches only, and records nothing of others."""
    service = world.service(most_rows=5)
    rows = [{"features": house}] * 6
    reply = service.respond("POST", "/predict/batch", batch(*rows))
    problem = json.loads(reply.body)
    assert (reply.status, problem["type"]) == (413, "urn:drift:problem:too-large")
    (error,) = problem["errors"]
    assert (error["pointer"], error["rule"], error["expected"]) == ("/instances", "maxItems", "at most 5 items")
    assert [event.get("Rejected") for event in world.events] == [1]
    assert service.respond("POST", "/predict/batch", batch(*rows[:5])).status == 200


def test_row_limit(service, world, house):
    """Where no row fits, no number of rows is asked for."""
    for path, body in (("/predict", json.dumps({"features": house})), ("/predict/batch", batch({"features": house}))):
        reply = service.respond("POST", path, body if isinstance(body, bytes) else body.encode(), room=rooms(200))
        problem = json.loads(reply.body)
        assert (reply.status, "errors" in problem) == (413, False)
        assert "200 bytes" in problem["detail"]
    assert [event.get("Rejected") for event in world.events] == [1, 1]


def test_card_limit(service):
    """A document that is only read is measured as well."""
    assert service.respond("GET", "/model", room=rooms(100)).status == 413
    assert service.respond("GET", "/model").status == 200


def test_batch_violations(service, house):
    """The first violation of each row is listed, and the last says how many more there are."""
    bad = {"features": dict.fromkeys(house, "x")}
    reply = service.respond("POST", "/predict/batch", batch(*[bad] * 999, {"features": house}))
    answer = json.loads(reply.body)
    assert [item["index"] for item in answer["predictions"]] == [999]
    errors = answer["errors"]
    assert len(errors) == 1000
    assert sorted({error["index"] for error in errors}) == list(range(999))
    assert errors[-1]["expected"] == f"{NUMBER}; and {999 * 5 - 1000} more"
    assert not any("more" in error["expected"] for error in errors[:-1])


def test_one_violation_each(service, house):
    """Where the violations of all rows do not fit, the first of each still does."""
    bad = {"features": dict.fromkeys(house, "x")}
    everything = service.respond("POST", "/predict/batch", batch(*[bad] * 20))
    size = text_size(everything.body)
    reply = service.respond("POST", "/predict/batch", batch(*[bad] * 20), room=rooms(size // 2))
    errors = json.loads(reply.body)["errors"]
    assert [error["index"] for error in errors] == list(range(20))
    assert errors[-1]["expected"] == f"{NUMBER}; and 80 more"


def test_problem_limit():
    """A problem is cut until it fits, and says how many violations it leaves out."""
    problem = Problem("invalid-request", "expected more", [Violation("/a", "type", "x" * 90)] * 3000)
    listed = json.loads(problem.document("id"))["errors"]
    assert len(listed) == MOST_SHOWN
    assert listed[-1]["expected"].endswith("; and 2000 more")
    cut = problem.document("id", rooms(5_000))
    assert text_size(cut) <= 5_000
    listed = json.loads(cut)["errors"]
    assert listed[-1]["expected"].endswith(f"; and {3000 - len(listed)} more")
    (only,) = json.loads(problem.document("id", rooms(10)))["errors"]
    assert only["expected"].endswith("; and 2999 more")


@given(st.lists(st.integers(1, 30), max_size=60), st.integers(1, 80))
def test_shown(counts, most):
    """Every row has its first violation, the order stays, and the rest is counted."""
    faults = [Fault(i, [Violation(f"/{i}/{j}", "type", NUMBER) for j in range(n)], n) for i, n in enumerate(counts)]
    listed = shown(faults, most)
    assert len(listed) == max(len(counts), min(sum(counts), most))
    assert sorted({index for index, _ in listed}) == list(range(len(counts)))
    assert listed == sorted(listed, key=lambda pair: pair[0])
    hidden = sum(counts) - len(listed)
    if hidden:
        assert listed[-1][1].expected == f"{NUMBER}; and {hidden} more"


def test_faults_are_bounded():
    """What is retained in memory is bounded, whatever a batch holds."""
    faults = Faults()
    for index in range(1000):
        faults.add(index, [Violation("/a", "type", NUMBER)] * 90)
    assert sum(len(fault.violations) for fault in faults.rows) == 2 * MOST_SHOWN
    assert sum(fault.count for fault in faults.rows) == 90_000


def test_usual_room():
    """The usual room is the one of Lambda."""
    assert LAMBDA.limit == 6_000_000
    assert Service.respond.__defaults__[-1] is LAMBDA


def made_up(name, features):
    """A bundle whose forest is one leaf: what it answers is of no matter here."""
    document = {
        "contract": "feature-set.v1",
        "name": name,
        "version": "1.0.0",
        "description": "Made up.",
        "target": {"name": "y", "unit": "none", "description": "Made up."},
        "features": [{"unit": "none", "description": "Made up.", **feature} for feature in features],
    }
    stump = Tree([-1], [-1], [-2], [-2.0], [15.0])
    moments = {"mean": 0.0, "std": 1.0}
    baseline = {"features": {feature["name"]: moments for feature in features}}
    forest = Forest.from_bytes(encode([stump], features=len(features)))
    return {name: Bundle({"model_version": "0" * 12}, FeatureSet.from_json(document), baseline, forest)}


@pytest.mark.no_cover
def test_wide_batch(world, http):
    """1,000 rows of 90 features that all drift are refused whole and answered in parts."""
    names = [f"average_monthly_consumption_of_meter_{i:03d}" for i in range(90)]
    features = [{"name": name, "type": "number", "example": 0} for name in names]
    edge = Edge(world.service(loaded=made_up("wide", features), model="wide"))
    usual, drifted = ({"features": dict.fromkeys(names, value)} for value in (0.25, 3.25))
    answer = edge.handle(http("POST", "/predict/batch", {"instances": [usual] * 1000}), None)
    assert (answer["statusCode"], len(json.dumps(answer)) < 6_000_000) == (200, True)
    world.lines.clear()
    answer = edge.handle(http("POST", "/predict/batch", {"instances": [drifted] * 1000}), None)
    fit = int(json.loads(answer["body"])["errors"][0]["expected"].split()[2])
    assert (answer["statusCode"], 500 < fit < 1000) == (413, True)
    assert [event.get("Rejected") for event in world.events] == [1]
    answer = edge.handle(http("POST", "/predict/batch", {"instances": [drifted] * fit}), None)
    assert (answer["statusCode"], len(json.dumps(answer)) <= 6_000_000) == (200, True)


@pytest.mark.no_cover
def test_many_categories(world, http):
    """1,000 rows that break 10 features of 1,000 categories are answered in under 1 MB."""
    names = [f"level {i:04d}" for i in range(1000)]
    features = [{"name": f"f{i}", "type": "category", "categories": names, "example": names[0]} for i in range(10)]
    edge = Edge(world.service(loaded=made_up("levels", features), model="levels"))
    bad = {"features": {feature["name"]: "?" for feature in features}}
    answer = edge.handle(http("POST", "/predict/batch", {"instances": [bad] * 1000}), None)
    errors = json.loads(answer["body"])["errors"]
    assert (answer["statusCode"], len(errors), len(json.dumps(answer)) < 1_000_000) == (200, 1000, True)
    assert errors[0]["expected"].endswith('"level 0009" and 990 more')
    assert errors[-1]["expected"].endswith("; and 9000 more")
    answer = edge.handle(http("POST", "/predict", bad), None)
    assert (answer["statusCode"], len(answer["body"]) < 5_000) == (422, True)
