"""Show the examples of docstrings as code on the site: an extension of griffe, named in mkdocs.yml.

Google's style has a section for examples. Ours stand where they belong, as doctest wants them, and
Markdown would take `>>>` for a quotation.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

#: Lines from a prompt up to the next blank line.
EXAMPLE = re.compile(r"(?:^|(?<=\n))>>> .*(?:\n(?!\s*\n).+)*")


def fenced(text: str) -> str:
    """Return a docstring with its examples in fences.

    >>> fenced("Add.\\n\\n>>> 1 + 1\\n2\\n\\nMore.").splitlines()[2:6]
    ['```pycon', '>>> 1 + 1', '2', '```']
    """
    return EXAMPLE.sub(lambda match: f"```pycon\n{match[0]}\n```", text)


class Examples(griffe.Extension):
    """Puts the examples of every docstring into fences."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of an object when it has been read."""
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)
