"""The mutants: all that cosmic-ray makes, those that a seed draws, and the text of each.

cosmic-ray is imported where it is needed: the tests of this package run where it is not installed.
"""

from __future__ import annotations

import ast
import difflib
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """One change of one place."""

    #: From the root of the repository.
    path: str
    #: Of cosmic-ray: `core/NumberReplacer`.
    operator: str
    #: The place among those of the file that the operator could change, from 0.
    occurrence: int
    #: Where the changed text begins: a line from 1, a column from 0.
    line: int
    column: int

    @property
    def key(self) -> str:
        """Return what results are kept under."""
        return f"{self.path} {self.operator} {self.occurrence}"


def list_mutants(files: Sequence[Path], database: Path) -> None:
    """Write all mutants of files to a new database; it takes a third of a minute.

    Args:
        files: sources.
        database: appears when it is complete.
    """
    from cosmic_ray.commands import init  # noqa: PLC0415
    from cosmic_ray.work_db import WorkDB, use_db  # noqa: PLC0415

    unfinished = database.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with use_db(str(unfinished), WorkDB.Mode.create) as listed:
        init(files, listed, {})
    unfinished.rename(database)


def draw(
    database: Path,
    tree: Path,
    mutants: int,
    seed: int,
) -> list[Mutant]:
    """Return the mutants that are tried, always the same for a seed.

    Args:
        database: of all mutants.
        tree: the copy of the repository that they are in.
        mutants: how many.
        seed: of the drawing.
    """
    candidates = []
    idle: dict[str, set[int]] = {}
    for mutant in _listed(database, tree):
        if mutant.path not in idle:
            source = (tree / mutant.path).read_text("utf-8")
            idle[mutant.path] = idle_lines(source)
        if mutant.line not in idle[mutant.path]:
            candidates.append(mutant)
    candidates.sort(key=_place)
    # Sorted, so that the drawing depends on the seed alone.
    generator = random.Random(seed)  # noqa: S311 - nothing here is secret
    chosen = generator.sample(candidates, min(mutants, len(candidates)))
    return sorted(chosen, key=_place)


def _listed(database: Path, tree: Path) -> list[Mutant]:
    from cosmic_ray.work_db import WorkDB, use_db  # noqa: PLC0415

    mutants = []
    with use_db(str(database), WorkDB.Mode.open) as listed:
        for item in listed.work_items:
            change = item.mutations[0]
            name = change.module_path.relative_to(tree).as_posix()
            mutant = Mutant(
                name,
                change.operator_name,
                change.occurrence,
                *change.start_pos,
            )
            mutants.append(mutant)
    return mutants


def _place(mutant: Mutant) -> tuple[str, str, int]:
    return (mutant.path, mutant.operator, mutant.occurrence)


def idle_lines(source: str) -> set[int]:
    """Return the lines that do nothing at run time: annotations and imports for type checkers.

    A mutant of them cannot be noticed, and would count as a survivor.
    """
    lines: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        for part in _idle_parts(node):
            end = part.end_lineno or part.lineno
            lines.update(range(part.lineno, end + 1))
    return lines


def _idle_parts(node: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    is_block = isinstance(node, ast.If) and _is_type_checking(node.test)
    is_constant = isinstance(node, ast.Assign) and _is_type_checking(node.targets[0])
    if isinstance(node, ast.If | ast.Assign) and (is_block or is_constant):
        yield node
    elif isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
        yield node.annotation
    elif isinstance(node, ast.FunctionDef) and node.returns is not None:
        yield node.returns


def _is_type_checking(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "TYPE_CHECKING"


def changed(mutant: Mutant, source: str) -> str:
    """Return the source with the change.

    Args:
        mutant: of this source.
        source: of the whole file.

    Raises:
        ValueError: it has no such place.
    """
    from cosmic_ray.mutating import mutate_code  # noqa: PLC0415
    from cosmic_ray.plugins import get_operator  # noqa: PLC0415

    operator = get_operator(mutant.operator)()
    text: str | None = mutate_code(source, operator, mutant.occurrence)
    if text is None:
        raise ValueError(f"{mutant.path}: expected a place {mutant.occurrence}")
    return text


def difference(mutant: Mutant, source: str) -> str:
    """Return the change as a unified difference.

    Args:
        mutant: of this source.
        source: of the whole file.
    """
    before = source.splitlines()
    after = changed(mutant, source).splitlines()
    lines = difflib.unified_diff(
        before,
        after,
        mutant.path,
        mutant.path,
        n=2,
        lineterm="",
    )
    return "\n".join(lines)
