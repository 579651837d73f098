"""A bundle, the folder that is a model: verified file by file before anything in it is used.

The predictor imports this at a cold start, so it needs no `pathlib`, which costs one 2 ms.
"""

from __future__ import annotations

import hashlib
import os
import stat

from drift_contracts import (
    ContractError,
    FeatureSet,
    NotJson,
    parse_json,
)
from drift_contracts.baseline_rules import broken_figures
from drift_contracts.baseline_rules import contract_of as baseline_contract_of
from drift_contracts.bundle_paths import (
    MANIFEST,
    BundleError,
    bundle_folder,
    bundle_names,
    versions_in,
)
from drift_contracts.records import Record

from drift_engine.forest import Forest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from drift_contracts import RequestValidator
    from drift_contracts.json_types import JsonValue
    from drift_contracts.types import (
        BaselineV1,
        BundleManifestV1,
        BundleManifestV1File,
        BundleManifestV2,
    )

    from drift_engine.forest._forest import EngineName
    from drift_engine.model import PackedModel
    from drift_engine.onnx._model import OnnxModel

    Manifest = BundleManifestV1 | BundleManifestV2

__all__ = [
    "MANIFEST",
    "OFFLINE",
    "RHYTHM",
    "ROW_DIGESTS",
    "SEGMENTS",
    "Bundle",
    "BundleError",
    "bundle_folder",
    "bundle_names",
    "describe_files",
    "load_bundle",
    "model_version",
]

CONTRACTS = ("bundle.manifest.v1", "bundle.manifest.v2")
#: Every bundle has these, and its manifest names them.
DOCUMENTS = ("feature_set.json", "baseline.json")
#: The model, and so the third file: all but a forest need a manifest of version 2.
FOREST, PACKED, ONNX = "forest.bin", "model.bin", "model.onnx"
#: All files that a manifest may name.
FILES = (*DOCUMENTS, FOREST, PACKED, ONNX)
#: The member of a manifest that names another engine than ours, and the one that there is.
ENGINE, ONNX_ENGINE = "engine", "onnx"
#: Digests of training rows, for replays. Serving neither reads nor hashes it, and works without.
ROW_DIGESTS = "rows.bin"
#: The time structure of the training rows, for whoever watches traffic; serving does without too.
RHYTHM = "rhythm.json"
#: What each segment of the training rows looked like, for whoever watches traffic.
SEGMENTS = "segments.json"
OFFLINE = (ROW_DIGESTS, RHYTHM, SEGMENTS)
#: Bytes; ours have some 1,500.
LARGEST_MANIFEST = 1_000_000
# A link could lead out of the folder, and opening a pipe would wait for a writer.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


#: What `Bundle.predict` checks rows with, outside of the bundles: those stay values that compare.
_VALIDATORS: dict[FeatureSet, RequestValidator] = {}


class Bundle(Record):
    """A verified model."""

    #: How it was made and how good it is.
    manifest: Manifest
    #: What it takes.
    feature_set: FeatureSet
    #: What is normal: the parsed document, of which channels and correlation are not checked.
    baseline: BaselineV1
    #: How it answers.
    model: Forest | PackedModel | OnnxModel
    #: SHA-256 of manifest.json, 64 hex digits: what a pin names, since the manifest binds every
    #: other file; "" for a bundle that was not read from a folder.
    digest: str = ""

    def predict(self, features: Mapping[str, JsonValue]) -> float:
        """Return the model's answer to one row, as the service would give it.

        Args:
            features: every feature of the model by its name.

        Raises:
            ContractError: with every rule of the feature set that the row breaks.
        """
        validator = _VALIDATORS.get(self.feature_set)
        if validator is None:
            # Compiled once, and not at a cold start: the service has a validator of its own.
            from drift_contracts import RequestValidator  # noqa: PLC0415

            validator = _VALIDATORS[self.feature_set] = RequestValidator(self.feature_set)
        prediction: float = self.model.predict(validator.row({"features": features}))
        return prediction


def describe_files(files: Mapping[str, bytes]) -> dict[str, BundleManifestV1File]:
    """Return the `files` member of a manifest: digest and size of each file, by name.

    >>> describe_files({"a.json": b"{}"})["a.json"]["bytes"]
    2
    """
    described: dict[str, BundleManifestV1File] = {}
    for name, content in files.items():
        described[name] = {
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
        }
    return described


def model_version(described: Mapping[str, BundleManifestV1File]) -> str:
    """Return the version of described files.

    It is 12 hex digits of the sha256 over names and digests, in the order of the names.

    >>> model_version(describe_files({"a.json": b"{}"}))
    'd6426d5b141e'
    """
    lines = [f"{name} {described[name]['sha256']}\n" for name in sorted(described)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:12]


def load_bundle(
    folder: str | os.PathLike[str],
    digest: str | None = None,
    *,
    engine: EngineName | None = None,
) -> Bundle:
    """Return the bundle in a folder, after every file was found to be what the manifest says.

    Sizes and digests are compared. Of the baseline everything but channels and correlation is
    checked; `Baseline.from_json` checks the rest.

    Args:
        folder: of a model, which stands for its current version, or of one version; it holds
            manifest.json and the files that it names, as regular files and nothing else.
        digest: the SHA-256 that manifest.json must have, 64 lower-case hex digits; any by default.
        engine: the one that answers, the fastest by default.

    Raises:
        BundleError: a file is missing, not named by the manifest or not the one that it names, the
            digest differs, or the files do not belong together.
        ContractError: feature_set.json or baseline.json breaks its contract.
        BadForest: forest.bin is no forest.
        BadModel: model.bin is no packed model.
        BadOnnx: model.onnx is no ONNX file that is served, or not of these rows.
        RuntimeAbsent: the model is of the engine ONNX, whose extra is not installed.
    """
    path, folder = os.fspath(folder), bundle_folder(folder)
    content = _read(folder, MANIFEST, LARGEST_MANIFEST, f"at most {LARGEST_MANIFEST} bytes")
    actual = hashlib.sha256(content).hexdigest()
    _expect(digest in (None, actual), MANIFEST, f"the SHA-256 {digest}, as the pin says")
    manifest = _manifest(folder, content)
    if folder != path:
        # A folder that was renamed would be served under another version than events name.
        is_named = os.path.basename(folder) == manifest["model_version"]  # noqa: PTH119 - see above
        _expect(is_named, MANIFEST, "the model_version that the folder is called after")
    described: Mapping[str, BundleManifestV1File] = manifest["files"]  # type: ignore[assignment]
    contents = {name: _verified(folder, name, facts) for name, facts in described.items()}
    document = _json(contents["feature_set.json"], "feature_set.json")
    feature_set = FeatureSet.from_json(document, source="feature_set.json")
    bundle = Bundle(
        manifest=manifest,
        feature_set=feature_set,
        baseline=_json(contents["baseline.json"], "baseline.json"),
        model=_model(contents, feature_set, engine),
        digest=actual,
    )
    _check_together(bundle)
    return bundle


def _model(
    contents: Mapping[str, bytes],
    feature_set: FeatureSet,
    engine: EngineName | None,
) -> Forest | PackedModel | OnnxModel:
    """Return the model in the files of a bundle.

    Raises BadForest, BadModel, BadOnnx or RuntimeAbsent.
    """
    if FOREST in contents:
        return Forest.from_bytes(contents[FOREST], engine=engine)
    if ONNX in contents:
        return _onnx_model(contents[ONNX], feature_set)
    # A cold start with a forest has no need of the other reader.
    from drift_engine.model import PackedModel  # noqa: PLC0415

    return PackedModel.from_bytes(contents[PACKED], engine=engine)


def _onnx_model(content: bytes, feature_set: FeatureSet) -> OnnxModel:
    """Return a model of the other engine. Raises BadOnnx or RuntimeAbsent."""
    try:
        # It is in no image but one that was built for it.
        from drift_engine.onnx import open_model  # noqa: PLC0415
    except ImportError:
        expected = "an image that was built with --build-arg ENGINE=onnx; this one has no such part"
        raise BundleError(ONNX, expected) from None
    return open_model(content, feature_set)


def _manifest(folder: str, content: bytes) -> Manifest:
    """Return the manifest, with as much of its contract checked as this module leans on.

    Args:
        folder: whose other files it must name.
        content: of manifest.json.

    Raises:
        BundleError: it does not hold.
    """
    manifest = _json(content, MANIFEST)
    contract = manifest.get("contract") if isinstance(manifest, dict) else None
    accepted = " or ".join(CONTRACTS)
    _expect(contract in CONTRACTS, MANIFEST, f"contract {accepted}{_way_out(contract)}")
    files = manifest.get("files")
    models = (FOREST,) if contract == CONTRACTS[0] else (FOREST, PACKED, ONNX)
    accepted_files = [sorted((*DOCUMENTS, model)) for model in models]
    names_all = isinstance(files, dict) and sorted(files) in accepted_files
    _expect(names_all, MANIFEST, f"files to name {', '.join(DOCUMENTS)}, {' or '.join(models)}")
    is_onnx = manifest.get(ENGINE) == ONNX_ENGINE
    _expect((ONNX in files) == is_onnx, MANIFEST, f"engine {ONNX_ENGINE} to stand with {ONNX}")
    for name, facts in files.items():
        is_described = isinstance(facts, dict) and isinstance(facts.get("sha256"), str)
        is_described = is_described and type(facts.get("bytes")) is int
        _expect(is_described, MANIFEST, f"sha256 and bytes at /files/{name}")
    _check_folder(folder, files, _offline_names(manifest))
    version = model_version(files)
    is_version = manifest.get("model_version") == version
    _expect(is_version, MANIFEST, "the model_version of the files it names")
    verified: Manifest = manifest
    return verified


def _check_folder(
    folder: str,
    files: Iterable[str],
    offline: Iterable[str],
) -> None:
    """Raise BundleError unless a folder holds the files of a bundle and nothing else."""
    present = set(os.listdir(folder)) - {MANIFEST}  # noqa: PTH208 - see above
    # Training puts its first version beside a flat bundle, which serves until `current` is there.
    present.difference_update(versions_in(folder))
    # An image may leave out what serving does not need.
    is_whole = present.difference(offline) == set(files)
    named = ", ".join((MANIFEST, *files, *offline))
    _expect(is_whole, "folder", f"{named} and nothing else")


# Any: a manifest is checked only as far as loading leans on it.
def _offline_names(manifest: Mapping[str, Any]) -> list[str]:
    offline = manifest.get("offline_files")
    return [name for name in OFFLINE if isinstance(offline, dict) and name in offline]


def _way_out(contract: object) -> str:
    """Return what helps with a manifest that is newer than this code, "" for any other."""
    name, _, number = str(contract).rpartition(".v")
    newest, _, readable = CONTRACTS[-1].rpartition(".v")
    if name != newest or not number.isdecimal() or int(number) <= int(readable):
        return ""
    return "; a newer release packed it: serve it with that one, or train and pack it with this one"


def _verified(
    folder: str,
    name: str,
    facts: BundleManifestV1File,
) -> bytes:
    """Return the content of a file whose size and digest are those in the manifest."""
    size = f"{facts['bytes']} bytes, as the manifest says"
    content = _read(folder, name, facts["bytes"], size)
    described = describe_files({name: content})[name]
    _expect(described["bytes"] == facts["bytes"], name, size)
    is_unchanged = described["sha256"] == facts["sha256"]
    _expect(is_unchanged, name, "the sha256 that the manifest says: it was changed")
    return content


def _json(content: bytes, name: str) -> Any:
    """Return the document in a file. Raises BundleError for what is not strict JSON."""
    try:
        document = parse_json(content)
    except NotJson as error:
        raise BundleError(name, f"strict JSON: {error}") from None
    # Blanks around a document would let somebody try contents until two models have one version.
    bare = content.removesuffix(b"\n")
    is_bare = bare.strip() == bare
    _expect(is_bare, name, "nothing before the document, and at most one newline after it")
    return document


def _read(
    folder: str,
    name: str,
    most: int,
    size: str,
) -> bytes:
    """Return the content of a regular file.

    Args:
        folder: where it is.
        name: of the file.
        most: bytes that it may have; of a larger one nothing is read.
        size: what is expected of it, in words.

    Raises:
        BundleError: it cannot be read, is no regular file, or is too large.
    """
    try:
        descriptor = os.open(os.path.join(folder, name), _FLAGS)  # noqa: PTH118 - see above
        with open(descriptor, "rb") as file:  # noqa: PTH123 - see above
            facts = os.fstat(descriptor)
            is_regular = stat.S_ISREG(facts.st_mode)
            _expect(is_regular, name, "a regular file, no folder, pipe or device")
            _expect(facts.st_size <= most, name, size)
            # The file may grow while it is read: one byte more than it may have shows that.
            return file.read(facts.st_size + 1)
    except OSError:
        raise BundleError(name, f"a file that can be read in {folder}, and no link") from None


def _check_together(bundle: Bundle) -> None:
    """Raise BundleError unless the four files are about one model."""
    feature_set = bundle.feature_set
    manifest = bundle.manifest
    baseline = bundle.baseline
    names = feature_set.names
    model = (manifest.get("model"), manifest.get("feature_set"))
    is_model = model == (feature_set.name, feature_set.version)
    _expect(is_model, MANIFEST, "model and feature_set to be name and version in feature_set.json")
    is_wide = bundle.model.features == len(names)
    _expect(is_wide, _model_file(manifest), f"rows of {len(names)} features")
    _check_target(bundle)
    # The file may hold anything that is JSON.
    document: object = baseline
    features = document.get("features") if isinstance(document, dict) else None
    is_baseline = isinstance(features, dict) and sorted(features) == sorted(names)
    _expect(is_baseline, "baseline.json", f"features to name {', '.join(names)}")
    broken = broken_figures(baseline)
    if broken:
        raise ContractError(baseline_contract_of(baseline), broken, "baseline.json")
    types = {feature.name: feature.type for feature in feature_set.features}
    baseline_types = {name: facts["type"] for name, facts in baseline["features"].items()}
    agrees = baseline["model"] == feature_set.name and baseline_types == types
    _expect(agrees, "baseline.json", "the model and the types of features of feature_set.json")


def _model_file(manifest: Manifest) -> str:
    (name,) = set(manifest["files"]).difference(DOCUMENTS)
    return name


def _check_target(bundle: Bundle) -> None:
    """Raise BundleError unless the model answers what the feature set says of its target."""
    target = bundle.feature_set.target
    model = bundle.model
    place = "feature_set.json"
    is_kind = model.task == target.kind
    _expect(is_kind, place, f"a target of the kind {model.task}, as the model's")
    member = "outputs"
    outputs = len(target.outputs) or 1
    if target.is_class:
        member = "classes"
        outputs = len(target.classes)
    _expect(model.outputs == outputs, place, f"as many {member} as the model has: {model.outputs}")


def _expect(
    holds: bool,
    file: str,
    expected: str,
) -> None:
    """Raise BundleError unless a condition holds."""
    if not holds:
        raise BundleError(file, expected)
