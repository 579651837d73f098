"""How stacks end: T9 the prediction log off and on, T11 destroy, T12 prod left and taken up again."""

from __future__ import annotations

import json

import pytest

PROD = pytest.mark.parametrize("world", ["prod"], indirect=True)
BUCKET = "s3/bucket:Bucket"
GUARDS = {
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "s3/bucketOwnershipControls:BucketOwnershipControls",
    "s3/bucketPolicy:BucketPolicy",
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
}
RETAINED = {
    BUCKET,
    "dynamodb/table:Table",
    "cloudwatch/logGroup:LogGroup",
    "kms/key:Key",
    "kms/alias:Alias",
    "secretsmanager/secret:Secret",
    "secretsmanager/secretVersion:SecretVersion",
}


def lived_in(world):
    """Let the stack be used: a prediction is stored, a question was asked, an image was pushed; return the bucket."""
    (bucket,) = world.account.of(BUCKET)
    (workgroup,) = world.account.of("athena/workgroup:Workgroup")
    world.account.objects[bucket.id] += 1
    world.account.queries[workgroup.id] += 1
    world.account.push(f"{world.prefix}-image", "c-1", "sha256:" + "e" * 64)
    return bucket.id


@pytest.mark.parametrize("world", ["dev", "prod"], indirect=True)
def test_t9_log_off_and_on(world):
    """The prediction log can be switched off and on again."""
    bucket, production = lived_in(world), world.pulumi.stack == "prod"
    for wanted in (False, True):
        world.pulumi.set(predictionLog=wanted)
        run = world.pulumi.up()
        assert run.code == 0, run.why
        streams = world.account.of("kinesis/firehoseDeliveryStream:FirehoseDeliveryStream")
        assert len(streams) == wanted
        if production:
            assert world.account.objects[bucket] == 1
            assert {kind for kind, identity in world.account.things if identity == bucket} == GUARDS | {BUCKET}
        world.settled()


def test_t11_dev_gone(world):
    """Destroying dev leaves nothing."""
    lived_in(world)
    gone = world.pulumi.destroy()
    assert gone.code == 0, gone.why
    world.pulumi.done("stack", "rm", "--yes", world.pulumi.stack)
    assert world.account.things == {}
    assert world.account.images == {}


@PROD
@pytest.mark.parametrize("previewed", [True, False], ids=["with a preview", "without a preview"])
def test_t11_prod_refuses(world, previewed):
    """Prod refuses to be destroyed before anything is gone."""
    lived_in(world)
    before = set(world.account.things)
    words = [] if previewed else ["--skip-preview"]
    refused = world.pulumi("destroy", "--yes", *words)
    assert refused.code != 0
    assert "protect" in refused.text
    assert set(world.account.things) == before
    assert world.lost() == []


def leave(world):
    """Leave prod as docs/deploy.md says, word for word."""
    world.pulumi.done("config", "set", "leaving", "true")
    run = world.pulumi.up()
    assert run.code == 0, run.why
    gone = world.pulumi("destroy", "--yes")
    assert gone.code == 0, gone.why


@PROD
def test_t12_leave_and_return(world):
    """Prod can be left to the end and taken up again."""
    world.pulumi.secret("slackWebhook", "https://chat.example.com/services/key")
    run = world.pulumi.up()
    assert run.code == 0, run.why
    bucket = lived_in(world)
    leave(world)

    stayed = dict(world.account.things)
    assert {kind for kind, _ in stayed} == RETAINED | GUARDS
    assert {kind for kind, identity in stayed if identity == bucket} == GUARDS | {BUCKET}
    rules = stayed["s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", bucket].inputs["rules"]
    assert {rule["status"] for rule in rules} == {"Enabled"}
    assert all(rule["expiration"]["days"] > 0 for rule in rules)
    (groups,) = [identity for kind, identity in stayed if kind == "cloudwatch/logGroup:LogGroup"]
    assert groups == f"/aws/lambda/{world.predictor}"

    world.pulumi.done("config", "rm", "leaving")
    again = world.pulumi.up()
    assert again.code == 0, again.why
    versions = {"secretsmanager/secretVersion:SecretVersion"}
    assert {key for key in stayed if key[0] not in versions} <= world.account.things.keys()
    assert world.account.objects[bucket] == 1
    assert world.lost() == []
    retained = world.pulumi.root / "retained/prod.json"
    assert json.loads(retained.read_text("utf-8"))["resources"]
    retained.unlink()
    second = world.pulumi.up()
    assert second.code == 0, second.why
    world.settled_but(versions)


@PROD
def test_t12_without_file(world):
    """Without the file of leaving, what stayed is in the way of the next life."""
    leave(world)
    world.pulumi.done("config", "rm", "leaving")
    (world.pulumi.root / "retained/prod.json").unlink()
    again = world.pulumi.up()
    assert again.code != 0
    assert any("exist" in error or "Exist" in error or "InUse" in error for error in again.errors)
