"""What happened, in words: a table of cases, each a change of the rows and the sentence that it becomes."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from drift_ml.baseline import BaselineError
from drift_ml.baseline.fit import fit_baseline
from drift_ml.descriptions import describe, indicator_words, level_words
from drift_ml.evidence import Budget, DriftFinding, MixtureDetector, Settings
from drift_ml.figures import plain_number, plain_pair, plain_percent
from drift_ml.verdict import Drift, decide, moving_features
from drift_ml.window import Window

from tests.ml.conftest import feature_set

ROWS = 4000
UNITS = {"area": "square metres"}


def columns(seed, rows=ROWS):
    """Rows of which area and ground are correlated, and one heating is rare."""
    random = np.random.default_rng(seed)
    area = random.normal(90, 20, rows)
    heating = random.choice(np.array(["gas", "oil", "wood"], dtype=object), rows, p=[0.6, 0.38, 0.02])
    return {
        "rooms": random.integers(1, 7, rows),
        "area": area,
        "garden": random.integers(0, 2, rows).astype(float),
        "heating": heating,
        "ground": 400 + 50 * random.normal(0, 1, rows),
    }


def finding(channel, kind, direction="up", size=0.5):
    return DriftFinding(channel, kind, direction, size, 0.5, 0.0, 100.0, 12.0, 11.0, {channel: 1.0})


@pytest.fixture(scope="module")
def baseline():
    return fit_baseline(feature_set(), columns(1))


def part(values, share, replaced):
    """The values, the first part of them replaced."""
    changed = np.array(values, copy=True)
    changed[: round(share * len(changed))] = replaced
    return changed


CASES = {
    "unseen": (
        "rooms",
        lambda v: part(v, 0.92, 33),
        finding("new:rooms", "share"),
        "rooms: 92 % of the values never occurred in training",
    ),
    "all unseen": (
        "rooms",
        lambda v: part(v, 1.0, 33),
        finding("new:rooms", "share"),
        "rooms: 100 % of the values never occurred in training",
    ),
    "missing": (
        "ground",
        lambda v: part(v, 0.3, np.nan),
        finding("missing:ground", "share"),
        "ground: 30 % of the values are missing, 0 % in training",
    ),
    "far": (
        "rooms",
        lambda v: part(v, 0.5, 9),
        finding("out_of_range:rooms", "share"),
        "rooms: 5[0-9] % of the values lie outside the range of the training data, 1[67] % in training",
    ),
    "mean up": (
        "area",
        lambda v: v + 20,
        finding("area", "location", size=1.0),
        "area: the mean rose from (89|90).* to 1(09|10).* square metres",
    ),
    "mean down": (
        "ground",
        lambda v: v - 100,
        finding("ground", "location", "down", -2.0),
        "ground: the mean fell from (399|400|401).* to (299|300|301).*",
    ),
    "spread": (
        "area",
        lambda v: 90 + 2 * (v - 90),
        finding("area", "scale", size=1.6),
        "area: values spread (1.9|2|2.1) times as widely as in training",
    ),
    "frozen": (
        "area",
        lambda v: np.full_like(v, 90.0),
        finding("area", "scale", "down", 0.6),
        "area: always 90 square metres; in training it varied",
    ),
    "frozen mean": (
        "ground",
        lambda v: np.full_like(v, 450.0),
        finding("ground", "location", size=1.0),
        "ground: always 450.*; in training it varied",
    ),
    "part frozen": (
        "area",
        lambda v: part(v, 0.4, 90.0),
        finding("area", "share"),
        "area: the share of values .* to .* rose from [0-9.]+ % to 4[0-9] %",
    ),
    "level up": (
        "heating",
        lambda v: part(v, 0.5, "wood"),
        finding("heating", "share", "wood up", 3.0),
        "heating: the share of wood rose from [0-9.]+ % to 5[0-9] %",
    ),
    "level gone": (
        "heating",
        lambda v: np.where(v == "gas", "oil", v),
        finding("heating", "share", "gas down", 0.33),
        "heating: gas, (59|60|61) % in training, does not occur any more",
    ),
    "relation": (
        "ground",
        lambda v: v,
        finding("product:area:ground", "correlation", size=0.6),
        "area with ground: they rise and fall together more than in training .correlation .* before, 0.5.* now.",
    ),
    "relation less": (
        "ground",
        lambda v: v,
        finding("product:area:ground", "correlation", "down", -0.6),
        "area with ground: they rise and fall together less .*",
    ),
    "together": (
        "area",
        lambda v: v,
        finding("sum_of_squares", "together"),
        "all features together lie farther from their usual middle than in training",
    ),
    "closer": (
        "area",
        lambda v: v,
        finding("sum_of_squares", "together", "down", -1.0),
        "all features together lie closer to .*",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_case(baseline, case, match):
    """Each change becomes its sentence."""
    name, changed, found, words = CASES[case]
    of = columns(2)
    of[name] = changed(of[name])
    window = Window.empty(baseline)
    window.observe_rows(of)
    assert match(words, describe(baseline, found, window, UNITS).words)


@pytest.fixture
def match():
    return lambda pattern, text: re.fullmatch(pattern, text) or pytest.fail(text)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (finding("area", "location"), "area: the mean rose from"),
        (finding("area", "scale", size=1.6), "area: values spread 1.6 times"),
        (finding("new:rooms", "share"), "new rooms: the share rose"),
        (finding("heating", "share", "wood up", 3.0), "heating: the share of wood rose"),
        (finding("heating", "location"), "heating: mean up by 0.5"),
    ],
)
def test_without_windows(baseline, found, words):
    """What is not stored any more is described by the finding's own estimate."""
    for window in (None, Window.empty(baseline)):
        assert describe(baseline, found, window).words.startswith(words)


def test_estimate_against_count(baseline):
    """Where few wild values drag the mean the other way, the estimate is worded."""
    of = columns(2)
    of["area"] = part(of["area"], 0.01, -5000.0)
    window = Window.empty(baseline)
    window.observe_rows(of)
    described = describe(baseline, finding("area", "location"), window)
    assert described.after > described.before
    spread = describe(baseline, finding("area", "scale", "down", 0.6), window)
    assert spread.after == 0.6


def test_figures_agree(baseline):
    """The figures are those of the sentence, in the unit that they are given in."""
    of = columns(2)
    of["area"] = of["area"] + 20
    window = Window.empty(baseline)
    window.observe_rows(of)
    described = describe(baseline, finding("area", "location"), window, UNITS)
    assert described.unit == "square metres"
    assert described.after == pytest.approx(np.mean(of["area"]), abs=0.01)
    assert described.before == baseline.features["area"].mean


def test_detector_to_words(baseline):
    """From rows to words: the detector's own finding, not a made-up one."""
    of = columns(3)
    of["rooms"] = part(of["rooms"], 0.92, 33)
    window = Window.empty(baseline)
    window.observe_rows(of)
    detector = MixtureDetector(Settings(baseline.channels, Budget(10_000)))
    detector.update(window.channel_counts(), events=window.events)
    assert describe(baseline, detector.alarm, window).words.startswith("rooms: ")


def test_constant_pair(baseline):
    """A pair of which nothing is known begins at no correlation."""
    bare = replace(baseline, correlation_names=(), correlation=())
    described = describe(bare, finding("product:area:ground", "correlation", size=0.6))
    assert described.before == 0.0


def test_unknown_channel(baseline):
    """A channel that the baseline does not have is refused with the choices."""
    with pytest.raises(BaselineError, match="there is no such channel"):
        describe(baseline, finding("colour", "location"))


def test_extreme_numbers():
    """No exponent where people read, and digits as far as they tell two numbers apart."""
    assert [plain_number(v) for v in (0.0, -0.0, 1e-9, 1e20, float("inf"))] == ["0", "0", "1e-09", "1e+20", "inf"]
    assert plain_pair(1e6, 1e6 + 1) == ("1,000,000", "1,000,001")
    assert plain_pair(1.0, 1.0 + 1e-12) == ("1", "1")
    shares = (1.0, 0.9999, 0.923, 0.001, 0.00001, 0.0)
    texts = ["100 %", "over 99.9 %", "92 %", "0.1 %", "under 0.01 %", "0 %"]
    assert [plain_percent(share) for share in shares] == texts


def test_level_words():
    """A level appears, vanishes, rises or falls."""
    assert level_words("x", "a", 0.5, 0.0) == "x: a, which training did not have, is 50 % of the values"
    assert level_words("x", "a", 0.1, 0.2) == "x: the share of a fell from 20 % to 10 %"
    assert indicator_words("missing", "x", 1.0, 0.0).startswith("x: 100 % of")


LARGE = {"channels": [{"level": "large", "words": f"{name} moved", "of": [name]} for name in "abcde"]}


@pytest.mark.parametrize(
    ("drifts", "level", "headline"),
    [
        ([], "quiet", "No drift found"),
        ([Drift("a: x", ("a",))], "alarm", "Drift in a: x"),
        ([Drift("a: x", ("a",), "noon", "one")], "watch", "Drift in a: x, since about noon, until one"),
        ([Drift("a: x", ("a",), ended="one"), Drift("b: y", ("b",))], "alarm", "Drift in b: y"),
        ([Drift("a: x", ("a",), muted_until="2026-12-01")], "watch", "Muted until 2026-12-01: a: x"),
        ([Drift("a: x", ("a",), muted_until="2026-12-01"), Drift("b: y", ("b",))], "alarm", "Drift in b: y"),
    ],
)
def test_verdict(drifts, level, headline):
    """What stands leads, then what has ended, then what is muted; effects alone never do."""
    verdict = decide(drifts, LARGE)
    assert (verdict.level, verdict.headline) == (level, headline)
    assert verdict.is_drift == any(drift.muted_until is None for drift in drifts)
    assert len(verdict.others) == max(0, len(drifts) - 1)


def test_moving_features(baseline):
    """A pair says of both of its features that they move, the distance of all of them says it of none."""
    pair = next(channel for channel in baseline.channels if channel.kind == "product")
    names = ["sum_of_squares", pair.name, pair.of[0]]
    assert moving_features(baseline, names) == pair.of


def test_effect_without_evidence():
    """A large effect without evidence is called that, beside the headline."""
    verdict = decide([Drift("a: x", ("a",))], LARGE)
    assert verdict.unproven == (
        "Large effect without evidence, which may be chance: b moved; c moved; d moved; and 1 more."
    )
    assert decide([], None).unproven == ""
    few = {"channels": LARGE["channels"][:1]}
    assert decide([], few).unproven.endswith("a moved.")
    assert decide([Drift("a: x", ("a",))], few).unproven == ""
    assert decide([Drift("b: x", ("b",))], few, {"a"}).unproven == ""


AGAINST_TRAFFIC = {
    "mean": (
        "area",
        lambda v: v + 30,
        finding("area", "location"),
        r"area: the mean rose from 110 to 140 square metres",
    ),
    "spread": (
        "area",
        lambda v: (v - v.mean()) * 2 + 110,
        finding("area", "scale", size=1.6),
        r"area: values spread 2 times as widely as before",
    ),
    "missing": (
        "garden",
        lambda v: part(v, 0.5, np.nan),
        finding("missing:garden", "share"),
        r"garden: 50 % of the values are missing, 20 % before",
    ),
    "gone": (
        "heating",
        lambda _: np.full(ROWS, "gas", dtype=object),
        finding("heating", "share", "oil down"),
        r"heating: oil, .* % before, does not occur any more",
    ),
    "new here": (
        "heating",
        lambda _: np.full(ROWS, "wood", dtype=object),
        finding("heating", "share", "wood up"),
        r"heating: wood, which did not occur before, is 100 % of the values",
    ),
    "frozen": ("area", lambda v: 0 * v + 100, finding("area", "location"), "area: always 100 .*; before it varied"),
    "pair": (
        "area",
        lambda v: v,
        finding("product:area:ground", "correlation", size=0.6),
        "area with ground: they rise and fall together more than before .*",
    ),
    "all": ("area", lambda v: v, finding("sum_of_squares", "together"), "all features together lie farther .* before"),
}


@pytest.mark.parametrize("case", AGAINST_TRAFFIC)
def test_against_traffic(baseline, case, match):
    """What was held against traffic is told beside that traffic, not beside training."""
    name, changed, found, words = AGAINST_TRAFFIC[case]
    before = columns(2)
    before["area"] = before["area"] + 20
    before["garden"] = part(before["garden"], 0.2, np.nan)
    before["heating"] = part(before["heating"], 1.0, "gas")
    before["heating"][: ROWS // 2] = "oil"
    usual, window = Window.empty(baseline), Window.empty(baseline)
    usual.observe_rows(before)
    window.observe_rows({**before, name: changed(before[name])})
    described = describe(baseline, found, window, UNITS, usual)
    assert match(words, described.words)


def test_against_a_constant(baseline):
    """Traffic in which nothing varied has no spread that another could be a multiple of."""
    before = columns(2)
    before["area"] = 0 * before["area"] + 90
    usual, window = Window.empty(baseline), Window.empty(baseline)
    usual.observe_rows(before)
    window.observe_rows(columns(3))
    described = describe(baseline, finding("area", "scale", size=1.6), window, UNITS, usual)
    assert described.after == 1.6
