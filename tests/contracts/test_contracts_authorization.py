"""The client, driftctl and the scenarios against gateways that ask who is calling."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from click.testing import CliRunner
from drift_client import Bearer, Client, RequestRefused, Retry, SignedByAws
from drift_client.cli import main as driftctl
from drift_console.scenarios import main as scenarios

from tests.support.houses import HOUSE
from tests.support.predictor import World

REGION = "eu-central-1"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session"}


def signed_right(method, address, headers, body):
    """Whether a request has the signature that botocore makes of it with the keys that we know."""
    scheme, _, stated = headers.get("authorization", "").partition(" ")
    if scheme != "AWS4-HMAC-SHA256" or headers.get("x-amz-security-token") != KEYS["AWS_SESSION_TOKEN"]:
        return False
    parts = dict(part.strip().split("=", 1) for part in stated.split(","))
    names = parts["SignedHeaders"].split(";")
    if not {"host", "x-amz-date", "x-amz-security-token"} <= set(names):
        return False
    request = AWSRequest(method, address, data=body, headers={name: headers[name] for name in names})
    request.context["timestamp"] = headers["x-amz-date"]
    credentials = Credentials(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"])
    auth = SigV4Auth(credentials, "execute-api", REGION)
    text = auth.string_to_sign(request, auth.canonical_request(request))
    return parts["Signature"] == auth.signature(text, request)


def right_token(_method, _address, headers, _body):
    return headers.get("authorization") == "Bearer drift"


@contextmanager
def gateway(lets_through):
    """A gateway in front of a service of this process; what it does not let through is 403."""
    service = World().service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            address = f"http://{headers['host']}{self.path}"
            status, content, kind = 403, b'{"message":"Forbidden"}', "application/json"
            if lets_through(self.command, address, headers, body):
                reply = service.respond(self.command, self.path, body)
                status, content, kind = reply.status, reply.body, "application/json"
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = respond  # noqa: N815 - the name that http.server calls
        do_POST = respond  # noqa: N815

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def keys(monkeypatch):
    """The credentials and the region at hand."""
    for name, value in {**KEYS, "AWS_DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("keys")
def test_signed():
    """A gateway that checks signatures with botocore answers a client that signs, and no other."""
    with gateway(signed_right) as url:
        with Client(url, auth=SignedByAws(url)) as client:
            assert client.predict(HOUSE).prediction > 0
            assert len(client.predict_many([HOUSE] * 3)) == 3
        with Client(url, retry=Retry(attempts=1)) as client, pytest.raises(RequestRefused) as refused:
            client.health()
        assert refused.value.status == 403


@pytest.mark.usefixtures("keys")
def test_region():
    """An API's address states its region, whatever the configuration has."""
    auth = SignedByAws("https://abc.execute-api.us-west-2.amazonaws.com")
    assert auth.region == "us-west-2"


def test_token():
    """A gateway that wants a token gets it with every request."""
    with gateway(right_token) as url, Client(url, auth=Bearer("drift")) as client:
        assert client.predict(HOUSE).prediction > 0


@pytest.mark.parametrize("token", ["", "a b", "a\nb", "ä"])
def test_bad_token(token):
    """A token that no header can hold is refused, and not repeated."""
    with pytest.raises(ValueError, match="expected a token") as refused:
        Bearer(token)
    assert not token.strip() or token not in str(refused.value)


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(("kind", "lets_through"), [("iam", signed_right), ("jwt", right_token)], ids=["iam", "jwt"])
def test_commands(monkeypatch, kind, lets_through):
    """The command line and a release's gate send the credentials that options or environment
    configure.
    """
    monkeypatch.setenv("DRIFT_TOKEN", "drift")
    with gateway(lets_through) as url:
        done = CliRunner().invoke(driftctl, ["health", "--url", url, "--auth", kind])
        assert done.exit_code == 0, done.output
        sent = CliRunner().invoke(scenarios, ["--url", url, "--model", "house-price"], env={"DRIFT_AUTH": kind})
        assert "RequestRefused" not in sent.output
        assert sent.exit_code in (0, 1), sent.output
        refused = CliRunner().invoke(driftctl, ["health", "--url", url])
        assert refused.exit_code not in (0, 1)


def test_missing_token(monkeypatch):
    """Without a token the message names the variable that holds it."""
    monkeypatch.delenv("DRIFT_TOKEN", raising=False)
    done = CliRunner().invoke(driftctl, ["health", "--auth", "jwt"])
    assert done.exit_code == 2
    assert "DRIFT_TOKEN" in done.output


def test_batch_in_parts(house_url):
    """A batch of forty is sent in parts to a service that takes five rows a request."""
    with Client(house_url) as client:
        answers = client.predict_many([HOUSE] * 40)
    assert len(answers) == 40
    assert all(json.dumps(answer.prediction) for answer in answers)


@pytest.fixture
def house_url(monkeypatch):
    original = World.service
    monkeypatch.setattr(World, "service", lambda self: original(self, most_rows=5))
    with gateway(lambda *_: True) as url:
        yield url
