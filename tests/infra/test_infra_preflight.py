"""What is on this machine: bundles that match, a Docker engine or a digest, before any resource is touched."""

from __future__ import annotations

import hashlib
import json
import shutil

import pytest
from drift_infra import preflight as preflight_module
from drift_infra.content import content_tag
from drift_infra.preflight import docker_answers, preflight
from drift_infra.program import run
from drift_infra.settings import ConfigurationError

from tools.stack_checks.capture import capture
from tools.stack_checks.stacks import graph_of, settings_of

NO_DIGEST = {"imageDigest": ""}


def changed(checkout, **members):
    path = checkout / "build/bundles/house-price/manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **members}))


def manifest_digest(checkout):
    return hashlib.sha256((checkout / "build/bundles/house-price/manifest.json").read_bytes()).hexdigest()


def refused(root, checkout, docker=True, **changes):
    settings = settings_of(checkout, "dev", {**NO_DIGEST, **changes})
    touched = []
    with pytest.raises(ConfigurationError) as caught:
        capture(
            lambda: touched.append(run(settings, checkout, lambda: docker)), project="mlops-drift-monitor", stack="dev"
        )
    assert touched == []
    told = f"{caught.value.key}: {caught.value.problem}".split(" (")[0]
    assert f"`{told}`" in (root / "docs/configuration.md").read_text("utf-8")
    return caught.value


def test_sound_checkout(checkout):
    """A sound checkout gives the models' versions and a tag of the content."""
    plan = preflight(settings_of(checkout, "dev", NO_DIGEST), checkout)
    assert plan.settings.model_versions == {"house-price": manifest_digest(checkout)}
    assert plan.tag.startswith("c-")
    assert plan.tag.endswith("-arm64")


def test_next_bundle_version(checkout):
    """A bundle of the next version is accepted, and its row digests are not in the image."""
    settings = settings_of(checkout, "dev", NO_DIGEST)
    folder = checkout / "build/bundles/house-price"
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    offline = {"rows.bin": manifest["files"]["forest.bin"]}
    manifest |= {"contract": "bundle.manifest.v2", "warnings": [], "offline_files": offline}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    tag = preflight(settings, checkout).tag
    (folder / "rows.bin").write_bytes(b"rows")
    assert preflight(settings, checkout).tag == tag


def test_built_image(checkout):
    """An image that is built here is tagged by content and pushed with a secret login."""
    graph = graph_of(settings_of(checkout, "dev", NO_DIGEST), checkout, docker=True)
    (image,) = graph.of("docker.Image")
    assert image.inputs["imageName"].rpartition(":")[2].startswith("c-")
    assert image.inputs["build"]["platform"] == "linux/arm64"
    assert image.inputs["build"]["args"]["BUNDLES"] == "build/bundles"
    assert "registry" in image.secrets
    function = graph.one("lambda.Function", "predictor-function").inputs
    assert function["imageUri"].endswith("|repoDigest}")
    assert function["environment"]["variables"]["DRIFT_MODEL_VERSIONS"] == f"house-price={manifest_digest(checkout)}"


def test_digest_alone(tmp_path, checkout):
    """With a digest neither bundle nor Docker is needed."""
    settings = settings_of(checkout, "dev")
    assert preflight(settings, tmp_path / "nothing").tag == ""


VERSION, OLDER = "0" * 11 + "1", "0" * 11 + "2"


def versioned(checkout):
    """Move the flat bundle to a version that is the current one, and return the model's folder."""
    flat = checkout / "build/bundles/house-price"
    moved = flat.rename(checkout / "moved")
    flat.mkdir()
    moved.rename(flat / VERSION)
    (flat / "current").write_text(f"{VERSION}\n")
    return flat


def test_older_versions(checkout):
    """Older versions of a model change neither pin nor tag."""
    settings = settings_of(checkout, "dev", NO_DIGEST)
    flat = preflight(settings, checkout, lambda: True)
    folder = versioned(checkout)
    alone = preflight(settings, checkout, lambda: True)
    shutil.copytree(folder / VERSION, folder / OLDER)
    (folder / OLDER / "forest.bin").write_text("other")
    (folder / ".house-price-killed").mkdir()
    among_others = preflight(settings, checkout, lambda: True)
    assert flat.tag == alone.tag == among_others.tag
    assert flat.settings == alone.settings == among_others.settings


def test_another_current_version_is_another_tag(checkout):
    """The tag is of what is packed."""
    settings = settings_of(checkout, "dev", NO_DIGEST)
    folder = versioned(checkout)
    tag = preflight(settings, checkout, lambda: True).tag
    shutil.copytree(folder / VERSION, folder / OLDER)
    manifest = json.loads((folder / OLDER / "manifest.json").read_text())
    (folder / OLDER / "manifest.json").write_text(json.dumps(manifest, indent=1))
    (folder / "current").write_text(OLDER)
    assert preflight(settings, checkout, lambda: True).tag != tag


@pytest.mark.parametrize("model", ["house-price", "another"])
def test_missing_current_version(root, checkout, model):
    """A missing current version stops it, of every model that the folder has."""
    folder = versioned(checkout)
    if model != folder.name:
        shutil.copytree(folder, folder.with_name(model))
    (folder.with_name(model) / "current").write_text(OLDER)
    error = refused(root, checkout)
    assert error.key == "bundlesFolder"
    assert f"driftctl bundles use {model}" in str(error)


def test_no_docker(root, checkout):
    """Without Docker and a digest it stops."""
    assert refused(root, checkout, docker=False).key == "imageDigest"


def test_no_dockerfile(root, checkout):
    """Without a Dockerfile it stops."""
    (checkout / "services/predictor/Dockerfile").unlink()
    assert refused(root, checkout).key == "imageDigest"


def test_missing_bundle(root, checkout):
    """A missing bundle stops it with the command that trains."""
    shutil.rmtree(checkout / "build/bundles")
    assert "nox -s train" in str(refused(root, checkout))


def test_changed_byte(root, checkout):
    """A changed byte stops it."""
    (checkout / "build/bundles/house-price/forest.bin").write_text("other")
    error = refused(root, checkout)
    assert error.key == "bundlesFolder"
    assert "forest.bin" in error.problem


def test_missing_file(root, checkout):
    """A missing file of a bundle stops it."""
    (checkout / "build/bundles/house-price/forest.bin").unlink()
    assert refused(root, checkout).key == "bundlesFolder"


def test_broken_manifest(root, checkout):
    """A manifest that breaks its contract stops it."""
    changed(checkout, model_version=7)
    assert "does not match its contract" in refused(root, checkout).problem


def test_unparsed_manifest(root, checkout):
    """A manifest that is no JSON stops it."""
    (checkout / "build/bundles/house-price/manifest.json").write_text("{")
    assert "does not match its contract" in refused(root, checkout).problem


def test_other_feature_set(root, checkout):
    """A bundle of another feature set stops it."""
    changed(checkout, feature_set="9.9.9")
    assert "another feature set" in refused(root, checkout).problem


def test_other_version(root, checkout):
    """A bundle of another version than the pinned one stops it."""
    assert refused(root, checkout, modelVersions=json.dumps({"house-price": "f" * 64})).key == "modelVersions"


def test_no_feature_set(root, checkout):
    """A model without a feature set stops it."""
    assert refused(root, checkout, models='["unheard-of"]').key == "models"


def test_content_tag(checkout):
    """The tag follows every byte, and no product of a build."""

    def tag(arguments=("x",)):
        return content_tag(checkout, checkout / "build/bundles", "arm64", arguments)

    source = checkout / "ml/src/model.py"
    source.parent.mkdir(parents=True)
    source.write_text("a")
    first = tag()
    assert first == tag()
    (source.parent / "__pycache__").mkdir()
    (source.parent / "__pycache__/model.pyc").write_text("a")
    assert first == tag()
    assert first != tag(("y",))
    source.write_text("b")
    assert first != tag()


@pytest.mark.parametrize(("code", "answers"), [("0", True), ("1", False)])
def test_docker_answer(monkeypatch, tmp_path, code, answers):
    """Docker answers where its engine does."""
    command = tmp_path / "docker"
    command.write_text(f"#!/bin/sh\nexit {code}\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert docker_answers() is answers


def test_no_docker_command(monkeypatch, tmp_path):
    """No docker command is no answer."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert docker_answers() is False


def test_hanging_docker(monkeypatch):
    """A Docker that hangs is no answer."""

    def hangs(*_words, **_options):
        raise preflight_module.subprocess.TimeoutExpired("docker", 15)

    monkeypatch.setattr(preflight_module.shutil, "which", lambda _: "docker")
    monkeypatch.setattr(preflight_module.subprocess, "run", hangs)
    assert docker_answers() is False
