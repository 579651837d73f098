"""T13: a stack that an earlier release deployed takes this program, and nothing that matters is replaced."""

# ruff: noqa: ARG001 - to ask for the fixture `cli` is to have the programs

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile

import pytest

from .bundle import bundles
from .cloud.kinds import short
from .workspace import ROOT, Workspace, checkout
from .world import SECOND, fresh, opened

STATES = sorted(path.name for path in (ROOT / "tests/upgrade/states").iterdir() if path.is_dir())
PINS = "requirements/infra.txt"
MATTERING = {
    "apigatewayv2/api:Api",
    "apigatewayv2/stage:Stage",
    "dynamodb/table:Table",
    "cloudwatch/logGroup:LogGroup",
    "ecr/repository:Repository",
    "kms/key:Key",
    "lambda/alias:Alias",
    "lambda/function:Function",
    "s3/bucket:Bucket",
    "secretsmanager/secret:Secret",
    "sns/topic:Topic",
    "sns/topicSubscription:TopicSubscription",
    "sqs/queue:Queue",
}
HOOKS = [f"https://{name}.example.com/hook" for name in ("ann", "bob")]
#: What an upgrade may end or replace, each with its reason.
MAY_GO = {
    "LogGroup api-access-log": "its name moves under /aws/vendedlogs/, which no policy of the account has to list",
    "ProvisionedConcurrencyConfig predictor-warm": "the warm instance moves from the alias to its version",
}
SUBSCRIPTION = "sns/topicSubscription:TopicSubscription"


@pytest.fixture(scope="session", params=STATES)
def release(request, tmp_path_factory):
    """The checkout of the commit that a saved state is named after."""
    folder = tmp_path_factory.mktemp(request.param)
    archive = subprocess.run(["git", "archive", request.param], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(f"NOT CHECKED: the commit {request.param} is not in this clone")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="session")
def environment(release, tmp_path_factory):
    """The folder of a Python with that commit's own pins: this one, where they are the same."""
    if (release / PINS).read_bytes() == (ROOT / PINS).read_bytes():
        return None
    uv = os.environ.get("DRIFT_UV") or shutil.which("uv")
    if uv is None:
        pytest.skip("NOT CHECKED: the commit's own pins need uv; nox -s engine brings it")
    folder = tmp_path_factory.mktemp("pins")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    install = [uv, "pip", "install", "--quiet", "--python", folder / "bin/python", "--require-hashes"]
    subprocess.run([*install, "-r", release / PINS, "-r", ROOT / "requirements/pulumi.txt"], check=True)
    return folder / "bin"


@pytest.fixture(params=["dev", "prod"])
def old(request, cli, release, environment, tmp_path):
    """A stack with every listener, as the earlier program deploys it; everybody has confirmed."""
    with opened(fresh(tmp_path / "world", request.param, release)) as world:
        pulumi = world.pulumi
        pulumi.modules = tuple(release / room / "src" for room in ("infra", "contracts"))
        pulumi.python = environment or pulumi.python
        pulumi.done("stack", "init", request.param)
        people = ["ann@example.com", "bob@example.com"]
        pulumi.set(imageDigest=SECOND.replace("2" * 64, "1" * 64), alertEmails=people)
        pulumi.secret("alertWebhooks", json.dumps(HOOKS))
        pulumi.secret("slackWebhook", "https://chat.example.com/services/key")
        pulumi.secret("pagerdutyUrl", "https://events.example.com/integration/key/enqueue")
        run = pulumi.up()
        assert run.code == 0, run.why
        world.account.confirmed |= {thing.id for thing in world.account.of(SUBSCRIPTION)}
        yield world


def newer(world):
    """Return the same stack in a checkout of today."""
    root = bundles(checkout(world.pulumi.folder / "today"))
    stack_file = f"Pulumi.{world.pulumi.stack}.yaml"
    shutil.copy(world.pulumi.root / stack_file, root)
    ports = dict(pair.split(":") for pair in world.pulumi.providers.split(","))
    world.docker.folder = root / "infra"
    return Workspace(world.pulumi.folder, root, ports, world.pulumi.stack)


def test_t13_older_stack(old):
    """An older stack takes this program, and keeps what matters."""
    confirmed, mails = set(old.account.confirmed), dict(old.account.mails)
    stay = {(short(each["type"]), each["id"]) for each in old.resources() if matters(each)}
    old.pulumi = newer(old)
    old.pulumi.set(imageDigest=SECOND)
    run = old.pulumi.up()
    assert run.code == 0, run.why
    assert stay <= old.account.things.keys()
    assert old.account.confirmed == confirmed
    assert dict(old.account.mails) == mails
    gone = [str(step) for step in run.steps if step.op in ("replace", "delete", "delete-replaced")]
    assert [step for step in gone if step.split(" ", 1)[1] not in MAY_GO] == []
    assert old.alias["functionVersion"] == "2"
    old.settled()


def matters(resource):
    """Return whether a resource holds data, answers callers or bears a confirmation, and is not listed as one to go."""
    kind, name = short(resource["type"]), resource["urn"].rpartition("::")[2]
    return kind in MATTERING and f"{kind.rpartition(':')[2]} {name}" not in MAY_GO
