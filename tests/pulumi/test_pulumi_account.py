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


def test_weights_beside_a_warm_instance_on_the_alias(account):
    account.create(WARM, ON_LIVE)
    refused(account, by=rules.WEIGHTS, act=lambda it: it.update(ALIAS, "f:live", weights()))


def test_a_warm_instance_on_an_alias_with_weights(account):
    account.update(ALIAS, "f:live", weights())
    refused(account, by=rules.WEIGHTS, act=lambda it: it.create(WARM, ON_LIVE))


def test_weights_beside_a_warm_instance_on_the_version_are_taken(account):
    account.create(WARM, {**ON_LIVE, "qualifier": "1"})
    account.update(ALIAS, "f:live", weights())


def test_an_alias_on_a_version_that_is_not_there(account):
    refused(account, by=rules.NO_VERSION, act=lambda it: it.update(ALIAS, "f:live", weights("7")))


def test_a_warm_instance_of_a_version_that_does_not_start(account):
    account.update(FUNCTION, "f", {"name": "f", "imageUri": BROKEN, "publish": True})
    refused(account, by=rules.START, act=lambda it: it.create(WARM, {**ON_LIVE, "qualifier": "2"}))


def test_an_alias_on_a_version_that_was_seen_to_fail(account):
    account.update(FUNCTION, "f", {"name": "f", "imageUri": BROKEN, "publish": True})
    refused(account, by=rules.START, act=lambda it: it.start("f", "2"))
    refused(account, by=rules.FAILED, act=lambda it: it.update(ALIAS, "f:live", {**LIVE, "functionVersion": "2"}))


def test_an_alias_with_a_warm_instance_does_not_move_to_a_version_that_does_not_start(account):
    account.create(WARM, ON_LIVE)
    account.update(FUNCTION, "f", {"name": "f", "imageUri": BROKEN, "publish": True})
    refused(account, by=rules.START, act=lambda it: it.update(ALIAS, "f:live", {**LIVE, "functionVersion": "2"}))


def test_a_function_of_an_image_that_nobody_pushed(account):
    other = IMAGE.replace("a" * 64, "c" * 64)
    refused(account, by=rules.NO_IMAGE, act=lambda it: it.create(FUNCTION, {"name": "g", "imageUri": other}))


def test_a_tag_that_exists_in_an_immutable_repository_even_of_the_same_digest(account):
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
def test_a_name_that_exists(account, token, inputs):
    if token != FUNCTION:
        account.create(token, inputs)
    refused(account, by=rules.TAKEN, act=lambda it: it.create(token, inputs))


def test_a_subscription_that_exists_is_answered_with_its_own_arn_and_no_mail(account):
    topic = account.create(TOPIC, {"name": "alerts"})
    ann = {"topic": topic.id, "protocol": "email", "endpoint": "ann@example.com"}
    first, second = account.create(SUBSCRIPTION, ann), account.create(SUBSCRIPTION, ann)
    assert first.id == second.id
    assert account.mails == {"ann@example.com": 1}


def test_a_subscription_after_one_that_ended_has_another_arn_and_another_mail(account):
    topic = account.create(TOPIC, {"name": "alerts"})
    ann = {"topic": topic.id, "protocol": "email", "endpoint": "ann@example.com"}
    first = account.create(SUBSCRIPTION, ann).id
    account.delete(SUBSCRIPTION, first)
    assert account.create(SUBSCRIPTION, ann).id != first
    assert account.mails == {"ann@example.com": 2}


@pytest.mark.parametrize("allowed", [False, True])
def test_a_bucket_a_repository_and_a_work_group_that_are_not_empty(account, allowed):
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


def test_a_table_that_is_protected(account):
    account.create(TABLE, {"name": "windows", "deletionProtectionEnabled": True})
    refused(account, by=rules.PROTECTED, act=lambda it: it.delete(TABLE, "windows"))


def test_a_role_with_a_policy_inside(account):
    account.create("aws:iam/role:Role", {"name": "r"})
    account.create("aws:iam/rolePolicy:RolePolicy", {"role": "r", "name": "p"})
    refused(account, by=rules.POLICIES, act=lambda it: it.delete("aws:iam/role:Role", "r"))


def test_a_third_subscription_filter(account):
    account.create(GROUP, {"name": "g"})
    token = "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter"
    for name in ("one", "two"):
        account.create(token, {"logGroup": "g", "name": name})
    refused(account, by=rules.FILTERS, act=lambda it: it.create(token, {"logGroup": "g", "name": "three"}))


def test_a_secret_whose_name_is_taken_until_it_is_gone(account):
    token = "aws:secretsmanager/secret:Secret"
    secret = account.create(token, {"name": "s", "recoveryWindowInDays": 30})
    account.delete(token, secret.id)
    refused(account, by=rules.LEAVING, act=lambda it: it.create(token, {"name": "s"}))


def test_what_stands_in_something_that_is_not_there(account):
    refused(account, by=rules.NO_PARENT, act=lambda it: it.create(ALIAS, {**LIVE, "functionName": "g"}))


def test_a_put_takes_the_place_and_one_delete_ends_both(account):
    alarm = {"name": "a", "threshold": 1}
    token = "aws:cloudwatch/metricAlarm:MetricAlarm"
    first, second = account.create(token, alarm), account.create(token, {**alarm, "threshold": 2})
    assert first.id == second.id
    account.delete(token, first.id)
    assert account.of("cloudwatch/metricAlarm:MetricAlarm") == []
