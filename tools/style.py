"""Measure how full and how clear the lines of a code base are: `python -m tools.style [FOLDER...]`.

The figures and their bars are those of CONTRIBUTING.md; structlog and packaging are measured beside, by the same
script, where they are installed.
"""

from __future__ import annotations

import ast
import importlib.util
import io
import subprocess
import sys
import tokenize
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parents[1]
COLUMNS = 100
#: Left out: tests and benchmarks have bars of their own, and what a program writes is nobody's style.
NOT_MEASURED = ("tests/", "benchmarks/")
GENERATED = frozenset({"contracts/src/drift_contracts/types.py"})
ANCHORS = ("structlog", "packaging")

LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.ENCODING,
}
DIRECTIVES = ("noqa", "type:", "pragma", "fmt:", "ruff:", "mypy:", "!", "-*-")
NO_VERBS = frozenset(
    "the a an what whether one how where which who all every that those".split()  # noqa: SIM905 - a list of words
)
GRAMMAR = frozenset(
    "one own told said given known found kept such what each other rest both same".split()  # noqa: SIM905
)


@dataclass
class Figures:
    """What was counted in some files."""

    tokens: int = 0
    code_lines: int = 0
    lines: int = 0
    long_lines: int = 0
    comments: int = 0
    docstrings: int = 0
    verbs: int = 0
    names: int = 0
    grammar: int = 0
    functions: list[int] = field(default_factory=list)
    #: Each place that a bar counts against: (bar, file, line, words).
    places: list[tuple[str, str, int, str]] = field(default_factory=list)

    def shares(self) -> dict[str, float]:
        """Return the measured figures by the name of their bar."""
        lengths = sorted(self.functions) or [0]
        return {
            "tokens a line": self.tokens / max(self.code_lines, 1),
            "lines over 100 columns, %": 100 * self.long_lines / max(self.lines, 1),
            "comments a 100 lines": 100 * self.comments / max(self.code_lines, 1),
            "docstrings that begin with a verb, %": 100 * self.verbs / max(self.docstrings, 1),
            "names that are words of grammar, %": 100 * self.grammar / max(self.names, 1),
            "lines of a function, 95th of 100": lengths[min(int(0.95 * len(lengths)), len(lengths) - 1)],
        }


#: The bar of each figure: whether it is the least or the most that is allowed, and how much.
BARS = {
    "tokens a line": ("at most", 7.2),
    "lines over 100 columns, %": ("at most", 1.0),
    "comments a 100 lines": ("at least", 4.0),
    "docstrings that begin with a verb, %": ("at least", 93.0),
    "names that are words of grammar, %": ("at most", 1.0),
    "lines of a function, 95th of 100": ("at most", 35.0),
}


def measure(files: Iterable[Path], root: Path) -> Figures:
    """Return the figures of some Python files.

    Args:
        files: their paths, below `root`.
        root: what the places in the result are relative to.
    """
    figures = Figures()
    for path in files:
        text = path.read_text("utf-8")
        name = path.relative_to(root).as_posix()
        _count_lines(text, name, figures)
        _count_tokens(text, figures)
        _count_tree(ast.parse(text), name, figures)
    return figures


def _count_lines(text: str, name: str, figures: Figures) -> None:
    for number, line in enumerate(text.splitlines(), 1):
        figures.lines += 1
        if len(line) > COLUMNS:
            figures.long_lines += 1
            figures.places.append(("lines over 100 columns, %", name, number, ""))


def _count_tokens(text: str, figures: Figures) -> None:
    starts = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            words = token.string.lstrip("#:").strip()
            figures.comments += not words.startswith(DIRECTIVES)
        elif token.type not in LAYOUT:
            figures.tokens += 1
            starts.add(token.start[0])
    figures.code_lines += len(starts)


def _count_tree(tree: ast.Module, name: str, figures: Figures) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            figures.names += 1
            if node.id in GRAMMAR:
                figures.grammar += 1
                place = ("names that are words of grammar, %", name, node.lineno, node.id)
                figures.places.append(place)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            figures.functions.append((node.end_lineno or node.lineno) - node.lineno + 1)
            _count_docstring(node, name, figures)


def _count_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef, name: str, figures: Figures) -> None:
    docstring = ast.get_docstring(node)
    if not docstring:
        return
    figures.docstrings += 1
    first = docstring.split()[0].strip(".,:;`'\"").lower()
    if first not in NO_VERBS:
        figures.verbs += 1
    else:
        place = ("docstrings that begin with a verb, %", name, node.lineno, first)
        figures.places.append(place)


def product_files(folders: Iterable[str] = ()) -> Iterator[Path]:
    """Yield the product's Python files that are under version control, or new; all, or those of folders."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "--", *(folders or ["."])]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603
    for name in sorted(listed.splitlines()):
        is_product = name.endswith(".py") and not name.startswith(NOT_MEASURED)
        if is_product and name not in GENERATED and (ROOT / name).is_file():
            yield ROOT / name


def anchor_files(package: str) -> list[Path]:
    """Return the files of an installed package, none where it is not installed."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return []
    return sorted(Path(spec.origin).parent.rglob("*.py"))


def keeps(figure: str, value: float) -> bool:
    """Return whether a figure keeps its bar."""
    side, bar = BARS[figure]
    return value <= bar if side == "at most" else value >= bar


def main(folders: list[str]) -> int:
    """Print the table; return 1 where the product misses a bar."""
    columns = {"product": measure(product_files(folders), ROOT)}
    for package in ANCHORS:
        files = anchor_files(package)
        if files:
            columns[package] = measure(files, files[0].anchor and Path(files[0].anchor))
    shares = {name: figures.shares() for name, figures in columns.items()}
    print(f"{'':40}{'bar':>14}", *(f"{name:>11}" for name in columns))
    missed = False
    for figure, (side, bar) in BARS.items():
        values = " ".join(f"{shares[name][figure]:11.2f}" for name in columns)
        verdict = keeps(figure, shares["product"][figure])
        missed |= not verdict
        print(f"{figure:40}{side:>9} {bar:>4g} {values}{'' if verdict else '  missed'}")
    if folders:
        for figure, name, line, words in columns["product"].places:
            print(f"{name}:{line}: {figure} {words}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
