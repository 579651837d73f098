"""T5: who is alerted after the first of three addresses was removed, of emails and of webhooks."""

from __future__ import annotations

import json

import pytest

SUBSCRIPTION = "sns/topicSubscription:TopicSubscription"
HOOKS = [f"https://{name}.example.com/hook" for name in ("ann", "bob", "cy")]


def listeners(world, protocol):
    """Return the arn of each endpoint's subscription, as SNS has it."""
    listening = [thing for thing in world.account.of(SUBSCRIPTION) if thing.inputs["protocol"] == protocol]
    return {thing.inputs["endpoint"]: thing.id for thing in listening}


def people_confirm(world):
    """Let everybody who got a mail click on its link."""
    world.account.confirmed |= {thing.id for thing in world.account.of(SUBSCRIPTION)}


def test_t5_other_emails(world):
    """The other e-mail addresses stay subscribed and confirmed, and nobody gets a mail."""
    people_confirm(world)
    before, mails = listeners(world, "email"), dict(world.account.mails)
    assert len(before) == 3
    world.pulumi.set(alertEmails=["bob@example.com", "cy@example.com"])
    run = world.pulumi.up()
    assert run.code == 0, run.why
    left = {address: arn for address, arn in before.items() if not address.startswith("ann")}
    assert listeners(world, "email") == left
    assert set(left.values()) <= world.account.confirmed
    assert dict(world.account.mails) == mails
    assert world.lost() == []


def test_t5_other_webhooks(world):
    """The other webhooks stay subscribed and confirmed."""
    world.pulumi.secret("alertWebhooks", json.dumps(HOOKS))
    world.pulumi.up()
    before = listeners(world, "https")
    assert len(before) == 3
    world.pulumi.secret("alertWebhooks", json.dumps(HOOKS[1:]))
    run = world.pulumi.up()
    assert run.code == 0, run.why
    left = {address: arn for address, arn in before.items() if address != HOOKS[0]}
    assert listeners(world, "https") == left
    assert set(left.values()) <= world.account.confirmed
    assert world.lost() == []


@pytest.mark.parametrize("order", [[2, 0, 1], [1, 2, 0]])
def test_t5_order(world, order):
    """The order of addresses changes nothing."""
    people = ["ann@example.com", "bob@example.com", "cy@example.com"]
    before = listeners(world, "email")
    world.pulumi.set(alertEmails=[people[place] for place in order])
    run = world.pulumi.up()
    assert run.code == 0, run.why
    assert listeners(world, "email") == before
