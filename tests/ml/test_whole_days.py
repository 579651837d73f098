"""Channels that vary with the hour before a rhythm is learned: how they are found, and held against whole days."""

from __future__ import annotations

import json

import numpy as np
import pytest
from drift_ml.baseline import Channel
from drift_ml.evidence import Budget, EvidenceError, MixtureDetector, Settings, observe_window
from drift_ml.rhythm import varying_channels

HOUR, DAY = 3_600, 86_400
BINS = 8
LOAD = Channel("load", "quantiles", ("load",), (2_500,) * BINS, edges=tuple(range(BINS - 1)))
SIZE = Channel("size", "quantiles", ("size",), (2_500,) * BINS, edges=tuple(range(BINS - 1)))
GONE = Channel("missing:load", "missing", ("load",), (19_900, 100))
ONE = Channel("one", "values", ("one",), (20_000,), values=(1,))
PAIR = Channel(
    "product:load:size",
    "product",
    ("load", "size"),
    (5_000,) * 4,
    edges=(-500, 0, 500),
    scores=(-1000, -300, 300, 1000),
)


class Reference:
    """The channels of a baseline; nothing more of it is asked for."""

    channels = (LOAD, SIZE, ONE, GONE, PAIR)


def hours(seed, days, *, cycle=0.0, shift=0.0, jump=None, rows=200):
    """Return begin and counts of each hour.

    Args:
        seed: of the generator.
        days: how many.
        cycle: of the odds of the upper half of `load`, up by day and down by night.
        shift: the same of `size`, all the time.
        jump: the hour from which `load` differs.
        rows: events an hour.
    """
    rng = np.random.default_rng(seed)
    upper = np.arange(BINS) - (BINS - 1) / 2
    listed = []
    for hour in range(24 * days):
        tilt = cycle * np.sin(2 * np.pi * hour / 24) + 0.2 * (jump is not None and hour >= jump)
        counts = {}
        for name, slope in (("load", tilt), ("size", shift)):
            shares = np.exp(slope * upper)
            counts[name] = rng.multinomial(rows, shares / shares.sum()).tolist()
        counts["one"] = [rows]
        counts["missing:load"] = [rows, 0]
        counts["product:load:size"] = rng.multinomial(rows, [0.25] * 4).tolist()
        listed.append((float(hour * HOUR), counts))
    return listed


def detector_of(*names, document=None):
    settings = Settings((LOAD, SIZE, PAIR), Budget(50_000), whole_days=names)
    return MixtureDetector(settings) if document is None else MixtureDetector.from_json(document, settings)


def raised_in(detector, listed):
    """Return hour and channel of each alarm."""
    raised = []
    for begin, counts in listed:
        step = observe_window(detector, counts, events=200, timestamp_s=begin)
        raised += [(begin / HOUR, alarm.finding.channel) for alarm in step.raised]
    return raised


def test_cycle_is_found():
    """A cycle is found after a day, with the pairs of its feature; a difference all day long is none."""
    assert varying_channels(Reference, hours(1, 1, cycle=0.2)) == ("load", "product:load:size")
    assert varying_channels(Reference, hours(2, 3, cycle=0.2)) == ("load", "product:load:size")
    assert varying_channels(Reference, hours(3, 3, shift=0.2)) == ()


def test_nothing_varies():
    """Of forty services that do not cycle none is suspected, nor is one that is hours old."""
    assert [varying_channels(Reference, hours(seed, 1)) for seed in range(40)] == [()] * 40
    assert varying_channels(Reference, hours(1, 1, cycle=0.2)[:11]) == ()
    assert varying_channels(Reference, []) == ()


def test_jump_is_no_cycle():
    """A jump makes the hours of its day differ; a day later it is known to be no cycle."""
    jump = hours(4, 3, jump=12)
    assert varying_channels(Reference, jump[:24]) == ("load", "product:load:size")
    assert varying_channels(Reference, jump[:48]) == ()
    assert varying_channels(Reference, jump) == ()


def test_whole_days_are_silent():
    """A cycle raises alarms hour by hour and none day by day, while another feature is heard within hours."""
    cycle = hours(5, 4, cycle=0.2)
    assert raised_in(detector_of(), cycle)
    assert raised_in(detector_of("load"), cycle) == []
    assert raised_in(detector_of("load"), hours(6, 2, cycle=0.2, shift=0.25))[0][1] == "size"


def test_shift_of_a_day():
    """A shift of what is held against whole days is found when the first whole day is over, and ends after some."""
    detector = detector_of("size")
    assert raised_in(detector, hours(7, 3, shift=0.25)) == [(24.0, "size")]
    assert detector.alarm.events == pytest.approx(200 * 24)
    ended = [
        begin / DAY
        for begin, counts in hours(8, 6)
        if observe_window(detector, counts, events=200, timestamp_s=3 * DAY + begin).recovered
    ]
    assert len(ended) == 1
    assert ended[0] <= 3


def test_day_is_kept():
    """A detector goes on equally from its document, in the middle of a day."""
    listed = hours(9, 3, cycle=0.2, shift=0.1)
    whole, first = detector_of("load", "size"), detector_of("load", "size")
    raised = raised_in(whole, listed)
    raised_in(first, listed[:40])
    second = detector_of("load", "size", document=json.loads(json.dumps(first.to_json())))
    assert raised_in(second, listed[40:]) == [found for found in raised if found[0] >= 40]
    assert second.to_json() == whole.to_json()


def test_other_channels_begin_anew():
    """A day of other channels is none of these."""
    first = detector_of("load")
    raised_in(first, hours(9, 1)[:5])
    document = {**first.to_json(), "settings": detector_of("size").settings.digest}
    assert detector_of("size", document=document).to_json()["day"]["events"] == 0


def test_alarm_is_reviewed():
    """An alarm that the hour raised ends with whole days in which nothing differs."""
    listed = hours(10, 1, cycle=0.2)
    hourly = detector_of()
    raised_in(hourly, listed[:8])
    assert [alarm.finding.channel for alarm in hourly.alarms] == ["load"]
    settings = Settings((LOAD, SIZE, PAIR), Budget(50_000), whole_days=("load",))
    held = MixtureDetector.from_json({**hourly.to_json(), "settings": settings.digest}, settings)
    held.forget_evidence()
    assert not held.recovered
    for _ in range(2):
        held.review_day({"load": [600] * BINS, "size": [600] * BINS})
    assert held.recovered


def test_gap_of_days():
    """A day without the channel is nothing, and days without traffic are passed over."""
    detector = detector_of("load")
    for day in (0, 5, 6):
        observe_window(detector, {"size": [25] * BINS}, events=200, timestamp_s=day * DAY + 60.0)
    assert detector.to_json()["day"]["from_s"] == 6 * DAY + 60
    assert detector.alarm is None


def test_batches_only():
    """Single events are refused where channels are held against whole days."""
    with pytest.raises(EvidenceError, match="batches"):
        detector_of("load").update_event({"load": 1})
