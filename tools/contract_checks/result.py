"""What a check returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """What one check looked at and what it found."""

    #: how many things were looked at; a check that looks at none has lost its subject
    checked: int
    #: a sentence for each thing that does not hold, with the way out
    failures: list[str]
