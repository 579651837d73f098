"""What differs from training, as a report's document has it."""

from __future__ import annotations

import pytest
from drift_ml.replay.differing import Seen, TrainingDifference

DIFFERENCE = TrainingDifference(
    channel="age",
    of=("age",),
    level="warning",
    words="age: the mean rose",
    size=0.4,
    low=0.3,
    high=0.5,
    unit="sd",
    since_s=86_400.0,
    alerts=("a1",),
)


@pytest.mark.parametrize("seen", [None, Seen("ops", "a campaign", "1970-01-03T00:00:00.000Z")])
def test_document(seen):
    """Size and interval, since when, the alerts of it, and who has acknowledged it, if anybody has."""
    members = {name: getattr(DIFFERENCE, name) for name in DIFFERENCE.__dataclass_fields__}
    document = TrainingDifference(**{**members, "acknowledged": seen}).to_json()
    assert (document["channel"], document["of"], document["size"]) == ("age", ["age"], 0.4)
    assert document["since"] == "1970-01-02T00:00:00.000Z"
    assert document["alerts"] == ["a1"]
    expected = seen and {"who": "ops", "why": "a campaign", "at": "1970-01-03T00:00:00.000Z"}
    assert document["acknowledged"] == expected
