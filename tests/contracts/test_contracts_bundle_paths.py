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


def test_a_path_to_a_model_is_its_current_version_and_one_to_a_version_is_that(model):
    """So older versions can be replayed without being chosen."""
    assert bundle_folder(model) == str(model / SECOND)
    assert bundle_folder(str(model / FIRST)) == str(model / FIRST)
    assert versions_in(model) == [FIRST, SECOND]


def test_a_flat_folder_is_itself(model):
    """As earlier releases wrote it, and as the image holds it; also with versions beside it."""
    (model / "current").unlink()
    (model / "manifest.json").write_text("{}")
    assert bundle_folder(model) == str(model)
    assert bundle_names(model.parent) == ["house-price"]


def test_what_is_hidden_or_no_bundle_is_no_model(model):
    """What a training is writing has a hidden name."""
    (model.parent / ".house-price-fresh").mkdir()
    (model.parent / ".house-price-fresh/manifest.json").write_text("{}")
    (model.parent / "empty").mkdir()
    (model.parent / "note.txt").write_text("")
    assert bundle_names(model.parent) == ["house-price"]
    assert bundle_names(model.parent / "nowhere") == []
    assert versions_in(model.parent / "nowhere") == []


@pytest.mark.parametrize("text", [ABSENT, "../elsewhere", "", "x" * 100, "\u00e9" * 12, "ABCDEF012345"])
def test_a_current_that_names_no_version_is_refused_with_the_way_out(model, text):
    """The message names the versions that are there, and never what the file holds."""
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
def test_a_current_that_an_editor_saved_is_read(model, ending):
    """Whatever ends its line."""
    (model / "current").write_bytes(f"{FIRST}{ending}".encode())
    assert current_version(model) == FIRST


@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_a_current_that_is_no_regular_file_is_refused(model, kind):
    """A link could lead anywhere, and a pipe would be waited for."""
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


def test_versions_without_current_are_not_published_and_the_refusal_says_so(model):
    """So a first training that was killed before its end leaves no half-chosen model."""
    (model / "current").unlink()
    assert bundle_names(model.parent) == []
    with pytest.raises(BundleError, match=FIRST):
        bundle_folder(model)


def test_a_broken_current_without_versions_says_to_train(tmp_path):
    """There is nothing to choose from."""
    (tmp_path / "current").write_text("no version")
    with pytest.raises(BundleError, match="train"):
        bundle_folder(tmp_path)


def test_of_many_versions_ten_are_named(tmp_path):
    """A message stays readable."""
    for number in range(12):
        (tmp_path / f"{number:012x}").mkdir()
        (tmp_path / f"{number:012x}/manifest.json").write_text("{}")
    with pytest.raises(BundleError) as caught:
        bundle_folder(tmp_path)
    assert "and 2 more" in str(caught.value)


def test_a_refusal_can_cross_processes():
    """Its facts are kept."""
    error = pickle.loads(pickle.dumps(BundleError("current", "a version")))
    assert (error.file, error.expected) == ("current", "a version")
