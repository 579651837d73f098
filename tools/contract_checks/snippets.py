"""JSON in the documentation: a fenced block that names a contract is checked against it.

The info string is `json NAME.vN`, and for requests the model:
`json prediction.request.v1 house-price`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FENCE = re.compile(
    r"^```json[ \t]+(?P<contract>[a-z][a-z.-]*\.v[0-9]+)(?:[ \t]+(?P<model>[a-z0-9-]+))?[ \t]*\n"
    r"(?P<text>.*?)^```",
    re.MULTILINE | re.DOTALL,
)
#: Folders of what others wrote, or a program.
SKIPPED = ("node_modules", "build", "dist")


@dataclass(frozen=True)
class Snippet:
    """One block of JSON."""

    #: file and line
    place: str
    contract: str
    #: the model that a request is for, if one is named
    model: str | None
    text: str


def snippets(root: Path) -> Iterator[Snippet]:
    """Yield every block that names a contract, of the Markdown files under a folder."""
    for path in sorted(root.rglob("*.md")):
        parts = path.relative_to(root).parts
        if any(part.startswith(".") or part in SKIPPED for part in parts):
            continue
        text = path.read_text("utf-8")
        for match in FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            place = f"{'/'.join(parts)}:{line}"
            yield Snippet(place, match["contract"], match["model"], match["text"])
