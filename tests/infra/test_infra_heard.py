"""Every failure that has an alarm is heard by an endpoint that the failure itself does not silence."""

from __future__ import annotations

from itertools import product

import pytest
from drift_infra.settings import ConfigurationError

from tools.stack_checks.heard import END, START, hears, table
from tools.stack_checks.stacks import SECRETS, graph_of, settings_of

ENDPOINTS = {**SECRETS, "alertEmails": '["ops@example.com"]'}
# Who cannot hear of a failure, because the way to them is what fails.
SILENCED = {"notifier-failing": {"slackWebhook"}}
OPEN = {"authentication": "iam"}


def chosen(bits):
    return {name: value for bit, (name, value) in zip(bits, ENDPOINTS.items(), strict=True) if bit}


@pytest.mark.parametrize("stack", ["dev", "prod"])
@pytest.mark.parametrize("bits", [bits for bits in product([0, 1], repeat=4) if any(bits)])
def test_failures_are_heard(root, stack, bits):
    """Either the rules refuse a choice of endpoints, or every failure of the stack reaches
    somebody.
    """
    endpoints = chosen(bits)
    if list(endpoints) in (["pagerdutyUrl"], ["slackWebhook"]):
        with pytest.raises(ConfigurationError, match=next(iter(endpoints))):
            settings_of(root, stack, {**OPEN, **endpoints})
        return
    settings = settings_of(root, stack, {**OPEN, **endpoints})
    people, pager = endpoints.keys() - {"pagerdutyUrl"}, endpoints.keys() & {"pagerdutyUrl"}
    prefix = f"mlops-drift-monitor-{stack}-"
    for name, (by_people, by_pager) in hears(graph_of(settings, root)).items():
        silent = SILENCED.get(name.removeprefix(prefix), set())
        assert (people if by_people else set()) - silent or (pager if by_pager else set()), name


def test_a_pager_hears_an_outage(root):
    """A function that does not start writes no metric of ours, and the pager hears of it all the same."""
    heard = hears(graph_of(settings_of(root, "prod", ENDPOINTS), root))
    outages = ("predictor-failing", "api-failing", "throttled", "house-price-no-data", "house-price-probe-fails")
    assert all(heard[f"mlops-drift-monitor-prod-{name}"][1] for name in outages)


def test_documented_listeners(root):
    """The page states who is alerted of what, as the graph has it."""
    page = (root / "docs/deploy.md").read_text("utf-8")
    printed = page.partition(START)[2].partition(END)[0].strip()
    assert printed == table(graph_of(settings_of(root, "dev", ENDPOINTS), root), "mlops-drift-monitor-dev")
