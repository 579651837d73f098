# ruff: noqa: ARG001 - to ask for the fixture `cli` is to have the programs

from __future__ import annotations

import fcntl
import os
import pickle

import pytest

from . import binaries
from .world import begin, copied, fresh, opened

#: The tests that take longest, the first of them longest: whoever begins with them ends soonest.
LONGEST = (
    "test_life_of_dev",
    "test_first_deployment[prod]",
    "test_t14_replacements",
    "test_install",
    "test_first_deployment[dev]",
    "test_t13_older_stack",
)


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="every step of the interruptions, and prod over the bridge")


def pytest_collection_modifyitems(items):
    """Deal the tests out so that each worker, which takes a run of neighbours, begins with a long one."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    items.sort(key=place_of)  # stable: the others stay in the order that chance gave them
    items[:] = [item for first in range(workers) for item in items[first::workers]]


def place_of(item):
    """Return the place among the longest, of a test that is none of them the end."""
    listed = (place for place, name in enumerate(LONGEST) if item.name.startswith(name))
    return next(listed, len(LONGEST))


@pytest.fixture(scope="session")
def everything(request):
    return request.config.getoption("--all")


@pytest.fixture(scope="session")
def cli():
    """The real CLI with its language host: from the PATH, else as `python -m tests.pulumi.binaries` built them."""
    try:
        if binaries.on_path() is None:
            binaries.build(binaries.CLI)
            binaries.build(binaries.HOST)
    except binaries.NoGo as missing:
        pytest.skip(f"NOT RUN: {missing}, and neither pulumi nor its Python host")


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """shared("dev", make) gives the world that `make` made, once for all workers; tests take copies of it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # of all workers

    def kept(name, make):
        pickled = folder / f"{name}.pickle"
        with (folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # the others wait, until it is closed
            if not pickled.exists():
                pickled.write_bytes(pickle.dumps(make(tmp_path_factory.mktemp(name) / "world")))
            return pickle.loads(pickled.read_bytes())

    return kept


@pytest.fixture(scope="session")
def deployed(cli, shared):
    """deployed("dev") gives that stack as it is after its first update from a digest."""

    def first(stack):
        def make(folder):
            saved = fresh(folder, stack)
            with opened(saved) as world:
                begin(world)
                run = world.pulumi.up()
                assert run.code == 0, run.why
            return saved

        return shared(stack, make)

    return first


@pytest.fixture
def world(deployed, tmp_path, request):
    """The dev stack, deployed; `@pytest.mark.parametrize("world", ["prod"], indirect=True)` for the other."""
    with copied(deployed(getattr(request, "param", "dev")), tmp_path / "world") as copy:
        yield copy


@pytest.fixture
def empty(cli, tmp_path, request):
    """A stack of which nothing was deployed."""
    with opened(fresh(tmp_path / "world", getattr(request, "param", "dev"))) as first:
        begin(first)
        yield first


@pytest.fixture(scope="session")
def built_once(cli, shared):
    """The dev stack as it is after its first update with an image that was built here."""

    def make(folder):
        saved = fresh(folder, "dev")
        with opened(saved) as world:
            begin(world)
            world.pulumi.set(imageDigest=None)
            run = world.pulumi.up()
            assert run.code == 0, run.why
            assert world.docker.builds == 1
        return saved

    return shared("built", make)


@pytest.fixture
def built(built_once, tmp_path):
    """The dev stack whose image was built here; its build counter is at nothing again."""
    with copied(built_once, tmp_path / "world") as world:
        yield world
