"""Measure how full and how clear the lines of a code base are.

    python -m tools.style                    the table of the product
    python -m tools.style FOLDER...          the same for these folders, and each place that counts
    python -m tools.style --check FOLDER...  each folder; exit code 1 where it misses a bar
    python -m tools.style --comments SEED    50 comments, to be read: at most two repeat the code

The table has structlog and packaging beside it, measured by the same script, where they are
installed.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import io
import random
import subprocess
import sys
import tokenize
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ROOT = Path(__file__).parents[1]
COLUMNS = 100
#: Left out: tests and benchmarks have bars of their own, and nobody writes what is generated.
NOT_MEASURED = ("tests/", "benchmarks/")
GENERATED = frozenset({"contracts/src/drift_contracts/types.py"})
ANCHORS = ("structlog", "packaging")
#: Comments that are drawn to be read.
DRAWN = 50

LAYOUT = frozenset(
    {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
        tokenize.ENCODING,
    }
)
#: How comments begin that speak to a tool and not to a reader.
DIRECTIVES = ("noqa", "type:", "pragma", "fmt:", "ruff:", "mypy:", "!", "-*-")
# A docstring that begins with one of these says what a function is, not what it does.
NOUN_WORDS = frozenset({
    "the", "a", "an", "what", "whether", "one", "how", "where", "which", "who", "all", "every",
    "that", "those",
})  # fmt: skip
# Names that say the grammar of the sentence and nothing of the content.
GRAMMAR_WORDS = frozenset({
    "one", "own", "told", "said", "given", "known", "found", "kept", "such", "what", "each",
    "other", "rest", "both", "same",
})  # fmt: skip

TOKENS = "tokens a line"
LONG_LINES = "lines over 100 columns, %"
COMMENTS = "comments a 100 lines"
VERBS = "docstrings that begin with a verb, %"
GRAMMAR = "names that are words of grammar, %"
FUNCTIONS = "lines of a function, 95th of 100"


class Bar(NamedTuple):
    """The side of a limit that a figure must be on."""

    #: "at most" or "at least".
    side: str
    limit: float

    def is_met(self, value: float) -> bool:
        """Return whether a figure is on the right side."""
        if self.side == "at most":
            return value <= self.limit
        return value >= self.limit


BARS = {
    TOKENS: Bar("at most", 7.2),
    LONG_LINES: Bar("at most", 1.0),
    COMMENTS: Bar("at least", 4.0),
    VERBS: Bar("at least", 93.0),
    GRAMMAR: Bar("at most", 1.0),
    FUNCTIONS: Bar("at most", 35.0),
}


class Place(NamedTuple):
    """Where a bar loses."""

    figure: str
    file: str
    line: int
    #: The name or the first word that counts; "" for a long line.
    word: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.figure} {self.word}".rstrip()


@dataclass
class Counts:
    """What was counted in some files."""

    totals: Counter[str] = field(default_factory=Counter)
    #: Lines of each function, with its docstring and without its decorators.
    functions: list[int] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """Return the measured figures by the name of their bar."""
        lengths = sorted(self.functions) or [0]
        place = min(int(0.95 * len(lengths)), len(lengths) - 1)
        return {
            TOKENS: self._ratio("tokens", "code lines"),
            LONG_LINES: 100 * self._ratio("long lines", "lines"),
            COMMENTS: 100 * self._ratio("comments", "code lines"),
            VERBS: 100 * self._ratio("verbs", "docstrings", empty=1.0),
            GRAMMAR: 100 * self._ratio("grammar names", "names"),
            FUNCTIONS: lengths[place],
        }

    def _ratio(self, part: str, whole: str, empty: float = 0.0) -> float:
        if not self.totals[whole]:
            return empty
        return self.totals[part] / self.totals[whole]

    def missed(self) -> list[str]:
        """Return the names of the bars that these counts miss."""
        figures = self.figures()
        return [figure for figure, bar in BARS.items() if not bar.is_met(figures[figure])]


def measure(files: Iterable[Path], root: Path) -> Counts:
    """Count in some Python files.

    Args:
        files: their paths, below `root`.
        root: what the places in the result are relative to.
    """
    counts = Counts()
    for path in files:
        text = path.read_text("utf-8")
        name = path.relative_to(root).as_posix()
        _count_lines(text, name, counts)
        _count_tokens(text, counts)
        _count_tree(ast.parse(text), name, counts)
    return counts


def _count_lines(text: str, name: str, counts: Counts) -> None:
    for number, line in enumerate(text.splitlines(), 1):
        counts.totals["lines"] += 1
        if len(line) > COLUMNS:
            counts.totals["long lines"] += 1
            counts.places.append(Place(LONG_LINES, name, number, ""))


def _count_tokens(text: str, counts: Counts) -> None:
    # A line of code is one on which a token starts: the inside of a long string is none.
    starts = set()
    for token in _whole_tokens(text):
        if token.type == tokenize.COMMENT:
            words = token.string.lstrip("#:").strip()
            counts.totals["comments"] += not words.startswith(DIRECTIVES)
        elif token.type not in LAYOUT:
            counts.totals["tokens"] += 1
            starts.add(token.start[0])
    counts.totals["code lines"] += len(starts)


def draw_comments(
    files: Iterable[Path],
    root: Path,
    seed: int,
) -> list[str]:
    """Return comments drawn at random, each with its place and the line below.

    Args:
        files: their paths, below `root`.
        root: what the places in the result are relative to.
        seed: of the drawing.
    """
    comments = []
    for path in files:
        text = path.read_text("utf-8")
        lines = [*text.splitlines(), ""]
        name = path.relative_to(root).as_posix()
        for token in _whole_tokens(text):
            words = token.string.lstrip("#:").strip()
            if token.type == tokenize.COMMENT and not words.startswith(DIRECTIVES):
                number = token.start[0]
                below = lines[number].strip()
                comments.append(f"{name}:{number}: {words}\n    {below}")
    generator = random.Random(seed)  # noqa: S311 - nothing here is secret
    return generator.sample(comments, min(DRAWN, len(comments)))


def _whole_tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    """Yield the tokens of a text, a formatted string as one, as Python 3.11 sees it."""
    depth = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        name = tokenize.tok_name[token.type]
        if name == "FSTRING_END":
            depth -= 1
        elif depth == 0:
            yield token
        if name == "FSTRING_START":
            depth += 1


def _count_tree(tree: ast.Module, name: str, counts: Counts) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            counts.totals["names"] += 1
            if node.id in GRAMMAR_WORDS:
                counts.totals["grammar names"] += 1
                counts.places.append(Place(GRAMMAR, name, node.lineno, node.id))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            last = node.end_lineno or node.lineno
            counts.functions.append(last - node.lineno + 1)
            _count_docstring(node, name, counts)


def _count_docstring(
    node: ast.FunctionDef | ast.AsyncFunctionDef, name: str, counts: Counts
) -> None:
    docstring = ast.get_docstring(node)
    if not docstring:
        return
    counts.totals["docstrings"] += 1
    first = docstring.split()[0].strip(".,:;`'\"").lower()
    if first in NOUN_WORDS:
        counts.places.append(Place(VERBS, name, node.lineno, first))
    else:
        counts.totals["verbs"] += 1


def product_files(folders: Iterable[str] = ()) -> Iterator[Path]:
    """Yield the product's Python files that are under version control, or new.

    Args:
        folders: below the repository; all when left out.
    """
    command = ["git", "ls-files", "-co", "--exclude-standard", "--", *(folders or ["."])]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    for name in sorted(set(listed.stdout.splitlines())):
        if not name.endswith(".py") or name.startswith(NOT_MEASURED) or name in GENERATED:
            continue
        # A file that was removed is listed until that is committed.
        if (ROOT / name).is_file():
            yield ROOT / name


def anchor_counts(package: str) -> Counts | None:
    """Count in an installed package; None where it is not installed."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    return measure(sorted(folder.rglob("*.py")), folder)


def table(columns: dict[str, Counts]) -> str:
    """Return a table of one column for each code base; the first is held against the bars."""
    names = " ".join(f"{name:>11}" for name in columns)
    lines = [f"{'':40}{'bar':>14} {names}"]
    figures = [counts.figures() for counts in columns.values()]
    for figure, bar in BARS.items():
        values = " ".join(f"{column[figure]:11.2f}" for column in figures)
        note = "" if bar.is_met(figures[0][figure]) else "  missed"
        lines.append(f"{figure:40}{bar.side:>9} {bar.limit:>4g} {values}{note}")
    return "\n".join(lines)


def check(folders: Iterable[str]) -> int:
    """Print the bars that a folder misses, with their places; return 1 where there is one."""
    code = 0
    for folder in folders:
        counts = measure(product_files([folder]), ROOT)
        missed = counts.missed()
        figures = counts.figures()
        for figure in missed:
            code = 1
            bar = BARS[figure]
            measured = f"{figures[figure]:.2f}, expected {bar.side} {bar.limit:g}"
            print(f"{folder}: {figure}: {measured}")
        for place in counts.places:
            if place.figure in missed:
                print(place)
    return code


def main(words: Sequence[str] | None = None) -> int:
    """Print the table, or check folders; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.style",
        description="Measure how full and how clear the lines of a code base are.",
    )
    parser.add_argument("folders", nargs="*", help="folders or files (default: the product)")
    parser.add_argument("--check", action="store_true", help="exit code 1 where a bar is missed")
    parser.add_argument("--comments", type=int, metavar="SEED", help="print 50 of them, drawn")
    options = parser.parse_args(words)
    if options.comments is not None:
        print(*draw_comments(product_files(options.folders), ROOT, options.comments), sep="\n")
        return 0
    if options.check:
        return check(options.folders or ["."])
    columns = {"product": measure(product_files(options.folders), ROOT)}
    for package in ANCHORS:
        counts = anchor_counts(package)
        if counts is not None:
            columns[package] = counts
    print(table(columns))
    if options.folders:
        print(*columns["product"].places, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
