"""The image of a stack: built once for a content, from whichever machine, by whichever user."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field

import pytest
from drift_infra.content import DOCKERFILE, content, content_tag, stage
from drift_infra.deployed import Deployed
from drift_infra.preflight import BUILT, choose_image, preflight
from drift_infra.settings import ConfigurationError
from hypothesis import given
from hypothesis import strategies as st

from tools.stack_checks.stacks import graph_of, settings_of

NO_DIGEST = {"imageDigest": ""}
PUSHED = "sha256:" + "b" * 64
REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mlops-drift-monitor-dev-image"
URN = f"urn:pulumi:dev::mlops-drift-monitor::drift:infra:Image${BUILT}::image-image"


def there(digest=PUSHED):
    """What AWS answers when the repository has the tag."""
    return {"aws:ecr/getImage:getImage": {"imageDigest": digest, "repositoryName": "", "id": "", "imageTags": []}}


def in_state(tag):
    """What the engine answers of a stack whose state holds a build under a tag."""
    return {
        "pulumi:pulumi:readStackOutputs": {"outputs": {"apiUrl": "https://api.example.com"}},
        "pulumi:pulumi:readStackResourceOutputs": {
            "outputs": {URN: {"type": BUILT, "outputs": {"imageName": f"{REPOSITORY}:{tag}"}}}
        },
    }


@pytest.fixture
def plan_of(checkout):
    return lambda folder=checkout, **changes: preflight(settings_of(folder, "dev", {**NO_DIGEST, **changes}), folder)


@dataclass
class Docker:
    """A daemon that answers or not, and counts how often it was asked."""

    answers: bool = True
    asked: list[int] = field(default_factory=list)

    def __call__(self):
        self.asked.append(1)
        return self.answers


def built(folder, *, docker=True, answers=None):
    graph = graph_of(settings_of(folder, "dev", NO_DIGEST), folder, docker=docker, answers=answers)
    return graph, graph.of("docker.Image")


def test_a_new_content_is_built(checkout):
    """A tag that the repository does not have is built and pushed, and every function gets its digest."""
    graph, images = built(checkout)
    assert len(images) == 1
    uris = {node.inputs["imageUri"] for node in graph.of("lambda.Function")}
    assert [uri.rpartition("|")[2] for uri in uris] == ["repoDigest}"]


def test_functions_wait_for_the_build_without_depending_on_it(checkout):
    """The state can forget the build while functions are there, or a machine without Docker is stuck with it."""
    graph, (image,) = built(checkout)
    assert not [node.address for node in graph.of("lambda.Function") if image.urn in node.after]


def test_a_tag_that_exists_is_neither_built_nor_asked_of_docker(checkout):
    """The repository refuses a tag that it has, even with the same content: its digest is used."""
    graph, images = built(checkout, docker=False, answers=there())
    assert images == []
    uris = {node.inputs["imageUri"] for node in graph.of("lambda.Function")}
    assert [uri.rpartition("@")[2] for uri in uris] == [PUSHED]


def test_a_build_that_the_state_holds_stays_the_same(checkout, plan_of):
    """An update of nothing, on the machine that built, changes nothing: the build stays declared as it was."""
    _, (first,) = built(checkout)
    _, (second,) = built(checkout, answers={**there(), **in_state(plan_of().tag)})
    assert second.inputs == first.inputs


def test_a_build_of_another_content_leaves_the_program(checkout):
    """Going back to a content that was pushed before does not push it again."""
    _, images = built(checkout, answers={**there(), **in_state("c-of-something-else")})
    assert images == []


def test_two_checkouts_of_one_content_declare_the_same_build(checkout, tmp_path_factory):
    """Path, umask and what lies beside the bundles change nothing of what Pulumi compares."""
    other = tmp_path_factory.mktemp("elsewhere") / "deeper"
    shutil.copytree(checkout, other)
    for path in [*other.rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)
    (other / "build/bundles-old").mkdir()
    (other / "build/bundles-old/x").write_text("x")
    (other / "contracts/dist").mkdir(parents=True)
    (other / "contracts/dist/x.whl").write_text("x")
    _, (first,) = built(checkout)
    _, (second,) = built(other)
    assert second.inputs == first.inputs
    contexts = [folder / first.inputs["build"]["context"].removeprefix("../") for folder in (checkout, other)]
    seen = [[(str(path.relative_to(at)), path.stat().st_mode) for path in sorted(at.rglob("*"))] for at in contexts]
    assert seen[0] == seen[1]
    assert any(name == DOCKERFILE for name, _ in seen[0])


@given(
    st.dictionaries(
        st.sampled_from(["ml/a.py", "ml/b.py", "services/c.py", "build/bundles/house-price/manifest.json"]), st.binary()
    )
)
def test_equal_tags_are_equal_files(tmp_path_factory, files):
    """A tag names exactly the files that the build gets, and each of their bytes."""
    root = tmp_path_factory.mktemp("checkout")
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    bundles = root / "build/bundles"
    tag = content_tag(root, bundles, "arm64", [])
    staged = root / stage(root, bundles, tag)
    copied = {path.relative_to(staged).as_posix(): path.read_bytes() for path in staged.rglob("*") if path.is_file()}
    assert copied == files
    assert {name for name, _ in content(root, bundles)} == set(files)


def test_what_no_image_holds_moves_no_tag(checkout, plan_of):
    """A test case or a line of the console makes no new version of the function."""
    tag = plan_of().tag
    for name in ("contracts/cases/x.json", "services/console/src/x.py", "contracts/released/x.json"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text("{}")
    assert plan_of().tag == tag


@pytest.mark.parametrize("digest", ["", PUSHED])
def test_a_state_with_a_build_says_how_it_forgets_it_without_docker(checkout, root, digest):
    """pulumi-docker does not start without a daemon, not even to delete: the message names the command."""
    settings = settings_of(checkout, "dev", {"imageDigest": digest})
    deployed = Deployed({(BUILT, "image-image"): {"imageName": f"{REPOSITORY}:c-old"}}, {(BUILT, "image-image"): URN})
    plan = preflight(settings, checkout, deployed)
    with pytest.raises(ConfigurationError) as caught:
        choose_image(plan, lambda _: PUSHED, Docker(answers=False))
    assert caught.value.set_with == f"pulumi state delete '{URN}' --yes"
    assert f"`{caught.value.key}: {caught.value.problem}`" in (root / "docs/configuration.md").read_text("utf-8")


def test_a_digest_never_asks_docker(checkout):
    """A stack whose image comes as a digest speaks to no daemon."""
    docker = Docker(answers=False)
    choose_image(preflight(settings_of(checkout, "dev"), checkout), lambda _: None, docker)
    assert docker.asked == []


def test_a_repository_that_does_not_answer_stops_the_update(checkout):
    """Only "not there" means not there: without the right to ask, a build would end in a refused push."""
    denied = {"aws:ecr/getImage:getImage": PermissionError("AccessDeniedException: not authorized")}
    with pytest.raises(ConfigurationError, match="imageDigest"):
        built(checkout, answers=denied)


def test_the_files_of_a_strict_umask_can_be_read_in_the_image(root):
    """The Dockerfile opens the bundles to the user that Lambda runs as."""
    stage_of_the_model = (root / DOCKERFILE).read_text("utf-8").partition("AS model")[2]
    assert "chmod -R a+rX /layer" in stage_of_the_model


def test_the_folder_of_contexts_is_ignored_by_git(root):
    """What is staged for a build is no change of the checkout."""
    command = ["git", "-C", root, "check-ignore", "-q", "build/context/x"]
    assert subprocess.run(command, check=False).returncode == 0
