"""Text of others, made harmless for a terminal."""

from __future__ import annotations

import re

#: C0 but tab and line feed, DEL, C1 (a terminal may read U+009B as ESC [), and what turns the
#: direction of a line.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def printable(text: str) -> str:
    r"""Return the text with each control character replaced, so that it cannot steer a terminal.

    >>> printable("red\x1b[2J\tand\n\x9b31m") == f"red{REPLACEMENT}[2J\tand\n{REPLACEMENT}31m"
    True
    """
    return CONTROL.sub(REPLACEMENT, text)
