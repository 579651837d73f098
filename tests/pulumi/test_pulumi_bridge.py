"""One life over the real AWS provider of Terraform, by Pulumi's own bridge, against a local AWS.

The provider is only there where `python -m tests.pulumi.binaries --bridge` built it (`nox -s engine -- --all`).
"""

# ruff: noqa: ARG001 - to ask for `cli` is to have the programs; do_POST is the name that http.server calls

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path

import boto3
import pytest

from tests.support.ministack import ACCOUNT, REGION, Aws
from tools.stack_checks.rights import statements
from tools.stack_checks.stacks import SECRETS, graph_of, settings_of

from . import binaries
from .bundle import bundles
from .gate import Gate, guarded
from .unseen import UNSEEN
from .workspace import PROJECT, QUIET, ROOT, Workspace, checkout
from .world import FIRST, SECOND, opened

PEOPLE = ["ann@example.com", "bob@example.com"]
NAMES = binaries.MODULES / "bridge" / "names.json"
MIRRORS = ("/opt", "/usr/local", "/usr/share", "~/.terraform.d", "~/.local/share")
#: Appended to a module of the copied program: the emulator has no PutQueryDefinition, and prod's dashboard depends on
#: the queries, so that they cannot be left out with --exclude.
WITHOUT_QUERIES = "\nLOG_QUERIES = {}\n"
#: What a second preview sees as changed because the emulator forgets, each with what it forgets.
FORGOTTEN = {
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": "its description and whether it acts, which provider 5 replaces",
    "aws:cloudwatch/dashboard:Dashboard": "nothing: its body names the composite alarm, which is replaced",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "its description, dimensions, period and treatment of missing data",
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": "parts of the extended S3 destination",
    "aws:sqs/queue:Queue": "how the redrive policy was written: it answers with a text of its own",
}


#: Rights that are taken out of a deployer's policy; no resource stands on what they make.
TAKEN_OUT = ("athena:CreateNamedQuery", "budgets:ModifyBudget", "cloudwatch:PutDashboard")
#: The functions that an update calls.
CALLED = [f"{PROJECT}-{stack}-{what}" for stack in ("dev", "prod") for what in ("aggregator", "predictor")]


class Answer(BaseHTTPRequestHandler):
    """Answer every call of a function with an empty object."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *words):
        """Say nothing."""


@contextmanager
def answering():
    """Serve on the loopback, and give the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def provider() -> Path | None:
    """Return the path of the Terraform provider's binary, or None."""
    named = os.environ.get("DRIFT_TERRAFORM_PLUGINS")
    places = [Path(place).expanduser() for place in ([named] if named else MIRRORS)]
    for place in places:
        for binary in place.rglob("terraform-provider-aws_*"):
            return binary
    return None


@pytest.fixture(scope="session")
def bridge(cli):
    """The bridge's binary."""
    if shutil.which("go") is None or not binaries.place(binaries.BRIDGE).exists():
        pytest.skip("NOT CHECKED: the bridge is not built; nox -s engine -- --all builds it")
    return binaries.place(binaries.BRIDGE)


@pytest.fixture
def aws(tmp_path):
    command = os.environ.get("DRIFT_MINISTACK") or shutil.which("ministack")
    if not command:
        pytest.skip("NOT CHECKED: no MiniStack; nox -s engine installs it")
    folder = tmp_path / "aws"
    folder.mkdir()
    with answering() as url:  # the emulator runs no images by itself: it asks here
        local = Aws(str(Path(command).absolute()), folder, **{f"MINISTACK_LAMBDA_PROXY_{name}": url for name in CALLED})
        yield local
        local.stop()


def client(aws, service):
    """Return boto3's client of a service, past the gate."""
    session = boto3.session.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key="test")
    return session.client(service, endpoint_url=aws.url, region_name=REGION)


@pytest.fixture
def gate(request, aws):
    """Only the rights that are generated from the stack's graph."""
    stack = request.node.callspec.params["pulumi"]
    keys = {"alertEmails": json.dumps(PEOPLE), "slackWebhook": SECRETS["slackWebhook"]}
    graph = graph_of(settings_of(ROOT, stack, keys), ROOT)

    def key_tags(key):
        kms = client(aws, "kms")
        try:
            tags = kms.list_resource_tags(KeyId=key)["Tags"]
        except kms.exceptions.NotFoundException:
            return {}
        return {tag["TagKey"]: tag["TagValue"] for tag in tags}

    return Gate(statements(graph, f"{PROJECT}-{stack}"), key_tags)


@pytest.fixture
def door(gate, aws):
    """The address of the local AWS for somebody with these rights."""
    with guarded(gate, aws.port) as url:
        yield url


@pytest.fixture
def pulumi(request, bridge, door, tmp_path):
    """A stack whose provider is the bridge, and whose deployer may do what the generated policy allows."""
    binary = provider()
    if binary is None:
        pytest.skip("NOT CHECKED: no Terraform provider for AWS on this machine")
    folder = tmp_path / "world"
    folder.mkdir()
    root = bundles(checkout(folder / "checkout"))
    queries = root / "infra/src/drift_infra/queries.py"
    queries.write_text(queries.read_text("utf-8") + WITHOUT_QUERIES, "utf-8")
    space = Workspace(folder, root, {}, request.param)
    plugin = folder / "home/plugins" / f"resource-aws-v{version('pulumi-aws')}"
    plugin.mkdir(parents=True)
    shutil.copy(bridge, plugin)
    space.more = {
        "AWS_ENDPOINT_URL": door,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "test",
        # the emulator ends kept connections: a call arrives, its answer does not, and a second try finds the name taken
        "AWS_MAX_ATTEMPTS": "1",
        "DRIFT_TERRAFORM_PROVIDER": str(binary).partition("_v")[0],
    }
    space.done("stack", "init", space.stack)
    space.set(imageDigest=FIRST, alertEmails=PEOPLE)
    space.secret("slackWebhook", SECRETS["slackWebhook"])
    yield space
    end(space)


def end(space):
    """End what a provider that was stopped hard leaves behind: Terraform's own process, by its session."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            session = int(stat.read_text().rpartition(")")[2].split()[3])
        except OSError:
            continue
        if session in space.sessions:
            os.kill(int(stat.parent.name), signal.SIGTERM)


def left(aws):
    """Return names of what is left of the stack in the account."""
    functions = client(aws, "lambda").list_functions()["Functions"]
    tables = client(aws, "dynamodb").list_tables()["TableNames"]
    buckets = client(aws, "s3").list_buckets()["Buckets"]
    topics = client(aws, "sns").list_topics()["Topics"]
    return [*functions, *tables, *buckets, *topics]


@pytest.mark.parametrize("pulumi", ["dev"], indirect=True)
def test_life_of_dev(pulumi, aws, gate):
    """Dev lives over the real provider with the rights of a deployer, and with no others."""
    gate.without = set(TAKEN_OUT)
    denied = pulumi.up("--continue-on-error")
    assert denied.code != 0
    assert {each.action for each in gate.refused} == gate.without
    text = "\n".join(denied.errors)
    assert all(f"not authorized to perform: {action}" in text for action in TAKEN_OUT)
    gate.without, gate.refused = set(), set()
    life(pulumi, aws)
    assert gate.refused == set()
    allowed = {action for statement in gate.statements for action in statement["Action"]}
    assert allowed - gate.seen == UNSEEN.keys()


@pytest.mark.parametrize("pulumi", ["prod"], indirect=True)
def test_life_of_prod(pulumi, aws, gate, everything):
    """Prod lives over the real provider."""
    if not everything:
        pytest.skip("prod over the bridge is for nox -s engine -- --all")
    life(pulumi, aws)
    assert gate.refused == set()


def life(pulumi, aws):
    """Preview, make, preview again, move to a new image, destroy, forget."""
    seen = pulumi.preview()
    assert seen.code == 0, seen.why
    made = pulumi.up()
    assert made.code == 0, made.why
    again = pulumi.preview()
    assert again.code == 0, again.why
    changed = {(step.token, step.changed) for step in again.steps if step.op not in QUIET}
    unexpected = [f"{token} {inputs}" for token, inputs in changed if token not in FORGOTTEN]
    assert "\n".join(sorted(unexpected)) == ""
    pulumi.set(imageDigest=SECOND)
    moved = pulumi.up()
    assert moved.code == 0, moved.why
    if pulumi.stack == "prod":
        pulumi.set(leaving=True)
        leaving = pulumi.up()
        assert leaving.code == 0, leaving.why
    gone = pulumi.destroy()
    assert gone.code == 0, gone.why
    pulumi.done("stack", "rm", "--yes", pulumi.stack)
    if pulumi.stack == "dev":
        assert left(aws) == []


def test_bridge_names(deployed):
    """Every type that the stacks make has a line, and no line is for a type that is gone."""
    listed = {facts["token"] for facts in json.loads(NAMES.read_text("utf-8"))["types"].values()}
    made = set()
    for stack in ("dev", "prod"):
        with opened(deployed(stack)) as world:
            made |= {each["type"] for each in world.resources()}
    assert made <= listed, made - listed
