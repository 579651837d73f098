"""`sam local start-api` serves the built image: a prediction by HTTP, and a bad one refused."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request

import pytest

from tests.image.engine import engine, process
from tests.support.houses import HOUSE
from tests.support.waiting import free_port, wait_until


def template(image: str) -> dict[str, object]:
    event = {"Type": "HttpApi", "Properties": {"Path": "/predict", "Method": "POST"}}
    function = {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "PackageType": "Image",
            "ImageUri": image,
            "MemorySize": 512,
            "Timeout": 10,
            "Environment": {"Variables": {"DRIFT_MODEL": "house-price"}},
            "Events": {"Predict": event},
        },
    }
    return {"Transform": "AWS::Serverless-2016-10-31", "Resources": {"Predictor": function}}


@pytest.fixture(scope="session")
def docker(folder):
    """An engine whose containers can have published ports, as sam needs them."""
    with engine(folder, bridge="docker0") as running:
        yield running


@pytest.fixture(scope="module")
def api(docker, image, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sam")
    path = folder / "template.json"
    path.write_text(json.dumps(template(image)))
    port = free_port()
    words = [os.environ["DRIFT_SAM"], "local", "start-api", "--template", str(path), "--host", "127.0.0.1"]
    words += ["--port", str(port), "--skip-pull-image", "--warm-containers", "EAGER"]
    with process(words, folder / "sam.log", docker.environment | {"SAM_CLI_TELEMETRY": "0"}):
        try:
            wait_until(lambda: post(port, {"features": HOUSE})[0] == 200, "sam local", 120)
        except TimeoutError:
            pytest.fail((folder / "sam.log").read_text()[-3000:])
        yield port


def post(port: int, body: object) -> tuple[int, dict[str, object]]:
    url = f"http://127.0.0.1:{port}/predict"
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())
    except OSError:
        return 0, {}


def test_prediction(api):
    """A prediction is answered over HTTP."""
    status, answer = post(api, {"features": HOUSE})
    assert status == 200
    assert answer["features_received"] == HOUSE


def test_bad_request(api):
    """A bad request over HTTP is a problem document."""
    status, answer = post(api, {"features": HOUSE | {"sqft": -1}})
    assert (status, answer["status"]) == (422, 422)
