"""What must be true on this machine before the first resource is touched."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from drift_contracts import DriftError, feature_set, parse_json
from drift_contracts.bundle_paths import BundleError, bundle_folder
from drift_contracts.environment import MODEL_VERSIONS
from drift_contracts.schemas import check

from .content import DOCKERFILE, content_tag, stage
from .deployed import Deployed
from .settings import KEYS, ConfigurationError, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = {key.field: key for key in KEYS}
BUILT, FUNCTION = "docker:index/image:Image", "aws:lambda/function:Function"
MANIFESTS = ("bundle.manifest.v1", "bundle.manifest.v2")


@dataclass(frozen=True)
class Plan:
    """What the program builds from: settings with the digests of manifests, and the image.

    Either `digest` names an image that exists, or `context` is the folder to build it from; both
    where the state holds the very build that the digest is of.
    """

    settings: Settings
    root: Path
    #: Of the image's content; empty where a digest is set.
    tag: str = ""
    #: Folder of the staged build; empty where nothing is built.
    context: str = ""
    #: Of an image that exists; empty where one is built.
    digest: str = ""
    deployed: Deployed = field(default_factory=Deployed)


def docker_answers() -> bool:
    """Return whether a Docker engine answers."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            [docker, "version", "--format", "{{.Server.Version}}"],
            capture_output=True,
            timeout=15,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def preflight(settings: Settings, root: Path, deployed: Deployed | None = None) -> Plan:
    """Check models and bundles; ConfigurationError names the key that decides."""
    deployed = deployed or Deployed()
    for model in settings.models:
        _known(model)
    if settings.image_digest:
        return Plan(settings, root, digest=settings.image_digest, deployed=deployed)
    if settings.live_version:
        return _as_deployed(settings, root, deployed)
    bundles = root / settings.bundles_folder
    pins = {model: _pin(bundles / model, model, settings) for model in settings.models}
    if not (root / DOCKERFILE).is_file():
        raise KEY["image_digest"].error(f"is empty and there is no {DOCKERFILE} to build")
    try:
        tag = content_tag(root, bundles, settings.architecture, [settings.base_image])
    except BundleError as error:
        raise _unchosen(error) from None
    return Plan(replace(settings, model_versions=pins), root, tag, deployed=deployed)


def _as_deployed(settings: Settings, root: Path, deployed: Deployed) -> Plan:
    """Return a plan with the image and the pins of the state.

    Going back builds nothing.
    """
    image = deployed.output(FUNCTION, "predictor-function", "imageUri")
    if not image:
        raise KEY["live_version"].error(
            "is set and nothing was deployed yet", "empty for the first update"
        )
    environment = deployed.output(FUNCTION, "predictor-function", "environment") or {}
    pins = (environment.get("variables") or {}).get(MODEL_VERSIONS, "")
    versions = dict(pair.split("=", 1) for pair in pins.split(",") if pair)
    return Plan(replace(settings, model_versions=versions), root, digest=image, deployed=deployed)


def choose_image(
    plan: Plan,
    published: Callable[[str], str | None],
    docker: Callable[[], bool] = docker_answers,
) -> Plan:
    """Return the plan with its image: what the repository has under the tag is not built again.

    A repository of fixed tags refuses a tag that it has, even with the same content, so that a
    second machine, or a first one after an interruption, could never update again.

    Args:
        plan: of a preflight.
        published: gives the digest under a tag of the stack's repository, None where there is none.
        docker: says whether a Docker engine answers; asked only where pulumi-docker would load.
    """
    held = plan.deployed.output(BUILT, "image-image", "imageName")
    if plan.tag and not plan.digest:
        plan = replace(plan, digest=published(plan.tag) or "")
    # An unchanged build that the state holds stays declared: leaving it out would be a change.
    unchanged = bool(held) and str(held).endswith(f":{plan.tag}") and bool(plan.tag)
    if plan.digest and not unchanged and held is None:
        return plan
    if not docker():
        raise _without_docker(plan, held)
    if plan.digest and not unchanged:
        return plan
    bundles = plan.root / plan.settings.bundles_folder
    return replace(plan, context=stage(plan.root, bundles, plan.tag))


def _without_docker(plan: Plan, held: object) -> ConfigurationError:
    """Return what stops an update where pulumi-docker would load and no daemon answers."""
    if held is None or not plan.digest:
        return KEY["image_digest"].error("is empty and no Docker engine answers")
    urn = plan.deployed.urns[BUILT, "image-image"]
    return ConfigurationError(
        "imageDigest",
        "no Docker engine answers, and the state holds an image that was built here,"
        " which loads Docker's provider",
        "a machine with Docker, or a state without that entry"
        " (the image itself stays in its repository)",
        f"pulumi state delete '{urn}' --yes",
    )


def _unchosen(error: BundleError) -> ConfigurationError:
    """Return what is reported where a model's `current` names no version."""
    return KEY["bundles_folder"].error(
        "holds a model whose current version is not there", error.expected
    )


def _known(model: str) -> None:
    try:
        feature_set(model)
    except (DriftError, OSError, KeyError):
        raise KEY["models"].error(
            f"names a model without a feature set: {model}",
            "models that the contracts hold a feature set of",
        ) from None


def _pin(folder: Path, model: str, settings: Settings) -> str:
    """Return the SHA-256 of the manifest of a model's current bundle.

    Raises:
        ConfigurationError: the bundle does not match its contract, its own digests or the feature
        set.
    """
    place = f"{settings.bundles_folder}/{model}"
    try:
        folder = Path(bundle_folder(folder))
    except BundleError as error:
        raise _unchosen(error) from None
    try:
        content = (folder / "manifest.json").read_bytes()
        manifest = parse_json(content)
        # What names neither version is judged by the first, whose violation says so.
        stated = manifest.get("contract") if isinstance(manifest, dict) else None
        check(stated if stated in MANIFESTS else MANIFESTS[0], manifest)
    except OSError:
        raise KEY["bundles_folder"].error(
            f"holds no bundle of {model}",
            f"a folder with {model}/manifest.json; nox -s train makes it",
        ) from None
    except DriftError as error:
        raise KEY["bundles_folder"].error(
            f"{place} does not match its contract ({error})", "a bundle made by nox -s train"
        ) from None
    for name, file in manifest["files"].items():
        if (
            not (folder / name).is_file()
            or hashlib.sha256((folder / name).read_bytes()).hexdigest() != file["sha256"]
        ):
            raise KEY["bundles_folder"].error(
                f"{place}/{name} is not the file that the manifest names",
                "a bundle as nox -s train made it",
            )
    expected = feature_set(model).version
    if (manifest["model"], manifest["feature_set"]) != (model, expected):
        raise KEY["bundles_folder"].error(
            f"{place} was made for another feature set",
            f"a bundle of {model} with feature set {expected}",
        )
    pin = hashlib.sha256(content).hexdigest()
    if settings.model_versions.get(model, pin) != pin:
        raise KEY["model_versions"].error(
            f"asks for another version of {model} than the bundle has",
            f"{pin}, or no entry",
        )
    return pin
