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


def test_functions_after_build(checkout):
    """Functions wait for the build without a dependency, so that the state can forget it."""
    graph, (image,) = built(checkout)
    assert not [node.address for node in graph.of("lambda.Function") if image.urn in node.after]


def test_existing_tag(checkout):
    """A tag that exists is not built again, as the repository refuses it, and its digest is used."""
    graph, images = built(checkout, docker=False, answers=there())
    assert images == []
    uris = {node.inputs["imageUri"] for node in graph.of("lambda.Function")}
    assert [uri.rpartition("@")[2] for uri in uris] == [PUSHED]


def test_unchanged_build(checkout, plan_of):
    """An update of nothing on the machine that built declares the build as it was."""
    _, (first,) = built(checkout)
    _, (second,) = built(checkout, answers={**there(), **in_state(plan_of().tag)})
    assert second.inputs == first.inputs


def test_build_leaves(checkout):
    """Going back to content that was pushed before removes the build and pushes nothing."""
    _, images = built(checkout, answers={**there(), **in_state("c-of-something-else")})
    assert images == []


def test_two_checkouts(checkout, tmp_path_factory):
    """Two checkouts of equal content declare the same build, whatever their path and umask."""
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


def test_files_outside_image(checkout, plan_of):
    """A file that no image holds changes no tag."""
    tag = plan_of().tag
    for name in ("contracts/cases/x.json", "services/console/src/x.py", "contracts/released/x.json"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text("{}")
    assert plan_of().tag == tag


@pytest.mark.parametrize("digest", ["", PUSHED])
def test_forget_without_docker(checkout, root, digest):
    """Without Docker a state with a build names the command that forgets it."""
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


def test_silent_repository(checkout):
    """A repository that may not be asked stops the update, since only an answer means absence."""
    denied = {"aws:ecr/getImage:getImage": PermissionError("AccessDeniedException: not authorized")}
    with pytest.raises(ConfigurationError, match="imageDigest"):
        built(checkout, answers=denied)


def test_strict_umask(root):
    """Files of a strict umask can be read in the image, as the Dockerfile opens them."""
    stage_of_the_model = (root / DOCKERFILE).read_text("utf-8").partition("AS model")[2]
    assert "chmod -R a+rX /layer" in stage_of_the_model


def test_ignored_contexts(root):
    """The folder of staged contexts is ignored by git."""
    command = ["git", "-C", root, "check-ignore", "-q", "build/context/x"]
    assert subprocess.run(command, check=False).returncode == 0


def test_second_engine(checkout):
    """Only for a bundle that ONNX Runtime answers does the image get its layer."""
    _, (plain,) = built(checkout)
    assert "ENGINE" not in plain.inputs["build"]["args"]
    other = checkout / "build/bundles/other"
    other.mkdir()
    for name in ("manifest.json", "model.onnx"):
        (other / name).write_text("{}")
    _, (with_engine,) = built(checkout)
    assert with_engine.inputs["build"]["args"]["ENGINE"] == "onnx"
    assert with_engine.inputs["imageName"] != plain.inputs["imageName"]
