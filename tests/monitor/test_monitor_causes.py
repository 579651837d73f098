"""What moves together is told together: one notice for one cause, which says what moves with it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from drift_contracts import schemas
from drift_ml.baseline.fit import fit_baseline
from drift_ml.window import Window
from drift_monitor.evaluate import Evaluator
from drift_monitor.keys import WindowKey
from drift_monitor.notify import chat_message, plain_text
from drift_monitor.policy import Policy
from drift_monitor.reference import Reference
from drift_monitor.stores import Fragment, MemoryStore

from tests.support.house_tables import price
from tests.support.series import SERIES

NOON = 29_700_000


def rows(many, seed, shift):
    """Return houses of which area and bedrooms are correlated by .7, moved by some standard deviations."""
    scores = np.random.default_rng(seed).normal(size=(many, 5))
    scores[:, 2] = 0.7 * scores[:, 0] + 0.714 * scores[:, 2]
    scores += np.array(shift)
    return {
        "bedrooms": np.clip(np.round(3 + scores[:, 0]), 1, 6),
        "bathrooms": np.clip(np.round(2 + 0.8 * scores[:, 1]), 1, 4),
        "sqft": np.maximum(200, 2000 + 500 * scores[:, 2]),
        "age": np.clip(np.round(25 + 10 * scores[:, 3]), 0, 60),
        "location_score": np.clip(5.5 + 1.5 * scores[:, 4], 0, 10),
    }


@pytest.fixture(scope="module")
def correlated(houses):
    table = rows(5_000, 1, (0,) * 5)
    return Reference(houses, fit_baseline(houses, table, predictions=price(table)))


def told(reference, *shifts):
    """Return the alerts and the last evaluation of ten ordinary minutes and ten of each shift."""
    store, sent, clock = MemoryStore(), [], [NOON]
    policy = Policy(100_000)
    evaluator = Evaluator(
        {SERIES: reference}, store, sent.append, lambda: clock[0] * 60.0 + 181, stack="prod", policy=policy
    )
    evaluation = None
    for shift in ((0,) * 5, *shifts):
        for _ in range(10):
            table = rows(60, clock[0], shift)
            window = Window.empty(reference.baseline, SERIES.version)
            window.observe_rows(table, price(table))
            name = str(clock[0])
            store.add(name, [Fragment(WindowKey(SERIES, clock[0]), name, window.to_json())])
            (evaluation,) = evaluator.run()
            clock[0] += 1
    return sent, evaluation


def test_all_features(correlated):
    """All features that move at once are one alert, and every notice of it names each."""
    (alert,), evaluation = told(correlated, (1,) * 5)
    schemas.check("alert.v2", alert)
    moved = {name for joined in alert["drift"]["together"] for name in joined["of"]} | set(alert["drift"]["of"])
    assert {"bedrooms", "bathrooms", "sqft", "age", "location_score"} <= moved
    chat = json.dumps(chat_message(json.dumps(alert), {}))
    for name in ("sqft", "age", "location_score"):
        assert f"{name}: the mean rose from" in plain_text(alert)
        assert f"{name}: the mean rose from" in chat
    assert set(evaluation.moving) >= {"bedrooms", "sqft"}


def test_correlated_pair(correlated):
    """Two correlated features are one cause; an independent one that follows is another, which names the first."""
    alerts, evaluation = told(correlated, (0.8, 0, 0.8, 0, 0), (0.8, 0, 0.8, 1, 0))
    first, second = alerts
    assert set(first["drift"]["of"]) <= {"sqft", "bedrooms", "prediction"}
    assert second["drift"]["of"] == ["age"]
    assert [other["alert_id"] for other in second["standing"]] == [first["alert_id"]]
    # What of the pair is found a little later joins the alert that stands.
    assert {"sqft", "bedrooms", "age"} <= set(evaluation.moving)
