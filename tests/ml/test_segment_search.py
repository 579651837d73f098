"""The search for the part of the traffic that holds a drift, with many comparisons allowed for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drift_contracts import FeatureSet
from drift_ml.baseline.fit import fit_baseline
from drift_ml.segments.search import Events, search

ROWS = 1_500


def feature_set(*, segments=()):
    """Return features of every type; `same` has one value, and `empty` none."""
    kinds = {
        "region": {"type": "category", "categories": ["north", "south", "east"], "other": True, "example": "north"},
        "new": {"type": "boolean", "example": True},
        "area": {"type": "number", "nullable": True, "example": 90},
        "age": {"type": "integer", "example": 9},
        "same": {"type": "number", "example": 1},
        "empty": {"type": "number", "nullable": True, "example": None},
    }
    return FeatureSet.from_json(
        {
            "contract": "feature-set.v2",
            "name": "flats",
            "version": "1.0.0",
            "description": "Flats.",
            "target": {"name": "rent", "unit": "EUR", "description": "Rent."},
            "features": [{"name": name, "unit": "none", "description": "One.", **kind} for name, kind in kinds.items()],
        }
        | ({"segments": list(segments)} if segments else {})
    )


def events(seed, *, rows=ROWS, north=0.0, everywhere=0.0):
    """Return events of which a tenth is north, always larger; areas are moved there, or everywhere."""
    random = np.random.default_rng(seed)
    region = random.choice(np.array(["north", "south", "east"], dtype=object), rows, p=[0.1, 0.6, 0.3])
    area = random.normal(90, 15, rows) + np.where(region == "north", 15 + north, 0.0) + everywhere
    columns = {
        "region": region,
        "new": random.integers(0, 2, rows).astype(float),
        "area": area,
        "age": random.integers(0, 50, rows).astype(float),
        "same": np.ones(rows),
        "empty": np.full(rows, np.nan),
    }
    return Events(columns, predictions=area * 10)


@pytest.fixture(scope="module")
def baseline():
    """Return the baseline of ordinary flats."""
    fitted = events(1, rows=4_000)
    return fit_baseline(feature_set(), fitted.columns, predictions=fitted.predictions)


def looked(baseline, before, since, *, channel="area", features=None):
    """Return what a search for a rise of a channel finds."""
    named = features or feature_set()
    return search(baseline, named, before, since, channel=channel, kind="location", direction="up")


def test_part_is_found(baseline):
    """The part that holds the drift is found among all, with its share and what chance says."""
    found = looked(baseline, events(2), events(3, north=15))
    assert (found.best.feature, found.best.value) == ("region", "north")
    assert found.best.stands_out
    assert found.best.share > 0.7
    assert found.best.events == pytest.approx(0.1, abs=0.03)
    assert "region north" in str(found)
    assert f"{found.parts} segments" in str(found)


def test_part_of_answers(baseline):
    """The part that holds a drift of the answers is found by the same search."""
    found = looked(baseline, events(2), events(3, north=15), channel="prediction")
    assert found.best.value == "north"


def test_part_of_a_pair(baseline):
    """Where a pair of features leads, parts by either are looked at; so they are where all features lead."""
    moved = events(3)
    is_old = moved.columns["age"] >= 40
    columns = {**moved.columns, "area": moved.columns["area"] + np.where(is_old, 20, 0)}
    moved = replace(moved, columns=columns)
    pair = next(channel.name for channel in baseline.channels if set(channel.of) == {"area", "age"})
    features = feature_set()
    found = search(baseline, features, events(2), moved, channel=pair, kind="correlation", direction="up")
    assert found.best.feature == "age"
    together = search(baseline, features, events(2), moved, channel="sum_of_squares", kind="together", direction="up")
    assert together.parts == found.parts


@pytest.mark.parametrize("everywhere", [0.0, 6.0])
def test_nothing_stands_out(baseline, everywhere):
    """Where all parts drift alike, or none does, none is named, though north always was larger."""
    searches = [looked(baseline, events(s), events(s + 50, everywhere=everywhere)) for s in range(20, 26)]
    assert not any(found.best.stands_out for found in searches)
    assert all("No segment stands out" in str(found) for found in searches)


def test_few_events(baseline):
    """Without events of either side the search says so; a part of few events is not looked at."""
    few = looked(baseline, events(2, rows=20), events(3))
    assert few.best is None
    assert "20 events before the change" in str(few)
    bare = replace(events(2), columns={name: column[:0] for name, column in events(2).columns.items()})
    assert looked(baseline, bare, events(3)).before == 0
    assert looked(baseline, Events({}), events(3)).before == 0


def test_named_cuts(baseline):
    """The bins of a named segment are those that are looked at."""
    features = feature_set(segments=[{"feature": "age", "cuts": [25]}])
    found = looked(baseline, events(2), events(3, north=15), features=features)
    wide = looked(baseline, events(2), events(3, north=15))
    assert found.parts == wide.parts - 3


def test_no_part_to_look_at(baseline):
    """Where every part is too small, the search says that it cannot tell."""
    alike = events(2)
    constant = dict.fromkeys(("age", "same", "new"), alike.columns["same"])
    constant["region"] = np.array(["north"] * ROWS, dtype=object)
    same = replace(alike, columns={**alike.columns, **constant})
    found = looked(baseline, same, same)
    assert found.best is None
    assert "no part has events enough" in str(found)


def test_labels_are_counted():
    """The search of a classifier's answers counts labels, margins and entropies."""
    document = feature_set().to_json() | {"contract": "feature-set.v2"}
    target = {"name": "late", "kind": "classification", "classes": ["no", "yes"], "description": "Late."}
    features = FeatureSet.from_json(document | {"target": target})

    def answered(seed, north):
        plain = events(seed)
        is_north = plain.columns["region"] == "north"
        score = np.where(is_north, 0.5 + north, 0.5) * np.random.default_rng(seed).uniform(0.8, 1.0, ROWS)
        labels = np.array(["no", "yes"], dtype=object)[(score > 0.5).astype(int)]
        return replace(plain, predictions=score, labels=labels, margins=abs(2 * score - 1), entropies=score)

    made = answered(1, 0.0)
    scores = np.stack([1 - made.predictions, made.predictions], axis=1)
    fitted = fit_baseline(features, made.columns, labels=made.labels, scores=scores)
    found = search(
        fitted, features, answered(2, 0.0), answered(3, 0.3), channel="score", kind="location", direction="up"
    )
    assert found.best.value == "north"
    frozen = search(fitted, features, made, made, channel="score", kind="location", direction="up")
    assert not frozen.best.stands_out
