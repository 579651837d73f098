"""Instructions of four workloads, beside the stored figures or those of another revision; no noise can fail them.

`nox -s benchmark -- --counts`; `-- --compare REVISION` counts that revision instead, `-- --update` stores what is
counted, `-- --planted` plants slowdowns of a fifth and looks for them.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, NamedTuple

import counts
import planted
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for trees; skips where nothing can be counted."""
    for program in ("valgrind", "gcc", "git"):
        if shutil.which(program) is None:
            pytest.skip(f"NOT CHECKED: instruction counts need {program}")
    try:
        counts.git("rev-parse", "--git-dir")
    except counts.CannotCount as error:  # sources without their history, such as an archive
        pytest.skip(str(error))
    return tmp_path_factory.mktemp("counts")


@pytest.fixture(scope="session")
def library(folder: Path) -> Path:
    return counts.client_requests(folder)


@pytest.fixture(scope="session")
def working_tree(folder: Path) -> counts.Tree:
    return counts.build(counts.copy_working_tree(folder / "now"), folder / "built now")


class Before(NamedTuple):
    """What the counts are compared with: the stored figures or, where there is a tree, that tree's."""

    name: str
    figures: dict[str, float]
    tree: counts.Tree | None


@pytest.fixture(scope="session")
def before(request: pytest.FixtureRequest, folder: Path) -> Before:
    """Return the stored figures, or another revision's where the machine is another or one is asked for."""
    stored, revision = counts.load_stored(), request.config.getoption("compare")
    if request.config.getoption("update"):
        return Before("nothing: stored anew", {}, None)
    if revision is None:
        different = counts.differences(stored["machine"], counts.machine())
        if not different:
            return Before("the stored figure", stored["instructions"], None)
        print(f"\nother than where the figures were stored: {', '.join(different)}")
    try:
        revision = revision or counts.parent_revision()
        tree = counts.build(counts.copy_revision(revision, folder / "before"), folder / "built before")
    except counts.CannotCount as error:
        if "NOT CHECKED" in str(error) and not request.config.getoption("compare"):
            pytest.skip(str(error))
        raise
    return Before(revision, {}, tree)


@pytest.fixture(scope="session")
def figures() -> dict[str, float]:
    """Return where the counts of this run are collected."""
    return {}


@pytest.mark.counts
@pytest.mark.parametrize("name", counts.NAMES)
def test_a_call_takes_no_more_instructions_than_before(
    name: str,
    request: pytest.FixtureRequest,
    before: Before,
    working_tree: counts.Tree,
    library: Path,
    figures: dict[str, float],
    count_line: Callable[[str], None],
) -> None:
    count = figures[name] = working_tree.count(name, library)
    if request.config.getoption("update"):
        count_line(f"{counts.NAMES[name]:44} {count:14,.0f}  stored")
        if len(figures) == len(counts.NAMES):
            counts.store(figures)
        return
    earlier = before.tree.count(name, library) if before.tree else before.figures.get(name, 0.0)
    verdict = counts.verdict_of(count, earlier)
    line = f"{counts.NAMES[name]:44} {count:14,.0f}  {count / max(earlier, 1) - 1:+7.2%} of {before.name}  {verdict}"
    count_line(line)
    assert verdict != "too slow", line


@pytest.fixture(scope="session")
def unharmed(working_tree: counts.Tree, library: Path) -> dict[str, float]:
    return {name: working_tree.count(name, library) for name in counts.NAMES}


@pytest.mark.planted
@pytest.mark.parametrize("place", planted.PLANTS)
def test_a_planted_slowdown_is_found_by_its_row(
    place: str, folder: Path, library: Path, unharmed: dict[str, float], count_line: Callable[[str], None]
) -> None:
    sources = counts.copy_working_tree(folder / place)
    planted.PLANTS[place](sources)
    tree = counts.build(sources, folder / f"built {place}")
    red = []
    for name, earlier in unharmed.items():
        count = tree.count(name, library)
        verdict = counts.verdict_of(count, earlier)
        count_line(
            f"planted in {place:10} {counts.NAMES[name]:30} {count:14,.0f}  {count / earlier - 1:+7.2%}  {verdict}"
        )
        if verdict == "too slow":
            red.append(name)
    assert red == [place]
