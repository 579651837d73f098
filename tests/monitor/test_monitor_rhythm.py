"""The evaluator learns the rhythm of a series' traffic, and goes on under it."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from drift_contracts import FeatureSet, feature_set, schemas
from drift_ml.baseline.fit import fit_baseline
from drift_ml.rhythm import LeftOut, Rhythm
from drift_ml.window import Window
from drift_monitor.errors import BadStore
from drift_monitor.evaluate import Evaluator
from drift_monitor.keys import Series, WindowKey
from drift_monitor.policy import Policy
from drift_monitor.reference import Reference
from drift_monitor.rhythm_archive import keep_rhythm, kept_rhythm
from drift_monitor.rhythms import Memory, Rhythms
from drift_monitor.rules import Rules
from drift_monitor.stores import Fragment, MemoryStore, StoredWindow
from drift_monitor.sums import HOURS, Sums
from drift_monitor.verification import CannotVerify, verify

from tests.support.house_tables import columns, price
from tests.support.series import SERIES

if TYPE_CHECKING:
    from drift_monitor.alerts import Alert
    from drift_monitor.evaluation import Evaluation

#: Of the windows, each a minute, one an hour has traffic, so that a test has sixty times fewer.
STEP = 60
DAY = 1_440
BEGIN = 20_000 * DAY


class Life:
    """A service whose houses are older by day than by night, from its first minute on."""

    def __init__(self, reference, *, policy=None, store=None):
        self.reference, self.store, self.sent = reference, store or MemoryStore(), []
        self.minute, self.series = BEGIN, SERIES
        #: Rows that come together and are the same.
        self.alike = 1
        self.evaluator = self.evaluator_of(policy or Policy(budget_events=50_000))

    def evaluator_of(self, policy):
        return Evaluator(
            {SERIES: self.reference},
            self.store,
            self.sent.append,
            lambda: (self.minute + 3) * 60.0,
            stack="test",
            policy=policy,
        )

    def again(self, *, policy=None):
        """Return another service that goes on from here, with what is stored and nothing else."""
        other = Life(self.reference, policy=policy, store=pickle.loads(pickle.dumps(self.store)))
        other.minute = self.minute
        return other

    def live(self, days, *, cycle=0.7, rows=200, score=0.0):
        """Return the last evaluation of some days, evaluated twice a day."""
        evaluation = None
        for _ in range(2 * days):
            for minute in range(self.minute, self.minute + DAY // 2, STEP):
                self.add(minute, cycle, rows, score)
            self.minute += DAY // 2
            (evaluation,) = self.evaluator.run()
        return evaluation

    def add(self, minute, cycle, rows, score):
        if not rows:
            return
        table = columns(2 * rows, seed=minute)
        # Half of the houses are taken, by day rather old ones: over a whole day all ages are as in training.
        wave = cycle * np.sin(2 * np.pi * (minute % DAY) / DAY)
        chance = 0.5 * (1 + wave * (2 * table["age"] / 49 - 1))
        taken = np.random.default_rng(minute).random(2 * rows) < chance
        table = {name: np.repeat(values[taken], self.alike) for name, values in table.items()}
        table["location_score"] = np.clip(table["location_score"] + score, 0, 10)
        window = Window.empty(self.reference.baseline, self.series.version)
        window.observe_rows(table, price(table))
        self.store.add(f"b{minute}", [Fragment(WindowKey(self.series, minute), f"b{minute}", window.to_json())])


@dataclass(frozen=True)
class Learned:
    """A service that has just learned its rhythm, and what it said on the way."""

    life: Life
    #: The last evaluations of the first day, of the 13th and of the 16th.
    evaluations: tuple[Evaluation, ...]
    #: Alerts of the first day, and those from the fifth day to the 13th.
    first_alerts: list[Alert]
    later_alerts: list[Alert]


@pytest.fixture(scope="module")
def learned(reference):
    """Sixteen days of a daily cycle; tests go on with services of their own."""
    life = Life(reference)
    first_day = life.live(1)
    first_alerts = list(life.sent)
    life.live(3)
    life.sent.clear()
    before = life.live(9)
    later_alerts = list(life.sent)
    return Learned(life, (first_day, before, life.live(3)), first_alerts, later_alerts)


@pytest.fixture(scope="module")
def narrow():
    """The baseline of two features: where only the order of things matters, they do."""
    houses = feature_set("house-price").to_json()
    listed = [item for item in houses["features"] if item["name"] in {"age", "location_score"}]
    features = FeatureSet.from_json({**houses, "features": listed})
    table = columns(1_000, seed=1)
    rows = {name: table[name] for name in features.names}
    return Reference(features, fit_baseline(features, rows, predictions=price(table)))


@pytest.fixture(scope="module")
def fortnight(narrow):
    """Fifteen days of thin traffic; tests go on with services of their own."""
    life = Life(narrow)
    life.live(15, rows=4)
    return life


def test_rhythm_is_learned(learned):
    """A daily cycle cries for a day, is held against whole days for two weeks, and known after them."""
    first_day, before, after = learned.evaluations
    assert [alert for alert in learned.first_alerts if alert["drift"]["channel"] == "age"]
    assert "younger than a day" in learned.first_alerts[0]["next"][0]
    assert first_day.rhythm.endswith("as they vary with the hour: age")
    assert before.rhythm.startswith("not learned yet: 13 of 14 days of traffic are there")
    assert [alert for alert in learned.later_alerts if alert["state"] == "ALARM"] == []
    assert "learned from" in after.rhythm
    life = learned.life.again()
    life.live(3)
    assert [alert for alert in life.sent if alert["state"] == "ALARM"] == []
    shifted = life.live(1, score=2.0)
    assert shifted.alarm
    assert {alert["drift"]["channel"] for alert in life.sent} == {"location_score"}


def test_switched_off(reference):
    """A policy that does not learn keeps nothing and says nothing of a rhythm."""
    life = Life(reference, policy=Policy(budget_events=50_000, learns_rhythm=False))
    assert life.live(1).rhythm is None
    assert life.store.state(Series(SERIES.model, f"{SERIES.version}-rhythm")).state is None


def test_learned_again(fortnight):
    """A week later the rhythm is learned again, of the days that are still kept."""
    life = fortnight.again()
    rhythms = Rhythms(life.store, 60)
    first = rhythms.memory(SERIES, life.reference.baseline, BEGIN)
    life.live(8, rows=4)
    later = rhythms.memory(SERIES, life.reference.baseline, BEGIN)
    assert later.learned_hour - first.learned_hour == 7 * 24
    assert sum(first.usual.hours) > 7 * 24
    assert min(later.usual.days) > 24
    assert (later.rhythm.to_s - later.rhythm.from_s) / 86_400 <= HOURS.kept_days


def test_thin_traffic(narrow):
    """Traffic of a few hours in two weeks teaches nothing, and is asked again some hours later."""
    life = Life(narrow)
    life.live(1, rows=4)
    life.minute += 14 * DAY
    life.live(12, rows=0)
    memory = Rhythms(life.store, 60).memory(SERIES, narrow.baseline, BEGIN)
    assert (memory.learned_hour is None, memory.is_due) == (False, False)
    assert replace(memory, last_hour=memory.last_hour + 6).is_due
    assert memory.in_words().startswith("not learned yet")


def test_first_hours(reference):
    """In its first hours a service says that it does not know the hours, and after a day that none differs."""
    life = Life(reference)
    life.add(BEGIN, 0, 40, 0.0)
    life.minute += STEP
    (evaluation,) = life.evaluator.run()
    assert evaluation.rhythm.startswith("not known yet: 0 of 24 hours")
    assert "nothing varies with the hour" in life.live(2, cycle=0, rows=40).rhythm


def test_verified_under_whole_days(reference):
    """An alert beside a channel that is held against whole days is computed again from its windows."""
    policy = Policy(budget_events=1e6, minimum_effects={"age": 5.0}, lateness_minutes=5)
    life = Life(reference, policy=policy)
    life.live(2)
    assert life.sent == []
    life.live(1, score=3.0)
    (alert,) = life.sent
    assert "age" in alert["drift"]["detector"]["whole_days"]
    windows = life.store.windows(SERIES, alert["drift"]["windows"]["first"], alert["drift"]["windows"]["last"])
    assert verify(alert, windows, reference.baseline).agreement == "identical"


def test_requests_that_depend(narrow):
    """Sessions cry for a day at most; then their rows count for less, until the rhythm knows it."""
    # So late that no window begins in the minute of a run, which is two minutes after it is due.
    policy = Policy(budget_events=50_000, lateness_minutes=5)
    life = Life(narrow, policy=policy)
    life.alike = 10
    assert "come together and count for less: age, location_score" in life.live(1, cycle=0, rows=20).rhythm
    rhythms = Rhythms(life.store, 60, rules=Rules(is_rolling=False))
    memory = rhythms.memory(SERIES, narrow.baseline, BEGIN)
    assert 5 < memory.depends.variance_inflation["age"] <= 25
    assert memory.whole_days == ()
    assert rhythms.reference(memory, narrow.baseline) == memory.reference(narrow.baseline) == memory.depends
    life.sent.clear()
    life.live(2, cycle=0, rows=20)
    known = rhythms.memory(SERIES, narrow.baseline, BEGIN).depends
    life.live(1, cycle=0, rows=20)
    assert "ALARM" not in [alert["state"] for alert in life.sent]
    # It is asked for again where the traffic has doubled, as the evidence begins anew under it.
    assert rhythms.memory(SERIES, narrow.baseline, BEGIN).depends == known != memory.depends
    drifting = life.again(policy=policy)
    drifting.alike = 10
    drifting.live(1, cycle=0, rows=20, score=3.0)
    alert = drifting.sent[0]
    assert alert["drift"]["of"] == ["location_score"]
    windows = drifting.store.windows(SERIES, alert["drift"]["windows"]["first"], alert["drift"]["windows"]["last"])
    rhythm = kept_rhythm(drifting.store, SERIES, alert["drift"]["detector"]["rhythm"], narrow.baseline)
    assert verify(alert, windows, narrow.baseline, rhythm).agreement == "identical"
    life.live(11, cycle=0, rows=20)
    learned = rhythms.memory(SERIES, narrow.baseline, BEGIN)
    assert learned.rhythm.variance_inflation["age"] > 5
    assert learned.depends is None


def test_left_out_days(reference):
    """A marked day is no evidence and is not learned from; the page names it, also where nothing is learned."""
    sale = LeftOut(BEGIN * 60.0, (BEGIN + DAY) * 60.0, "a sale")
    life = Life(reference, policy=Policy(learns_rhythm=False, left_out=(sale,)))
    evaluation = life.live(1, cycle=0, rows=40, score=3.0)
    assert (life.sent, evaluation.alarm) == ([], False)
    assert evaluation.window.events > 0
    assert evaluation.rhythm.startswith("not learned, as it is switched off")
    assert evaluation.rhythm.endswith("(a sale)")
    assert life.live(1, cycle=0, rows=40, score=3.0).alarm


@pytest.mark.parametrize(("weeks", "days"), [(2, 7), (9, 3)], ids=["later", "of-the-first-weeks"])
def test_normal_of_the_first_weeks(fortnight, monkeypatch, weeks, days):
    """A drift that began before the traffic was known is the new normal after three days, once it is."""
    monkeypatch.setattr("drift_monitor.rhythms.FEWEST_DAYS", 7 * weeks)
    life = fortnight.again()
    life.sent.clear()
    life.live(days - 1, rows=20, score=5.0)
    assert [alert["state"] for alert in life.sent] == ["ALARM"]
    life.live(2, rows=20, score=5.0)
    notice = life.sent[1]
    schemas.check("alert.v2", notice)
    assert notice["new_normal"]["after_days"] == days
    assert ("first weeks" in notice["reason"]) == (weeks > 2)


def test_marked_later(fortnight):
    """A rhythm that was learned from a day that is marked now is learned again without it."""
    sale = LeftOut((BEGIN + DAY) * 60.0, (BEGIN + 2 * DAY) * 60.0, "a sale")
    life = fortnight.again(policy=Policy(budget_events=50_000, left_out=(sale,)))
    evaluation = life.live(1, rows=4)
    assert evaluation.rhythm.startswith("learned from")
    memory = Rhythms(life.store, 60).memory(SERIES, life.reference.baseline, BEGIN)
    assert memory.rhythm.left_out == (sale,)


def test_names_on_the_page():
    """The page names the features that vary, some of many, and pairs only where nothing else does."""
    memory = Memory(1, 0, 71, whole_days=("a", "b", "c", "d", "e", "product:a:b"))
    assert memory.in_words().endswith("hour: a, b, c, d and 1 more")
    assert replace(memory, whole_days=("product:a:b",)).in_words().endswith("hour: product:a:b")


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        ({"rhythm": {"contract": "rhythm.v2"}}, "newer"),
        ({"first_hour": 1}, "damaged"),
        (
            {"first_hour": 1, "last_hour": 1, "learned_hour": 1, "superseded": None, "rhythm": {"contract": 1}},
            "damaged",
        ),
    ],
    ids=["newer", "members", "rhythm"],
)
def test_stored_rhythm(reference, document, rule):
    """What cannot be read of a stored rhythm is named, and left as it is."""
    life = Life(reference)
    place = Series(SERIES.model, f"{SERIES.version}-rhythm")
    life.store.save(place, 0, document)
    with pytest.raises(BadStore, match=rule):
        list(life.evaluator.run())
    assert life.store.state(place).state == document


def test_old_hours(narrow):
    """An hour whose place no newer day has taken is not learned from when it is too old."""
    life = Life(narrow)
    life.live(2, rows=4)
    life.minute += (HOURS.kept_days - 1) * DAY
    life.live(HOURS.kept_days - 1, rows=0)
    life.live(16, rows=4)
    memory = Rhythms(life.store, 60).memory(SERIES, narrow.baseline, BEGIN)
    assert memory.rhythm.from_s >= (BEGIN + 2 * DAY) * 60


def test_unreadable_minute(narrow):
    """A minute that cannot be read is left out of its hour."""
    life = Life(narrow)
    key = WindowKey(SERIES, BEGIN)
    life.store.compact(StoredWindow(key, 0, {}), {"contract": "window.state.v1"}, [])
    life.minute += STEP
    life.live(1, rows=4)
    _, hours, _ = Sums(life.store, 60).sizes(SERIES)
    assert hours.sums >= 22


def stored_windows(life, alert):
    grounds = alert["drift"]["windows"]
    windows = life.store.windows(SERIES, grounds["first"], grounds["last"])
    # The first window of each half of a day comes when its minute has been evaluated.
    return [stored for stored in windows if (stored.key.minute - BEGIN) % (DAY // 2)]


def test_alert_under_rhythm(reference):
    """An alert under a learned rhythm is checked to the last bit, also where another one stood when it was learned."""
    life = Life(reference, policy=Policy(budget_events=50_000, references=Rules(new_normal_days=0)))
    life.live(15, score=1.0)
    life.sent.clear()
    life.live(1, cycle=-0.7, score=1.0)
    (alert,) = [alert for alert in life.sent if alert["drift"]["channel"] == "age" and alert["state"] == "ALARM"]
    detector = alert["drift"]["detector"]
    schemas.check("alert.v2", alert)
    # It is held against the traffic, of which the days before the alert are all there is.
    assert (alert["reference"]["name"], "than before" in alert["reason"]) == ("last-14-days", False)
    assert "Held against the traffic of the 14 days" in alert["reason"]
    assert [alarm["finding"]["channel"] for alarm in detector["alarms"]] == ["location_score"]
    rhythm = kept_rhythm(life.store, SERIES, detector["rhythm"], reference.baseline)
    result = verify(alert, stored_windows(life, alert), reference.baseline, rhythm)
    assert (result.agreement, result.holds) == ("identical", True)
    with pytest.raises(CannotVerify, match="rhythm"):
        verify(alert, [], reference.baseline)
    broken = {**alert, "drift": {**alert["drift"], "detector": {**detector, "alarms": [{}]}}}
    with pytest.raises(CannotVerify, match="alarms"):
        verify(broken, stored_windows(life, alert), reference.baseline, rhythm)


def test_archived_rhythm(reference):
    """A rhythm is found by its digest while it is among the newest; one that was changed is not taken for it."""
    store, baseline = MemoryStore(), reference.baseline
    rhythm = Rhythm(baseline.digest, 0.0, 14 * 86_400.0, 1_000, {}, {})
    digest = keep_rhythm(store, SERIES, rhythm)
    assert keep_rhythm(store, SERIES, rhythm) == digest
    later = replace(rhythm, to_s=21 * 86_400.0)
    assert keep_rhythm(store, SERIES, later) != digest
    assert kept_rhythm(store, SERIES, digest, baseline) == rhythm
    place = Series(SERIES.model, f"{SERIES.version}-rhythm-0")
    for damaged in ({}, later.to_json()):
        store.save(place, store.state(place).revision, {"digest": digest, "rhythm": damaged})
        assert kept_rhythm(store, SERIES, digest, baseline) is None
    assert kept_rhythm(store, SERIES, "0" * 64, baseline) is None


def test_rhythm_of_the_bundle(reference):
    """A bundle's rhythm holds from the first hour, and nothing is held against whole days beside it."""
    bundled = Rhythm(reference.baseline.digest, 0.0, 14 * 86_400.0, 1_000, {}, {})
    life = Life(replace(reference, rhythm=bundled))
    evaluation = life.live(2, rows=40)
    assert "by the bundle; 2 of 14 days" in evaluation.rhythm
    memory = Rhythms(life.store, 60).memory(SERIES, reference.baseline, BEGIN)
    assert memory.whole_days == ()
    assert not any("younger than a day" in step for alert in life.sent for step in alert["next"])


def test_new_version(learned, reference):
    """A new version takes the rhythm of the inputs over, and holds its answers against whole days."""
    life = learned.life.again()
    rows = columns(3_000, seed=77)
    newer = Reference(reference.feature_set, fit_baseline(reference.feature_set, rows, predictions=price(rows)))
    series = Series(SERIES.model, "b" * 12)
    evaluator = Evaluator({series: newer}, life.store, life.sent.append, lambda: (life.minute + 3) * 60.0, stack="test")
    life.reference, life.evaluator, life.series = newer, evaluator, series
    evaluation = life.live(2)
    assert f"from version {SERIES.version}; predictions are held" in evaluation.rhythm
    assert Rhythms(life.store, 60).memory(series, newer.baseline, BEGIN).usual.quiet_hours == 0
    assert [alert["title"] for alert in life.sent] == []
    shifted = life.live(1, score=2.0)
    assert shifted.alarm
    assert {alert["drift"]["channel"] for alert in life.sent} == {"location_score"}
    assert "prediction" in life.sent[0]["drift"]["detector"]["whole_days"]


def test_former_rhythm_that_cannot_be_read(reference):
    """What an earlier version left is passed over where it cannot be read."""
    life = Life(reference)
    life.store.save(Series(SERIES.model, "rhythm"), 0, {"version": "a" * 12, "channels": 5})
    assert life.live(1, cycle=0, rows=4).rhythm.startswith("not learned yet")


def test_looks_of_the_first_day():
    """The traffic is looked at every three hours of the first day, and then after each day."""
    looks, looked = [], None
    for hours in range(1, 80):
        memory = Memory(1, 0, hours - 1, looked_hour=looked)
        if memory.is_look_due:
            looks.append(hours)
            looked = memory.last_hour
    assert looks == [3, 6, 9, 12, 15, 18, 21, 24, 48, 72]
    words = Memory(1, 0, 11, whole_days=("load",)).in_words()
    assert words.startswith("not known yet: 12 of 24 hours")
    assert words.endswith("hour: load")


def test_first_weekend(reference):
    """An alert of a weekend says that it may be the weekend, as long as weeks are not known."""
    life = Life(reference)
    life.minute = 20_003 * DAY - 2 * DAY
    life.live(2, cycle=0, rows=40)
    life.live(1, cycle=0, rows=60, score=3.0)
    monday = life.sent[0]
    assert not any("weekend" in step for step in monday["next"])
    other = Life(reference)
    other.minute = 20_003 * DAY - 3 * DAY
    other.live(1, cycle=0, rows=40)
    other.live(1, cycle=0, rows=60, score=3.0)
    assert "weekend" in other.sent[0]["next"][0]


@pytest.mark.parametrize(("hours", "most"), [(20, 4), (56 * 24, 60)], ids=["first day", "eight weeks"])
def test_documents_of_a_young_series(reference, monkeypatch, hours, most):
    """Of a young series the documents of its own days are read alone: each is a query that costs."""
    store, asked = MemoryStore(), []
    read = store.state
    monkeypatch.setattr(store, "state", lambda place: (asked.append(place), read(place))[1])
    first = BEGIN // 60
    sums = Sums(store, 60)
    for hour in range(first, first + hours, 10):
        table = columns(5, seed=hour)
        window = Window.empty(reference.baseline, SERIES.version)
        window.observe_rows(table, price(table))
        store.compact(StoredWindow(WindowKey(SERIES, hour * 60), 0, {}), window.to_json(), [])
        sums.add_day(SERIES, reference.baseline, hour // 24, [hour])
    asked.clear()
    memory = Memory(0, first, first + hours - 1)
    rhythms = Rhythms(store, 60)
    assert len(list(rhythms.hours(SERIES, reference.baseline, memory))) == -(-hours // 10)
    assert len(asked) <= most
    by_hour = dict(rhythms.windows(SERIES, reference.baseline, memory, 56))
    assert sorted(by_hour) == list(range(first, first + hours, 10))
