"""Documented imports that moved are heard at their old place."""

from __future__ import annotations

import drift_engine.bundle
import drift_engine.forest
import drift_engine.forest.writer
import drift_ml.bundle
import drift_ml.forest
import drift_ml.forest.writer
import pytest


@pytest.mark.parametrize(
    ("former", "present"),
    [
        (drift_ml.bundle, drift_engine.bundle),
        (drift_ml.forest, drift_engine.forest),
        (drift_ml.forest.writer, drift_engine.forest.writer),
    ],
)
def test_former_names(former, present):
    """Each name of the old module is the same object as in the new one."""
    assert former.__all__
    for name in former.__all__:
        assert getattr(former, name) is getattr(present, name)
