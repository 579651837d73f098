"""What differs becomes the new normal, by somebody's word or by time, and is not forgotten."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from math import inf

import pytest
from drift_contracts import schemas
from drift_ml.rhythm import Base
from drift_monitor.acknowledgements import acknowledge
from drift_monitor.bases import bases_in_words
from drift_monitor.differences import Differing, differing, in_words
from drift_monitor.keys import Series
from drift_monitor.policy import Policy
from drift_monitor.rhythms import Rhythms
from drift_monitor.rules import Rules

from tests.monitor.faults import Crash, Faulty
from tests.monitor.test_monitor_rhythm import BEGIN, Life
from tests.support.series import SERIES

ROWS = 60


def service(reference, **rules):
    """Return a service without a cycle, under some rules."""
    return Life(reference, policy=Policy(budget_events=50_000, references=Rules(**rules)))


def live(life, days, score):
    return life.live(days, cycle=0, rows=ROWS, score=score)


def raised(life):
    """Return what was alerted since the last call, by state and channel."""
    listed = [(alert["state"], alert["drift"]["channel"]) for alert in life.sent]
    life.sent.clear()
    return listed


def accept(life, alert, **options):
    return acknowledge(life.store, SERIES.model, alert["alert_id"], who="Ann", why="a sale", now=0.0, **options)


@pytest.fixture
def accepted(reference):
    """Return a service whose shift of a day somebody has taken as the new normal, and the notice."""
    life = service(reference, new_normal_days=0)
    live(life, 1, 2.0)
    (alert,) = life.sent
    accept(life, alert, new_normal=True)
    live(life, 1, 2.0)
    return life, life.sent[-1]


def test_acknowledged_as_normal(accepted):
    """An acknowledged change ends its alarm with a notice, raises none again, and stays a difference."""
    life, notice = accepted
    schemas.check("alert.v2", notice)
    assert (notice["state"], notice["new_normal"]["who"], notice["new_normal"]["why"]) == ("OK", "Ann", "a sale")
    life.sent.clear()
    evaluation = live(life, 1, 2.0)
    assert (raised(life), evaluation.alarm) == ([], False)
    (differs,) = [each for each in evaluation.differs if each.channel == "location_score"]
    assert (differs.acknowledged["who"], differs.since_s) == ("Ann", BEGIN * 60)
    assert differs.low < differs.size < differs.high
    assert "acknowledged by Ann: a sale" in in_words(evaluation.differs)


def test_second_change(accepted):
    """A second change is found against the new normal, named so, and acknowledged as the first was."""
    life, _ = accepted
    life.sent.clear()
    live(life, 1, 5.0)
    (alert,) = life.sent
    schemas.check("alert.v2", alert)
    assert alert["drift"]["channel"] == "location_score"
    assert alert["reference"]["name"].startswith("last-")
    assert alert["drift"]["before"] > 6
    accept(life, alert, new_normal=True)
    live(life, 2, 5.0)
    assert ("OK", "location_score") in raised(life)
    assert live(life, 1, 5.0).alarm is False
    assert raised(life) == []
    # What was normal before is none now.
    live(life, 1, 0.0)
    assert raised(life) == [("ALARM", "location_score")]


def test_taken_back(accepted):
    """An acknowledgement that is taken back makes the change a drift again."""
    life, _ = accepted
    alert = next(alert for alert in life.sent if alert["state"] == "ALARM")
    life.sent.clear()
    accept(life, alert, undo=True)
    assert live(life, 1, 2.0).alarm
    assert raised(life) == [("ALARM", "location_score")]


def test_seen_only(reference):
    """An acknowledgement that says no more than that leaves the alarm on."""
    life = service(reference, new_normal_days=0)
    live(life, 1, 2.0)
    accept(life, life.sent[0])
    assert live(life, 1, 2.0).alarm
    assert raised(life) == [("ALARM", "location_score")]


def test_normal_after_days(reference):
    """A change that lasts for the days of the setting is the new normal, and the notice says so."""
    life = service(reference, new_normal_days=2)
    live(life, 3, 2.0)
    alert, notice = life.sent
    assert (alert["state"], notice["state"], notice["new_normal"]["after_days"]) == ("ALARM", "OK", 2)
    assert "lasted for 2 days" in notice["new_normal"]["why"]
    assert live(life, 1, 2.0).alarm is False


@pytest.mark.parametrize("days", [0, 3], ids=["by-the-day", "before-it-is-normal"])
def test_no_normal_of_what_is_over(reference, monkeypatch, days):
    """A change that has been over for two days is no new normal: its alarm ends, and the next is told."""
    monkeypatch.setattr("drift_ml.evidence._recovery.Recovery.evidence", property(lambda _self: -inf))
    life = service(reference, new_normal_days=days)
    live(life, 1, 2.0)
    assert live(life, 2, 0.0).alarm is True
    assert live(life, 1, 0.0).alarm is False
    alert, notice = life.sent
    assert (alert["state"], notice["state"], "new_normal" in notice) == ("ALARM", "OK", False)
    assert "more like the traffic before" in notice["reason"]
    live(life, 1, 2.0)
    assert [sent["state"] for sent in life.sent] == ["ALARM", "OK", "ALARM"]


def test_training_alone(reference):
    """A service that is held against training alone has the alarm for good, whatever is acknowledged."""
    life = service(reference, is_rolling=False, new_normal_days=1)
    live(life, 1, 2.0)
    accept(life, life.sent[0], new_normal=True)
    assert live(life, 2, 2.0).alarm
    assert raised(life) == [("ALARM", "location_score")]


def test_killed_on_the_way(reference):
    """A run that dies while it takes a new normal is repeated by the next one, with one notice."""
    life = service(reference, new_normal_days=1)
    live(life, 1, 2.0)
    life.minute += 720
    save = life.store.save
    for place in range(1, 6):
        life.store.save = Faulty(life.store, place, after=place % 2 == 0).crashing(save)
        with contextlib.suppress(Crash):
            list(life.evaluator.run())
    life.store.save = save
    list(life.evaluator.run())
    assert [alert["state"] for alert in life.sent].count("OK") == 1


def test_stored_before_bases(reference):
    """A memory of a release that knew no bases goes on, and channels are held against training."""
    life = service(reference)
    live(life, 1, 0.0)
    place = Series(SERIES.model, f"{SERIES.version}-rhythm")
    stored = life.store.state(place)
    former = {name: value for name, value in stored.state.items() if name not in ("since", "new_normals", "is_rolling")}
    life.store.save(place, stored.revision, former)
    memory = Rhythms(life.store, 60).memory(SERIES, reference.baseline, BEGIN)
    assert (dict(memory.new_normals), memory.is_rolling) == ({}, False)
    assert live(life, 1, 0.0).alarm is False


def test_held_while_it_stands(reference):
    """What an alarm explains keeps what it is held against, and is counted anew once the alarm is over."""
    life = service(reference, new_normal_days=0)
    live(life, 1, 2.0)
    accept(life, life.sent[0], new_normal=True)
    live(life, 2, 2.0)
    rhythms = Rhythms(life.store, 60)
    before = rhythms.memory(SERIES, reference.baseline, BEGIN).new_normals["location_score"]
    assert before.to_s - before.from_s == 2 * 86_400
    live(life, 2, 5.0)
    held = rhythms.memory(SERIES, reference.baseline, BEGIN).new_normals
    assert (held["location_score"], held["sum:all"]) == (before, held["sum:all"])
    assert Rhythms(life.store, 60, rules=Rules(is_rolling=False)).memory(SERIES, reference.baseline, BEGIN)


def test_without_a_size(reference):
    """A difference of which only PSI is known says so, one of several features after single ones."""
    parts = {"of": ("age",), "level": "small", "size": 0.1, "low": 0.1, "high": 0.1, "since_s": 0.0}
    single = Differing("age", words="age: changed", unit="nats of PSI", **parts)
    pair = Differing(
        "product:age:sqft", words="age with sqft: changed", unit="nats of PSI", **{**parts, "of": ("age", "sqft")}
    )
    assert str(single) == "age: changed (PSI 0.1), since 1 January 1970"
    assert in_words([pair, single, single], most=1).endswith("1970 and 1 more")
    assert in_words([pair]).startswith("age with sqft")
    assert in_words([]) == ""
    life = service(reference)
    life.store.save(Series(SERIES.model, f"{SERIES.version}-differs"), 0, {"channels": [{"of": []}]})
    assert differing(life.store, SERIES) == ()


def test_bases_on_the_page():
    """The page says what most channels are held against, and which ones against later days."""
    usual, later = Base(0.0, 28 * 86_400.0, (1,)), Base(20 * 86_400.0, 28 * 86_400.0, (1,))
    assert bases_in_words({}) == ""
    words = bases_in_words({"a": usual, "b": usual, "c": later, "missing:c": later})
    assert words == "; held against the traffic from 1 January 1970 to 28 January 1970, c from 21 January 1970 on"
    many = {name: replace(later, from_s=float(place * 86_400)) for place, name in enumerate("abcdefg", 1)}
    assert bases_in_words({**many, "x": usual, "y": usual}).endswith("5 January 1970 on and 3 more")


def test_rules_of_settings():
    """Two settings make the rules."""
    assert Rules.of("training", 3.0) == Rules(False, 3.0)
    assert Rules.of("rolling", 7.0) == Rules()
