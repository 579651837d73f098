"""The stand-in for AWS refuses what AWS refuses: one test for each rule that it enforces."""

from __future__ import annotations

import pytest

from .cloud import rules
from .cloud.account import Account
from .cloud.refusals import Refused

DIGEST = "sha256:" + "a" * 64
FUNCTION = "aws:lambda/function:Function"
ALIAS = "aws:lambda/alias:Alias"
WARM = "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig"
GROUP = "aws:cloudwatch/logGroup:LogGroup"
TOPIC = "aws:sns/topic:Topic"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
BUCKET = "aws:s3/bucket:Bucket"
REPOSITORY = "aws:ecr/repository:Repository"
WORKGROUP = "aws:athena/workgroup:Workgroup"
TABLE = "aws:dynamodb/table:Table"
IMAGE = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/image@{DIGEST}"
BROKEN = IMAGE.replace("a" * 64, "b" * 64)
ON_LIVE = {"functionName": "f", "qualifier": "live", "provisionedConcurrentExecutions": 1}
LIVE = {"functionName": "f", "name": "live", "functionVersion": "1"}


@pytest.fixture
def account():
    """An account with a function in one version and its alias; the image of b's does not start."""
    made = Account(digests={DIGEST, BROKEN.partition("@")[2]}, broken={BROKEN})
    made.create(FUNCTION, {"name": "f", "imageUri": IMAGE, "publish": True})
    made.create(ALIAS, LIVE)
    return made


def refused(account, *, by, act):
    with pytest.raises(Refused) as refusal:
        act(account)
    assert refusal.value.source == by


def weights(version="1"):
    return {**LIVE, "routingConfig": {"additionalVersionWeights": {version: 0.9}}}


def test_weights_refused(account):
    """Weights are refused beside a warm instance on the alias."""
    account.create(WARM, ON_LIVE)
    refused(account, by=rules.WEIGHTS, act=lambda it: it.update(ALIAS, "f:live", weights()))


def test_warm_alias_refused(account):
    """A warm instance is refused on an alias with weights."""
    account.update(ALIAS, "f:live", weights())
    refused(account, by=rules.WEIGHTS, act=lambda it: it.create(WARM, ON_LIVE))


def test_weights_accepted(account):
    """Weights are accepted beside a warm instance on the version."""
    account.create(WARM, {**ON_LIVE, "qualifier": "1"})
    account.update(ALIAS, "f:live", weights())


def test_missing_version(account):
    """An alias on a version that does not exist is refused."""
    refused(account, by=rules.NO_VERSION, act=lambda it: it.update(ALIAS, "f:live", weights("7")))


def test_warm_broken_version(account):
    """A warm instance of a version that does not start is refused."""
    account.update(FUNCTION, "f", {"name": "f", "imageUri": BROKEN, "publish": True})
    refused(account, by=rules.START, act=lambda it: it.create(WARM, {**ON_LIVE, "qualifier": "2"}))


def test_failed_version(account):
    """An alias on a version that failed to start is refused."""
    account.update(FUNCTION, "f", {"name": "f", "imageUri": BROKEN, "publish": True})
    refused(account, by=rules.START, act=lambda it: it.start("f", "2"))
    refused(account, by=rules.FAILED, act=lambda it: it.update(ALIAS, "f:live", {**LIVE, "functionVersion": "2"}))


def test_warm_alias_stays(account):
    """An alias with a warm instance does not move to a version that does not start."""
    account.create(WARM, ON_LIVE)
    account.update(FUNCTION, "f", {"name": "f", "imageUri": BROKEN, "publish": True})
    refused(account, by=rules.START, act=lambda it: it.update(ALIAS, "f:live", {**LIVE, "functionVersion": "2"}))


def test_missing_image(account):
    """A function of an image that nobody pushed is refused."""
    other = IMAGE.replace("a" * 64, "c" * 64)
    refused(account, by=rules.NO_IMAGE, act=lambda it: it.create(FUNCTION, {"name": "g", "imageUri": other}))


def test_immutable_tag(account):
    """A tag of an immutable repository is refused a second time, even with the same digest."""
    account.create(REPOSITORY, {"name": "image", "imageTagMutability": "IMMUTABLE"})
    account.push("image", "c-1", DIGEST)
    refused(account, by=rules.TAG, act=lambda it: it.push("image", "c-1", DIGEST))


@pytest.mark.parametrize(
    ("token", "inputs"),
    [
        (GROUP, {"name": "/aws/lambda/f"}),
        (FUNCTION, {"name": "f", "imageUri": IMAGE}),
        (BUCKET, {"bucket": "log"}),
        (TABLE, {"name": "windows"}),
        ("aws:iam/role:Role", {"name": "r"}),
        ("aws:secretsmanager/secret:Secret", {"name": "s"}),
    ],
)
def test_existing_name(account, token, inputs):
    """A name that exists is refused."""
    if token != FUNCTION:
        account.create(token, inputs)
    refused(account, by=rules.TAKEN, act=lambda it: it.create(token, inputs))


def test_existing_subscription(account):
    """A subscription that exists is answered with its ARN, and without another mail."""
    topic = account.create(TOPIC, {"name": "alerts"})
    ann = {"topic": topic.id, "protocol": "email", "endpoint": "ann@example.com"}
    first, second = account.create(SUBSCRIPTION, ann), account.create(SUBSCRIPTION, ann)
    assert first.id == second.id
    assert account.mails == {"ann@example.com": 1}


def test_ended_subscription(account):
    """A subscription after one that ended has another ARN, and causes another mail."""
    topic = account.create(TOPIC, {"name": "alerts"})
    ann = {"topic": topic.id, "protocol": "email", "endpoint": "ann@example.com"}
    first = account.create(SUBSCRIPTION, ann).id
    account.delete(SUBSCRIPTION, first)
    assert account.create(SUBSCRIPTION, ann).id != first
    assert account.mails == {"ann@example.com": 2}


@pytest.mark.parametrize("allowed", [False, True])
def test_not_empty(account, allowed):
    """A bucket, a repository and a work group that are not empty are not deleted."""
    account.create(BUCKET, {"bucket": "log", "forceDestroy": allowed})
    account.create(REPOSITORY, {"name": "image", "forceDelete": allowed})
    account.create(WORKGROUP, {"name": "questions", "forceDestroy": allowed})
    account.objects["log"] += 1
    account.queries["questions"] += 1
    account.push("image", "c-1", DIGEST)
    for token, name in ((BUCKET, "log"), (REPOSITORY, "image"), (WORKGROUP, "questions")):
        if allowed:
            account.delete(token, name)
        else:
            refused(account, by=rules.NOT_EMPTY, act=lambda it, of=token, at=name: it.delete(of, at))


def test_protected_table(account):
    """A protected table is not deleted."""
    account.create(TABLE, {"name": "windows", "deletionProtectionEnabled": True})
    refused(account, by=rules.PROTECTED, act=lambda it: it.delete(TABLE, "windows"))


def test_role_with_policy(account):
    """A role with a policy is not deleted."""
    account.create("aws:iam/role:Role", {"name": "r"})
    account.create("aws:iam/rolePolicy:RolePolicy", {"role": "r", "name": "p"})
    refused(account, by=rules.POLICIES, act=lambda it: it.delete("aws:iam/role:Role", "r"))


def test_third_filter(account):
    """A third subscription filter is refused."""
    account.create(GROUP, {"name": "g"})
    token = "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter"
    for name in ("one", "two"):
        account.create(token, {"logGroup": "g", "name": name})
    refused(account, by=rules.FILTERS, act=lambda it: it.create(token, {"logGroup": "g", "name": "three"}))


def test_name_of_deleted_secret(account):
    """A secret's name is taken until the deleted one is gone."""
    token = "aws:secretsmanager/secret:Secret"
    secret = account.create(token, {"name": "s", "recoveryWindowInDays": 30})
    account.delete(token, secret.id)
    refused(account, by=rules.LEAVING, act=lambda it: it.create(token, {"name": "s"}))


def test_missing_parent(account):
    """A part of something that does not exist is refused."""
    refused(account, by=rules.NO_PARENT, act=lambda it: it.create(ALIAS, {**LIVE, "functionName": "g"}))


def test_put(account):
    """A put replaces what is there, and a single delete ends both."""
    alarm = {"name": "a", "threshold": 1}
    token = "aws:cloudwatch/metricAlarm:MetricAlarm"
    first, second = account.create(token, alarm), account.create(token, {**alarm, "threshold": 2})
    assert first.id == second.id
    account.delete(token, first.id)
    assert account.of("cloudwatch/metricAlarm:MetricAlarm") == []
