"""The commands of README.md and docs/deploy.md, followed word for word by somebody who has nothing else."""

# ruff: noqa: ARG001 - to ask for the fixture `cli` is to have the programs

from __future__ import annotations

import re
import shlex

import pytest

from .bundle import bundles
from .workspace import PROJECT, ROOT, Workspace
from .world import SECOND, fresh, opened

PAGE = (ROOT / "docs/deploy.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
#: What the CLI asks a person at a terminal, answered as the person would.
ANSWERED = {"up": ["--yes"], "destroy": ["--yes"]}


def commands(section, page=PAGE):
    """Return the words of each pulumi command in the section's blocks of shell, in order."""
    text = page.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    found = []
    for block in re.findall(r"```(?:ba)?sh\n(.*?)```", text, re.DOTALL):
        for line in re.split(r"\n|&&", block.replace("\\\n", " ")):
            words = shlex.split(line, comments=True)
            if words[:1] == ["pulumi"]:
                found.append(words[1:])
    return found


def follow(pulumi, lines, *, stack="dev"):
    """Run commands as they are written; `dev` is the other stack's name where the page says so."""
    assert lines
    for words in lines:
        chosen = [stack if word == "dev" else word for word in words]
        run = pulumi(*chosen, *ANSWERED.get(chosen[0], []))
        assert run.code == 0, f"{chosen}: {run.why}"


@pytest.fixture(params=["dev", "prod"])
def newcomer(request, cli, tmp_path):
    """A fresh checkout with a trained bundle, Docker, and nothing that was set."""
    with opened(fresh(tmp_path / "world", request.param)) as world:
        yield world


def test_first_deployment(newcomer):
    """A new user deploys, splits, goes back and leaves by the page's commands."""
    world, pulumi = newcomer, newcomer.pulumi
    follow(pulumi, commands("The first time"), stack=pulumi.stack)
    follow(pulumi, [["up"]])  # the section ends with whose account it is
    world.settled()

    bundles(pulumi.root, "another")
    follow(pulumi, [["up"]])
    split = commands("A new model or a new version")
    published = {"7": "1", "6": "1"}  # the numbers that stand in the page, and those that are there
    follow(pulumi, [[published.get(word, word) for word in words] for words in split[:3]])
    assert world.weights() == {"1": 0.9}
    for key in ("previousVersion", "previousVersionPercent"):
        pulumi.done("config", "rm", key)
    follow(pulumi, [[published.get(word, word) for word in words] for words in split[3:]])
    assert (world.alias["functionVersion"], world.weights()) == ("2", {})
    world.settled()

    leaving = commands("Leave")
    follow(pulumi, leaving if pulumi.stack == "prod" else leaving[-1:])
    assert world.resources() == []
    if pulumi.stack == "dev":
        assert world.account.things == {}


@pytest.mark.parametrize("newcomer", ["dev"], indirect=True)
def test_readme(newcomer):
    """The README's line makes a stack, and nothing is left to change."""
    lines = commands("Deploy", README)
    assert lines == [["stack", "init", "dev"], ["up"]]
    follow(newcomer.pulumi, lines)
    newcomer.settled()


def test_image_by_digest(world):
    """An image by digest is set as the page says."""
    whole = commands("Without Docker")[-1]
    follow(world.pulumi, [[*whole[:-1], SECOND], ["up"]])
    assert world.alias["functionVersion"] == "2"
    assert re.fullmatch(r"ACCOUNT\.dkr\.ecr\.REGION\.amazonaws\.com/NAME@sha256:\.\.\.", whole[-1])


def printed(pulumi, word):
    """Return a word of a command as a shell hands it over: `$(pulumi ...)` is what that command prints."""
    return re.sub(r"\$\(pulumi (.*?)\)", lambda inner: pulumi.done(*inner[1].split()).stdout.strip(), word)


def test_promotion(built):
    """Prod runs the very image that was tried in dev, and builds none."""
    dev = built.pulumi
    image = built.account.get("lambda/function:Function", built.predictor).inputs["imageUri"]
    ports = dict(pair.split(":") for pair in dev.providers.split(","))
    prod = Workspace(dev.folder, dev.root, ports, "prod")
    prod.done("stack", "init", "prod")
    prod.set(alertEmails=["ann@example.com"])
    prod.docker = built.docker.daemon = False
    lines = commands("From dev to prod")
    follow(prod, [[printed(prod, word) for word in words] for words in lines], stack="prod")
    ran = built.account.get("lambda/function:Function", f"{PROJECT}-prod-predictor")
    assert ran.inputs["imageUri"] == image
    assert built.docker.builds == 0
