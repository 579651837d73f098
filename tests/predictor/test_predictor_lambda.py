"""The handler through the real awslambdaric, in a process of its own, against a small Runtime API."""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("awslambdaric")


@pytest.fixture
def run(runtime_api, bundles, tmp_path):
    """Start the function, give it the events, return its answers and what it printed."""

    def run(events, **environ):
        api = runtime_api(events)
        variables = {
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "AWS_LAMBDA_FUNCTION_NAME": "predictor",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "DRIFT_BUNDLES": str(bundles),
            "DRIFT_MODEL": "house-price",
            **environ,
        }
        words = [sys.executable, "-m", "awslambdaric", "drift_predictor.handler.handler"]
        with (tmp_path / "out").open("w+") as out, (tmp_path / "err").open("w+") as err:
            process = subprocess.Popen(words, env=variables, stdout=out, stderr=err)
            try:
                assert api.done.wait(60)
            finally:
                process.kill()
                process.wait()
                api.close()
        return api.answers, (tmp_path / "out").read_text(), (tmp_path / "err").read_text()

    return run


def test_runtime(run, http, house):
    """Events go through the real runtime client, and lines to the log."""
    answers, out, _ = run(
        [
            http("POST", "/predict", {"features": house}),
            http("POST", "/predict", {"features": {**house, "age": "old"}}),
            {"features": house},
            {"warmup": True},
            [],
        ]
    )
    assert [path for _, path, _ in answers] == [f"request-{k}/response" for k in (1, 2, 3, 4, 5)]
    first, second, third, fourth, fifth = (document for _, _, document in answers)
    assert (first["statusCode"], json.loads(first["body"])["model"]) == (200, "house-price")
    assert (second["statusCode"], json.loads(second["body"])["request_id"]) == (422, "request-2")
    assert third["prediction"] == json.loads(first["body"])["prediction"]
    assert (fourth["status"], fifth["status"]) == ("warm", 400)
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    assert [line.get("message") or line.get("contract") or line["problem"] for line in lines] == [
        "ready",
        "prediction.event.v1",
        "invalid-request",
        "prediction.event.v1",
        "bad-event",
    ]


def test_runtime_wrong_source(run, http, house):
    """An event of a queue is a failed invocation, after which requests are answered."""
    queue = {"Records": [{"messageId": "1", "body": "marker", "eventSource": "aws:sqs"}]}
    answers, out, err = run([queue, http("POST", "/predict", {"features": house})])
    assert [path for _, path, _ in answers] == ["request-1/error", "request-2/response"]
    assert answers[0][2]["errorType"].endswith("WrongSource")
    assert "SQS" in answers[0][2]["errorMessage"]
    assert "marker" not in out + err + json.dumps(answers[0][2])


@pytest.mark.parametrize(
    ("environ", "says"),
    [({"DRIFT_THRESHOLD": "high"}, "DRIFT_THRESHOLD"), ({"DRIFT_BUNDLES": "/nowhere"}, "DRIFT_BUNDLES")],
)
def test_runtime_init_error(run, environ, says):
    """An error at start is one line, in the log and to Lambda."""
    ((_, path, error),), _, err = run([{}], **environ)
    assert path == "init/error"
    assert error["errorMessage"].startswith(f"{says}: expected")
    assert "\n" not in error["errorMessage"]
    assert error["errorMessage"] in err
