"""List the code blocks of the documents, and how each is held: `python -m tools.doc_blocks`.

A block is run by `tests/site/test_site_blocks.py`, or checked by a test that is named here, or
stands in the printed list with the reason why it is not run. A block that no rule knows is an
error.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^```(?P<words>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
SHELLS = ("sh", "bash", "console")

RUN = "run"
#: Languages that say how a block is held, whatever it holds.
HELD = {
    "json": "validated against the contract that its fence names (nox -s contracts)",
    "text": "quoted output: compared with the product's (tests/docs, contracts, training)",
    "": "a drawing, or a layout",
    "toml": "parsed",
    "yaml": "parsed",
}
#: Why a shell block is not run: the first pattern that occurs in it decides.
NOT_RUN = {
    r"^python3 -m venv \.venv && .* nox -s (local|test)": "run by .ci/run and the browser's tests",
    r"\bpulumi\b": "needs an account, or the real engine of nox -s engine",
    r"\bnox -s\b": "a session of its own, run by .ci/run, or counted there as not run",
    r"\bdocker build\b": "needs a container engine: nox -s image builds it",
    r"\buvx\b|^pip install": "needs wheels: nox -s wheels runs it",
    r"\bbundles use\b": "names a version of the reader's own: tests/training runs the command",
    r"\bdriftctl init --data rows\.csv": "names a file of the reader's own: tests/proposal runs it",
    r"\.nox/infra/bin/": "needs the environment of nox -s infra, whose tests run it",
    r"\bdriftctl pack --model": "names files of the reader's own: tests/pack runs it",
    r"--release\b": "would release a contract",
    r"\bdriftctl (watch|serve)\b|python -m drift_console\b": "runs on: tests/console starts it",
    r"\bgit clone\b|\bpre-commit\b": "changes the reader's own checkout",
}


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        """Return file and line, as an editor opens them."""
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"

    @property
    def held(self) -> str:
        """Return RUN, or how else the block is held. Raises ValueError for a language that no rule
        knows.
        """
        if self.language in SHELLS:
            for pattern, reason in NOT_RUN.items():
                if re.search(pattern, self.text, re.MULTILINE):
                    return reason
            return RUN
        if self.language == "python":
            return RUN
        if self.language not in HELD:
            languages = ", ".join([*SHELLS, "python", *filter(None, HELD)])
            raise ValueError(f"{self.place}: expected a block of {languages}")
        return HELD[self.language]


def pages() -> list[Path]:
    """Return the pages that a reader of the project meets."""
    named = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md")
    rooms = sorted(ROOT.glob("*/README.md")) + sorted(ROOT.glob("services/*/README.md"))
    chosen = [ROOT / name for name in named] + sorted((ROOT / "docs").rglob("*.md")) + rooms
    return [page for page in chosen if page.is_file()]


def blocks(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    text = page.read_text("utf-8")
    for match in FENCE.finditer(text):
        language = match["words"].split(" ")[0]
        yield Block(page, text.count("\n", 0, match.start()) + 1, language, match["text"])


def all_blocks() -> list[Block]:
    """Return the blocks of all pages."""
    return [block for page in pages() for block in blocks(page)]


def main() -> int:
    """Print how many blocks are held in which way, and each that is neither run nor checked."""
    found = all_blocks()
    counted = Counter(block.held for block in found)
    print(f"{len(found)} code blocks in {len(pages())} pages")
    for held, count in counted.most_common():
        print(f"{count:4} {held}")
    for block in found:
        if block.held in NOT_RUN.values():
            print(f"     {block.place}: {block.held}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
