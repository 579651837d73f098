"""Cards of bundles whose baselines lack what others have, and the bound on rows."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from drift_contracts import SettingsError
from drift_predictor import read_settings
from drift_predictor.reports import model_card

from tests.support.predictor import World


@pytest.mark.parametrize("missing", ["target", "prediction"])
def test_card_without_a_summary(missing):
    """A baseline of an older training has fewer summaries; its card has as many."""
    model = next(iter(World().service().models.values()))
    baseline = {name: facts for name, facts in model.bundle.baseline.items() if name != missing}
    bundle = SimpleNamespace(
        manifest=model.bundle.manifest,
        feature_set=model.bundle.feature_set,
        model=model.bundle.model,
        baseline=baseline,
    )
    older = SimpleNamespace(name=model.name, version=model.version, threshold=2.0, bundle=bundle)
    assert missing not in json.loads(model_card(older))["baseline"]


@pytest.mark.parametrize("rows", ["0", "1001", "many"])
def test_bound_on_rows(rows):
    """A bound beyond the contract's is refused by the variable's name."""
    with pytest.raises(SettingsError, match="DRIFT_MOST_ROWS"):
        read_settings({"DRIFT_MOST_ROWS": rows})


def test_rows_of_an_open_service():
    """A bound within the contract's is taken as it is."""
    assert read_settings({"DRIFT_MOST_ROWS": "5"}).most_rows == 5
