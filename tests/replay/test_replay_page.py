"""The report: a pure function to one page that asks nothing of the network and believes no text."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from drift_contracts import FeatureSet, feature_set, schemas
from drift_ml.baseline import Baseline
from drift_ml.baseline.fit import fit_baseline
from drift_ml.replay.evidence import replay_windows
from drift_ml.replay.outcome import conclude, page
from drift_ml.replay.page import Facts, render_report
from drift_ml.replay.plots import shares
from drift_ml.replay.reference_detectors import Detection
from drift_ml.replay.shown import show
from drift_ml.report import window_report
from drift_ml.verdict import decide
from drift_ml.window import Window
from rich.console import Console

HOUSES = feature_set("house-price")
HOSTILE = "<script>alert('x')</script>\"&"
VOID = {"meta"}
#: A report of a feature that is far off.
LARGE = {"channels": [{"level": "large", "of": ["age"], "words": "age moved"}]}


class Reader(HTMLParser):
    """Tags in order, texts, and whether every element was closed where it should be."""

    def __init__(self):
        super().__init__()
        self.tags, self.texts, self.open, self.attributes = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def read(text):
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def drifted(made, cut):
    windows = cut(rows=4000, size=100, shift=1.0, begin=2000)
    return conclude(made.baseline, windows, replay_windows(made.baseline, windows), (Detection("ADWIN", "delta"),))


@pytest.fixture(scope="module")
def calm(made, cut):
    windows = cut(rows=4000, size=100)
    return conclude(made.baseline, windows, replay_windows(made.baseline, windows))


def made_page(outcome, made, source="traffic.csv"):
    return page(outcome, made.baseline, HOUSES, source=source, made="2026-11-23 12:00 UTC", predicted=True)


def test_report_since_onset(drifted):
    """The report is over the events since the onset."""
    schemas.check("window.report.v1", drifted.report)
    assert drifted.report["window"]["events"] == 4000 - drifted.replay.standing.since_row
    assert drifted.report["verdict"]["drifted"][0] == "sqft"
    assert drifted.exit_code == 1


def test_report_without_drift(calm):
    """Without drift the report is over all events."""
    assert calm.report["window"]["events"] == 4000
    assert (calm.compared, calm.exit_code) == ("all 4,000 events", 0)


def test_page_facts(drifted, made):
    """The page shows what drifted, when and by how much."""
    text = " ".join(read(made_page(drifted, made)).texts)
    headline = ("Drift in sqft: the mean rose from", "since about", "square feet")
    for part in (*headline, "100k", "ADWIN", "never", "missing age"):
        assert part in text


def test_calm_page(calm, made):
    """A page without drift says so."""
    text = " ".join(read(made_page(calm, made)).texts)
    assert "No drift found" in text
    assert "Detectors" not in text


def test_large_effect_without_evidence(calm, made):
    """A large effect without evidence is called that, on the page and in the terminal, and is no headline."""
    outcome = replace(calm, verdict=decide([], LARGE))
    terminal = Console(file=io.StringIO(), width=200)
    show(terminal, outcome)
    for text in (" ".join(read(made_page(outcome, made)).texts), terminal.file.getvalue()):
        assert "Large effect without evidence, which may be chance: age moved." in text
        assert "No drift found" in text


def test_ended_drift(made, cut):
    """A drift that ended is reported to have ended."""
    windows = [*cut(rows=2600, size=100, shift=1.0, begin=2000), *cut(rows=4000, size=100, seed=9)]
    outcome = conclude(made.baseline, windows, replay_windows(made.baseline, windows))
    text = " ".join(read(made_page(outcome, made)).texts)
    assert ", until " in text
    assert outcome.compared == "all 6,600 events"
    assert outcome.exit_code == 1


def test_well_formed(drifted, made):
    """The page is well formed and loads nothing."""
    text = made_page(drifted, made)
    reader = read(text)
    assert {"script", "link", "img", "iframe", "object", "form"}.isdisjoint(reader.tags)
    names = {name for name, _ in reader.attributes}
    assert {"src", "href", "srcset", "action"}.isdisjoint(names)
    assert not any(name.startswith("on") for name in names)
    assert re.search(r"url\(|@import|https?:", text) is None
    assert "default-src 'none'" in text


def test_small_page(drifted, made):
    """The page takes less than 100 kB."""
    assert len(made_page(drifted, made).encode()) < 100_000


def test_equal_pages(drifted, made):
    """Equal input gives an equal page."""
    assert made_page(drifted, made) == made_page(drifted, made)


def test_markup_in_file_name(drifted, made):
    """Markup in a file's name is shown as text."""
    text = made_page(drifted, made, source=HOSTILE)
    reader = read(text)
    assert "script" not in reader.tags
    assert any(HOSTILE in each for each in reader.texts)


def test_markup_in_names():
    """Markup in names and categories is shown as text, though no contract lets it through."""
    columns = {HOSTILE: np.arange(600.0), "colour": ["red", HOSTILE, "<b>"] * 200}
    features = [
        {"name": "f", "type": "number", "unit": "m", "example": 1, "description": "-"},
        {"name": "colour", "type": "category", "unit": "-", "example": "red", "description": "-"},
    ]
    made = FeatureSet.from_json(HOUSES.to_json())
    document = fit_baseline(
        _with_features(made, features, names=[HOSTILE, "colour"], categories=("red", HOSTILE, "<b>")), columns
    ).to_json()
    baseline = Baseline.from_json(document)
    window = Window.empty(baseline)
    window.observe_rows(columns)
    replay = replay_windows(baseline, [window])
    facts = Facts("s", "all", "now", decide([]), units={HOSTILE: HOSTILE})
    detections = [Detection(HOSTILE, HOSTILE, 3, HOSTILE, HOSTILE, 1)]
    reader = read(render_report(window_report(baseline, window), replay, detections, baseline, facts))
    assert {"script", "b"}.isdisjoint(set(reader.tags) - {"b"})
    assert any(HOSTILE in each for each in reader.texts)


def _with_features(made, features, names, categories):
    from drift_contracts.features import Feature  # noqa: PLC0415

    listed = tuple(
        Feature(**{**feature, "name": name, "categories": categories if feature["type"] == "category" else ()})
        for feature, name in zip(features, names, strict=True)
    )
    return FeatureSet(made.name, made.version, made.description, made.target, listed)


def test_drawn_shares(drifted, made):
    """The shares that are drawn are those of the report."""
    for channel in drifted.report["channels"]:
        if channel["kind"] in ("values", "quantiles"):
            labels, before, now = shares(made.baseline, channel)
            assert len(labels) == len(before) == len(now)
            assert sum(before) == pytest.approx(1, abs=1e-3)
            assert sum(now) == pytest.approx(1, abs=1e-3)


def test_drawn_shift(drifted, made):
    """A shift is visible in the drawing."""
    channel = next(each for each in drifted.report["channels"] if each["name"] == "sqft")
    _, before, now = shares(made.baseline, channel)
    middle = len(before) // 2
    assert sum(now[middle:]) > sum(before[middle:]) + 0.2


def test_empty_window(made):
    """A window without events or times can be shown."""
    empty = Window.empty(made.baseline)
    report = window_report(made.baseline, empty)
    facts = Facts("s", "nothing", "now", decide([]))
    text = render_report(report, replay_windows(made.baseline, []), [], made.baseline, facts)
    assert "no events" in " ".join(read(text).texts)
