"""Results of exactness are good for their sources and pins, and none is left out in silence."""

from __future__ import annotations

import shutil

import pytest

from tools.exactness import stored
from tools.exactness.combinations import NEWEST, PINNED, every
from tools.exactness.page import render

GRADED = {
    "family": "linear",
    "name": "ridge",
    "grade": "nearest",
    "worst_ulp": 512.0,
    "bound_share": 0.25,
    "rows": 1000,
    "hard_rows": 20000,
    "missing": True,
    "from_file": {"grade": "nearest"},
}


@pytest.fixture
def sources(tmp_path):
    """Return a copy of what a digest is of."""
    for source in (*stored.SOURCES, "requirements/exact.txt"):
        target = tmp_path / source
        target.parent.mkdir(parents=True, exist_ok=True)
        if (stored.ROOT / source).is_dir():
            shutil.copytree(stored.ROOT / source, target, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
        else:
            shutil.copyfile(stored.ROOT / source, target)
    return tmp_path


def document(**members):
    """Return a result of a combination, with other members of its only estimator."""
    versions = dict.fromkeys(("numpy", "scikit-learn", "xgboost", "lightgbm"), "1.0")
    results = [{**GRADED, **members}]
    return {"python": "3.11.7", "libraries": versions, "digest": "0" * 64, "results": results}


def test_versions_with_wheels():
    """Every combination of versions that has wheels is tried, once."""
    names = [combination.name for combination in every()]
    assert len(names) == len(set(names)) == 28
    tried = {(each.python, each.scikit, each.numpy) for each in every()}
    assert ("3.11", "1.2", "1.26") in tried
    assert not any(python != "3.11" for python, scikit, _ in tried if scikit == "1.2")
    assert not any(numpy == "1.26" for python, _, numpy in tried if python == "3.13")


@pytest.mark.parametrize("changed", ["engine/src/drift_engine/model/_kernel.c", "requirements/exact.txt"])
def test_result_of_other_sources(sources, tmp_path, changed):
    """A result is taken again until a source or a pin of it changes."""
    folder = tmp_path / "results"
    digest = stored.digest_of(PINNED, sources)
    stored.save(PINNED, {"digest": digest, "results": []}, folder)
    assert stored.load(PINNED, stored.digest_of(PINNED, sources), folder)["results"] == []
    (sources / changed).write_text("other")
    assert stored.load(PINNED, stored.digest_of(PINNED, sources), folder) is None


def test_result_that_is_not_there(tmp_path):
    """A combination that was never measured has no result."""
    assert stored.load(NEWEST, "0" * 64, tmp_path) is None


def test_page_in_full():
    """The pinned versions are shown estimator by estimator, and others by what differs."""
    page = render([document(), document(), document(grade="exact")], [])
    assert page.count("| linear | ridge | nearest | 512 | 25% | 1,000 + 20,000 | yes | nearest |") == 1
    assert page.count("| linear | ridge | exact |") == 1
    assert "Everything is as with the pinned versions." in page


@pytest.mark.parametrize(
    ("fate", "words"),
    [("refused", "its tree is odd"), ("needs", "scikit-learn 1.3"), ("failed", "TypeError: no such thing")],
)
def test_fates_on_the_page(fate, words):
    """What is refused, needs a newer version or failed is named with its words."""
    result = {"family": "linear", "name": "ridge", "missing": False, fate: words}
    other = {**document(), "results": [result]}
    assert f"- ridge: {words}" in render([document(), other], [])


def test_library_that_is_not_there():
    """What an environment without a library did not try is counted by the library."""
    first = document(library="catboost")
    assert "- catboost: 1 estimators" in render([first, {**document(), "results": []}], [])


def test_unchecked_on_the_page():
    """A combination that was not tried stands on the page, with the reason."""
    page = render([document()], ["python3.13: Python 3.13 is not installed"])
    assert "Python 3.13 is not installed" in page


def test_refusal_out_of_a_file():
    """Why a file cannot be packed is said once, and the table says that it is refused."""
    page = render([document(from_file={"refused": "Forest: its form is not read"})], [])
    assert "| 1,000 + 20,000 | yes | refused |" in page
    assert page.count("- Forest: its form is not read (1 of the estimators)") == 1
