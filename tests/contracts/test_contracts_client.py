"""The client: what it sends and gets is checked, what fails is repeated under one id, errors say what they are."""

import inspect
import json
from datetime import UTC, datetime
from pathlib import Path

import drift_client as module
import httpx
import pytest
from drift_client import (
    BrokenResponse,
    Client,
    ClientError,
    Connection,
    Environment,
    Prediction,
    Refusal,
    RequestRefused,
    Retry,
    ServiceError,
    ServiceFailed,
    Unreachable,
)
from drift_contracts import ContractError, DriftError, FeatureSet, feature_set

from tests.support.houses import PREDICTION_ID as ID
from tools.contract_checks.cases import cases

HOUSE = feature_set("house-price")
ANSWER = json.loads(Path("contracts/examples/prediction.response.v1.json").read_text("utf-8"))
BATCH = json.loads(Path("contracts/examples/prediction.batch.response.v1.json").read_text("utf-8"))
CARD = next(case.instance for case in cases("model.card.v1") if case.valid)
BUSY = (503, {"type": "about:blank", "title": "Busy", "status": 503})


def client(outside, **options):
    return Client("http://service", feature_set=HOUSE, environment=outside, **options)


def test_real_prediction(live):
    """The real service's prediction is read with its features, drift and time."""
    with Client("http://service", environment=live) as real:
        answer = real.predict(HOUSE.example)
    assert answer.model == "house-price"
    assert answer.features == HOUSE.example
    assert answer.drift.severity == "normal"
    assert answer.drift.z.keys() == set(HOUSE.names)
    assert answer.timestamp.tzinfo == UTC
    assert 100_000 < answer.prediction < 1_500_000


def test_real_batch(live):
    """Many predictions by the real service come in order, with a refusal in its place."""
    houses = [{**HOUSE.example, "age": age / 10} for age in range(1005)]
    houses[3] = {**HOUSE.example, "age": "old"}
    answers = client(live, model="house-price").predict_many(iter(houses))
    assert [type(answer) for answer in answers] == [Prediction] * 3 + [Refusal] + [Prediction] * 1001
    assert [answer.features["age"] for answer in answers[1000:]] == [100.0, 100.1, 100.2, 100.3, 100.4]
    assert [str(violation) for violation in answers[3].violations] == ["type at /features/age: expected a number"]


def test_real_card_and_health(live):
    """The card and the health of the real service are read."""
    card = client(live, model="house-price").model()
    assert card.feature_set == HOUSE
    assert card.manifest["training"]["rows"] == 200
    health = client(live).health()
    assert health.default == "house-price"
    assert health.models["house-price"].model_version == card.model_version
    assert health.counters["errors"] == 0


def test_real_refusal(live):
    """A refusal by the real service carries its status, pointer and request id."""
    loose = feature_set("house-price").to_json()
    loose["features"][0]["maximum"] = 1e6
    lenient = Client("http://service", feature_set=FeatureSet.from_json(loose), environment=live)
    with pytest.raises(RequestRefused) as caught:
        lenient.predict({**HOUSE.example, "bedrooms": 5000})
    assert (caught.value.status, caught.value.violations[0].pointer) == (422, "/features/bedrooms")
    assert caught.value.request_id == "request-1"
    refusals = lenient.predict_many([HOUSE.example, {**HOUSE.example, "bedrooms": 5000}])
    assert [violation.pointer for violation in refusals[1].violations] == ["/features/bedrooms"]


class Narrow:
    """A service that answers a row with its index and id, but no batch of more rows than fit, and counts events."""

    def __init__(self, fit, errors=()):
        self.fit, self.errors = fit, list(errors)
        self.events = []
        self.asked = []

    def __call__(self, request):
        instances = json.loads(request.read())["instances"]
        self.asked.append(len(instances))
        if len(instances) > self.fit:
            problem = {"type": "urn:drift:problem:too-large", "title": "Too large", "status": 413}
            problem |= {"errors": self.errors} if self.errors else {}
            return httpx.Response(413, json=problem)
        answers = [{**BATCH["predictions"][0], "index": 0, "prediction_id": ""} for _ in instances]
        for index, (answer, instance) in enumerate(zip(answers, instances, strict=True)):
            answer |= {"index": index, "prediction_id": instance["prediction_id"]}
            answer["prediction"] = instance["features"]["sqft"]
            self.events.append(instance["prediction_id"])
        return httpx.Response(200, json={**BATCH, "predictions": answers, "errors": []})

    @property
    def outside(self):
        return Environment(transport=httpx.MockTransport(self), sleep=lambda _: None)


@pytest.mark.no_cover
@pytest.mark.parametrize("fit", [1, 2, 3, 7, 64, 1000])
def test_large_batch_halved(fit):
    """A batch that is too large is halved until it fits, and each instance is answered once, in
    order.
    """
    narrow = Narrow(fit)
    houses = [{**HOUSE.example, "sqft": 1000 + i} for i in range(130)]
    houses[5] = {**HOUSE.example, "sqft": "large"}
    answers = client(narrow.outside).predict_many(houses)
    assert isinstance(answers[5], Refusal)
    numbers = [answer.prediction for answer in answers if isinstance(answer, Prediction)]
    assert numbers == [1000.0 + i for i in range(130) if i != 5]
    assert len(narrow.events) == len(set(narrow.events)) == 129
    assert narrow.asked[0] == 129


def stated(expected, pointer="/instances"):
    """What a 413 says of the rows that the service takes."""
    return [{"pointer": pointer, "rule": "maxItems", "expected": expected}]


def test_rows_stated():
    """A service that says how many rows it takes is asked for so many at once from there on."""
    narrow = Narrow(5, stated("at most 5 items"))
    answers = client(narrow.outside).predict_many([HOUSE.example] * 42)
    assert narrow.asked == [42, *[5] * 8, 2]
    assert len(answers) == len(set(narrow.events)) == 42


@pytest.mark.parametrize(
    "errors",
    [stated("at most 0 items"), stated("at most 900 items"), stated("fewer"), stated("at most 5 items", "/x")],
)
def test_rows_stated_badly(errors):
    """What does not say how to ask better leaves halves."""
    narrow = Narrow(5, errors)
    assert len(client(narrow.outside).predict_many([HOUSE.example] * 16)) == 16
    assert narrow.asked == [16, 8, 4, 4, 8, 4, 4]


def test_single_large_row():
    """A single row that is too large is an error, as there is nothing left to halve."""
    narrow = Narrow(0)
    with pytest.raises(RequestRefused) as caught:
        client(narrow.outside).predict_many([HOUSE.example] * 4)
    assert (caught.value.status, narrow.asked) == (413, [4, 2, 1])


def test_other_refusal_not_halved(script):
    """A batch refused for another reason is not halved, since halves are no better."""
    world = script((422, {"type": "about:blank", "title": "No", "status": 422}))
    with pytest.raises(RequestRefused):
        client(world.outside).predict_many([HOUSE.example] * 4)
    assert len(world.asked) == 1


def test_halved_before_sending(monkeypatch):
    """A batch over the service's limit is halved before it is sent, since the service would just
    close the connection.
    """
    monkeypatch.setattr("drift_contracts.requests.BATCH_BYTES", 2_000)
    narrow = Narrow(1000)
    answers = client(narrow.outside).predict_many([HOUSE.example] * 100)
    assert len(answers) == len(set(narrow.events)) == 100
    assert max(narrow.asked) < 15


def test_no_valid_rows(script):
    """A batch without a valid instance is not sent."""
    world = script()
    assert isinstance(client(world.outside).predict_many([{}])[0], Refusal)
    assert client(world.outside).predict_many([]) == []
    assert world.asked == []


def test_invalid_not_sent(script):
    """An instance that breaks its contract is not sent."""
    world = script()
    with pytest.raises(ContractError, match=r"required at /features: .* age"):
        client(world.outside).predict({"bedrooms": 3})
    assert world.asked == []


def test_feature_set_cached(script):
    """The feature set is requested from the service once."""
    world = script((200, CARD), (200, ANSWER), (200, ANSWER))
    asking = Client("http://service", model="house-price", environment=world.outside)
    asking.predict(HOUSE.example)
    asking.predict(HOUSE.example)
    assert [path for _, path, _ in world.asked] == [
        "/models/house-price",
        "/models/house-price/predict",
        "/models/house-price/predict",
    ]


@pytest.mark.parametrize("failure", [429, 500, 502, 503, 504])
def test_retries(script, failure):
    """A busy or failing service is asked again with the same prediction id and growing waits."""
    world = script((failure, b"no"), httpx.ConnectError("refused"), httpx.ReadTimeout("late"), (200, ANSWER))
    assert client(world.outside).predict(HOUSE.example).prediction == ANSWER["prediction"]
    assert {body["prediction_id"] for _, _, body in world.asked} == {ID}
    assert world.waited == [0.2, 0.4, 0.8]


def test_chosen_id(script):
    """The caller may choose the prediction id."""
    world = script((200, {**ANSWER, "prediction_id": ID.replace("0", "1")}))
    client(world.outside).predict(HOUSE.example, prediction_id=ID.replace("0", "1"))
    assert world.asked[0][2]["prediction_id"] == ID.replace("0", "1")


@pytest.mark.parametrize(
    ("header", "waited"),
    [
        ("7", 7.0),
        ("Mon, 23 Nov 2026 12:00:09 GMT", 9.0),
        ("Mon, 23 Nov 2026 12:00:09 -0000", 9.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0.2),
        ("soon", 0.2),
    ],
    ids=["seconds", "a date", "a date without a zone", "a date that is over", "nonsense"],
)
def test_retry_after(script, header, waited):
    """The client waits as long as Retry-After says."""
    world = script((429, b"", {"retry-after": header}), (200, ANSWER))
    client(world.outside).predict(HOUSE.example)
    assert world.waited == [waited]


def test_long_retry_after(script):
    """A Retry-After that is too long is an error at once."""
    world = script((429, b"", {"retry-after": "3600"}))
    with pytest.raises(ServiceFailed) as caught:
        client(world.outside).predict(HOUSE.example)
    assert (caught.value.status, world.waited) == (429, [])


def test_last_attempt(script):
    """After the last attempt the error states how the attempts ended."""
    world = script(*[BUSY] * 4)
    with pytest.raises(ServiceFailed, match="POST /predict: 503 Busy"):
        client(world.outside).predict(HOUSE.example)
    world = script(*[httpx.ConnectTimeout("late")] * 2)
    with pytest.raises(Unreachable, match=r"2 attempts.* ConnectTimeout") as caught:
        client(world.outside, retry=Retry(attempts=2)).predict(HOUSE.example)
    assert (caught.value.attempts, caught.value.reason, caught.value.operation) == (
        2,
        "ConnectTimeout",
        "POST /predict",
    )


@pytest.mark.parametrize("status", [400, 404, 405, 413, 415, 422])
def test_refusal_not_retried(script, status):
    """A request that was refused is not sent again."""
    world = script((status, {"type": "about:blank", "title": "No", "status": status}))
    with pytest.raises(RequestRefused, match=f"{status} No"):
        client(world.outside).predict(HOUSE.example)
    assert len(world.asked) == 1


@pytest.mark.parametrize(
    ("body", "title"),
    [(b"<html>", "Not Found"), ({"message": "Not Found"}, "Not Found")],
    ids=["a page", "another kind of JSON"],
)
def test_other_error_body(script, body, title):
    """A failure without a problem document is described by its status."""
    with pytest.raises(RequestRefused) as caught:
        client(script((404, body)).outside).health()
    assert (caught.value.title, caught.value.detail, caught.value.violations) == (title, None, ())


def test_unnamed_status(script):
    """A failure with a status that has no name is still an error of the service."""
    with pytest.raises(ServiceFailed, match="599 no reason given"):
        client(script((599, b"")).outside, retry=Retry(attempts=1)).health()


BROKEN = {
    "not JSON": (b"{", "json at the top"),
    "a name twice": (b'{"prediction": 1, "prediction": 2}', "json at the top"),
    "a prediction that is text": ({**ANSWER, "prediction": "much"}, "type at /prediction: expected a number"),
    "another id": ({**ANSWER, "prediction_id": ID.replace("0", "1")}, "const at /prediction_id"),
    "another model": ({**ANSWER, "model": "diabetes"}, "const at /model: expected the one that was sent"),
    "nothing": (b"", "json at the top"),
}


@pytest.mark.parametrize(("body", "reason"), BROKEN.values(), ids=BROKEN)
def test_broken_answer(script, body, reason):
    """An answer that breaks its contract is a BrokenResponse without the answer's values."""
    with pytest.raises(BrokenResponse, match=reason) as caught:
        client(script((200, body)).outside, model="house-price").predict(HOUSE.example)
    assert caught.value.contract == "prediction.response.v1"
    assert caught.value.violations
    assert "much" not in str(caught.value)


def batch(**changes):
    return {**BATCH, **changes}


BROKEN_BATCHES = {
    "an instance left out": batch(errors=[]),
    "an instance answered and refused": batch(errors=[{**BATCH["errors"][0], "index": 0}]),
    "an instance answered twice": batch(predictions=BATCH["predictions"] * 2),
    "an instance that was not sent": batch(errors=[{**BATCH["errors"][0], "index": 2}]),
    "another id": batch(predictions=[{**BATCH["predictions"][0], "prediction_id": ID.replace("0", "1")}]),
}


@pytest.mark.parametrize("body", BROKEN_BATCHES.values(), ids=BROKEN_BATCHES)
def test_incomplete_batch(script, body):
    """A batch whose answer lacks an instance or has one too many is a BrokenResponse."""
    with pytest.raises(BrokenResponse):
        client(script((200, body)).outside).predict_many([HOUSE.example, HOUSE.example])


@pytest.mark.parametrize(
    ("card", "contract"),
    [
        ({**CARD, "manifest": {}}, "bundle.manifest.v1"),
        ({**CARD, "manifest": {"contract": "bundle.manifest.v2"}}, "bundle.manifest.v2"),
        ({**CARD, "feature_set": {**CARD["feature_set"], "features": []}}, "feature-set.v1"),
        (
            {**CARD, "feature_set": {**CARD["feature_set"], "features": CARD["feature_set"]["features"][:1] * 2}},
            "feature-set.v1",
        ),
    ],
    ids=["no manifest", "a manifest of the next version", "no features", "a feature twice"],
)
def test_broken_card(script, card, contract):
    """A card whose parts break their contracts is a BrokenResponse."""
    with pytest.raises(BrokenResponse, match=contract):
        client(script((200, card)).outside).model()


def test_next_manifest(script):
    """A card may hold the manifest version that its bundle has."""
    manifest = next(case.instance for case in cases("bundle.manifest.v2") if case.valid)
    card = client(script((200, {**CARD, "manifest": manifest})).outside).model()
    assert card.manifest["warnings"][0]["kind"] == "constant-column"


@pytest.mark.parametrize("url", ["service", "ftp://service", "http://\x00", ""])
def test_other_url(url):
    """A URL that is not HTTP is refused."""
    with pytest.raises(ValueError, match=r"URL .* http"):
        Client(url)


@pytest.mark.parametrize("values", [{"attempts": 0}, {"base": -1}, {"longest": -1}])
def test_retry_bounds(values):
    """A retry of no attempts or of negative waits is refused."""
    with pytest.raises(ValueError, match="at least 1 attempt"):
        Retry(**values)


def test_real_connection(loopback):
    """The client retries over a real connection."""
    with Client(
        loopback((503, b""), (200, ANSWER)),
        feature_set=HOUSE,
        environment=Environment(sleep=lambda _: None, new_id=lambda: ID),
    ) as real:
        assert real.predict(HOUSE.example).prediction_id == ID


def test_unused_port():
    """A port where nobody listens is unreachable."""
    with pytest.raises(Unreachable, match="ConnectError"):
        Client("http://127.0.0.1:9", retry=Retry(attempts=1)).health()


def test_other_json(loopback):
    """Other answers of a service need no contract, but are parsed as strictly."""
    with Connection(loopback((200, {"totals": 3}), (200, b"NaN"))) as connection:
        assert connection.request("GET /console/api/state", params={"model": "m"}) == {"totals": 3}
        with pytest.raises(BrokenResponse, match="strict JSON: json at the top") as caught:
            connection.request("GET /x")
    assert caught.value.operation == "GET /x"


def test_real_environment():
    """Without an environment the client uses the real clock and chance."""
    outside = Environment()
    assert isinstance(outside.clock(), datetime)
    assert 0 <= outside.chance() < 1


def test_error_tree():
    """The tree of errors in the docstring lists every error there is."""
    assert issubclass(ClientError, DriftError)
    tree = inspect.getmodule(ClientError).__doc__
    drawn = [line.split()[1] for line in tree.splitlines() if "──" in line]
    assert set(drawn) == {"ContractError", *(name for name in module.__all__ if _is_error(getattr(module, name)))}
    assert [cls.__base__.__name__ for cls in (Unreachable, BrokenResponse, ServiceError)] == ["ClientError"] * 3
    assert [cls.__base__.__name__ for cls in (RequestRefused, ServiceFailed)] == ["ServiceError"] * 2


def _is_error(thing):
    return isinstance(thing, type) and issubclass(thing, Exception)
