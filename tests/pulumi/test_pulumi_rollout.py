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
def test_t6_traffic_is_split_moved_and_taken_back_each_in_one_update(world, warm):
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
def test_t7_a_version_that_fails_to_start_leaves_the_alias_and_the_next_update_repairs(world, warm):
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


def test_t7_the_next_update_may_also_go_back_to_the_image_before(world):
    before = world.alias["functionVersion"]
    world.pulumi.set(imageDigest=BROKEN)
    assert world.pulumi.up().code != 0
    assert world.alias["functionVersion"] == before
    update(world, imageDigest=FIRST)
    world.settled()


@WARM
def test_t8_back_to_a_published_version_with_all_traffic_and_forward_again(world, warm):
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
