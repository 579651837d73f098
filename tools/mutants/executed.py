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
    place = Place(frozenset({line}), at_import=True)
    blocks: list[tuple[ast.AST, bool]] = [(ast.parse(source), False)]
    while blocks:
        block, inside = blocks.pop()
        for child in _children(block):
            lines = _lines(child)
            if line in lines:
                outer = inside or isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef)
                inner = [_lines(part) for part in _children(child)]
                place = Place(frozenset(lines).difference(*inner), not outer)
                blocks = [(child, outer)]
                break
    return place


def _children(block: ast.AST) -> list[Block]:
    parts = ast.iter_child_nodes(block)
    return [part for part in parts if isinstance(part, Block)]


def _lines(block: Block) -> range:
    # Decorators stand above the first line of their function; a case has no lines of its own.
    starts = [node.lineno for node in ast.walk(block) if hasattr(node, "lineno")]
    ends = [getattr(node, "end_lineno", 0) for node in ast.walk(block)]
    return range(min(starts), max(ends) + 1)


class Executed:
    """The tests of one area, with the lines that each executes."""

    def __init__(self, folder: Path, name: str, tree: Path) -> None:
        """Read what `measuring` wrote.

        Args:
            folder: of its files.
            name: of the area.
            tree: the copy of the repository, sources unchanged.
        """
        self.measurement = Measurement(**json.loads((folder / f"{name}.json").read_text("utf-8")))
        self._tree = tree
        self._data = CoverageData(str(folder / f"{name}.coverage"))
        self._data.read()

    def tests_of(self, path: str, line: int) -> list[str]:
        """Return the tests that could notice a change, the likeliest and fastest first.

        What is executed at import can be noticed by any test. A test that starts a program comes
        last, since nobody saw what that executes.

        Args:
            path: of a source, from the root of the repository.
            line: from 1.
        """
        source = (self._tree / path).read_text("utf-8")
        contexts = self._data.contexts_by_lineno(str(self._tree / path))
        place = place_of(source, line)
        executing = _union(contexts, place.lines)
        ranks = dict.fromkeys(self.measurement.programs, 2)
        if place.at_import or "" in executing:
            ranks = dict.fromkeys(self.measurement.seconds, 2)
            ranks |= dict.fromkeys(self._tests_in(_union(contexts, contexts)), 1)
        ranks |= dict.fromkeys(self._tests_in(executing), 0)
        return sorted(ranks, key=lambda name: (ranks[name], self.measurement.seconds[name]))

    def is_executed(self, path: str, line: int) -> bool:
        """Return whether any test executes a place, or its import does.

        Args:
            path: of a source, from the root of the repository.
            line: from 1.
        """
        place = place_of((self._tree / path).read_text("utf-8"), line)
        contexts = self._data.contexts_by_lineno(str(self._tree / path))
        return place.at_import or bool(_union(contexts, place.lines))

    def _tests_in(self, contexts: set[str]) -> set[str]:
        tests = set()
        for name, fixtures in self.measurement.fixtures.items():
            file = name.partition("::")[0]
            if not contexts.isdisjoint([name, file, *map(fixture_context, fixtures)]):
                tests.add(name)
        return tests


def _union(contexts: dict[int, list[str]], lines: Iterable[int]) -> set[str]:
    union: set[str] = set()
    for line in lines:
        union.update(contexts.get(line, ()))
    return union
