"""All features at once: the pairs of many by their signs, and the sum of all."""

from __future__ import annotations

import json

import numpy as np
import pytest
from drift_ml.baseline import Baseline, Channel
from drift_ml.baseline._joint import MOST_PAIRED
from drift_ml.baseline.fit import fit_baseline
from drift_ml.descriptions import describe
from drift_ml.evidence import Budget, MixtureDetector, Settings, charts
from drift_ml.evidence._charts import reference_correlation
from drift_ml.report import window_report
from drift_ml.window import Window, WindowError
from drift_ml.words import subject

from benchmarks.simulate.streams import feature_set

#: One more than have a product for each pair.
FEATURES = 11
NAMES = tuple(f"x{place}" for place in range(FEATURES))


def columns(rng: np.random.Generator, rows: int, features: int = FEATURES) -> dict[str, np.ndarray]:
    """Return independent normal columns."""
    return {f"x{place}": rng.normal(size=rows) for place in range(features)}


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    """Return the baseline of 4,000 rows, in which x3 is now and then missing."""
    of = columns(np.random.default_rng(1), 4000)
    of["x3"][::9] = np.nan
    return fit_baseline(feature_set(FEATURES), of)


def counted(baseline: Baseline, of: dict[str, np.ndarray]) -> Window:
    """Return the window of some rows."""
    window = Window.empty(baseline)
    window.observe_rows(of)
    return window


def test_pairs_in_json(baseline: Baseline) -> None:
    """All pairs are in one member of the second version, and come back equal."""
    document = baseline.to_json()
    assert document["contract"] == "baseline.v2"
    assert document["concordance"]["names"] == list(NAMES)
    assert len(document["concordance"]["counts"]) == FEATURES * (FEATURES - 1)
    assert Baseline.from_json(json.loads(json.dumps(document))) == baseline
    pair = baseline.channel("concordance:x0:x3")
    assert sum(pair.counts) == 4000 - len(range(0, 4000, 9))
    assert pair.labels == ["apart", "together"]


def test_pairs_event_by_event(baseline: Baseline) -> None:
    """Events one by one, rows at once and parts that are added give the same counts."""
    rows = 130
    of = columns(np.random.default_rng(2), rows)
    of["x1"][5:9] = np.nan
    of["x2"][7] = np.nan
    whole = counted(baseline, of)
    parts = [Window.empty(baseline) for _ in range(2)]
    for place in range(rows):
        # The first part takes more events than are counted at once.
        parts[place >= 100].observe({name: float(column[place]) for name, column in of.items()})
    assert parts[0] + parts[1] == whole
    assert whole.channel_counts()["concordance:x1:x2"] == parts_of(of["x1"], of["x2"], baseline)
    document = json.loads(json.dumps(whole.to_json()))
    assert Window.from_json(document, baseline).channel_counts() == whole.channel_counts()
    document["counts"]["concordance:all"].pop()
    with pytest.raises(WindowError):
        Window.from_json(document, baseline)


def parts_of(first: np.ndarray, second: np.ndarray, baseline: Baseline) -> list[int]:
    """Return how often two columns lie on different sides of their middle, and on one side."""
    signs = []
    for name, column in (("x1", first), ("x2", second)):
        channel = baseline.channel(name)
        bins = np.searchsorted(channel.edges, column)
        signs.append(np.array(channel.scores)[np.minimum(bins, len(channel.scores) - 1)] > 0)
    present = ~(np.isnan(first) | np.isnan(second))
    alike = int((signs[0] == signs[1])[present].sum())
    return [int(present.sum()) - alike, alike]


def test_any_pair_is_found(baseline: Baseline) -> None:
    """A correlation that comes is found, named and worded, and is one alarm with its end."""
    rng = np.random.default_rng(3)
    products = {channel.of for channel in baseline.channels if channel.kind == "product"}
    pair = next(each.of for each in baseline.channels if each.kind == "concordance" and each.of not in products)
    detector = MixtureDetector(Settings(baseline.channels, Budget(100_000)))
    window = Window.empty(baseline)
    while not detector.alarms and detector.events < 1000:
        of = columns(rng, 50)
        of[pair[1]] = 0.6 * of[pair[0]] + 0.8 * of[pair[1]]
        window += counted(baseline, of)
        detector.update(counted(baseline, of).channel_counts(), events=50)
    assert detector.alarm is not None
    assert (detector.alarm.channel, detector.alarm.direction) == (f"concordance:{pair[0]}:{pair[1]}", "up")
    assert detector.alarm.size == pytest.approx(np.arctanh(0.6), abs=0.3)
    assert subject(detector.alarm.channel) == f"{pair[0]} with {pair[1]}"
    assert "more" in describe(baseline, detector.alarm, window).words
    state = json.loads(json.dumps(detector.to_json()))
    again = MixtureDetector.from_json(state, detector.settings)
    assert again.to_json() == detector.to_json()
    kinds = {channel["kind"] for channel in window_report(baseline, window)["channels"]}
    assert not kinds & {"sum", "concordance"}


def test_all_features_move(baseline: Baseline) -> None:
    """A move of all features at once is found in a few events, as a move of their sum."""
    rng = np.random.default_rng(4)
    for sign, where in ((1.0, "higher"), (-1.0, "lower")):
        detector = MixtureDetector(Settings(baseline.channels, Budget(100_000)))
        while not detector.alarms:
            of = {name: column + sign * 0.7 for name, column in columns(rng, 1).items()}
            detector.update(counted(baseline, of).channel_counts(), events=1)
        assert detector.events <= 12
        finding = detector.alarm
        assert finding is not None
        assert finding.channel == "sum:all"
        assert where in describe(baseline, finding, None).words
        assert subject(finding.channel) == "the sum of all features"


@pytest.mark.parametrize("together", [100, 500, 900, 1000])
def test_pairs_of_any_law(together: int) -> None:
    """The ratios have expectation one, and the correlation is that of normals on one side as often."""
    channel = Channel("concordance:a:b", "concordance", ("a", "b"), (1000 - together, together))
    _, table = charts(channel)
    reference = (np.array(channel.counts) + 0.5) / 1001
    assert reference @ np.exp(table) == pytest.approx([1.0, 1.0])
    rho = reference_correlation(channel)
    assert abs(rho) <= 0.95
    if together == 500:
        assert rho == pytest.approx(0, abs=0.01)


def test_important_features() -> None:
    """Of too many features the pairs of the most important ones are watched."""
    features = MOST_PAIRED + 35
    of = columns(np.random.default_rng(5), 60, features)
    last = f"x{features - 1}"
    baseline = fit_baseline(feature_set(features), of, important=[last, "x7"])
    assert len(baseline.paired) == MOST_PAIRED
    assert {last, "x7"} <= set(baseline.paired)
    assert last in baseline.correlation_names
    assert set(baseline.paired) <= set(baseline.correlation_names)


def test_constant_feature() -> None:
    """A feature that does not vary is in no pair."""
    of = columns(np.random.default_rng(6), 100, FEATURES + 1)
    of["x4"] = np.ones(100)
    baseline = fit_baseline(feature_set(FEATURES + 1), of)
    assert "x4" not in baseline.paired
    assert len(baseline.paired) == FEATURES
