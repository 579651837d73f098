"""The monitor's items are taken over: nothing lost, no alert twice, evidence goes on."""

from __future__ import annotations

from datetime import datetime
from math import log

import numpy as np
import pytest
from drift_ml.evidence import Tables, log_mixture
from drift_ml.evidence._charts import FIRST_STATE, FROZEN_SHARE

from tests.support.log_delivery import log_delivery
from tests.upgrade.running import answered, lines_of, minutes_of
from tests.upgrade.story import HOUSES, PATIENTS
from tests.upgrade.watched import Watched, in_memory, make_table, write_items


@pytest.fixture(scope="module")
def kept(state):
    """The saved items, and what is said of them."""
    return state.read("dynamodb.json.gz")


@pytest.fixture
def client(kept):
    """A cloud in memory whose table holds the saved items."""
    with in_memory() as client:
        make_table(client)
        write_items(client, kept["items"])
        yield client


@pytest.fixture
def watched(client, bundles, state):
    """The code of the day on the saved items, at the end of the last saved minute."""
    (*_, (end, _)) = minutes_of(lines_of(state))
    return Watched(client, bundles, end)


def alert_facts(alerts):
    facts = []
    for alert in alerts:
        names = tuple(alert[member] for member in ("state", "model", "alert_id"))
        facts.append((*names, datetime.fromisoformat(alert["timestamp"])))
    return facts


def test_items_hold_events(watched, kept):
    """The items hold every event."""
    assert watched.counted() == kept["saved"]["counted"]


def test_waiting_alert(watched, kept):
    """The waiting alert is published once, and no other."""
    watched.evaluate()
    watched.evaluate()
    assert watched.published == kept["saved"]["waiting"]
    assert [(each["model"], each["state"]) for each in watched.published] == [(PATIENTS, "ALARM")]


def test_repeated_delivery(watched, kept, state):
    """A delivery that is repeated after the upgrade counts once."""
    for _, lines in minutes_of(lines_of(state)):
        for part in (lines[::2], lines[1::2]):
            watched.aggregator.handle(log_delivery(part))
    assert watched.counted() == kept["saved"]["counted"]
    assert watched.rejected == []


#: Minutes after the upgrade that are evaluated one by one: in them the drift that was half proven
#: is found.
ONE_BY_ONE = 8
#: Minutes between evaluations later, to be quicker: alerts are dated by minutes, whenever these are
#: judged.
SELDOM = 5


def evidence_of_the_release(watched, series):
    """Return the evidence of the charts that a release had, with their weights then, nats."""
    reference = watched.references[series]
    capital = watched.store.state(series).state["detector"]["capital"]
    tables = Tables.build(reference.baseline.channels)
    logs, weights = [], []
    for chart, gained, weight in zip(
        tables.charts, capital["log"], tables.log_weights, strict=True
    ):
        if chart.first_state == FIRST_STATE:
            channel = reference.baseline.channel(chart.channel)
            is_shared = channel.kind in ("values", "quantiles") and len(channel.counts) > 2
            logs.append(gained)
            weights.append(weight - log(1 - FROZEN_SHARE) * is_shared)
    return float(log_mixture(np.array(logs), np.array(weights)))


def test_course_continues(watched, kept, bundles, state):
    """Alerts and evidence go on as if there had been no upgrade."""
    expected = kept["expected"]
    course = expected["course"]
    for minute, (end, lines) in enumerate(answered(bundles, state.afterwards)):
        watched.deliver(lines, end)
        if minute >= ONE_BY_ONE and (len(course) - 1 - minute) % SELDOM:
            continue
        watched.evaluate()
        for model in (HOUSES, PATIENTS):
            found, whole = watched.evaluations[model], course[minute][model]
            assert found.alarm == whole["alarm"], minute
            # Under an alarm it is of what the alarm does not explain, which is new since then.
            if minute < ONE_BY_ONE and not whole["alarm"]:
                evidence = evidence_of_the_release(watched, found.series)
                assert evidence == pytest.approx(whole["evidence"], rel=1e-6), minute
                # Charts that came later take a part of the weight, and may add to the evidence.
                assert found.evidence >= evidence + log(1 - FROZEN_SHARE) - 1e-6
    first_found = next(minute for minute, each in enumerate(course) if each[HOUSES]["alarm"])
    assert 0 < first_found < ONE_BY_ONE
    assert alert_facts(watched.published) == alert_facts(expected["alerts"])
    assert watched.counted() == expected["counted"]
