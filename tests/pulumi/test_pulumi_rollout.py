"""Traffic between versions: T6 split, moved and taken back, T7 a version that fails to start, T8 back and forward."""

from __future__ import annotations

import pytest

from .world import BROKEN, FIRST, SECOND

WARM = pytest.mark.parametrize("warm", [0, 1], ids=["without a warm instance", "with a warm instance"])


def update(world, **keys):
    """Set keys and update; the update has to succeed."""
    world.pulumi.set(**keys)
    run = world.pulumi.up()
    assert run.code == 0, run.why
    assert world.lost() == []
    return run


@WARM
def test_t6_split(world, warm):
    """Traffic is split, moved and taken back, each in a single update."""
    update(world, provisionedConcurrency=warm)
    split = {"previousVersion": "1", "previousVersionPercent": 90}
    update(world, imageDigest=SECOND, **split)
    assert (world.alias["functionVersion"], world.weights()) == ("2", {"1": 0.9})
    assert world.warm() == ({"2"} if warm else set())
    update(world, previousVersionPercent=10)
    assert world.weights() == {"1": 0.1}
    update(world, previousVersion=None, previousVersionPercent=None)
    assert (world.alias["functionVersion"], world.weights()) == ("2", {})
    update(world, **split)
    assert world.weights() == {"1": 0.9}
    update(world, provisionedConcurrency=1 - warm)
    assert world.warm() == ({"2"} if not warm else set())
    world.settled()


@WARM
def test_t7_broken_version(world, warm):
    """A version that fails to start leaves the alias, and the next update repairs it."""
    update(world, provisionedConcurrency=warm)
    world.pulumi.set(imageDigest=BROKEN)
    failed = world.pulumi.up()
    assert failed.code != 0
    assert "FUNCTION_ERROR_INIT_FAILURE" in failed.text
    assert world.alias["functionVersion"] == "1"
    assert world.weights() == {}
    update(world, imageDigest=SECOND)
    assert world.alias["functionVersion"] == "3"
    assert world.warm() == ({"3"} if warm else set())
    world.settled()


def test_t7_back_to_image(world):
    """After a broken version the next update may also go back to the image before."""
    before = world.alias["functionVersion"]
    world.pulumi.set(imageDigest=BROKEN)
    assert world.pulumi.up().code != 0
    assert world.alias["functionVersion"] == before
    update(world, imageDigest=FIRST)
    world.settled()


@WARM
def test_t8_back_and_forward(world, warm):
    """All traffic can go back to a published version, and forward again."""
    update(world, provisionedConcurrency=warm)
    update(world, imageDigest=SECOND)
    assert world.alias["functionVersion"] == "2"
    back = update(world, liveVersion="1")
    assert (world.alias["functionVersion"], world.weights()) == ("1", {})
    assert world.warm() == ({"1"} if warm else set())
    assert len(world.account.versions[world.predictor]) == 2, back.changes
    world.settled()
    update(world, liveVersion=None)
    assert (world.alias["functionVersion"], world.weights()) == ("2", {})
    world.settled()
