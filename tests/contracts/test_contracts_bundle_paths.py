"""Where a model's current version lies, and what is refused with which way out."""

from __future__ import annotations

import os
import pickle

import pytest
from drift_contracts.bundle_paths import BundleError, bundle_folder, bundle_names, current_version, versions_in

FIRST, SECOND, ABSENT = "00000000000a", "00000000000b", "0" * 12


@pytest.fixture
def model(tmp_path):
    """The folder of a model with two versions, the second of which is the current one."""
    folder = tmp_path / "bundles/house-price"
    for version in (FIRST, SECOND):
        (folder / version).mkdir(parents=True)
        (folder / version / "manifest.json").write_text("{}")
    (folder / "current").write_text(f"{SECOND}\n")
    return folder


def test_path_to_version(model):
    """A path to a model opens its current version, and one to a version opens that."""
    assert bundle_folder(model) == str(model / SECOND)
    assert bundle_folder(str(model / FIRST)) == str(model / FIRST)
    assert versions_in(model) == [FIRST, SECOND]


def test_flat_folder(model):
    """A flat folder is its own bundle, as earlier releases and the image have it, also beside
    versions.
    """
    (model / "current").unlink()
    (model / "manifest.json").write_text("{}")
    assert bundle_folder(model) == str(model)
    assert bundle_names(model.parent) == ["house-price"]


def test_hidden_folder(model):
    """A hidden folder, which a training may be writing, and one without a bundle are no models."""
    (model.parent / ".house-price-fresh").mkdir()
    (model.parent / ".house-price-fresh/manifest.json").write_text("{}")
    (model.parent / "empty").mkdir()
    (model.parent / "note.txt").write_text("")
    assert bundle_names(model.parent) == ["house-price"]
    assert bundle_names(model.parent / "nowhere") == []
    assert versions_in(model.parent / "nowhere") == []


@pytest.mark.parametrize("text", [ABSENT, "../elsewhere", "", "x" * 100, "\u00e9" * 12, "ABCDEF012345"])
def test_current_without_version(model, text):
    """A `current` that names no version is refused with the versions there are, not its content."""
    (model / "current").write_text(text, encoding="utf-8")
    with pytest.raises(BundleError) as caught:
        bundle_folder(model)
    assert caught.value.file == "current"
    message = str(caught.value)
    assert FIRST in message
    assert SECOND in message
    assert "driftctl bundles use house-price" in message
    assert not text or text not in message


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_saved_by_editor(model, ending):
    """A `current` that an editor saved is read, whatever ends its line."""
    (model / "current").write_bytes(f"{FIRST}{ending}".encode())
    assert current_version(model) == FIRST


@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_irregular_current(model, kind):
    """A `current` that is a link or a pipe is refused, since one leads anywhere and one blocks."""
    place = model / "current"
    place.unlink()
    if kind == "link":
        place.symlink_to(FIRST)
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        place.mkdir()
    with pytest.raises(BundleError) as caught:
        bundle_folder(model)
    assert caught.value.file == "current"


def test_unpublished_versions(model):
    """Versions without `current` are not published, and the message says what to do."""
    (model / "current").unlink()
    assert bundle_names(model.parent) == []
    with pytest.raises(BundleError, match=FIRST):
        bundle_folder(model)


def test_broken_current_alone(tmp_path):
    """A broken `current` without versions leads to training, as there is nothing to choose."""
    (tmp_path / "current").write_text("no version")
    with pytest.raises(BundleError, match="train"):
        bundle_folder(tmp_path)


def test_ten_versions(tmp_path):
    """Of many versions ten are named, so that the message stays readable."""
    for number in range(12):
        (tmp_path / f"{number:012x}").mkdir()
        (tmp_path / f"{number:012x}/manifest.json").write_text("{}")
    with pytest.raises(BundleError) as caught:
        bundle_folder(tmp_path)
    assert "and 2 more" in str(caught.value)


def test_refusal_pickles():
    """A refusal keeps its facts when it is pickled."""
    error = pickle.loads(pickle.dumps(BundleError("current", "a version")))
    assert (error.file, error.expected) == ("current", "a version")
