"""What is learned of the traffic's rhythm, and what a detector makes of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drift_contracts import FeatureSet
from drift_ml.baseline.fit import fit_baseline
from drift_ml.evidence import Budget, MixtureDetector, Settings, observe_window
from drift_ml.left_out import left_out_of_texts
from drift_ml.rhythm import Base, LeftOut, Rhythm, RhythmError, bases_from_json, carried, learn_rhythm, rebased
from drift_ml.rhythm._days import Dependence, Residuals, dependence
from drift_ml.window import Window

HOUR, DAY = 3_600.0, 86_400.0
EVENTS_A_DAY = 4_000
NUMBER = {"type": "number", "example": 0.0, "unit": "1", "description": "A number."}
SHOP = {"type": "category", "categories": ["web", "shop"], "example": "web", "unit": "name", "description": "Where."}
FEATURES = FeatureSet.from_json(
    {
        "contract": "feature-set.v1",
        "name": "cycles",
        "version": "1.0.0",
        "description": "Two numbers and a category.",
        "target": {"name": "y", "unit": "1", "description": "A number."},
        "features": [{"name": "load", **NUMBER}, {"name": "size", **NUMBER}, {"name": "channel", **SHOP}],
    }
)


def traffic(seed, days, *, daily=0.0, weekend=0.0, night=0.0, moved=0.0, sessions=1):
    """Return per hour its begin and its columns.

    Args:
        seed: of the generator.
        days: how many.
        daily: standard deviations of the cycle of `load`.
        weekend: by which `load` is less on two days of seven.
        night: by how much more often `channel` is a shop at night.
        moved: standard deviations that `size` is higher from the first event on.
        sessions: how many rows of `size` are alike.
    """
    rng = np.random.default_rng(seed)
    hours = []
    for hour in range(24 * days):
        angle = 2 * np.pi * (hour % 24) / 24
        rows = sessions * int(rng.poisson(EVENTS_A_DAY / 24 / sessions * (1 + 0.6 * np.cos(angle))))
        load = rng.normal(size=rows) + daily * np.cos(angle) - weekend * (hour // 24 % 7 >= 5)
        size = np.repeat(rng.normal(size=rows // sessions), sessions) + moved
        shop = rng.random(rows) < 0.2 + night * (hour % 24 < 6)
        hours.append((hour * HOUR, {"load": load, "size": size, "channel": np.where(shop, "shop", "web")}))
    return hours


def window_of(baseline, columns):
    window = Window.empty(baseline)
    window.observe_rows(columns)
    return window


def baseline_of(hours):
    names = ("load", "size", "channel")
    return fit_baseline(FEATURES, {name: np.concatenate([columns[name] for _, columns in hours]) for name in names})


def learned(baseline, hours, **options):
    batches = [(begin, window_of(baseline, columns).channel_counts()) for begin, columns in hours]
    return learn_rhythm(baseline, batches, **options)


def alarms(baseline, hours, rhythm):
    """Return what raised alarms over the hours, each taken in by tenths."""
    seasonality = rhythm and rhythm.seasonality(baseline.channels)
    detector = MixtureDetector(Settings(baseline.channels, Budget(100_000), seasonality=seasonality))
    raised = []
    for begin, columns in hours:
        for part in range(10):
            window = window_of(baseline, {name: values[part::10] for name, values in columns.items()})
            step = observe_window(
                detector, window.channel_counts(), events=window.events, timestamp_s=begin + part * HOUR / 10
            )
            raised += [(begin / HOUR, alarm.finding.channel) for alarm in step.raised]
    return raised


CYCLE = {"daily": 0.4, "night": 0.3}


@pytest.fixture(scope="module")
def cycling():
    """Return a baseline and a rhythm of traffic with a daily cycle in two features."""
    baseline = baseline_of(traffic(1, 14, **CYCLE))
    return baseline, learned(baseline, traffic(2, 14, **CYCLE))


@pytest.mark.no_cover
def test_cycle_is_no_drift(cycling):
    """A daily cycle cries without its rhythm, and never with it."""
    baseline, rhythm = cycling
    week = traffic(3, 7, **CYCLE)
    assert len(alarms(baseline, week[:48], None)) >= 2
    assert alarms(baseline, week, rhythm) == []
    assert {name for name in rhythm.cycles if ":" not in name} == {"load", "channel"}
    assert rhythm.strata == 24


def test_drift_under_a_cycle(cycling):
    """A shift of half a standard deviation of another feature is told within three hours."""
    baseline, rhythm = cycling
    raised = alarms(baseline, traffic(4, 1, moved=0.5, **CYCLE), rhythm)
    assert raised[0][1] == "size"
    assert raised[0][0] <= 3


@pytest.mark.no_cover
def test_own_traffic_is_no_drift():
    """Traffic that is held against itself raises nothing, whatever training was, and a change of it does."""
    baseline = baseline_of(traffic(1, 14, **CYCLE))
    since = traffic(2, 14, moved=0.5, **CYCLE)
    batches = [(begin, window_of(baseline, columns).channel_counts()) for begin, columns in since]
    bases = {}
    for channel in baseline.channels:
        counts = np.sum([counts[channel.name] for _, counts in batches], axis=0)
        bases[channel.name] = Base(0.0, 14 * DAY, tuple(counts.tolist()))
    rhythm = learn_rhythm(baseline, batches, bases=bases)
    assert rhythm.days.keys() <= bases.keys()
    assert Rhythm.from_json(rhythm.to_json(), baseline=baseline.digest, channels=baseline.channels) == rhythm
    assert alarms(baseline, traffic(3, 3, moved=0.5, **CYCLE), rhythm) == []
    raised = alarms(baseline, traffic(4, 1, **CYCLE), rhythm)
    assert [channel for _, channel in raised] == ["size"]
    assert raised[0][0] <= 4


@pytest.mark.no_cover
def test_days_that_wander():
    """Days that differ by themselves raise nothing once it is known, and a shift of .5 is told within a day."""
    baseline = baseline_of(traffic(1, 14))
    rhythm = learned(baseline, wandering(2, 28))
    assert rhythm.days["size"].inflation > 3
    assert len(alarms(baseline, wandering(3, 14), None)) >= 2
    assert alarms(baseline, wandering(3, 14), rhythm) == []
    raised = alarms(baseline, wandering(4, 1, moved=0.5), rhythm)
    assert [channel for _, channel in raised] == ["size"]


def test_change_in_what_is_learned():
    """A change that stays, in the weeks that are learned from, is none of what most days differ by."""
    rng = np.random.default_rng(5)
    step = dependence(*of_days(rng, np.repeat([0.0, 1.0], [10, 4])))
    assert step.days.variance == 1 / 200
    assert step.spans.variance > 20 * step.days.variance


def test_more_than_a_few_days():
    """What most days differ by is allowed for in full, what one of them does up to a bound."""
    rng = np.random.default_rng(3)
    every = dependence(*of_days(rng, rng.normal(scale=0.5, size=14)))
    assert every.days.variance == pytest.approx(every.spans.variance, rel=0.1)
    once = dependence(*of_days(rng, np.array([*(0.0,) * 13, 1.5])))
    assert once.is_bounded
    assert once.days.variance < once.spans.variance / 10 < every.days.variance / 10


def test_wandering_without_end():
    """Days that wander on and on vary the more the longer, beyond the two days that were seen as blocks."""
    rng = np.random.default_rng(4)
    wandering = dependence(*of_days(rng, np.cumsum(rng.normal(scale=0.4, size=14))))
    differing = dependence(*of_days(rng, rng.normal(scale=0.4, size=14)))
    assert wandering.days.inflation > 3 * differing.days.inflation
    still = dependence(*of_days(rng, np.zeros(14)))
    assert still.days is None or still.days.inflation < 3


def test_upper_limit():
    """An inflation that is certain counts with its upper limit, one that may be chance as it is measured."""
    assert Dependence(2.0, batches=336).inflation == pytest.approx(2 * (1 + 1.28 * (2 / 336) ** 0.5))
    assert (Dependence(1.2, batches=336).inflation, Dependence(1.2).inflation) == (1.2, 1.2)
    assert Dependence(24.9, batches=336).inflation == 25


def of_days(rng, offsets):
    """Return residuals of hours of a hundred events whose mean is off by day, and their begins."""
    hours = np.repeat(offsets, 24) * 100 + rng.normal(scale=10, size=24 * len(offsets))
    hundred = np.full((len(hours), 1), 100.0)
    return Residuals(hours[:, None] - hours.mean(), hundred, hundred), np.arange(len(hours)) * HOUR


def test_never_there():
    """A channel that saw no event depends on nothing, and keeps its reference."""
    baseline = baseline_of(traffic(1, 1))
    nothing = {"size": [0] * len(baseline.channel("size").counts)}
    batches = [
        (begin, {**window_of(baseline, columns).channel_counts(), **nothing}) for begin, columns in traffic(2, 15)[::4]
    ]
    rhythm = learn_rhythm(baseline, batches)
    assert not {"size"} & {*rhythm.days, *rhythm.variance_inflation, *rhythm.cycles}


def wandering(seed, days, moved=0.0):
    """Return traffic of which `size` is higher or lower by .07 standard deviations, day by day."""
    hours = traffic(seed, days, moved=moved)
    offsets = np.random.default_rng(seed).normal(scale=0.07, size=days)
    return [(begin, {**columns, "size": columns["size"] + offsets[int(begin // DAY)]}) for begin, columns in hours]


def test_another_base(cycling):
    """A rhythm that is held against other traffic keeps its cycle, and its digest where nothing is changed."""
    baseline, rhythm = cycling
    load = next(channel for channel in baseline.channels if channel.name == "load")
    assert "bases" not in rhythm.to_json()
    moved = Base(0.0, DAY, tuple(np.roll(load.counts, 3).tolist()))
    other = rebased(rhythm, {"load": moved}, baseline)
    slices = np.array(other.cycles["load"])
    assert slices.shape == np.array(rhythm.cycles["load"]).shape
    assert (slices.sum(axis=0) != np.array(rhythm.cycles["load"]).sum(axis=0)).any()
    assert other.seasonality(baseline.channels).strata[0]["load"] == other.cycles["load"][0]
    alone = rebased(None, {"load": moved}, baseline)
    assert alone.seasonality(baseline.channels).strata[0]["load"] == moved.counts
    assert (alone.strata, alone.events) == (1, sum(moved.counts))
    document = alone.to_json()
    assert Rhythm.from_json(document, baseline=baseline.digest, channels=baseline.channels) == alone
    assert [moved.is_doubled(days * DAY) for days in (1, 2)] == [False, True]
    again = carried(other, baseline.channels, baseline)
    assert not again.bases
    assert np.abs(np.array(again.cycles["load"]) - np.array(rhythm.cycles["load"])).max() <= 40


@pytest.mark.parametrize("counts", [[1], [-1, 3], [0, 0]], ids=["bins", "negative", "none"])
def test_bad_base(counts):
    """A base without a count for each bin is refused."""
    baseline = baseline_of(traffic(1, 1))
    document = {"missing:load": {"from_s": 0.0, "to_s": DAY, "counts": counts}}
    with pytest.raises(ValueError, match="/bases/missing:load"):
        bases_from_json(document, baseline.channels)


def test_differs_from_training():
    """Traffic that differs from training all the time is different under its rhythm too."""
    baseline = baseline_of(traffic(1, 14, **CYCLE))
    rhythm = learned(baseline, traffic(2, 14, moved=0.5, **CYCLE))
    raised = alarms(baseline, traffic(3, 1, moved=0.5, **CYCLE), rhythm)
    assert [channel for _, channel in raised] == ["size"]


def test_week():
    """A weekend is learned as the hours of a week, and traffic without structure as none."""
    baseline = baseline_of(traffic(1, 14))
    assert learned(baseline, traffic(2, 14, weekend=0.6)).strata == 168
    rhythm = learned(baseline, traffic(3, 14))
    assert (rhythm.cycles, rhythm.strata) == ({}, 1)
    assert str(rhythm).endswith("nothing cycles")


def test_sessions():
    """Rows that come alike are worth less; what is too much to allow for is bounded and named."""
    baseline = baseline_of(traffic(1, 14))
    assert 3 < learned(baseline, traffic(2, 14, sessions=5)).variance_inflation["size"] < 8
    rhythm = learned(baseline, traffic(3, 14, sessions=60))
    assert "size" in rhythm.bounded
    assert rhythm.variance_inflation["size"] == 25
    assert "size" in rhythm.seasonality(baseline.channels).bursting
    wandering = replace(rhythm, variance_inflation={"size": 2.0})
    assert "size" not in wandering.seasonality(baseline.channels).bursting


def test_rare_in_sessions():
    """What was hardly ever seen is taken to come in sessions where the values do."""
    baseline = baseline_of(traffic(1, 14))
    rhythm = learned(baseline, traffic(2, 14, sessions=5))
    for rare in ("missing:size", "out_of_range:size"):
        assert rhythm.variance_inflation[rare] == rhythm.variance_inflation["size"]
    assert rhythm.variance_inflation.get("missing:load", 1.0) < 1.5
    often = [
        (begin, {**columns, "size": np.where(np.arange(len(columns["size"])) % 7, columns["size"], np.nan)})
        for begin, columns in traffic(2, 14, sessions=5)
    ]
    # Those that are often seen are known by themselves: every seventh row comes alone.
    assert "missing:size" not in learned(baseline, often).variance_inflation


def test_left_out():
    """Nothing is learned from a span that is left out."""
    baseline = baseline_of(traffic(1, 14))
    hours = traffic(2, 21)
    broken = [(begin, {**columns, "load": columns["load"] + 5 * (begin < DAY)}) for begin, columns in hours]
    span = LeftOut(0, DAY, "an outage")
    assert learned(baseline, broken, left_out=[span]) == learned(baseline, hours, left_out=[span])


def test_too_little():
    """Less than two weeks, or a few batches, are refused with what is expected."""
    baseline = baseline_of(traffic(1, 14))
    for hours in (traffic(2, 13), traffic(2, 15)[::24]):
        with pytest.raises(RhythmError, match="14 days or more"):
            learned(baseline, hours)


def test_thin_traffic():
    """Five events an hour show no cycle, and a feature that never varies has no chart to learn of."""
    hours = [
        (begin, {**{name: values[:5] for name, values in columns.items()}, "size": np.ones(len(columns["size"][:5]))})
        for begin, columns in traffic(1, 14, **CYCLE)
    ]
    baseline = baseline_of(hours)
    rhythm = learned(baseline, hours)
    assert "size" not in rhythm.cycles
    assert "size" not in rhythm.variance_inflation


def test_document(cycling):
    """A rhythm is the same after it was a document, and says when it was learned."""
    baseline, rhythm = cycling
    back = Rhythm.from_json(rhythm.to_json(), baseline=baseline.digest, channels=baseline.channels)
    assert back == replace(rhythm)
    assert str(back).startswith("learned from 1 January 1970 to 14 January 1970, 24 strata")


ODD = {
    "another contract": ("/contract", {"contract": "rhythm.v9"}),
    "another baseline": ("/baseline", {"baseline": "f" * 64}),
    "a member of another type": ("members", {"cycles": 5}),
    "an unknown channel": ("/cycles/other", {"cycles": {"other": [[1]] * 24}}),
    "other slices": ("/cycles/load", {"cycles": {"load": [[1]] * 25}}),
    "other bins": ("/cycles/load", {"cycles": {"load": [[1]] * 24}}),
    "an inflation below one": ("/variance_inflation/load", {"variance_inflation": {"load": 0.5}}),
    "the inflation of nothing": ("/variance_inflation/other", {"variance_inflation": {"other": 2.0}}),
}


@pytest.mark.parametrize(("place", "changes"), ODD.values(), ids=ODD)
def test_odd_document(cycling, place, changes):
    """A document that does not fit the baseline is refused at its place."""
    baseline, rhythm = cycling
    document = {**rhythm.to_json(), **changes}
    with pytest.raises(RhythmError, match=place):
        Rhythm.from_json(document, baseline=baseline.digest, channels=baseline.channels)


def test_no_object(cycling):
    """What is no object is refused as another contract."""
    baseline, _ = cycling
    with pytest.raises(RhythmError, match="/contract"):
        Rhythm.from_json([], baseline=baseline.digest, channels=baseline.channels)


WRONG_SPANS = ["2026-12-24", "soon=a sale", "2026-12-26/2026-12-24=backwards", "2026-02-30=no day"]


@pytest.mark.parametrize("text", WRONG_SPANS)
def test_wrong_span(text):
    """A span without a reason, of no days, or that ends before it begins is refused."""
    with pytest.raises(ValueError):  # noqa: PT011 - the option and the setting say what is expected
        left_out_of_texts([text])


def test_spans_in_order():
    """Spans are in the order of time, and hold their last day to its end."""
    first, second = left_out_of_texts(["2026-12-24/2026-12-26=Christmas", "2026-11-27=a sale"])
    assert (first.why, second.to_s - second.from_s) == ("a sale", 3 * DAY)
