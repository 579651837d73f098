"""Who may mark requests as synthetic: they are in no metric, event or window that is watched."""

from __future__ import annotations

import json

import pytest
from drift_contracts import documents, violations
from drift_predictor import Edge, SettingsError, read_settings
from drift_predictor.callers import may_mark, principal

ACCOUNT = "123456789012"
PROBE = f"arn:aws:iam::{ACCOUNT}:role/probe"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/probe/probe"
STRANGER = f"arn:aws:sts::{ACCOUNT}:assumed-role/stranger/probe"


@pytest.fixture
def asked(world, http, context):
    """asked(arn, path, document): status and document of a request that this caller marks."""
    edge = Edge(world.service(synthetic_callers=(principal(PROBE),)))

    def ask(arn, path, document, **members):
        event = http("POST", path, document)
        event["requestContext"] |= {"authorizer": {"iam": {"userArn": arn}}} | members
        answer = edge.handle(event, context)
        return answer["statusCode"], json.loads(answer["body"])

    return ask


def test_named_caller(asked, world, house):
    """A caller that the stack names may mark requests."""
    assert asked(SESSION, "/predict", {"features": house, "synthetic": True})[0] == 200
    assert [event["Synthetic"] for event in world.events] == [1]


@pytest.mark.parametrize("arn", [STRANGER, None, 5, "probe", ""])
def test_other_caller(asked, world, house, arn):
    """Another caller is refused and counted, and nothing else is written."""
    status, problem = asked(arn, "/predict", {"features": house, "synthetic": True})
    assert list(violations(documents.schema("problem.v1"), problem)) == []
    assert (status, problem["type"]) == (403, "urn:drift:problem:synthetic-refused")
    assert [error["pointer"] for error in problem["errors"]] == ["/synthetic"]
    assert "syntheticCallers" in problem["detail"]
    (line,) = world.events
    assert (line["SyntheticRefused"], line["Rejected"], line["level"]) == (1, 1, "WARNING")


def test_marked_row(asked, world, house):
    """One marked row of a batch is enough, and none is recorded."""
    batch = {"instances": [{"features": house}, {"features": house, "synthetic": True}]}
    status, problem = asked(STRANGER, "/predict/batch", batch)
    assert (status, problem["errors"][0]["pointer"]) == (403, "/instances/1/synthetic")
    assert [event.get("contract") for event in world.events] == [None]


def test_not_marked(asked, house):
    """Requests that are not marked may come from any caller."""
    for marked in ({}, {"synthetic": False}):
        assert asked(STRANGER, "/predict", {"features": house} | marked)[0] == 200


def test_direct_invocation(world, house, context):
    """A direct invocation may mark requests."""
    answer = Edge(world.service()).handle({"features": house, "synthetic": True}, context)
    assert "prediction" in answer
    assert world.events[0]["Synthetic"] == 1


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_loopback(asked, house, address):
    """A caller on the console's own machine may mark requests."""
    member = {"http": {"method": "POST", "path": "/predict", "sourceIp": address}}
    assert asked(None, "/predict", {"features": house, "synthetic": True}, **member)[0] == 200


FORGED = {
    "another machine": {"http": {"sourceIp": "10.0.0.7"}},
    "a name": {"http": {"sourceIp": "localhost"}},
    "an address as a number": {"http": {"sourceIp": 127}},
    "a balancer's": {"elb": {"targetGroupArn": "x"}},
    "claims of a token": {"authorizer": {"jwt": {"claims": {"userArn": SESSION}}}},
    "another account": {"authorizer": {"iam": {"userArn": SESSION.replace(ACCOUNT, "210987654321")}}},
    "a user named as the role": {"identity": {"userArn": f"arn:aws:iam::{ACCOUNT}:user/probe"}},
    "a session named as the role": {"identity": {"userArn": f"arn:aws:sts::{ACCOUNT}:assumed-role/other/probe"}},
    "no objects": {"http": [], "identity": "x", "authorizer": {"iam": 5}},
    "no context": [],
    "a context in words": "http",
}


@pytest.mark.parametrize("context", FORGED.values(), ids=FORGED)
def test_forged_context(context):
    """A context that does not identify the caller admits nobody."""
    assert not may_mark(context, (principal(PROBE),))


def test_rest_caller():
    """A REST API names its caller in another place."""
    assert may_mark({"identity": {"userArn": SESSION, "sourceIp": "10.0.0.7"}}, (principal(PROBE),))


def test_callers():
    """Callers are read whatever their paths."""
    text = f"{PROBE}, arn:aws-us-gov:iam::{ACCOUNT}:role/path/deployer,arn:aws:iam::{ACCOUNT}:user/people/ann"
    callers = read_settings({"DRIFT_SYNTHETIC_CALLERS": text}).synthetic_callers
    assert callers == (f"{ACCOUNT} role probe", f"{ACCOUNT} role deployer", f"{ACCOUNT} user ann")


@pytest.mark.parametrize(
    "text",
    ["*", "probe", ",", f"{PROBE},", f"arn:aws:iam::{ACCOUNT}:root", "arn:aws:iam::1:role/a", "arn:aws:iam::x:role/a",
     f"arn:aws:iam::{ACCOUNT}:role", f"arn:aws:iam::{ACCOUNT}:role/", f"arn:aws:s3::{ACCOUNT}:role/a",
     f"x:aws:iam::{ACCOUNT}:role/a"],
)  # fmt: skip
def test_no_caller(text):
    """What names no caller is refused."""
    with pytest.raises(SettingsError) as caught:
        read_settings({"DRIFT_SYNTHETIC_CALLERS": text})
    assert "ARNs of roles or users" in caught.value.faults["DRIFT_SYNTHETIC_CALLERS"]
