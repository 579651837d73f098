"""After every fault: answered = stored = judged, or the loss is counted and told."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from drift_contracts import feature_set
from drift_ml.training import Recipe, load_rows, train

from tests.faults.faults import FAULTS
from tests.faults.world import World


@pytest.fixture(scope="session")
def bundles(tmp_path_factory):
    """A small bundle of houses, trained here."""
    folder = tmp_path_factory.mktemp("build")
    features = feature_set("house-price")
    table = load_rows(features, data=None, ignore=(), source=None, rows=3000, seed=7)
    train(features, table, folder, recipe=Recipe("random-forest", 5, 5, 0.2, 7))
    return folder / "bundles"


@pytest.fixture(scope="session")
def control(tmp_path_factory, bundles):
    """The URL of a console that nobody attacks; attacks are measured beside it."""
    world = World(tmp_path_factory.mktemp("control"), bundles)
    try:
        world.start()
        yield world.url
    finally:
        world.close()


@pytest.fixture
def tmpfs():
    """A function that mounts a tmpfs; it is gone after the test."""
    mounted = []

    def mount(folder, options):
        folder.mkdir(parents=True)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "faults", str(folder)], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip("NOT CHECKED: a tmpfs of its own cannot be mounted here")
        mounted.append(folder)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def cases():
    """Return the faults; those that are timed or a flood never run beside each other."""
    for name, fault in FAULTS.items():
        alone = fault.attempts > 1 or "flood" in name
        yield pytest.param(name, marks=[pytest.mark.xdist_group("timed")] if alone else [])


@pytest.mark.parametrize("name", list(cases()))
def test_fault(name, tmp_path, bundles, tmpfs, request):
    """The console outlives the fault, and its books balance."""
    fault = FAULTS[name]
    control = request.getfixturevalue("control") if fault.attempts > 1 else None
    if fault.needs and shutil.which(fault.needs) is None:
        pytest.skip(f"NOT CHECKED: {fault.needs} is missing")
    if fault.tmpfs and os.geteuid() != 0:
        pytest.skip("NOT CHECKED: a tmpfs of its own needs root")
    for attempt in range(fault.attempts):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        world = World(folder, bundles, control)
        if fault.tmpfs:
            tmpfs(world.data, fault.tmpfs)
        try:
            outlive(world, fault)
        except AssertionError:
            if attempt + 1 == fault.attempts:
                raise
        else:
            return
        finally:
            world.close()


def outlive(world, fault):
    """Let the fault happen, then go on as if nothing had."""
    fault.happen(world)
    if world.process.poll() is not None:
        world.start()
    assert world.health()["status"] == "ok"
    world.send(1.0)
    books = world.balance()
    assert world.end() == 0
    assert ("Everything that was answered is stored." in world.printed) == (books["lost"] == world.lost_before)
