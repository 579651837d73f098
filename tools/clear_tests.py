"""Check that tests read without help: short names, a sentence each, public doors, facts of
messages.

python -m tools.clear_tests               all tests; exit code 1 where one misses a rule
python -m tools.clear_tests FOLDER...     those of some folders
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[1]
#: Words of a test's name after `test_`, and its characters, at most.
MOST_WORDS = 6
MOST_CHARACTERS = 50
#: Words of a message that a test matches, at most: its place and its rule, not its sentence.
MOST_MATCHED_WORDS = 6
#: Private by their spelling, public by their documentation: methods of named tuples.
NAMED_TUPLE = frozenset({"_asdict", "_fields", "_make", "_replace"})
#: Top packages of this repository; how tests use others is no concern of theirs.
OURS = ("drift_", "tools", "benchmarks")
# A sentence ends before a blank and a capital; "e.g. this" and "v1.0" go on.
SENTENCE_END = re.compile(r"[.!?]\s+(?=[A-Z`\"(])")
# The last name of a path: a module with an underscore may hold public names.
PRIVATE_NAME = re.compile(r"(?:^|\.)_[a-z]\w*$")


class Finding(NamedTuple):
    """Where a test misses a rule."""

    file: str
    line: int
    #: The rule, with the way out.
    rule: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule}"


def findings(path: Path, root: Path) -> Iterator[Finding]:
    """Yield where a file of tests misses a rule.

    Args:
        path: of the file, below `root`.
        root: of the repository.
    """
    name = path.relative_to(root).as_posix()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        for rule in _missed_by(node, root):
            # Of all nodes that miss a rule, each is a statement or an expression.
            yield Finding(name, getattr(node, "lineno", 1), rule)


def _missed_by(node: ast.AST, root: Path) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
        yield from _missed_by_name(node.name)
        yield from _missed_by_docstring(ast.get_docstring(node) or "")
    elif isinstance(node, ast.Attribute) and _is_foreign(node):
        yield f"{node.attr} is private: test by a public name"
    elif isinstance(node, ast.ImportFrom):
        yield from _missed_by_import(node, root)
    elif isinstance(node, ast.Call):
        yield from _missed_by_call(node)


def _missed_by_name(name: str) -> Iterator[str]:
    words = name.removeprefix("test_").split("_")
    if len(words) > MOST_WORDS or len(name) > MOST_CHARACTERS:
        limits = f"{MOST_WORDS} words and {MOST_CHARACTERS} characters"
        yield f"{name} is too long: at most {limits}, and a sentence as docstring"


def _missed_by_docstring(docstring: str) -> Iterator[str]:
    sentence = " ".join(docstring.split())
    if not sentence:
        yield "a test without a docstring: a sentence says what must hold"
    elif SENTENCE_END.search(sentence) or not sentence.endswith("."):
        yield "a test's docstring is one sentence, and ends with a full stop"


def _is_foreign(node: ast.Attribute) -> bool:
    is_private = node.attr.startswith("_") and not node.attr.startswith("__")
    # What a class of the test itself keeps is its own.
    is_own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
    return is_private and not is_own and node.attr not in NAMED_TUPLE


def _missed_by_import(node: ast.ImportFrom, root: Path) -> Iterator[str]:
    module = node.module or ""
    if not module.startswith(OURS):
        return
    for alias in node.names:
        # A module with an underscore is internal to its package; its functions may be public.
        is_private = alias.name.startswith("_") and not _is_module(module, alias.name, root)
        if is_private and not alias.name.startswith("__"):
            yield f"{alias.name} is private: test by a public name"


def _is_module(package: str, name: str, root: Path) -> bool:
    place = f"{package.replace('.', '/')}/{name}.py"
    folders = [root, *root.glob("*/src"), *root.glob("services/*/src")]
    return any((folder / place).is_file() for folder in folders)


def _missed_by_call(node: ast.Call) -> Iterator[str]:
    function = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if function in ("setattr", "delattr"):
        for argument in node.args[:2]:
            if PRIVATE_NAME.search(_text(argument)):
                yield f"{_text(argument)} is private: replace what has a public name"
    for keyword in node.keywords:
        if keyword.arg == "match" and len(_text(keyword.value).split()) > MOST_MATCHED_WORDS:
            yield "a message is matched by its place and rule, not by a whole sentence"


def _text(node: ast.expr) -> str:
    """Return the text of a literal; the empty text for another expression."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def main(words: Sequence[str] | None = None) -> int:
    """Print what misses a rule; return 1 where something does."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.clear_tests",
        description="Check that tests read without help.",
    )
    parser.add_argument("folders", nargs="*", help="folders (default: tests)")
    options = parser.parse_args(words)
    missed: list[Finding] = []
    for folder in options.folders or ["tests"]:
        for path in sorted((ROOT / folder).rglob("*.py")):
            missed += findings(path, ROOT)
    print(*missed, sep="\n", end="\n" if missed else "")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
