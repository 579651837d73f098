"""The container as Lambda runs it: a foreign user, read-only root, little memory, no capabilities."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import pytest
from drift_contracts import feature_set

from tests.image.emulator import AS_LAMBDA, PREDICTOR, emulated
from tests.image.engine import registry
from tests.image.support import http_event
from tests.support.houses import HOUSE
from tools.base_images import Reference, digest_of

PROBE = f"{Path(__file__).parent}/in_container.py:/probe/in_container.py:ro"


def test_prediction(predictor, api_event):
    """A prediction is answered with its drift score."""
    answer = predictor(api_event)
    body = json.loads(answer["body"])
    assert answer["statusCode"] == 200
    assert body["features_received"] == HOUSE
    assert body["prediction"] == pytest.approx(690_000, rel=0.05)
    assert body["drift_score"] < 1


BAD = [
    ("POST", "/predict", json.dumps({"features": HOUSE | {"sqft": -1}}), 422),
    ("POST", "/predict", json.dumps({"features": HOUSE | {"colour": "red"}}), 422),
    ("POST", "/predict", "{", 400),
    ("GET", "/predict", None, 405),
    ("GET", "/nowhere", None, 404),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), BAD)
def test_bad_request(predictor, method, path, body, status):
    """A bad request is a problem document with its status."""
    answer = predictor(http_event(method, path, body))
    assert answer["statusCode"] == status
    assert json.loads(answer["body"])["status"] == status


def test_health_engine(predictor):
    """Health names the compiled engine."""
    answer = predictor(http_event("GET", "/health"))
    assert answer["statusCode"] == 200
    assert '"c"' in answer["body"]


def test_every_model(predictor):
    """Each of the three models that ship answers its example, the classifier by the second version."""
    served = json.loads(predictor(http_event("GET", "/health"))["body"])["models"]
    assert sorted(served) == ["diabetes", "flight-delay", "house-price"]
    answers = {}
    for name in served:
        body = json.dumps({"features": feature_set(name).example})
        answer = predictor(http_event("POST", f"/models/{name}/predict", body))
        assert answer["statusCode"] == 200
        answers[name] = json.loads(answer["body"])
    assert answers["flight-delay"]["contract"] == "prediction.response.v2"
    assert set(answers["flight-delay"]["probabilities"]) == {"on-time", "late"}
    assert all("contract" not in answers[name] for name in ("diabetes", "house-price"))


@pytest.mark.parametrize("event", [{}, [], "text", {"nonsense": 1}, {"features": "none"}])
def test_other_event(predictor, event):
    """An event that is no request is a problem document."""
    assert predictor(event)["status"] in {400, 422}


def start_directly(docker, image, folder, event, *options, handler=PREDICTOR):
    """The image's own client on a Runtime API inside the same container; see in_container.py."""
    events = folder / "event.json"
    events.write_text(json.dumps(event))
    events.chmod(0o644)
    mounts = ["--volume", PROBE, "--volume", f"{events}:/probe/event.json:ro", *options, "--entrypoint", "python3"]
    words = [*AS_LAMBDA, *mounts, image, "/probe/in_container.py", handler, "/probe/event.json"]
    return json.loads(docker("run", "--rm", *words).splitlines()[-1])


def test_cold_start(docker, image, naive, tmp_path, api_event, record_property):
    """A cold start is ten times as fast as the naive one and takes less than 64 MiB."""
    figures = {image: [], naive: []}
    for _ in range(5):
        for tag, handler in ((image, PREDICTOR), (naive, "app.handler")):
            figures[tag].append(start_directly(docker, tag, tmp_path, api_event, handler=handler))
    answers = [json.loads(json.loads(figures[tag][0]["body"])["body"])["prediction"] for tag in (image, naive)]
    assert answers[0] == answers[1]
    cold = [statistics.median(start["cold_ms"] for start in figures[tag]) for tag in (image, naive)]
    peak = [max(start["peak_kib"] for start in figures[tag]) / 1024 for tag in (image, naive)]
    record_property("cold start", f"{cold[0]:.0f} ms, naive {cold[1]:.0f} ms: {cold[1] / cold[0]:.1f} times")
    record_property("peak memory", f"{peak[0]:.1f} MiB, naive {peak[1]:.1f} MiB")
    assert cold[1] >= 10 * cold[0]
    assert peak[0] < 64


def broken_bundles(tmp_path, image, docker):
    """A copy of the image's bundles with one byte of the forest changed."""
    container = docker("create", image)
    docker("cp", f"{container}:/opt/drift/bundles", tmp_path)
    docker("rm", container)
    forest = tmp_path / "bundles/house-price/forest.bin"
    data = bytearray(forest.read_bytes())
    data[-1] ^= 1
    forest.write_bytes(data)
    return ["-v", f"{tmp_path / 'bundles'}:/opt/drift/bundles:ro"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (broken_bundles, "sha256"),
        (["-e", "DRIFT_BUNDLES=/nowhere"], "DRIFT_BUNDLES"),
        (["-e", "DRIFT_THRESHOLD=high"], "DRIFT_THRESHOLD"),
    ],
    ids=["a wrong digest", "a missing bundle", "a wrong setting"],
)
def test_bad_start(docker, image, emulator, tmp_path, api_event, options, says):
    """A bad start is a readable line, and the runtime's init error says the same."""
    chosen = options(tmp_path, image, docker) if callable(options) else options
    start = start_directly(docker, image, tmp_path, api_event, *chosen)
    assert start["path"] == "/2018-06-01/runtime/init/error"
    message = json.loads(start["body"])["errorMessage"]
    assert says in message
    assert "\n" not in message
    assert message in start["errors"].splitlines()
    assert start["exit"] == 1
    with emulated(docker, emulator, image, PREDICTOR, *chosen) as function:
        assert function(api_event)["errorMessage"] == message


def test_push_and_pull(docker, image, folder):
    """The image can be pushed, and pulled by its digest."""
    with registry(folder) as place:
        tag = f"{place}/drift-monitor:test"
        docker("tag", image, tag)
        docker("push", "--quiet", tag)
        by_digest = docker("inspect", "--format", "{{index .RepoDigests 0}}", tag)
        identity = docker("inspect", "--format", "{{.Id}}", tag)
        assert digest_of(Reference.parse(tag), f"http://{place}") == by_digest.partition("@")[2]
        docker("rmi", tag)
        docker("pull", "--quiet", by_digest)
        assert docker("inspect", "--format", "{{.Id}}", by_digest) == identity
        docker("rmi", by_digest)
