"""A stack in the real engine beside the account that it lives in."""

from __future__ import annotations

import copy
import json
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from .bundle import bundles
from .cloud.account import Account
from .cloud.kinds import short
from .provider import Aws, Docker, preload, served
from .workspace import PROJECT, ROOT, Workspace, checkout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
FIRST = f"{ECR}/elsewhere@sha256:" + "1" * 64
SECOND = f"{ECR}/elsewhere@sha256:" + "2" * 64
BROKEN = f"{ECR}/elsewhere@sha256:" + "b" * 64
PREDICTOR = f"{PROJECT}-{{}}-predictor"


@dataclass
class World:
    """One account, its two providers and the checkout that deploys into it."""

    account: Account
    aws: Aws
    docker: Docker
    pulumi: Workspace

    @property
    def prefix(self) -> str:
        """What the names of the stack's resources start with."""
        return f"{PROJECT}-{self.pulumi.stack}"

    @property
    def predictor(self) -> str:
        """The name of the predictor's function."""
        return f"{self.prefix}-predictor"

    @property
    def alias(self) -> dict:
        """The inputs of the alias that callers use."""
        thing = self.account.get("lambda/alias:Alias", f"{self.predictor}:live")
        assert thing is not None
        return thing.inputs

    def weights(self) -> dict:
        """Return the share of each version beside the alias's own; empty without a split."""
        return (self.alias.get("routingConfig") or {}).get("additionalVersionWeights") or {}

    def warm(self) -> set[str]:
        """Return the qualifiers that have a warm instance."""
        kind = "lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig"
        return {str(thing.inputs["qualifier"]) for thing in self.account.of(kind)}

    def resources(self) -> list[dict]:
        """Return what the state holds of AWS, as the CLI wrote it."""
        path = self.pulumi.folder / "state/.pulumi/stacks" / PROJECT / f"{self.pulumi.stack}.json"
        latest = json.loads(path.read_text("utf-8"))["checkpoint"]["latest"] or {}
        return [each for each in latest.get("resources", []) if each["type"].startswith("aws:")]

    def lost(self) -> list[str]:
        """Return what the state believes in and the account does not have."""
        listed = {(short(each["type"]), each["id"]) for each in self.resources()}
        return sorted(" ".join(each) for each in listed - self.account.things.keys())

    def strays(self) -> list[str]:
        """Return what the account has and the state does not know of."""
        listed = {(short(each["type"]), each["id"]) for each in self.resources()}
        return sorted(" ".join(each) for each in self.account.things.keys() - listed)

    def settled(self) -> None:
        """Hold the state against the account, and the program against the state."""
        self.settled_but(set())

    def settled_but(self, kinds: set[str]) -> None:
        """Do as `settled`, where things of some kinds may have stayed from another life."""
        assert self.lost() == []
        assert [stray for stray in self.strays() if stray.split()[0] not in kinds] == []
        again = self.pulumi.preview("--expect-no-changes")
        assert again.code == 0, again.why
        assert again.changes == []


@dataclass(frozen=True)
class Saved:
    """A world at rest: the folder of its checkout and state, and the account."""

    folder: Path
    account: Account
    stack: str


def pushed() -> Account:
    """Return an account whose registry holds the images that the tests deploy by digest; BROKEN does not start."""
    account = Account(broken={BROKEN})
    for image in (FIRST, SECOND, BROKEN):
        account.digests.add(image.partition("@")[2])
    return account


@contextmanager
def opened(saved: Saved) -> Iterator[World]:
    """Serve a world in its folder."""
    aws = Aws(saved.account, version("pulumi-aws"))
    docker = Docker(saved.account, version("pulumi-docker"))
    preload()
    root = saved.folder / "checkout"
    docker.folder = root / "infra"
    with served(aws, docker) as (first, second):
        ports = {"aws": first, "docker": second}
        yield World(saved.account, aws, docker, Workspace(saved.folder, root, ports, saved.stack))


@contextmanager
def copied(saved: Saved, folder: Path) -> Iterator[World]:
    """Serve a copy of a world, so that the next test finds it as it was."""
    shutil.copytree(saved.folder, folder, symlinks=True)
    with opened(Saved(folder, copy.deepcopy(saved.account), saved.stack)) as world:
        yield world


def fresh(folder: Path, stack: str, source: Path = ROOT) -> Saved:
    """Return a world in which nothing was deployed: a copy of a checkout with bundles, an account with images."""
    folder.mkdir(parents=True)
    bundles(checkout(folder / "checkout", source))
    return Saved(folder, pushed(), stack)


def begin(world: World) -> None:
    """Make the stack and set what the tests share: an image by digest, and who is alerted."""
    world.pulumi.done("stack", "init", world.pulumi.stack)
    world.pulumi.set(imageDigest=FIRST, alertEmails=["ann@example.com", "bob@example.com", "cy@example.com"])
