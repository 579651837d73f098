"""A bundle, the folder that is a model: verified file by file before anything in it is used."""

from __future__ import annotations

import hashlib
import os
import stat

from drift_contracts import ContractError, FeatureSet, NotJson, parse_json
from drift_contracts.baseline_rules import CONTRACT as BASELINE
from drift_contracts.baseline_rules import broken_figures
from drift_contracts.bundle_paths import MANIFEST, BundleError, bundle_folder, bundle_names, versions_in
from drift_contracts.records import Record

from drift_engine.forest import Forest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from drift_engine.forest._forest import EngineName

__all__ = [
    "MANIFEST",
    "ROW_DIGESTS",
    "Bundle",
    "BundleError",
    "bundle_folder",
    "bundle_names",
    "describe_files",
    "load_bundle",
    "model_version",
]

CONTRACTS = ("bundle.manifest.v1", "bundle.manifest.v2")
FILES = ("feature_set.json", "baseline.json", "forest.bin")
ROW_DIGESTS = "rows.bin"
"""Digests of training rows, for replays. Serving neither reads nor hashes it, and works without."""
LARGEST_MANIFEST = 1_000_000
"""Bytes; ours have some 1,500."""
# A link could lead out of the folder, and opening a pipe would wait for a writer.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Bundle(Record):
    """A verified model: how it was made and how good it is, what it takes, what is normal, how it answers.

    digest: the SHA-256 of manifest.json, 64 hex digits: what a pin names, since the manifest binds every other
    file; "" for a bundle that was not read from a folder.
    """

    manifest: Mapping[str, Any]
    feature_set: FeatureSet
    baseline: Mapping[str, Any]
    forest: Forest
    digest: str = ""

    def predict(self, features: Mapping[str, Any]) -> float:
        """Return the model's answer to one row, as the service would give it.

        Args:
            features: every feature of the model by its name.

        Raises:
            ContractError: with every rule of the feature set that the row breaks.
        """
        validator = self.__dict__.get("_validator")
        if validator is None:
            # Compiled once, and not at a cold start: the service has a validator of its own.
            from drift_contracts import RequestValidator  # noqa: PLC0415

            validator = self.__dict__["_validator"] = RequestValidator(self.feature_set)
        prediction: float = self.forest.predict(validator.row({"features": features}))
        return prediction


def describe_files(files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    """The `files` member of a manifest: digest and size of each file, by name.

    >>> describe_files({"a.json": b"{}"})["a.json"]["bytes"]
    2
    """
    return {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)} for name, content in files.items()
    }


def model_version(described: Mapping[str, Mapping[str, Any]]) -> str:
    """The version of described files: 12 hex digits of the sha256 over names and digests, in name order.

    >>> model_version(describe_files({"a.json": b"{}"}))
    'd6426d5b141e'
    """
    lines = (f"{name} {described[name]['sha256']}\n" for name in sorted(described))
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:12]


def load_bundle(
    folder: str | os.PathLike[str], digest: str | None = None, *, engine: EngineName | None = None
) -> Bundle:
    """Return the bundle in a folder, after every file's size and digest was found to be what the manifest says.

    Of the baseline everything but channels and correlation is checked; `Baseline.from_json` checks the rest.

    Args:
        folder: of a model, which stands for its current version, or of one version; it holds
            manifest.json and the files that it names, as regular files and nothing else.
        digest: the SHA-256 that manifest.json must have, 64 lower-case hex digits; any by default.
        engine: the forest engine, the fastest by default.

    Raises:
        BundleError: a file is missing, not named by the manifest or not the one that it names, the digest
            differs, or the files do not belong together.
        ContractError: feature_set.json or baseline.json breaks its contract.
        BadForest: forest.bin is no forest.
    """
    path, folder = os.fspath(folder), bundle_folder(folder)
    content = _read(folder, MANIFEST, LARGEST_MANIFEST, f"at most {LARGEST_MANIFEST} bytes")
    actual = hashlib.sha256(content).hexdigest()
    _expect(digest in (None, actual), MANIFEST, f"the SHA-256 {digest}, as the pin says")
    manifest = _manifest(folder, content)
    # A folder that was renamed would be served under another version than answers and events name.
    named = folder == path or os.path.basename(folder) == manifest["model_version"]  # noqa: PTH119 - as below
    _expect(named, MANIFEST, "the model_version that the folder is called after")
    contents = {name: _verified(folder, name, manifest["files"][name]) for name in FILES}
    bundle = Bundle(
        manifest=manifest,
        feature_set=FeatureSet.from_json(_json(contents, "feature_set.json"), source="feature_set.json"),
        baseline=_json(contents, "baseline.json"),
        forest=Forest.from_bytes(contents["forest.bin"], engine=engine),
        digest=actual,
    )
    _check_together(bundle)
    return bundle


def _manifest(folder: str, content: bytes) -> Mapping[str, Any]:
    """The manifest, with as much of its contract as the rest of this module leans on."""
    manifest: Any = _json({MANIFEST: content}, MANIFEST)
    contract = manifest.get("contract") if isinstance(manifest, dict) else None
    accepted = " or ".join(CONTRACTS)
    _expect(contract in CONTRACTS, MANIFEST, f"contract {accepted}{_way_out(contract)}")
    files = manifest.get("files")
    named = ", ".join(FILES)
    _expect(
        isinstance(files, dict) and sorted(files) == sorted(FILES),
        MANIFEST,
        f"files to name {named}",
    )
    for name, facts in files.items():
        told = isinstance(facts, dict) and isinstance(facts.get("sha256"), str)
        _expect(told and type(facts.get("bytes")) is int, MANIFEST, f"sha256 and bytes at /files/{name}")
    present = set(os.listdir(folder)) - {MANIFEST}  # noqa: PTH208 - importing pathlib costs a cold start 2 ms
    # Training puts its first version beside a flat bundle, which serves until `current` is there.
    present.difference_update(versions_in(folder))
    offline = {ROW_DIGESTS} if _names_row_digests(manifest) else set()
    _expect(
        present - offline == set(FILES),
        "folder",
        f"{MANIFEST}, {', '.join((*FILES, *offline))} and nothing else",
    )
    _expect(
        manifest.get("model_version") == model_version(files),
        MANIFEST,
        "the model_version of the files it names",
    )
    verified: Mapping[str, Any] = manifest
    return verified


def _names_row_digests(manifest: Mapping[str, Any]) -> bool:
    offline = manifest.get("offline_files")
    return isinstance(offline, dict) and ROW_DIGESTS in offline


def _way_out(contract: Any) -> str:
    """Return what helps with a manifest that is newer than this code, "" for any other."""
    name, _, number = str(contract).rpartition(".v")
    ours, _, reads = CONTRACTS[-1].rpartition(".v")
    if name != ours or not number.isdecimal() or int(number) <= int(reads):
        return ""
    return "; a newer release packed it: serve it with that one, or train and pack it with this one"


def _verified(folder: str, name: str, facts: Mapping[str, Any]) -> bytes:
    size = f"{facts['bytes']} bytes, as the manifest says"
    content = _read(folder, name, facts["bytes"], size)
    described = describe_files({name: content})[name]
    _expect(described["bytes"] == facts["bytes"], name, size)
    _expect(
        described["sha256"] == facts["sha256"],
        name,
        "the sha256 that the manifest says: it was changed",
    )
    return content


def _json(contents: Mapping[str, bytes], name: str) -> Any:
    content = contents[name]
    try:
        document = parse_json(content)
    except NotJson as error:
        raise BundleError(name, f"strict JSON: {error}") from None
    # Blanks around a document would let somebody try contents until two models have one version.
    around = content.removesuffix(b"\n")
    _expect(
        around.strip() == around,
        name,
        "nothing before the document, and at most one newline after it",
    )
    return document


def _read(folder: str, name: str, most: int, size: str) -> bytes:
    """Return the content of a regular file. Raises BundleError, having read nothing, if it is over `most` bytes.

    size: what is expected of it, in words.
    """
    try:
        descriptor = os.open(os.path.join(folder, name), _FLAGS)  # noqa: PTH118 - as above
        with open(descriptor, "rb") as file:  # noqa: PTH123 - as above
            facts = os.fstat(descriptor)
            _expect(stat.S_ISREG(facts.st_mode), name, "a regular file, no folder, pipe or device")
            _expect(facts.st_size <= most, name, size)
            # The file may grow while it is read: one byte more than it may have shows that.
            return file.read(facts.st_size + 1)
    except OSError:
        raise BundleError(name, f"a file that can be read in {folder}, and no link") from None


def _check_together(bundle: Bundle) -> None:
    """That the four files are about one model."""
    names = bundle.feature_set.names
    expected = (bundle.feature_set.name, bundle.feature_set.version)
    told = (bundle.manifest.get("model"), bundle.manifest.get("feature_set"))
    _expect(
        told == expected,
        MANIFEST,
        "model and feature_set to be name and version in feature_set.json",
    )
    _expect(bundle.forest.features == len(names), "forest.bin", f"rows of {len(names)} features")
    features = bundle.baseline.get("features") if isinstance(bundle.baseline, dict) else None
    _expect(
        isinstance(features, dict) and tuple(sorted(features)) == tuple(sorted(names)),
        "baseline.json",
        f"features to name {', '.join(names)}",
    )
    broken = broken_figures(bundle.baseline)
    if broken:
        raise ContractError(BASELINE, broken, "baseline.json")
    types = {feature.name: feature.type for feature in bundle.feature_set.features}
    ours = {name: facts["type"] for name, facts in bundle.baseline["features"].items()}
    same = bundle.baseline["model"] == bundle.feature_set.name and ours == types
    _expect(same, "baseline.json", "the model and the types of features of feature_set.json")


def _expect(holds: bool, file: str, expected: str) -> None:
    if not holds:
        raise BundleError(file, expected)
