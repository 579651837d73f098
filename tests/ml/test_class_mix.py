"""The mix of labels as pages draw it: the largest classes, the others together, bucket by bucket."""

import pytest
from drift_ml.baseline import Channel
from drift_ml.class_mix import DRAWN, class_mix

LABELS = tuple(f"class {place}" for place in range(10))
CHANNEL = Channel("label", "categories", ("prediction",), tuple(range(1, 11)), categories=LABELS)


def test_many_classes():
    """The classes with the largest share, before or now, are drawn; the others add up."""
    bucket = [90] + [1] * 9
    mix = class_mix(CHANNEL, [bucket, [0] * 10])
    assert mix.names == ("class 0", "class 5", "class 6", "class 7", "class 8", "class 9", "4 other classes")
    assert len(mix.names) == DRAWN + 1
    assert mix.live[0] == pytest.approx(90 / 99)
    assert sum(mix.live) == pytest.approx(1)
    assert sum(mix.baseline) == pytest.approx(1)
    assert mix.course == (mix.live, None)
    assert mix.events == 99


def test_no_answers():
    """Without answers, and without held-out rows, shares are zeros."""
    mix = class_mix(Channel("label", "categories", ("prediction",), (0, 0), categories=("a", "b")), [[0, 0]])
    assert mix.baseline == mix.live == (0.0, 0.0)
    assert mix.course == (None,)
