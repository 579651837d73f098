"""A stack's life in the real engine: it is previewed, made, found unchanged, judged, destroyed and forgotten."""

from __future__ import annotations

import pytest

from .pack import pack
from .world import FIRST

BOTH = pytest.mark.parametrize("empty", ["dev", "prod"], indirect=True)
VIOLATION = '\nimport pulumi_aws\npulumi_aws.sqs.Queue("open", name="open", sqs_managed_sse_enabled=False)\n'


@BOTH
def test_first_life(empty):
    """A stack is previewed, made and then unchanged."""
    seen = empty.pulumi.preview()
    assert seen.code == 0, seen.why
    assert set(seen.counts) <= {"create", "read"}
    assert empty.account.things == {}
    made = empty.pulumi.up()
    assert made.code == 0, made.why
    assert len(empty.resources()) > 100
    empty.settled()


@BOTH
def test_policy_pack_passes(empty):
    """The policy pack accepts what the stack declares."""
    run = empty.pulumi.preview("--policy-pack", pack(empty.pulumi))
    assert run.code == 0, run.why
    assert "drift-monitor" in run.text


def test_policy_pack_stops(empty):
    """The policy pack stops a planted violation."""
    program = empty.pulumi.root / "infra/__main__.py"
    program.write_text(program.read_text("utf-8") + VIOLATION, "utf-8")
    run = empty.pulumi.up("--policy-pack", pack(empty.pulumi))
    assert run.code != 0
    assert "open" in run.text
    assert empty.account.get("sqs/queue:Queue", "open") is None


@pytest.mark.parametrize("empty", ["prod"], indirect=True)
def test_prod_without_listeners(empty):
    """Prod with nobody to alert is refused, and nothing is made."""
    empty.pulumi.set(alertEmails=[])
    run = empty.pulumi.up()
    assert run.code != 0
    assert "alertEmails" in run.text
    assert empty.account.things == {}


def test_resource_error(empty):
    """An error of a resource is one line without a traceback."""
    empty.pulumi.set(imageDigest=FIRST.replace("1" * 64, "f" * 64))
    run = empty.pulumi.up()
    assert run.code != 0
    shown = run.text[run.text.index("Diagnostics:") :].splitlines()
    refusals = [line for line in shown if "InvalidParameterValueException" in line]
    assert refusals
    assert all("error:" in line for line in refusals)
    assert not [line for line in shown if "Traceback" in line or 'File "' in line]


def test_taken_name(empty):
    """A name that somebody else has is reported in one line."""
    name = f"/aws/lambda/{empty.predictor}"
    empty.account.create("aws:cloudwatch/logGroup:LogGroup", {"name": name})
    run = empty.pulumi.up()
    assert run.code != 0
    shown = run.text[run.text.index("Diagnostics:") :]
    (line,) = [line for line in shown.splitlines() if name in line]
    assert "error: ResourceAlreadyExistsException" in line
    assert "Traceback" not in shown
