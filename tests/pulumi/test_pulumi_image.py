"""The image over a stack's life: T1 another checkout, T2 interruptions, T4 digest and build in turns, T10 no Docker."""

# ruff: noqa: ARG001 - to ask for the fixture `cli` is to have the programs

from __future__ import annotations

import random
import re
import shlex
import shutil
import signal

import pytest

from .bundle import bundles
from .provider import nothing
from .workspace import Workspace, checkout
from .world import SECOND, begin, fresh, opened

SEED, DRAWN, UNHEARD = 23, 5, 5


def elsewhere(world, folder):
    """Return the same stack seen from another machine: another path, and modes of another umask."""
    root = checkout(folder / "other" / "place")
    bundles(root)
    for path in root.rglob("*"):
        path.chmod(path.stat().st_mode | (0o775 if path.is_dir() else 0o664))
    shutil.copy(world.pulumi.root / "Pulumi.dev.yaml", root)
    ports = dict(pair.split(":") for pair in world.pulumi.providers.split(","))
    other = Workspace(world.pulumi.folder, root, ports, "dev")
    world.docker.folder = root / "infra"
    return other


def test_t1_other_checkout(built, tmp_path):
    """An update by another user from another checkout changes nothing."""
    other = elsewhere(built, tmp_path)
    run = other.up(umask=0o002)
    assert run.code == 0, run.why
    assert run.changes == []
    assert built.docker.builds == 0


def test_t1_files_outside_image(built):
    """Files that are in no image change nothing."""
    root = built.pulumi.root
    (root / "contracts/cases/new.json").write_text("{}", "utf-8")
    (root / "services/console/new.txt").write_text("", "utf-8")
    (root / "build/bundles-old").mkdir()
    (root / "build/bundles-old/manifest.json").write_text("{}", "utf-8")
    run = built.pulumi.up()
    assert run.code == 0, run.why
    assert run.changes == []


def test_t4_digest_and_build(world):
    """A digest, a build, a digest and the same build again can follow each other."""
    for image in (None, SECOND, None):
        world.pulumi.set(imageDigest=image)
        run = world.pulumi.up()
        assert run.code == 0, run.why
        world.settled()
    assert world.docker.builds == 1


def test_t4_model_and_back(built):
    """Another model is built, and the one before comes back without a build."""
    for content, builds in (("another", 1), ("", 1)):
        bundles(built.pulumi.root, content)
        run = built.pulumi.up()
        assert run.code == 0, run.why
        assert built.docker.builds == builds
    built.settled()


def test_t2_killed_after_push(world):
    """After an update that died when it had pushed, the next one ends."""
    world.pulumi.set(imageDigest=None)
    world.docker.after = lambda: world.pulumi.process.send_signal(signal.SIGKILL)
    died = world.pulumi.up()
    assert died.code == -signal.SIGKILL
    world.docker.after = nothing
    unlock(world)
    again = world.pulumi.up()
    assert again.code == 0, again.why
    assert world.docker.builds == 1
    world.settled()


def unlock(world):
    """Give the lock of a process that died back, as the CLI itself says."""
    world.pulumi("cancel", "--yes")


def interrupted(world, step):
    """Update once, interrupted at a step as by Ctrl-C, and once more."""

    def stop(number):
        if number == step:
            world.pulumi.process.send_signal(signal.SIGINT)

    world.aws.after = stop
    first = world.pulumi.up()
    assert first.code != 0
    world.aws.after = nothing
    again = world.pulumi.up()
    assert again.code == 0, again.why
    world.settled()


@pytest.fixture
def steps(deployed):
    """How many steps the first update of dev has; the last ones end it before an interruption is heard."""
    made = [what for what, _, _ in deployed("dev").account.calls if what == "create"]
    return len(made) - UNHEARD


@pytest.mark.parametrize("place", [random.Random(SEED + number).random() for number in range(DRAWN)])
def test_t2_interrupted(empty, steps, place):
    """After an update that was interrupted, the next one ends."""
    interrupted(empty, 1 + int(place * steps))


@pytest.mark.parametrize("tenth", range(10))
def test_t2_interrupted_anywhere(cli, steps, everything, tenth, tmp_path):
    """After an interruption at any step, the next update ends."""
    if not everything:
        pytest.skip("every step is for nox -s engine -- --all")
    for step in range(1 + tenth, steps + 1, 10):
        with opened(fresh(tmp_path / str(step), "dev")) as world:
            begin(world)
            interrupted(world, step)


def test_t10_no_docker_provider(world):
    """A stack from a digest never loads the Docker provider."""
    world.pulumi.docker = world.docker.daemon = False
    world.pulumi.set(imageDigest=SECOND)
    for command in (world.pulumi.preview, world.pulumi.up, refresh(world), world.pulumi.destroy):
        run = command()
        assert run.code == 0, run.why
    assert world.docker.heard == []
    assert world.account.things == {}


def refresh(world):
    return lambda: world.pulumi("refresh", "--yes", "--skip-preview")


def test_t10_on_without_docker(built):
    """A stack that built its image goes on without Docker by the command that the program names."""
    bundles(built.pulumi.root, "another")
    assert built.pulumi.up().code == 0
    built.pulumi.docker = built.docker.daemon = False
    built.docker.heard.clear()
    refused = built.pulumi.up()
    assert refused.code != 0
    (line,) = [text for text in refused.errors if "imageDigest" in text]
    (command,) = re.findall(r"pulumi (state delete '[^']+' --yes)", line)
    built.pulumi.done(*shlex.split(command))
    for version in ("1", None):
        built.pulumi.set(liveVersion=version)
        run = built.pulumi.up()
        assert run.code == 0, run.why
        assert built.alias["functionVersion"] == (version or "2")
    assert refresh(built)().code == 0
    gone = built.pulumi.destroy()
    assert gone.code == 0, gone.why
    assert built.docker.heard == []
    assert built.account.things == {}
