"""A silence in hours that usually have no events is told from one that is missing events."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from drift_ml.rhythm import LeftOut
from drift_ml.window import Window
from drift_monitor.errors import BadStore
from drift_monitor.evaluate import Evaluator
from drift_monitor.keys import Series, WindowKey
from drift_monitor.metrics import evaluation_values
from drift_monitor.policy import Policy
from drift_monitor.rhythms import Rhythms
from drift_monitor.stores import Fragment, MemoryStore
from drift_monitor.usual_traffic import UsualTraffic, usual_traffic

from tests.support.house_tables import columns, price
from tests.support.series import SERIES

HOUR = 3_600
#: A Thursday's midnight, in hours since 1970.
BEGIN = 168 * 120


def weeks(events_of, count=2):
    """Return what is usual by some weeks of traffic, whose hours have events by a function."""
    events = {BEGIN + hour: events_of(hour) for hour in range(168 * count)}
    return usual_traffic(events, BEGIN - 1, BEGIN + 168 * count - 1)


def by_day(hour):
    """Return 60 events from 6 to 22, ten in the hours at both ends, none by night."""
    of_day = hour % 24
    if of_day in (6, 21):
        return 10
    return 60 if 6 < of_day < 21 else 0


def missing_minutes(usual, day_hour, minute=0):
    """Return how many minutes of silence are unusual on the third day, up to an hour of it."""
    end_s = (BEGIN + 48 + day_hour) * HOUR + minute * 60
    return (end_s - usual.missing_since(end_s)) / 60


def test_silence_by_day():
    """By day a silence is unusual when three events would have come."""
    assert missing_minutes(weeks(by_day), 12, 30) == pytest.approx(3)


@pytest.mark.parametrize(("hour", "since"), [(23, 20), (24, 20), (30, 20), (30.9, 20)])
def test_silence_by_night(hour, since):
    """By night a silence is unusual only where it began in the last full hour of the day."""
    usual = weeks(by_day)
    began = hour * 60 - missing_minutes(usual, hour)
    assert since * 60 <= began < 22 * 60


def test_late_morning():
    """A morning's first hour is missed once it is over, as nobody knows when it begins."""
    usual = weeks(by_day)
    assert missing_minutes(usual, 24 + 6, 59) > 9 * 60
    assert missing_minutes(usual, 24 + 7, 0) == pytest.approx(60)


def test_working_days():
    """A weekend without events is usual, and a silent working day is not."""
    usual = weeks(lambda hour: 60 * (hour // 24 % 7 not in (2, 3)))
    assert usual.quiet_hours == 48
    assert missing_minutes(usual, 12) > 12 * 60
    assert missing_minutes(usual, 48) == pytest.approx(49 * 60)
    assert missing_minutes(usual, 48 + 1) == pytest.approx(60)


def test_thin_traffic():
    """Events that come at any hour are missed by the day; where none is usual, nothing is missed."""
    usual = weeks(lambda hour: int(hour * 7 % 24 == hour // 24), count=4)
    thin = replace(usual, hours=(0,) * 168, days=(2,) * 7)
    assert missing_minutes(thin, 12) == pytest.approx((12 + 48) * 60)
    assert missing_minutes(replace(thin, days=(0,) * 7), 12) == math.inf


def test_one_outage():
    """An outage, a bulk by night and a marked day change nothing of what is usual."""
    events = {BEGIN + hour: by_day(hour) for hour in range(4 * 168)}
    odd = events | {BEGIN + 12: 0, BEGIN + 168 + 3: 900, BEGIN + 36: 0}
    sale = LeftOut((BEGIN + 24) * HOUR, (BEGIN + 48) * HOUR, "a sale")
    expected = usual_traffic(events, BEGIN - 1, BEGIN + 4 * 168 - 1)
    assert usual_traffic(odd, BEGIN - 1, BEGIN + 4 * 168 - 1, [sale]) == expected
    assert usual_traffic({}, BEGIN, BEGIN) == UsualTraffic((0,) * 168, (0,) * 7)


class Night:
    """A service whose days are known, and of which nothing came since an hour ago."""

    def __init__(self, reference, usual):
        self.reference, self.store = reference, MemoryStore()
        self.minute = (BEGIN + 168 + 12) * 60
        self.evaluator = self.evaluator_of(Policy(budget_events=50_000))
        self.add(self.minute)
        for _ in range(2):
            list(self.evaluator.run())
            self.minute += 60
        place = Series(SERIES.model, f"{SERIES.version}-rhythm")
        stored = self.store.state(place)
        self.store.save(place, stored.revision, {**stored.state, "usual": usual})

    def evaluator_of(self, policy):
        return Evaluator(
            {SERIES: self.reference},
            self.store,
            lambda _alert: None,
            lambda: (self.minute + 3) * 60.0,
            stack="test",
            policy=policy,
        )

    def add(self, minute):
        rows = columns(5, seed=1)
        window = Window.empty(self.reference.baseline, SERIES.version)
        window.observe_rows(rows, price(rows))
        self.store.add(f"b{minute}", [Fragment(WindowKey(SERIES, minute), f"b{minute}", window.to_json())])

    def counted(self, hour):
        """Return what is measured at an hour of the day, and the state in words."""
        self.minute = (BEGIN + 168) * 60 + round(hour * 60)
        (evaluation,) = self.evaluator.run()
        return evaluation_values(evaluation).get("EventsCounted"), evaluation.rhythm


def test_nothing_is_counted_by_night(reference):
    """By night nothing is measured; by day zero, and zero again where nothing is learned."""
    night = Night(reference, weeks(by_day).to_json())
    assert night.counted(13.5)[0] == 0
    night.add((BEGIN + 168 + 21) * 60)
    assert night.counted(21.1)[0] == 5
    counted, words = night.counted(23)
    assert counted is None
    assert words.endswith("no requests are usual in 56 of 168 hours of the week")
    assert night.counted(24 + 6.5)[0] is None
    assert night.counted(24 + 7.1)[0] == 0
    night.evaluator = night.evaluator_of(Policy(learns_rhythm=False))
    assert night.counted(48)[0] == 0


def test_no_hour_is_usual(reference):
    """Nothing is missed in traffic that has no usual hour or day."""
    night = Night(reference, {"hours": [0] * 168, "days": [0] * 7})
    assert night.counted(20)[0] is None


def test_damaged_usual_traffic(reference):
    """Usual traffic that is damaged is named, and left as it is."""
    night = Night(reference, {"hours": [1], "days": []})
    with pytest.raises(BadStore, match="damaged"):
        night.counted(20)


def test_usual_hours_are_stored(reference):
    """What is usual is read as it was stored."""
    usual = weeks(by_day)
    night = Night(reference, usual.to_json())
    assert Rhythms(night.store, 60).memory(SERIES, reference.baseline, 0).usual == usual
