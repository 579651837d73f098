"""Who listens to the alerts: addresses keep their subscriptions whatever else the list holds."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from drift_infra.components.alerting import SUBSCRIPTION, named_by

from tools.stack_checks.stacks import graph_of, settings_of

ANN, BOB, CY = (f"{name}@example.com" for name in ("ann", "bob", "cy"))
HOOKS = [f"https://{name}.example.com/hook" for name in ("ann", "bob", "cy")]


@pytest.fixture(scope="module")
def listeners(root):
    def build(answers=None, **lists):
        settings = settings_of(root, "dev", {name: json.dumps(values) for name, values in lists.items()})
        nodes = graph_of(settings, root, answers=answers).of("sns.TopicSubscription")
        return {node.inputs["endpoint"]: node for node in nodes}

    return build


def state_by_place(kind, endpoints):
    """What the engine answers of a stack whose subscriptions an earlier program named by their place."""
    urn = f"urn:pulumi:dev::mlops-drift-monitor::drift:infra:Alerting${SUBSCRIPTION}::alerts-{kind}"
    resources = {
        f"{urn}-{number}": {"type": SUBSCRIPTION, "outputs": {"endpoint": endpoint}}
        for number, endpoint in enumerate(endpoints, 1)
    }
    return {
        "pulumi:pulumi:readStackOutputs": {"outputs": {"apiUrl": "https://api.example.com"}},
        "pulumi:pulumi:readStackResourceOutputs": {"outputs": resources},
    }


@pytest.mark.parametrize(("key", "addresses"), [("alertEmails", [ANN, BOB, CY]), ("alertWebhooks", HOOKS)])
def test_the_others_keep_their_names(listeners, key, addresses):
    """Who stays in a list is the same resource, so that nobody is unsubscribed or asked to confirm again."""
    before, after = listeners(**{key: addresses}), listeners(**{key: addresses[1:]})
    assert {address: before[address].name for address in addresses[1:]} == {
        address: node.name for address, node in after.items()
    }


@pytest.mark.parametrize(
    ("key", "kind", "addresses"), [("alertEmails", "email", [ANN, BOB, CY]), ("alertWebhooks", "webhook", HOOKS)]
)
def test_names_by_place_are_taken_over(listeners, key, kind, addresses):
    """A stack of an earlier program keeps each subscription, even when the first one goes in the same update."""
    after = listeners(state_by_place(kind, addresses), **{key: addresses[1:]})
    aliases = {address: node.aliases for address, node in after.items()}
    assert aliases == {addresses[1]: (f"alerts-{kind}-2",), addresses[2]: (f"alerts-{kind}-3",)}


def test_a_new_stack_has_no_aliases(listeners):
    """Where the state has no such name there is nothing to take over."""
    assert not any(node.aliases for node in listeners(alertEmails=[ANN]).values())


def test_addresses_do_not_share_a_name():
    """Ten addresses, the most that a list takes, have ten names."""
    names = Counter(named_by("alerts-email", f"{number}@example.com") for number in range(1000))
    assert max(names.values()) == 1
