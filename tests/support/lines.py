"""How long a line of the log becomes, which the worst day of a stack reckons with."""

from __future__ import annotations

#: Bytes of the longest event line of the model that ships by default, with some room: numbers of
#: seventeen digits, and every feature far from what it was.
LONGEST_LINE = 1200
