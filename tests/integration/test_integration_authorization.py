"""The client, driftctl and the scenarios against the stack's own API and authorizer, in a local AWS.

Its callers are bearers of a token that an issuer signed; the local AWS checks signature, issuer, audience and time.
A stack whose callers sign instead is in tests/contracts/test_contracts_authorization.py.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

import boto3
import pytest
from click.testing import CliRunner
from drift_client import Bearer, Client, RequestRefused
from drift_client.cli import main as driftctl
from drift_console.scenarios import main as scenarios
from drift_predictor.edge import Edge

from tests.support.houses import HOUSE
from tests.support.predictor import World
from tools.stack_checks.stacks import graph_of, settings_of

AUDIENCE, KEY = "drift", "key-1"
BITS, EXPONENT = 1024, 65537
#: PKCS #1 v1.5: what stands before a SHA-256 digest (RFC 8017, section 9.2).
SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")


def text(content: bytes) -> str:
    """Return bytes as tokens write them."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def prime(random: Random) -> int:
    """Return a number that is prime as far as twenty bases can tell."""
    while True:
        number = random.getrandbits(BITS // 2) | 1 | 3 << (BITS // 2 - 2)
        if number % EXPONENT != 1 and all(pow(base, number - 1, number) == 1 for base in range(2, 22)):
            return number


class Issuer:
    """Signs tokens (RS256) with a key of its own, and serves the public half."""

    def __init__(self) -> None:
        random = Random(7)
        first, second = prime(random), prime(random)
        self.modulus = first * second
        self.secret = pow(EXPONENT, -1, (first - 1) * (second - 1))
        self.url = ""

    def keys(self) -> dict:
        """Return the public key as issuers publish it."""
        numbers = {"n": self.modulus, "e": EXPONENT}
        parts = {name: text(number.to_bytes(-(-number.bit_length() // 8))) for name, number in numbers.items()}
        return {"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": KEY, **parts}]}

    def token(self, **changes: object) -> str:
        """Return a token of an hour, with changed claims."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": AUDIENCE, "iat": now - 60, "exp": now + 3600, **changes}
        parts = ({"alg": "RS256", "typ": "JWT", "kid": KEY}, claims)
        signed = ".".join(text(json.dumps(part).encode()) for part in parts)
        digest = SHA256 + hashlib.sha256(signed.encode()).digest()
        padded = b"\x00\x01" + b"\xff" * (BITS // 8 - len(digest) - 3) + b"\x00" + digest
        signature = pow(int.from_bytes(padded), self.secret, self.modulus)
        return f"{signed}.{text(signature.to_bytes(BITS // 8))}"


@contextmanager
def serving(answer):
    """Serve on the loopback what a function makes of path and body, and give the address."""

    class Handler(BaseHTTPRequestHandler):
        def respond(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            content = json.dumps(answer(self.path, body)).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = respond  # noqa: N815 - the names that http.server calls

        def log_message(self, *_):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def issuer():
    made = Issuer()
    with serving(lambda _path, _body: made.keys()) as made.url:
        yield made


@pytest.fixture(scope="module")
def url(root, ministack, start_aws, tmp_path_factory, issuer):
    """The address of the stack's API, with the routes and the authorizer of its graph, before the real predictor."""
    keys = {"authentication": "jwt", "jwtIssuer": "https://login.example.com", "jwtAudience": f'["{AUDIENCE}"]'}
    graph = graph_of(settings_of(root, "dev", keys), root)
    edge = Edge(World().service())
    name = graph.one("lambda.Function", "predictor-function").inputs["name"]
    with serving(lambda _path, body: edge.handle(json.loads(body), None)) as function:
        proxied = {f"MINISTACK_LAMBDA_PROXY_{name}": function}
        local = start_aws(ministack, tmp_path_factory.mktemp("aws"), **proxied)
        yield f"{local.url}/_aws/execute-api/{declared(graph, local, issuer)}/$default"
        local.stop()


def declared(graph, local, issuer) -> str:
    """Make the API of a graph in a local AWS, and return its id; the issuer is ours, which has no certificate."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    functions = boto3.client("lambda", endpoint_url=local.url, **keys)
    gateway = boto3.client("apigatewayv2", endpoint_url=local.url, **keys)
    node = graph.one("lambda.Function", "predictor-function")
    image = {"ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/image@sha256:" + "a" * 64}
    made = functions.create_function(
        FunctionName=node.inputs["name"], PackageType="Image", Code=image, Role="arn:aws:iam::123456789012:role/r"
    )
    api = gateway.create_api(Name=graph.one("apigatewayv2.Api", "api-api").inputs["name"], ProtocolType="HTTP")["ApiId"]
    (authorizer,) = graph.of("apigatewayv2.Authorizer")
    checks = gateway.create_authorizer(
        ApiId=api,
        Name=authorizer.inputs["name"],
        AuthorizerType=authorizer.inputs["authorizerType"],
        IdentitySource=authorizer.inputs["identitySources"],
        JwtConfiguration={"Issuer": issuer.url, "Audience": authorizer.inputs["jwtConfiguration"]["audiences"]},
    )["AuthorizerId"]
    (integration,) = graph.of("apigatewayv2.Integration")
    target = gateway.create_integration(
        ApiId=api,
        IntegrationType=integration.inputs["integrationType"],
        IntegrationUri=made["FunctionArn"],
        PayloadFormatVersion=integration.inputs["payloadFormatVersion"],
    )["IntegrationId"]
    for route in graph.of("apigatewayv2.Route"):
        gateway.create_route(
            ApiId=api,
            RouteKey=route.inputs["routeKey"],
            AuthorizationType=route.inputs["authorizationType"],
            AuthorizerId=checks,
            Target=f"integrations/{target}",
        )
    gateway.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    return api


def test_client(url, issuer):
    """A token of the issuer for this audience is answered, on every operation of the client."""
    with Client(url, auth=Bearer(issuer.token())) as client:
        assert client.predict(HOUSE).prediction > 0
        assert len(client.predict_many([HOUSE] * 3)) == 3
        assert client.health().models
        assert client.model().manifest["model"] == "house-price"


@pytest.mark.parametrize(
    "claims",
    [{"aud": "another"}, {"exp": 1}, {"iss": "https://login.example.com"}],
    ids=["audience", "time", "issuer"],
)
def test_refused(url, issuer, claims):
    """Another audience, another issuer or a time that is over is no token of this stack's."""
    with Client(url, auth=Bearer(issuer.token(**claims))) as client, pytest.raises(RequestRefused) as refused:
        client.health()
    assert refused.value.status == 401


def test_forged(url, issuer):
    """Claims that the issuer did not sign are refused, and so is nobody."""
    head, _, signature = issuer.token().split(".")
    claims = text(json.dumps({"iss": issuer.url, "aud": AUDIENCE, "exp": 1 << 40}).encode())
    for auth in (Bearer(f"{head}.{claims}.{signature}"), None):
        with Client(url, auth=auth) as client, pytest.raises(RequestRefused) as refused:
            client.health()
        assert refused.value.status == 401


def test_commands(url, issuer, monkeypatch):
    """The command line and the gate of a release send the token of the environment."""
    monkeypatch.setenv("DRIFT_TOKEN", issuer.token())
    done = CliRunner().invoke(driftctl, ["health", "--url", url, "--auth", "jwt"])
    assert done.exit_code == 0, done.output
    asked = CliRunner().invoke(scenarios, ["--url", url, "--model", "house-price"], env={"DRIFT_AUTH": "jwt"})
    assert asked.exit_code == 0, asked.output
    unknown = CliRunner().invoke(scenarios, ["--url", url, "--model", "house-price"])
    assert unknown.exit_code not in (0, 1)
