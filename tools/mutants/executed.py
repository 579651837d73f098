"""Which tests execute a place of a source."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coverage import CoverageData

from tools.mutants.measuring import Measurement, fixture_context

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: Tests, files and fixtures by the line that they execute.
Contexts = dict[int, list[str]]
#: What statements are nested in.
Block = ast.stmt | ast.ExceptHandler | ast.match_case


@dataclass(frozen=True)
class Place:
    """The statement that a line belongs to."""

    #: Its lines, without those of the statements inside of it.
    lines: frozenset[int]
    #: Whether it is executed when its module is imported.
    at_import: bool


def place_of(source: str, line: int) -> Place:
    """Return the innermost statement at a line.

    Not every line of a statement has code of its own, so that a line alone would be missed.

    Args:
        source: of the whole file.
        line: from 1.
    """
    block: ast.AST = ast.parse(source)
    lines = frozenset({line})
    at_import = True
    while (child := _child_at(block, line)) is not None:
        if isinstance(block, ast.FunctionDef):
            at_import = False
        inner = map(_lines, _children(child))
        lines = frozenset(_lines(child)).difference(*inner)
        block = child
    return Place(lines, at_import)


def _child_at(block: ast.AST, line: int) -> Block | None:
    for child in _children(block):
        if line in _lines(child):
            return child
    return None


def _children(block: ast.AST) -> list[Block]:
    parts = ast.iter_child_nodes(block)
    return [part for part in parts if isinstance(part, Block)]


def _lines(block: Block) -> range:
    lines = []
    # Decorators stand above the first line of their function; a case has no lines of its own.
    for node in ast.walk(block):
        if isinstance(node, ast.stmt | ast.excepthandler | ast.expr | ast.pattern):
            lines += [node.lineno, node.end_lineno or node.lineno]
    return range(min(lines), max(lines) + 1)


class Executed:
    """The tests of one area, with the lines that each executes."""

    def __init__(
        self,
        folder: Path,
        name: str,
        tree: Path,
    ) -> None:
        """Read what `measuring` wrote.

        Args:
            folder: of its files.
            name: of the area.
            tree: the copy of the repository, sources unchanged.
        """
        text = (folder / f"{name}.json").read_text("utf-8")
        self.measurement = Measurement(**json.loads(text))
        self._tree = tree
        self._data = CoverageData(str(folder / f"{name}.coverage"))
        self._data.read()

    def tests_of(
        self,
        path: str,
        line: int,
    ) -> list[str]:
        """Return the tests that could notice a change, the likeliest and fastest first.

        What is executed at import can be noticed by any test. A test that starts a program comes
        last, since nobody saw what that executes.

        Args:
            path: of a source, from the root of the repository.
            line: from 1.
        """
        place, contexts = self._place(path, line)
        executing = _union(contexts, place.lines)
        ranks = dict.fromkeys(self.measurement.programs, 2)
        if place.at_import or "" in executing:
            ranks = dict.fromkeys(self.measurement.seconds, 2)
            around = _union(contexts, contexts)
            ranks |= dict.fromkeys(self._tests_in(around), 1)
        ranks |= dict.fromkeys(self._tests_in(executing), 0)
        # Sorted twice: the second keeps the first one's order within a rank.
        by_time = sorted(ranks, key=self.measurement.seconds.__getitem__)
        return sorted(by_time, key=ranks.__getitem__)

    def fastest(self) -> list[str]:
        """Return the fastest test of each file."""
        seconds = self.measurement.seconds
        fastest: dict[str, str] = {}
        for name in sorted(seconds, key=seconds.__getitem__):
            file, _, _ = name.partition("::")
            fastest.setdefault(file, name)
        return list(fastest.values())

    def is_executed(self, path: str, line: int) -> bool:
        """Return whether any test executes a place, or its import does.

        Args:
            path: of a source, from the root of the repository.
            line: from 1.
        """
        place, contexts = self._place(path, line)
        return place.at_import or bool(_union(contexts, place.lines))

    def _place(
        self,
        path: str,
        line: int,
    ) -> tuple[Place, Contexts]:
        file = self._tree / path
        place = place_of(file.read_text("utf-8"), line)
        return place, self._data.contexts_by_lineno(str(file))

    def _tests_in(self, contexts: set[str]) -> set[str]:
        tests = set()
        for name, fixtures in self.measurement.fixtures.items():
            file, _, _ = name.partition("::")
            noticing = {name, file}
            noticing.update(map(fixture_context, fixtures))
            if noticing & contexts:
                tests.add(name)
        return tests


def _union(
    contexts: Contexts,
    lines: Iterable[int],
) -> set[str]:
    union: set[str] = set()
    for line in lines:
        union.update(contexts.get(line, ()))
    return union
