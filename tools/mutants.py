"""Measure what the tests would notice: change a line, run the tests, see whether one fails.

Mutants of the contracts, of the prediction engine and of the evidence are drawn by a seed and
tried one by one in a copy of the repository; what was tried is kept, so that the same command goes
on where it was stopped, even by `kill -9`. Survivors are printed as differences at the end.
"""

from __future__ import annotations

import ast
import hashlib
import os
import random
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.work_db import WorkDB, use_db

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cosmic_ray.work_item import MutationSpec, WorkItem

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "mutants"
#: A mutant that loops is ended after so many times the time of its unchanged tests.
PATIENCE = 6.0
#: A busy machine takes longer than the tests themselves.
LEAST_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Area:
    """Sources and the tests that must notice a change in them."""

    #: A folder.
    sources: str
    #: Files and folders; fast ones, since each mutant runs them.
    tests: tuple[str, ...]


AREAS = (
    Area(
        "contracts/src/drift_contracts",
        (
            "tests/contracts/test_contracts_alarm_language.py",
            "tests/contracts/test_contracts_bundle_paths.py",
            "tests/contracts/test_contracts_cases.py",
            "tests/contracts/test_contracts_features.py",
            "tests/contracts/test_contracts_parsing.py",
            "tests/contracts/test_contracts_requests.py",
            "tests/contracts/test_contracts_schemas.py",
            "tests/contracts/test_contracts_shared.py",
            "tests/contracts/test_contracts_spec.py",
            "tests/contracts/test_contracts_exits.py",
            "tests/contracts/test_contracts_openapi.py",
        ),
    ),
    Area("engine/src/drift_engine", ("tests/engine",)),
    Area(
        "ml/src/drift_ml/evidence",
        (
            "tests/ml/test_evidence_charts.py",
            "tests/ml/test_evidence_contract.py",
            "tests/ml/test_evidence_detector.py",
            "tests/ml/test_evidence_lifecycle.py",
            "tests/ml/test_evidence_recovery.py",
            "tests/ml/test_evidence_window.py",
        ),
    ),
)


def run(
    command: Sequence[str],
    folder: Path,
) -> subprocess.CompletedProcess[str]:
    """Run a program of ours to its end.

    Args:
        command: its words.
        folder: where it runs.
    """
    return subprocess.run(  # noqa: S603 - no word of it comes from outside
        command,
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )


def copy_tree(target: Path) -> None:
    """Copy what is under version control, or new, and the compiled kernel."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = run(command, ROOT).stdout
    kernels = [path.relative_to(ROOT).as_posix() for path in ROOT.glob("engine/src/**/_kernel*.so")]
    for name in [*listed.splitlines(), *kernels]:
        source, copy = ROOT / name, target / name
        if source.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)


def source_files(tree: Path) -> list[Path]:
    """Return the files that mutants are made of; types of documents have nothing to run."""
    files: list[Path] = []
    for area in AREAS:
        files += sorted((tree / area.sources).rglob("*.py"))
    return [path for path in files if path.name not in ("types.py", "json_types.py")]


def digest_of(files: Sequence[Path]) -> str:
    """Return a digest of the sources, to which results belong."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def idle_lines(path: Path) -> set[int]:
    """Return the lines that do nothing at run time: annotations and imports for type checkers.

    A mutant of them cannot be noticed, and would count as a survivor.
    """
    lines: set[int] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        for part in _idle_parts(node):
            lines.update(range(part.lineno, (part.end_lineno or part.lineno) + 1))
    return lines


def _idle_parts(node: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    is_block = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    is_constant = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "TYPE_CHECKING"
    if isinstance(node, ast.If | ast.Assign) and (is_block or is_constant):
        yield node
    elif isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
        yield node.annotation
    elif isinstance(node, ast.FunctionDef) and node.returns is not None:
        yield node.returns


def draw(
    database: WorkDB,
    mutants: int,
    seed: int,
) -> list[WorkItem]:
    """Return the mutants that are tried, always the same for a seed.

    Args:
        database: of all mutants.
        mutants: how many.
        seed: of the drawing.
    """
    idle: dict[Path, set[int]] = {}
    candidates = []
    for item in database.work_items:
        change = change_of(item)
        if change.module_path not in idle:
            idle[change.module_path] = idle_lines(change.module_path)
        if change.start_pos[0] not in idle[change.module_path]:
            candidates.append(item)
    candidates.sort(key=_place)
    # Sorted, so that the drawing depends on the seed alone.
    generator = random.Random(seed)  # noqa: S311 - nothing here is secret
    chosen = generator.sample(candidates, min(mutants, len(candidates)))
    return sorted(chosen, key=_place)


def change_of(item: WorkItem) -> MutationSpec:
    """Return the one change of a mutant."""
    return item.mutations[0]


def _place(item: WorkItem) -> tuple[str, str, int]:
    change = change_of(item)
    return (str(change.module_path), change.operator_name, change.occurrence)


def test_command(area: Area) -> list[str]:
    """Return how an area's tests are run: in one process, up to the first that fails."""
    # Equal examples each time: a mutant that is noticed by luck would be another score.
    options = ["-q", "-x", "-n", "0", "-p", "no:randomly", "--hypothesis-seed=0"]
    return [sys.executable, "-m", "pytest", *options, *area.tests]


def time_tests(
    area: Area,
    tree: Path,
) -> float:
    """Return how many seconds an area's unchanged tests take; they must pass."""
    start = time.monotonic()
    command = test_command(area)
    done = run(command, tree)
    if done.returncode:
        shown = done.stdout[-800:]
        raise click.ClickException(f"{area.sources}: its tests fail without a change\n{shown}")
    return time.monotonic() - start


def area_of(
    path: Path,
    tree: Path,
) -> Area:
    """Return the area that a file belongs to."""
    name = path.relative_to(tree).as_posix()
    return next(area for area in AREAS if name.startswith(area.sources))


def prepare(fresh: bool) -> tuple[Path, Path]:
    """Copy the sources and list their mutants; return the copy and the file of results.

    A copy is made at every start: a killed run leaves a changed file behind.
    """
    if fresh:
        shutil.rmtree(FOLDER, ignore_errors=True)
    tree, results, digest = FOLDER / "tree", FOLDER / "results.sqlite", FOLDER / "sources.sha256"
    copy_tree(tree)
    files = source_files(tree)
    current = digest_of(files)
    if digest.exists() and digest.read_text() != current:
        expected = "the sources that the first run had; --fresh begins anew"
        raise click.ClickException(f"{FOLDER.name}: expected {expected}")
    if not digest.exists():
        with use_db(str(results), WorkDB.Mode.create) as database:
            init(files, database, {})
        digest.write_text(current)
    sources = [tree / "contracts/src", tree / "engine/src", tree / "ml/src", tree]
    # Before the editable packages, so that the tests import the copy.
    os.environ["PYTHONPATH"] = os.pathsep.join(map(str, sources))
    # Bytecode of a mutant could outlive it.
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.chdir(tree)
    return tree, results


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--mutants",
    default=500,
    show_default=True,
    help="How many are drawn.",
)
@click.option(
    "--seed",
    default=17,
    show_default=True,
    help="Of the drawing.",
)
@click.option(
    "--now",
    type=int,
    help="Try at most so many in this run.",
)
@click.option(
    "--fresh",
    is_flag=True,
    help="Forget earlier results.",
)
def main(
    mutants: int,
    seed: int,
    now: int | None,
    fresh: bool,
) -> None:
    """Try mutants of contracts, engine and evidence; print the survivors and the score."""
    tree, results = prepare(fresh)
    with use_db(str(results), WorkDB.Mode.open) as database:
        chosen = draw(database, mutants, seed)
        tried = {job for job, _ in database.results}
        waiting = [item for item in chosen if item.job_id not in tried]
        try_each(database, waiting[:now], tree)
        report(database, chosen)


def try_each(
    database: WorkDB,
    items: Sequence[WorkItem],
    tree: Path,
) -> None:
    """Try mutants one after the other; each result is kept at once.

    Args:
        database: that keeps the results.
        items: the mutants.
        tree: the copy that is changed.
    """
    timeouts: dict[Area, float] = {}
    for number, item in enumerate(items, 1):
        change = change_of(item)
        area = area_of(change.module_path, tree)
        if area not in timeouts:
            # Once in each run: another run may share the machine with more.
            timeouts[area] = max(PATIENCE * time_tests(area, tree), LEAST_TIMEOUT_S)
        command = subprocess.list2cmdline(test_command(area))
        result = mutate_and_test(
            item.mutations,
            command,
            timeouts[area],
        )
        database.set_result(item.job_id, result)
        outcome = result.test_outcome or result.worker_outcome
        place = f"{change.module_path.relative_to(tree)}:{change.start_pos[0]}"
        # Flushed, so that a run in the background can be followed.
        print(f"{number}/{len(items)} {outcome.value}: {place}", flush=True)


def report(
    database: WorkDB,
    chosen: Sequence[WorkItem],
) -> None:
    """Print the survivors and the score of the mutants that were tried."""
    outcomes = dict(database.results)
    tried = [item for item in chosen if item.job_id in outcomes]
    survivors = [item for item in tried if not outcomes[item.job_id].is_killed]
    for item in survivors:
        change = change_of(item)
        print(f"\nsurvived: {change.module_path}:{change.start_pos[0]} {change.operator_name}")
        print(outcomes[item.job_id].diff)
    # What ran out of time or could not be imported counts as noticed, as it would be by a person.
    killed = len(tried) - len(survivors)
    share = 100 * killed / max(len(tried), 1)
    score = f"{killed} of {len(tried)} tried mutants were noticed ({share:.1f} %)"
    print(f"\n{score}, of {len(chosen)} drawn")


if __name__ == "__main__":
    main()
